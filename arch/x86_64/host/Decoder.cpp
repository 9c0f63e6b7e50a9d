//===- Decoder.cpp --------------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The names of X86 opcodes and registers are private to LLVM's X86 target. The
/// few that matter here are learnt by decoding a sample of each.
///
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"
#include <vector>

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

enum class Idiom : uint8_t { None, MoveImm, Zero, Move, CondMove, Pop, Push };

struct Sample {
  Idiom Meaning;
  std::initializer_list<uint8_t> Bytes;
};

const Sample Samples[] = {
    {Idiom::MoveImm, {0xb8, 1, 0, 0, 0}},
    {Idiom::MoveImm, {0xc7, 0xc0, 1, 0, 0, 0}},
    {Idiom::MoveImm, {0x48, 0xc7, 0xc0, 1, 0, 0, 0}},
    {Idiom::MoveImm, {0x48, 0xb8, 1, 0, 0, 0, 0, 0, 0, 1}},
    {Idiom::Zero, {0x31, 0xc0}},
    {Idiom::Zero, {0x33, 0xc0}},
    {Idiom::Zero, {0x48, 0x31, 0xc0}},
    {Idiom::Zero, {0x48, 0x33, 0xc0}},
    {Idiom::Zero, {0x29, 0xc0}},
    {Idiom::Zero, {0x2b, 0xc0}},
    {Idiom::Move, {0x89, 0xc8}},
    {Idiom::Move, {0x8b, 0xc1}},
    {Idiom::Move, {0x48, 0x89, 0xc8}},
    {Idiom::Move, {0x48, 0x8b, 0xc1}},
    {Idiom::CondMove, {0x0f, 0x44, 0xc1}},
    {Idiom::CondMove, {0x48, 0x0f, 0x44, 0xc1}},
    {Idiom::Pop, {0x58}},
    {Idiom::Push, {0x6a, 1}},
    {Idiom::Push, {0x68, 1, 1, 0, 0}},
};

const Target &x86Target() {
  static const Target *T = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86Disassembler();
    std::string Error;
    return TargetRegistry::lookupTarget("x86_64-linux-gnu", Error);
  }();
  return *T;
}

bool isNop(ArrayRef<uint8_t> Bytes) {
  while (Bytes.size() > 1 && is_contained({0x66, 0x2e}, Bytes.front()))
    Bytes = Bytes.drop_front();
  return Bytes[0] == 0x90 ||
         (Bytes.size() > 1 && Bytes[0] == 0x0f && Bytes[1] == 0x1f);
}

} // namespace

struct Decoder::Impl {
  std::unique_ptr<MCRegisterInfo> MRI;
  std::unique_ptr<MCAsmInfo> MAI;
  std::unique_ptr<MCInstrInfo> MII;
  std::unique_ptr<MCSubtargetInfo> STI;
  std::unique_ptr<MCInstrAnalysis> MIA;
  std::unique_ptr<MCContext> Ctx;
  std::unique_ptr<MCDisassembler> Dis;

  std::vector<uint8_t> RegOf;                     ///< by LLVM's register number
  std::vector<std::pair<unsigned, Idiom>> Idioms; ///< by opcode
  unsigned Rip = 0, Flags = 0, Hlt = 0, Ud2 = 0, Int3 = 0, Syscall = 0,
           Cpuid = 0;

  Impl();
  void learnRegisters();
  unsigned opcodeOf(ArrayRef<uint8_t> Bytes);
  bool decode(ArrayRef<uint8_t> Bytes, uint64_t Address, MCInst &Inst,
              uint64_t &Size) {
    Inst.clear();
    return Dis->getInstruction(Inst, Size, Bytes, Address, nulls()) ==
           MCDisassembler::Success;
  }
  Idiom idiomOf(unsigned Opcode) const {
    auto It = llvm::find_if(Idioms, [=](auto &P) { return P.first == Opcode; });
    return It == Idioms.end() ? Idiom::None : It->second;
  }
  uint8_t reg(const MCInst &Inst, unsigned Operand) const {
    return RegOf[Inst.getOperand(Operand).getReg()];
  }
  bool defines(const MCInst &Inst, uint8_t Register) const;
  InsnKind classify(const MCInst &Inst, ArrayRef<uint8_t> Bytes) const;
  FlagUse flagUse(const MCInst &Inst) const;
  bool isRipRelative(const MCInst &Inst) const;
  uint8_t ripOffset(const MCInst &Inst, ArrayRef<uint8_t> Bytes);
};

Decoder::Impl::Impl() {
  const Target &T = x86Target();
  const char *TT = "x86_64-linux-gnu";
  MRI.reset(T.createMCRegInfo(TT));
  MAI.reset(T.createMCAsmInfo(*MRI, TT, MCTargetOptions()));
  MII.reset(T.createMCInstrInfo());
  STI.reset(T.createMCSubtargetInfo(TT, "", ""));
  MIA.reset(T.createMCInstrAnalysis(MII.get()));
  Ctx =
      std::make_unique<MCContext>(Triple(TT), MAI.get(), MRI.get(), STI.get());
  Dis.reset(T.createMCDisassembler(*STI, *Ctx));
  learnRegisters();
  for (const Sample &S : Samples)
    Idioms.push_back({opcodeOf(S.Bytes), S.Meaning});
  Hlt = opcodeOf({0xf4});
  Ud2 = opcodeOf({0x0f, 0x0b});
  Int3 = opcodeOf({0xcc});
  Syscall = opcodeOf({0x0f, 0x05});
  Cpuid = opcodeOf({0x0f, 0xa2});
}

unsigned Decoder::Impl::opcodeOf(ArrayRef<uint8_t> Bytes) {
  MCInst Inst;
  uint64_t Size;
  [[maybe_unused]] bool Ok = decode(Bytes, 0, Inst, Size);
  assert(Ok && "a sample is a valid instruction");
  return Inst.getOpcode();
}

void Decoder::Impl::learnRegisters() {
  RegOf.assign(MRI->getNumRegs(), NoReg);
  MCInst Inst;
  uint64_t Size;
  for (unsigned R = 0; R != 16; ++R) {
    // mov $1, %r64
    const uint8_t Mov[] = {
        uint8_t(0x48 | R >> 3), 0xc7, uint8_t(0xc0 | (R & 7)), 1, 0, 0, 0};
    decode(Mov, 0, Inst, Size);
    for (MCPhysReg Sub : MRI->subregs_inclusive(Inst.getOperand(0).getReg()))
      RegOf[Sub] = R;
  }
  // lea 0(%rip), %rax
  decode({0x48, 0x8d, 0x05, 0, 0, 0, 0}, 0, Inst, Size);
  Rip = Inst.getOperand(1).getReg();
  // cmc, which reads and writes nothing else
  decode({0xf5}, 0, Inst, Size);
  Flags = MII->get(Inst.getOpcode()).implicit_uses().front();
}

InsnKind Decoder::Impl::classify(const MCInst &Inst,
                                 ArrayRef<uint8_t> Bytes) const {
  unsigned Opcode = Inst.getOpcode();
  if (Opcode == Syscall)
    return InsnKind::Syscall;
  if (Opcode == Cpuid)
    return InsnKind::Cpuid;
  if (Opcode == Hlt || Opcode == Ud2 || Opcode == Int3)
    return InsnKind::Trap;
  const MCInstrDesc &Desc = MII->get(Opcode);
  if (Desc.isCall())
    return InsnKind::Call;
  if (Desc.isReturn())
    return InsnKind::Return;
  if (Desc.isIndirectBranch())
    return InsnKind::IndirectJump;
  if (Desc.isBranch())
    return Desc.isBarrier() ? InsnKind::Jump : InsnKind::CondBranch;
  return isNop(Bytes) ? InsnKind::Nop : InsnKind::Plain;
}

bool Decoder::Impl::defines(const MCInst &Inst, uint8_t Register) const {
  const MCInstrDesc &Desc = MII->get(Inst.getOpcode());
  for (unsigned Op = 0, E = Desc.getNumDefs(); Op != E; ++Op)
    if (Inst.getOperand(Op).isReg() && reg(Inst, Op) == Register)
      return true;
  return llvm::any_of(Desc.implicit_defs(),
                      [&](MCPhysReg R) { return RegOf[R] == Register; });
}

FlagUse Decoder::Impl::flagUse(const MCInst &Inst) const {
  const MCInstrDesc &Desc = MII->get(Inst.getOpcode());
  if (is_contained(Desc.implicit_uses(), Flags))
    return FlagUse::Read;
  return is_contained(Desc.implicit_defs(), Flags) ? FlagUse::Write
                                                   : FlagUse::None;
}

bool Decoder::Impl::isRipRelative(const MCInst &Inst) const {
  return llvm::any_of(Inst, [&](const MCOperand &Op) {
    return Op.isReg() && Op.getReg() == Rip;
  });
}

/// The place of the distance is found by changing four bytes at a time until
/// the disassembler sees another distance and no other difference.
uint8_t Decoder::Impl::ripOffset(const MCInst &Inst, ArrayRef<uint8_t> Bytes) {
  auto Target = [&](const MCInst &Inst) {
    return MIA->evaluateMemoryOperandAddress(Inst, STI.get(), 0, Bytes.size());
  };
  auto Original = Target(Inst);
  if (!Original)
    return 0;
  int32_t Distance = int32_t(*Original - Bytes.size());
  const int32_t Changed = Distance ^ 0x5a5a5a5a;
  MCInst Other;
  uint64_t Size;
  for (unsigned Offset = 2; Offset + 4 <= Bytes.size(); ++Offset) {
    uint8_t Copy[16];
    llvm::copy(Bytes, Copy);
    if (int32_t(support::endian::read32le(Copy + Offset)) != Distance)
      continue;
    support::endian::write32le(Copy + Offset, Changed);
    if (!decode({Copy, Bytes.size()}, 0, Other, Size) || Size != Bytes.size() ||
        Other.getOpcode() != Inst.getOpcode())
      continue;
    if (Target(Other) == Bytes.size() + int64_t(Changed))
      return Offset;
  }
  return 0;
}

Decoder::Decoder() : I(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

Decoder &Decoder::get() {
  thread_local Decoder D;
  return D;
}

Insn Decoder::decode(ArrayRef<uint8_t> Bytes, uint64_t Address) {
  Insn Result;
  Result.Address = Address;
  MCInst Inst;
  uint64_t Size = 0;
  if (!I->decode(Bytes, Address, Inst, Size))
    return Result;
  Result.Size = Size;
  Result.Kind = I->classify(Inst, Bytes.take_front(Size));
  if (Result.isBranch() || Result.Kind == InsnKind::Call)
    Result.HasTarget =
        I->MIA->evaluateBranch(Inst, Address, Size, Result.Target);
  Result.Flags = I->flagUse(Inst);
  Result.IsRipRelative = I->isRipRelative(Inst);
  if (Result.IsRipRelative)
    Result.RipOffset = I->ripOffset(Inst, Bytes.take_front(Size));
  return Result;
}

RegEffect Decoder::effect(ArrayRef<uint8_t> Bytes, uint64_t Address,
                          uint8_t Register) {
  MCInst Inst;
  uint64_t Size;
  if (!I->decode(Bytes, Address, Inst, Size))
    return {};
  if (!I->defines(Inst, Register))
    return {RegEffect::None};
  switch (I->idiomOf(Inst.getOpcode())) {
  case Idiom::MoveImm:
    return {RegEffect::Const, NoReg, uint32_t(Inst.getOperand(1).getImm())};
  case Idiom::Zero:
    if (I->reg(Inst, 1) == I->reg(Inst, 2))
      return {RegEffect::Const, NoReg, 0};
    return {};
  case Idiom::Move:
    return {RegEffect::Copy, I->reg(Inst, 1)};
  case Idiom::CondMove:
    return {RegEffect::Choose, I->reg(Inst, 2)};
  case Idiom::Pop:
    return {RegEffect::PopTop};
  case Idiom::Push:
  case Idiom::None:
    return {};
  }
  return {};
}

std::optional<uint32_t> Decoder::pushedConst(ArrayRef<uint8_t> Bytes,
                                             uint64_t Address) {
  MCInst Inst;
  uint64_t Size;
  if (!I->decode(Bytes, Address, Inst, Size) ||
      I->idiomOf(Inst.getOpcode()) != Idiom::Push)
    return std::nullopt;
  return uint32_t(Inst.getOperand(0).getImm());
}

} // namespace elfmerge::x86_64
