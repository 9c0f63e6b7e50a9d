//===- Ports.cpp - The machines that helpers are made for -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The enumerations of opcodes and registers are private to LLVM's targets;
// their names are not, so patterns are told by name. The decoder wants each of
// them to be known to LLVM, and refuses by itself what MC does not know enough
// of; Form::Foreign is for what it takes for a harmless instruction.
//
// Only what compilers write in front of a system call is a pattern. Any other
// write to a register makes its value unknown.
//
//===----------------------------------------------------------------------===//

#include "Ports.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace elfmerge;

#define ES_CALL(NAME, NUMBER) {#NAME, NUMBER},
static const SystemCall AArch64Calls[] = {
#include "aarch64/spawn/SystemCalls.def"
};

#define ES_CALL(NAME, NUMBER) {#NAME, NUMBER},
static const SystemCall ArmCalls[] = {
#include "arm/spawn/SystemCalls.def"
};

#define ES_CALL(NAME, NUMBER) {#NAME, NUMBER},
static const SystemCall I386Calls[] = {
#include "i386/spawn/SystemCalls.def"
};

#define ES_CALL(NAME, NUMBER) {#NAME, NUMBER},
static const SystemCall Riscv64Calls[] = {
#include "riscv64/spawn/SystemCalls.def"
};

#define ES_CALL(NAME, NUMBER) {#NAME, NUMBER},
static const SystemCall X86_64Calls[] = {
#include "x86_64/spawn/SystemCalls.def"
};

static const Pattern AArch64Patterns[] = {
    {"MOVZWi", Form::ShiftedImmediate},
    {"MOVZXi", Form::ShiftedImmediate},
    {"ORRWrs", Form::Or},
    {"ORRXrs", Form::Or},
    {"RET", Form::ReturnByRegister},
    {"HINT", Form::Plain},
    {"DMB", Form::Plain},
    {"PACIASP", Form::Plain},
    {"AUTIASP", Form::Plain},
    {"SVC", Form::Kernel},
    {"BRK", Form::Trap},
    {"UDF", Form::Trap},
    {"HVC", Form::Foreign},
    {"SMC", Form::Foreign},
};

static const Pattern ArmPatterns[] = {
    {"MOVi", Form::RotatedImmediate},
    {"MOVr", Form::Copy},
    {"ORRri", Form::OrRotated},
    {"LDRi12", Form::Literal},
    {"BX_RET", Form::Return},
    {"MOVPCLR", Form::Return},
    {"LDMIA_UPD", Form::ReturnByPop},
    {"LDR_POST_IMM", Form::ReturnByPop},
    {"SVC", Form::Kernel},
    {"UDF", Form::Trap},
    {"TRAP", Form::Trap},
    {"BKPT", Form::Trap},
    {"STRH_PRE", Form::Plain},
    {"BLXi", Form::Foreign}, // to Thumb code
    {"SMC", Form::Foreign},
    {"HVC", Form::Foreign},
};

static const Pattern I386Patterns[] = {
    {"MOV32ri", Form::Immediate}, {"MOV32rr", Form::Copy},
    {"MOV32rr_REV", Form::Copy},  {"XOR32rr", Form::Zero},
    {"XOR32rr_REV", Form::Zero},  {"RET32", Form::Return},
    {"INT", Form::Kernel},        {"HLT", Form::Trap},
    {"INT3", Form::Trap},         {"TRAP", Form::Trap},
    {"SYSCALL", Form::Foreign},   {"SYSENTER", Form::Foreign},
    {"INTO", Form::Foreign},      {"JMP_2", Form::Foreign},
    {"JCC_2", Form::Foreign},     {"CALLpcrel16", Form::Foreign},
    {"XBEGIN_2", Form::Foreign},  {"XBEGIN_4", Form::Foreign},
    {"LOOP", Form::Foreign},      {"LOOPE", Form::Foreign},
    {"LOOPNE", Form::Foreign},    {"ENDBR32", Form::Plain},
    {"DIV32r", Form::Plain},      {"DIV32m", Form::Plain},
    {"IDIV32r", Form::Plain},     {"IDIV32m", Form::Plain},
    {"PAUSE", Form::Plain},       {"CLD", Form::Plain},
    {"LODSB", Form::Plain},       {"MOVSB", Form::Plain},
    {"STOSB", Form::Plain},       {"MOVSW", Form::Plain},
    {"STOSW", Form::Plain},       {"MOVSL", Form::Plain},
    {"STOSL", Form::Plain},
};

static const Pattern Riscv64Patterns[] = {
    {"ADDI", Form::Sum},
    {"C_LI", Form::Immediate},
    {"C_MV", Form::Copy},
    {"AUIPC", Form::PageAddress},
    {"C_JR", Form::ReturnByRegister},
    {"JAL", Form::LinkOrJump},
    {"JALR", Form::JumpAndLink},
    {"ECALL", Form::Kernel},
    {"FENCE", Form::Plain},
    {"EBREAK", Form::Trap},
    {"C_EBREAK", Form::Trap},
    {"UNIMP", Form::Trap},
    {"C_UNIMP", Form::Trap},
};

static const Pattern X86_64Patterns[] = {
    {"MOV32ri", Form::Immediate},
    {"MOV64ri32", Form::Immediate},
    {"MOV64ri", Form::Immediate},
    {"MOV32rr", Form::Copy},
    {"MOV32rr_REV", Form::Copy},
    {"MOV64rr", Form::Copy},
    {"MOV64rr_REV", Form::Copy},
    {"XOR32rr", Form::Zero},
    {"XOR32rr_REV", Form::Zero},
    {"RET64", Form::Return},
    {"SYSCALL", Form::Kernel},
    {"HLT", Form::Trap},
    {"INT3", Form::Trap},
    {"TRAP", Form::Trap},
    {"INT", Form::Foreign},
    {"SYSENTER", Form::Foreign},
    {"JMP_2", Form::Foreign},
    {"JCC_2", Form::Foreign},
    {"JMPABS64i", Form::Foreign},
    {"XBEGIN_2", Form::Foreign},
    {"XBEGIN_4", Form::Foreign},
    {"LOOP", Form::Foreign}, // counts in a register that MC does not name
    {"LOOPE", Form::Foreign},
    {"LOOPNE", Form::Foreign},
    {"ENDBR64", Form::Plain},
    {"DIV32r", Form::Plain},
    {"DIV32m", Form::Plain},
    {"IDIV32r", Form::Plain},
    {"IDIV32m", Form::Plain},
    {"PAUSE", Form::Plain},
    {"CLD", Form::Plain},
    {"DIV64r", Form::Plain},
    {"DIV64m", Form::Plain},
    {"IDIV64r", Form::Plain},
    {"IDIV64m", Form::Plain},
    {"LODSB", Form::Plain},
    {"MOVSB", Form::Plain},
    {"STOSB", Form::Plain},
    {"MOVSW", Form::Plain},
    {"STOSW", Form::Plain},
    {"MOVSL", Form::Plain},
    {"STOSL", Form::Plain},
    {"MOVSQ", Form::Plain},
    {"STOSQ", Form::Plain},
};

static const Port Ports[] = {
    {"aarch64", "aarch64-unknown-linux-gnu", "", "", "aarch64linux",
     ELF::EM_AARCH64, /*Is64=*/true, 0, 0, 65536, 4, "X8", "X0", "", "SP", 0,
     "LR", AArch64Patterns, AArch64Calls},
    {"arm", "armv5te-unknown-linux-gnueabi", "", "", "armelf_linux_eabi",
     ELF::EM_ARM, /*Is64=*/false, ELF::EF_ARM_EABI_VER5,
     ELF::EF_ARM_ABI_FLOAT_SOFT | ELF::EF_ARM_ABI_FLOAT_HARD, 65536, 4, "R7",
     "R0", "", "SP", 0, "LR", ArmPatterns, ArmCalls},
    {"i386", "i386-unknown-linux-gnu", "", "", "elf_i386", ELF::EM_386,
     /*Is64=*/false, 0, 0, 4096, 1, "EAX", "EAX", "ECX", "ESP", 0x80, "",
     I386Patterns, I386Calls},
    // Double is the float ABI of every distribution; linkers compare it, and
    // nothing in a helper or an object depends on it.
    {"riscv64", "riscv64-unknown-linux-gnu", "+m,+a,+f,+d,+c", "lp64d",
     "elf64lriscv", ELF::EM_RISCV, /*Is64=*/true, 0,
     ELF::EF_RISCV_RVC | ELF::EF_RISCV_FLOAT_ABI, 65536, 2, "X17", "X10", "",
     "X2", -1, "X1", Riscv64Patterns, Riscv64Calls},
    {"x86_64", "x86_64-unknown-linux-gnu", "", "", "elf_x86_64", ELF::EM_X86_64,
     /*Is64=*/true, 0, 0, 4096, 1, "RAX", "RAX RCX R11", "RCX", "RSP", -1, "",
     X86_64Patterns, X86_64Calls},
};

ArrayRef<Port> elfmerge::ports() { return Ports; }

const Port *elfmerge::findPort(StringRef Name) {
  const Port *P = find_if(Ports, [&](const Port &X) { return Name == X.Name; });
  return P == std::end(Ports) ? nullptr : P;
}

const Port *elfmerge::findPort(uint16_t Machine) {
  const Port *P =
      find_if(Ports, [&](const Port &X) { return Machine == X.Machine; });
  return P == std::end(Ports) ? nullptr : P;
}

const Port *elfmerge::hostPort() {
  Triple Host(sys::getProcessTriple());
  const Port *P = find_if(Ports, [&](const Port &X) {
    return Host.getArch() == Triple(X.Triple).getArch();
  });
  return P == std::end(Ports) ? nullptr : P;
}

std::string elfmerge::portNames() {
  return join(map_range(Ports, [](const Port &P) { return P.Name; }), ", ");
}
