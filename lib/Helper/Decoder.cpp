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

const Values::Set *Values::find(unsigned Register) const {
  auto At = Known.find(Register);
  return At == Known.end() ? nullptr : &At->second;
}

void Values::assign(unsigned Register, Set Possible) {
  // More than these nobody wrote by hand, and it ends the growth in loops.
  if (Possible.size() > 64)
    Known.erase(Register);
  else
    Known[Register] = std::move(Possible);
}

void Values::forgetIf(function_ref<bool(unsigned)> Overlaps) {
  for (auto At = Known.begin(); At != Known.end();)
    At = Overlaps(At->first) ? Known.erase(At) : std::next(At);
}

bool Values::join(const Values &Other) {
  bool Changed = false;
  for (auto At = Known.begin(); At != Known.end();) {
    auto &[Register, Set] = *At++;
    size_t Before = Set.size();
    if (const Values::Set *Theirs = Other.find(Register))
      Set.insert(Theirs->begin(), Theirs->end());
    if (!Other.find(Register) || Set.size() > 64) {
      Changed = true;
      Known.erase(Register);
    } else {
      Changed |= Set.size() != Before;
    }
  }
  return Changed;
}

Decoder::~Decoder() = default;

namespace {

class MCDecoder : public Decoder {
public:
  explicit MCDecoder(const Image &I) : I(I), P(*I.Machine), TT(P.Triple) {}
  Error start();
  Expected<Step> step(uint64_t Address, Values &V) override;
  unsigned numberRegister() const override { return whole(P.NumberRegister); }

private:
  unsigned whole(MCRegister R) const;
  unsigned whole(StringRef Name) const;
  const Pattern *findPattern(const MCInst &Inst) const;
  Values::Set valuesOf(const MCOperand &O, const Values &V) const;
  bool isPredicated(const MCInst &Inst) const;
  void forWritten(const MCInst &Inst,
                  function_ref<void(MCRegister)> Function) const;
  bool changesFlow(const MCInst &Inst) const;
  std::optional<Values::Set> value(const MCInst &Inst, Form F, uint64_t Address,
                                   const Values &V) const;
  Expected<Step> control(const MCInst &Inst, const Pattern *Found,
                         uint64_t Address, uint64_t Size,
                         const Values &V) const;
  Error branch(const MCInst &Inst, Step &Result, uint64_t Address) const;
  bool isRegister(const MCOperand &O, StringRef Name) const;
  bool jumpAndLink(const MCInst &Inst, Step &Result, const Values &V) const;

  const Image &I;
  const Port &P;
  Triple TT;
  MCTargetOptions Options;
  std::unique_ptr<MCRegisterInfo> Registers;
  std::unique_ptr<MCAsmInfo> AsmInfo;
  std::unique_ptr<MCInstrInfo> Instructions;
  std::unique_ptr<MCSubtargetInfo> Subtarget;
  std::unique_ptr<MCContext> Context;
  std::unique_ptr<MCDisassembler> Disassembler;
  std::unique_ptr<MCInstrAnalysis> Analysis;
};

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

/// What an operand may be; empty if that is not known.
Values::Set MCDecoder::valuesOf(const MCOperand &O, const Values &V) const {
  if (O.isImm())
    return {uint64_t(O.getImm())};
  if (!O.isReg())
    return {};
  if (Registers->isConstant(O.getReg()))
    return {0};
  const Values::Set *Known = V.find(whole(O.getReg()));
  return Known ? *Known : Values::Set();
}

/// Whether the instruction is carried out under a condition only (A32).
bool MCDecoder::isPredicated(const MCInst &Inst) const {
  enum { Always = 14 };
  int Index = Instructions->get(Inst.getOpcode()).findFirstPredOperandIdx();
  return Index >= 0 && Inst.getOperand(Index).isImm() &&
         Inst.getOperand(Index).getImm() != Always;
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

bool MCDecoder::changesFlow(const MCInst &Inst) const {
  const MCInstrDesc &Desc = Instructions->get(Inst.getOpcode());
  bool Result = Desc.mayAffectControlFlow(Inst, *Registers) ||
                Desc.isBarrier() || Analysis->isTerminator(Inst) ||
                Analysis->isBranch(Inst) || Analysis->isCall(Inst) ||
                Analysis->isReturn(Inst);
  forWritten(Inst, [&](MCRegister R) {
    Result |= R == Registers->getProgramCounter();
  });
  return Result;
}

static uint64_t truncate(uint64_t Value, unsigned Bits) {
  return Bits >= 64 ? Value : Value & maskTrailingOnes<uint64_t>(Bits);
}

/// A constant of A32: eight bits, and by how many pairs they are rotated.
static uint32_t rotated(uint64_t Encoded) {
  return rotr<uint32_t>(Encoded & 0xff, (Encoded >> 8 & 0xf) * 2);
}

/// What the pattern \p F puts into the register of operand 0.
std::optional<Values::Set> MCDecoder::value(const MCInst &Inst, Form F,
                                            uint64_t Address,
                                            const Values &V) const {
  auto Operand = [&](unsigned N) { return valuesOf(Inst.getOperand(N), V); };
  auto Immediate = [&](unsigned N) {
    return uint64_t(Inst.getOperand(N).getImm());
  };
  auto Combine = [&](auto Function) {
    Values::Set Result;
    for (uint64_t A : Operand(1))
      for (uint64_t B : Operand(2))
        Result.insert(Function(A, B));
    return Result;
  };
  switch (F) {
  case Form::Immediate:
    if (!Inst.getOperand(1).isImm())
      return std::nullopt;
    return Values::Set{Immediate(1)};
  case Form::RotatedImmediate:
    return Values::Set{rotated(Immediate(1))};
  case Form::OrRotated:
    return Combine([](uint64_t A, uint64_t B) { return A | rotated(B); });
  case Form::ShiftedImmediate:
    if (!Inst.getOperand(1).isImm())
      return std::nullopt;
    return Values::Set{Immediate(1) << (Immediate(2) & 63)};
  case Form::Copy:
    return Operand(1);
  case Form::Zero:
    if (Inst.getOperand(1).getReg() != Inst.getOperand(2).getReg())
      return std::nullopt;
    return Values::Set{0};
  case Form::Sum:
    return Combine([](uint64_t A, uint64_t B) { return A + B; });
  case Form::Or:
    if (Immediate(3) != 0)
      return std::nullopt;
    return Combine([](uint64_t A, uint64_t B) { return A | B; });
  case Form::PageAddress:
    return Values::Set{Address + SignExtend64<32>(Immediate(1) << 12)};
  case Form::Literal: {
    if (StringRef(Registers->getName(Inst.getOperand(1).getReg())) != "PC")
      return std::nullopt;
    StringRef Word = I.at(Address + 8 + Immediate(2), ELF::PF_R);
    if (Word.size() < 4)
      return std::nullopt;
    return Values::Set{support::endian::read32le(Word.data())};
  }
  default:
    return std::nullopt;
  }
}

/// What MC knows to be a branch or a call, and where to.
Error MCDecoder::branch(const MCInst &Inst, Step &Result,
                        uint64_t Address) const {
  uint64_t Target = 0;
  if (!Analysis->evaluateBranch(Inst, Address, Result.Size, Target))
    return fail("instruction at " + hex(Address) +
                ": found an indirect branch or call, wanted a direct one");
  Result.Target = truncate(Target, P.Is64 ? 64 : 32);
  Result.Meaning = Analysis->isCall(Inst) ? Kind::Call : Kind::Branch;
  if (Result.Meaning == Kind::Call)
    return Error::success();
  // Where every branch has a condition, an unconditional one is no barrier.
  const MCInstrDesc &Desc = Instructions->get(Inst.getOpcode());
  Result.GoesOn =
      Desc.findFirstPredOperandIdx() >= 0
          ? Result.Conditional
          : !Desc.isBarrier() && !Analysis->isUnconditionalBranch(Inst);
  return Error::success();
}

bool MCDecoder::isRegister(const MCOperand &O, StringRef Name) const {
  return O.isReg() && whole(O.getReg()) == whole(Name);
}

/// RISC-V's one instruction to jump, call and return; false if it is none of
/// them, or nobody knows where it goes.
bool MCDecoder::jumpAndLink(const MCInst &Inst, Step &Result,
                            const Values &V) const {
  const MCOperand &Link = Inst.getOperand(0), &Base = Inst.getOperand(1);
  int64_t Distance = Inst.getOperand(2).getImm();
  bool Jumps = isRegister(Link, "X0");
  if (!Jumps && !isRegister(Link, P.ReturnRegister))
    return false;
  Values::Set Bases = valuesOf(Base, V);
  if (Bases.size() == 1) {
    Result.Target = *Bases.begin() + Distance;
    Result.Meaning = Jumps ? Kind::Branch : Kind::Call;
    Result.GoesOn = !Jumps;
    return true;
  }
  if (!Jumps || !Bases.empty() || Distance != 0 ||
      !isRegister(Base, P.ReturnRegister))
    return false;
  Result.Meaning = Kind::Return;
  Result.GoesOn = false;
  return true;
}

/// What becomes of the flow of control.
Expected<Step> MCDecoder::control(const MCInst &Inst, const Pattern *Found,
                                  uint64_t Address, uint64_t Size,
                                  const Values &V) const {
  Step Result;
  Result.Size = Size;
  Result.Conditional = isPredicated(Inst);
  auto End = [&](Kind K) {
    Result.Meaning = K;
    Result.GoesOn = Result.Conditional;
    return Result;
  };
  auto Refused = [&](const Twine &What, const Twine &Wanted) {
    return fail("instruction at " + hex(Address) + ": found " + What +
                ", wanted " + Wanted);
  };
  bool ChangesFlow = changesFlow(Inst);

  switch (Found ? Found->Meaning : Form::Copy) {
  case Form::Return:
    return End(Kind::Return);
  case Form::Trap:
    return End(Kind::Trap);
  case Form::Kernel:
    if (P.KernelOperand >= 0 && Inst.getOperand(0).getImm() != P.KernelOperand)
      return Refused("a trap with number " + hex(Inst.getOperand(0).getImm()),
                     hex(P.KernelOperand));
    Result.Meaning = Kind::SystemCall;
    return Result;
  case Form::Foreign:
    return Refused(Instructions->getName(Inst.getOpcode()),
                   "none of that kind");
  case Form::ReturnByRegister:
    if (isRegister(Inst.getOperand(0), P.ReturnRegister))
      return End(Kind::Return);
    break;
  case Form::ReturnByPop:
    // "pop {..., pc}" and "pop {pc}"; without the program counter no return.
    if (ChangesFlow && (isRegister(Inst.getOperand(1), "SP") ||
                        isRegister(Inst.getOperand(0), "SP")))
      return End(Kind::Return);
    break;
  case Form::JumpAndLink:
    if (jumpAndLink(Inst, Result, V))
      return Result;
    break;
  default:
    break;
  }

  if (!ChangesFlow)
    return Result;
  if (Error E = branch(Inst, Result, Address))
    return E;
  return Result;
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
