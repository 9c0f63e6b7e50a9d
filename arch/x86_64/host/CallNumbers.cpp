//===- CallNumbers.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Backward from the site: a question is "what is in this register in front of
// this instruction". Each instruction that can come before answers it or passes
// it on. Control from outside the region makes the answer unknown.
//
//===----------------------------------------------------------------------===//

#include "CallNumbers.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

/// Questions per site; no compiled function comes near.
constexpr unsigned MaxQuestions = 4096;

class Solver {
public:
  Solver(const CodeRegions &Code, const Region &R) : Code(Code), R(R) {}

  bool solve(size_t Index, SmallVectorImpl<uint32_t> &Values) {
    ask(Index, RAX);
    while (!Questions.empty()) {
      auto [At, Register] = Questions.pop_back_val();
      if (!answer(At, Register, Values))
        return false;
    }
    return true;
  }

private:
  void ask(size_t Index, uint8_t Register) {
    if (Asked.insert(uint64_t(Index) << 8 | Register).second)
      Questions.push_back({Index, Register});
  }
  bool answer(size_t Index, uint8_t Register,
              SmallVectorImpl<uint32_t> &Values);
  bool passThrough(size_t Index, uint8_t Register,
                   SmallVectorImpl<uint32_t> &Values);

  const CodeRegions &Code;
  const Region &R;
  SmallVector<std::pair<size_t, uint8_t>, 8> Questions;
  DenseSet<uint64_t> Asked;
};

/// System V ABI: %rbx, %rsp, %rbp and %r12 to %r15 survive a call.
bool survivesCall(uint8_t Register) {
  return Register == RBX || Register == RSP || Register == RBP ||
         Register >= R12;
}

/// The kernel returns in %rax and destroys %rcx and %r11.
bool survivesSyscall(uint8_t Register) {
  return Register != RAX && Register != RCX && Register != R11;
}

/// All that can come in front of instruction \p Index.
bool Solver::answer(size_t Index, uint8_t Register,
                    SmallVectorImpl<uint32_t> &Values) {
  const Insn &I = R.Insns[Index];
  if (Index == 0 || Asked.size() > MaxQuestions ||
      Code.entered(R, I.Address, I.end()))
    return false;
  bool FallenInto = R.Insns[Index - 1].fallsThrough();
  ArrayRef<Region::Branch> Branches = R.branchesInto(I.Address, I.end());
  bool MayBeLabel = !FallenInto || !Branches.empty();
  if (MayBeLabel && R.HasIndirectJump && !R.HasTableTarget)
    return false;
  // Nothing is known to lead here: padding, or code reached in a way unknown.
  if (!FallenInto && Branches.empty())
    return I.Kind == InsnKind::Nop;
  if (FallenInto && !passThrough(Index - 1, Register, Values))
    return false;
  return llvm::all_of(Branches, [&](const Region::Branch &B) {
    return passThrough(B.From, Register, Values);
  });
}

/// What is in the register behind instruction \p Index.
bool Solver::passThrough(size_t Index, uint8_t Register,
                         SmallVectorImpl<uint32_t> &Values) {
  const Insn &I = R.Insns[Index];
  if (I.Kind == InsnKind::Invalid ||
      (I.Kind == InsnKind::Call && !survivesCall(Register)) ||
      (I.Kind == InsnKind::Syscall && !survivesSyscall(Register)))
    return false;
  if (I.Kind == InsnKind::Call || I.Kind == InsnKind::Syscall)
    return ask(Index, Register), true;
  Decoder &D = Decoder::get();
  RegEffect Effect = D.effect(Code.bytes(I), I.Address, Register);
  switch (Effect.Kind) {
  case RegEffect::None:
    ask(Index, Register);
    return true;
  case RegEffect::Const:
    Values.push_back(Effect.Value);
    return true;
  case RegEffect::Copy:
    if (Effect.Source == NoReg)
      return false;
    ask(Index, Effect.Source);
    return true;
  case RegEffect::Choose:
    if (Effect.Source == NoReg)
      return false;
    ask(Index, Effect.Source);
    ask(Index, Register);
    return true;
  case RegEffect::PopTop:
    if (Index && !Code.targeted(R, I.Address, I.end()))
      if (auto Pushed = D.pushedConst(Code.bytes(R.Insns[Index - 1]),
                                      R.Insns[Index - 1].Address)) {
        Values.push_back(*Pushed);
        return true;
      }
    return false;
  case RegEffect::Unknown:
    return false;
  }
  return false;
}

} // namespace

SmallVector<uint32_t, 2> callNumbers(const CodeRegions &Code, const Region &R,
                                     size_t Index) {
  SmallVector<uint32_t, 2> Values;
  if (!Solver(Code, R).solve(Index, Values))
    return {};
  llvm::sort(Values);
  Values.erase(llvm::unique(Values), Values.end());
  return Values;
}

} // namespace elfmerge::x86_64
