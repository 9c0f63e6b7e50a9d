//===- Flow.cpp - Where an instruction lets control go --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is not understood is refused: an indirect branch, an instruction that
// has no place in a helper, and one that does more than MC knows.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MCDecoder.h"
#include "llvm/BinaryFormat/ELF.h"

using namespace llvm;
using namespace elfmerge;

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

/// What MC knows to be a branch or a call, and where to.
Error MCDecoder::branch(const MCInst &Inst, Step &Result,
                        uint64_t Address) const {
  uint64_t Target = 0;
  if (!Analysis->evaluateBranch(Inst, Address, Result.Size, Target))
    return fail("instruction at " + hex(Address) +
                ": found an indirect branch or call, wanted a direct one");
  Result.Target = lowBits(Target, P.Is64 ? 64 : 32);
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

bool MCDecoder::isRegister(const MCOperand &O, unsigned Register) const {
  return O.isReg() && O.getReg() && whole(O.getReg()) == Register;
}

/// RISC-V's one instruction to jump, call and return; false if it is none of
/// them, or nobody knows where it goes.
bool MCDecoder::jumpAndLink(const MCInst &Inst, Step &Result,
                            const Values &V) const {
  const MCOperand &Link = Inst.getOperand(0), &Base = Inst.getOperand(1);
  int64_t Distance = Inst.getOperand(2).getImm();
  bool Jumps = Link.isReg() && Registers->isConstant(Link.getReg());
  if (!Jumps && !isRegister(Link, Return))
    return false;
  Values::Set Bases = valuesOf(Base, V);
  if (Bases.size() == 1) {
    Result.Target = *Bases.begin() + Distance;
    Result.Meaning = Jumps ? Kind::Branch : Kind::Call;
    Result.GoesOn = !Jumps;
    return true;
  }
  if (!Jumps || !Bases.empty() || Distance != 0 || !isRegister(Base, Return))
    return false;
  Result.Meaning = Kind::Return;
  Result.GoesOn = false;
  return true;
}

/// x86: refuses prefixes that processors and MC do not agree about.
Error MCDecoder::checkPrefixes(const MCInst &Inst, const X86Prefixes &X,
                               uint64_t Address) const {
  StringRef Found;
  if (X.AfterRex)
    Found = "a prefix behind REX or REX2";
  else if (X.OperandSize && changesFlow(Inst))
    Found = "a branch with an operand size";
  if (Found.empty())
    return Error::success();
  return fail("instruction at " + hex(Address) + ": found " + Found +
              ", wanted none");
}

/// What becomes of the flow of control.
Expected<Step> MCDecoder::control(const MCInst &Inst, uint64_t Address,
                                  uint64_t Size, const Values &V) const {
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
  std::optional<Form> F = formOf(Inst);
  if (!F && !ChangesFlow &&
      Instructions->get(Inst.getOpcode()).hasUnmodeledSideEffects())
    F = Form::Foreign;

  switch (F.value_or(Form::Plain)) {
  case Form::Return:
    if (V.find(Return))
      break;
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
    if (isRegister(Inst.getOperand(0), Return) && !V.find(Return))
      return End(Kind::Return);
    break;
  case Form::ReturnByPop:
    // "pop {..., pc}" and "pop {pc}"; without the program counter no return.
    if (ChangesFlow && (isRegister(Inst.getOperand(1), Stack) ||
                        isRegister(Inst.getOperand(0), Stack)))
      return End(Kind::Return);
    break;
  case Form::LinkOrJump:
    // A function that is called returns by the return register.
    if (!Registers->isConstant(Inst.getOperand(0).getReg()) &&
        !isRegister(Inst.getOperand(0), Return))
      return Refused("a call that links another register",
                     Registers->getName(Return));
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
