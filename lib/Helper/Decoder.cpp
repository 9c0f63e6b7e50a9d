//===- Decoder.cpp - What one instruction does ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MC knows where a branch goes and which registers an instruction writes. The
// port's patterns add what MC has no word for. An instruction that may change
// the flow of control and is neither of a kind that is understood nor direct is
// refused here, so whoever follows the instructions from the entry has seen all
// that can be executed.
//
// A register is always known by the largest one that contains it, tuples of
// registers aside, and a write to any part of it that is no pattern's makes all
// of it unknown.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/BinaryFormat/ELF.h"
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

using namespace llvm;
using namespace elfmerge;

Decoder::~Decoder() = default;

namespace {

Error MCDecoder::start() {
  std::string Why;
  const Target *T = TargetRegistry::lookupTarget(P.Triple, Why);
  if (!T)
    return fail("this LLVM cannot disassemble " + Twine(P.Name) + ": " + Why);
  Registers.reset(T->createMCRegInfo(P.Triple));
  AsmInfo.reset(T->createMCAsmInfo(*Registers, P.Triple, Options));
  Instructions.reset(T->createMCInstrInfo());
  Subtarget.reset(T->createMCSubtargetInfo(P.Triple, "", P.Attributes));
  Context = std::make_unique<MCContext>(TT, AsmInfo.get(), Registers.get(),
                                        Subtarget.get());
  Disassembler.reset(T->createMCDisassembler(*Subtarget, *Context));
  Analysis.reset(T->createMCInstrAnalysis(Instructions.get()));
  if (!Disassembler || !Analysis)
    return fail("this LLVM cannot disassemble " + Twine(P.Name));
  return Error::success();
}

/// The largest register that contains \p R. LLVM calls a tuple of registers by
/// their names with underscores between them.
unsigned MCDecoder::whole(MCRegister R) const {
  unsigned Result = R.id();
  for (MCPhysReg Super : Registers->superregs(R))
    if (!StringRef(Registers->getName(Super)).contains('_') &&
        Registers->isSuperRegister(Result, Super))
      Result = Super;
  return Result;
}

unsigned MCDecoder::whole(StringRef Name) const {
  for (unsigned R = 1; R != Registers->getNumRegs(); ++R)
    if (Name == Registers->getName(R))
      return whole(MCRegister(R));
  return 0;
}

const Pattern *MCDecoder::findPattern(const MCInst &Inst) const {
  StringRef Name = Instructions->getName(Inst.getOpcode());
  const Pattern *Found =
      find_if(P.Patterns, [&](const Pattern &X) { return Name == X.Opcode; });
  return Found == P.Patterns.end() ? nullptr : Found;
}

/// Calls \p Function with every register the instruction may write.
void MCDecoder::forWritten(const MCInst &Inst,
                           function_ref<void(MCRegister)> Function) const {
  const MCInstrDesc &Desc = Instructions->get(Inst.getOpcode());
  // The last operand of a variadic instruction is the first of a list, of which
  // not every target tells whether it is written.
  unsigned List = Desc.getNumOperands() - (Desc.isVariadic() ? 1 : 0);
  for (auto [Index, O] : enumerate(Inst))
    if (O.isReg() && O.getReg() && (Index < Desc.getNumDefs() || Index >= List))
      Function(O.getReg());
  for (MCPhysReg R : Desc.implicit_defs())
    Function(R);
}

static uint64_t truncate(uint64_t Value, unsigned Bits) {
  return Bits >= 64 ? Value : Value & maskTrailingOnes<uint64_t>(Bits);
}

Expected<Step> MCDecoder::step(uint64_t Address, Values &V) {
  StringRef Bytes = I.at(Address, ELF::PF_X);
  MCInst Inst;
  uint64_t Size = 0;
  if (Disassembler->getInstruction(Inst, Size, arrayRefFromStringRef(Bytes),
                                   Address, nulls()) != MCDisassembler::Success)
    return fail("instruction at " + hex(Address) + ": found none of " + P.Name);
  const Pattern *Found = findPattern(Inst);
  Expected<Step> Result = control(Inst, Found, Address, Size, V);
  if (!Result)
    return Result;
  std::optional<Values::Set> New;
  if (Found)
    New = value(Inst, Found->Meaning, Address, V);
  unsigned Into = 0, Bits = 64;
  Values::Set Old;
  if (New && !New->empty()) {
    MCRegister R = Inst.getOperand(0).getReg();
    Into = whole(R);
    if (!P.Is64 || R.id() != Into)
      Bits = 32;
    if (const Values::Set *Known = V.find(Into))
      Old = *Known;
  }
  auto Forget = [&](MCRegister R) {
    V.forgetIf(
        [&](unsigned Other) { return Registers->regsOverlap(R, Other); });
  };
  forWritten(Inst, Forget);
  if (Result->Meaning == Kind::SystemCall)
    Forget(whole(P.ResultRegister));
  if (!Into || (isPredicated(Inst) && Old.empty()))
    return Result;
  if (!isPredicated(Inst))
    Old.clear();
  for (uint64_t Value : *New)
    Old.insert(truncate(Value, Bits));
  V.assign(Into, std::move(Old));
  return Result;
}

} // namespace

Expected<std::unique_ptr<Decoder>> Decoder::create(const Image &I) {
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64Disassembler();
  LLVMInitializeARMTargetInfo();
  LLVMInitializeARMTargetMC();
  LLVMInitializeARMDisassembler();
  LLVMInitializeRISCVTargetInfo();
  LLVMInitializeRISCVTargetMC();
  LLVMInitializeRISCVDisassembler();
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86Disassembler();
  auto Result = std::make_unique<MCDecoder>(I);
  if (Error E = Result->start())
    return E;
  return Result;
}
