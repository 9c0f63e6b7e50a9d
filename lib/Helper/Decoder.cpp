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
// that can be executed. So is one that, as MC says, does more than MC knows,
// unless a pattern calls it harmless.
//
// A register is always known by the largest one that contains it, tuples of
// registers aside, and a write to any part of it that is no pattern's makes all
// of it unknown.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MCDecoder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;
using namespace elfmerge;

Decoder::~Decoder() = default;

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
  if (Error E = readTables())
    return E;
  return readRegisters();
}

/// Every name has to be there: a pattern that refuses must not get lost because
/// another LLVM calls the instruction differently.
Error MCDecoder::readTables() {
  StringMap<Form> Missing;
  for (const Pattern &X : P.Patterns)
    Missing[X.Opcode] = X.Meaning;
  for (unsigned Opcode = 0; Opcode != Instructions->getNumOpcodes(); ++Opcode) {
    auto At = Missing.find(Instructions->getName(Opcode));
    if (At == Missing.end())
      continue;
    Forms[Opcode] = At->second;
    Missing.erase(At);
  }
  if (!Missing.empty())
    return fail("this LLVM has no instruction " + Missing.begin()->first() +
                " for " + P.Name);
  return Error::success();
}

Error MCDecoder::readRegisters() {
  auto Find = [&](StringRef Name, unsigned &Register) {
    Register = Name.empty() ? 0 : whole(Name);
    return Name.empty() || Register
               ? Error::success()
               : fail("this LLVM has no register " + Name + " for " + P.Name);
  };
  SmallVector<StringRef> Names;
  StringRef(P.ClobberedRegisters).split(Names, ' ');
  Clobbered.resize(Names.size());
  for (auto [Name, Register] : zip_equal(Names, Clobbered))
    if (Error E = Find(Name, Register))
      return E;
  if (Error E = Find(P.NumberRegister, Number))
    return E;
  if (Error E = Find(P.ReturnRegister, Return))
    return E;
  if (Error E = Find(P.StackRegister, Stack))
    return E;
  return Find(P.CountRegister, Counter);
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

std::optional<Form> MCDecoder::formOf(const MCInst &Inst) const {
  auto At = Forms.find(Inst.getOpcode());
  return At == Forms.end() ? std::nullopt : std::optional(At->second);
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

Expected<Step> MCDecoder::step(uint64_t Address, Values &V) {
  StringRef Bytes = I.at(Address, ELF::PF_X);
  MCInst Inst;
  uint64_t Size = 0;
  if (Disassembler->getInstruction(Inst, Size, arrayRefFromStringRef(Bytes),
                                   Address, nulls()) != MCDisassembler::Success)
    return fail("instruction at " + hex(Address) + ": found none of " + P.Name);
  X86Prefixes Prefixes;
  if (TT.isX86()) {
    Prefixes = readX86Prefixes(Bytes.take_front(Size), P.Is64);
    if (Error E = checkPrefixes(Inst, Prefixes, Address))
      return E;
  }
  Expected<Step> Result = control(Inst, Address, Size, V);
  if (!Result)
    return Result;
  std::optional<Values::Set> New;
  if (std::optional<Form> F = formOf(Inst))
    New = value(Inst, *F, Address, V);
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
    for (unsigned Register : Clobbered)
      Forget(Register);
  if (Prefixes.Repeat)
    Forget(Counter);
  if (!Into || (isPredicated(Inst) && Old.empty()))
    return Result;
  if (!isPredicated(Inst))
    Old.clear();
  for (uint64_t Value : *New)
    Old.insert(lowBits(Value, Bits));
  V.assign(Into, std::move(Old));
  return Result;
}

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
