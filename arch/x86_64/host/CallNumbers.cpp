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
  /// Without \p Code, what it relies on is written down in \p Facts.
  Solver(CodeRegions *Code, const Region &R, CallFacts &Facts)
      : Code(Code), R(R), Facts(Facts) {}

  bool solve(size_t Index) {
    ask(Index, RAX);
    while (!Questions.empty()) {
      auto [At, Register] = Questions.pop_back_val();
      if (!answer(At, Register))
        return false;
    }
    return true;
  }

private:
  void ask(size_t Index, uint8_t Register) {
    if (Asked.insert(uint64_t(Index) << 8 | Register).second)
      Questions.push_back({Index, Register});
  }
  bool answer(size_t Index, uint8_t Register);
  bool passThrough(size_t Index, uint8_t Register);
  bool entered(const Insn &I) {
    if (Code)
      return Code->entered(R, I.Address, I.end());
    Facts.NotEntered.push_back({I.Address, I.end()});
    return false;
  }
  bool hasTable() {
    if (Code)
      return Code->hasTable(R);
    return Facts.HasTable = true;
  }

  CodeRegions *Code;
  const Region &R;
  CallFacts &Facts;
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
bool Solver::answer(size_t Index, uint8_t Register) {
  const Insn &I = R.Insns[Index];
  if (Index == 0 || Asked.size() > MaxQuestions || entered(I))
    return false;
  bool FallenInto = R.Insns[Index - 1].fallsThrough();
  ArrayRef<Shape::Branch> Branches = R.branchesInto(I.Address, I.end());
  bool MayBeLabel = !FallenInto || !Branches.empty();
  if (MayBeLabel && R.hasIndirectJump() && !hasTable())
    return false;
  // Nothing is known to lead here: padding, or code reached in a way unknown.
  if (!FallenInto && Branches.empty())
    return I.Kind == InsnKind::Nop;
  if (FallenInto && !passThrough(Index - 1, Register))
    return false;
  return llvm::all_of(Branches, [&](const Shape::Branch &B) {
    return passThrough(B.From, Register);
  });
}

/// What is in the register behind instruction \p Index.
bool Solver::passThrough(size_t Index, uint8_t Register) {
  const Insn &I = R.Insns[Index];
  if (I.Kind == InsnKind::Invalid ||
      (I.Kind == InsnKind::Call && !survivesCall(Register)) ||
      (I.Kind == InsnKind::Syscall && !survivesSyscall(Register)))
    return false;
  if (I.Kind == InsnKind::Call || I.Kind == InsnKind::Syscall)
    return ask(Index, Register), true;
  Decoder &D = Decoder::get();
  RegEffect Effect = D.effect(R.bytes(I), I.Address, Register);
  switch (Effect.Kind) {
  case RegEffect::None:
    ask(Index, Register);
    return true;
  case RegEffect::Const:
    Facts.Numbers.push_back(Effect.Value);
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
    if (Index && R.branchesInto(I.Address, I.end()).empty() && !entered(I))
      if (auto Pushed = D.pushedConst(R.bytes(R.Insns[Index - 1]),
                                      R.Insns[Index - 1].Address)) {
        Facts.Numbers.push_back(*Pushed);
        return true;
      }
    return false;
  case RegEffect::Unknown:
    return false;
  }
  return false;
}

void solve(CodeRegions *Code, const Region &R, size_t Index, CallFacts &Facts) {
  SmallVectorImpl<uint32_t> &Numbers = Facts.Numbers;
  // An entry more makes no number known: then nothing is relied on.
  if (!Solver(Code, R, Facts).solve(Index))
    Facts = CallFacts();
  llvm::sort(Numbers);
  Numbers.erase(llvm::unique(Numbers), Numbers.end());
}

} // namespace

SmallVector<uint32_t, 2> callNumbers(CodeRegions &Code, const Region &R,
                                     size_t Index) {
  if (R.IsKnown) {
    CallFacts Facts;
    solve(&Code, R, Index, Facts);
    return Facts.Numbers;
  }
  // Without entries, only the code itself matters.
  auto [It, IsNew] = R.Decoded->Facts.try_emplace(Index);
  CallFacts &Facts = It->second;
  if (IsNew)
    solve(nullptr, R, Index, Facts);
  Code.assume(R, Facts);
  return Facts.Numbers;
}

} // namespace elfmerge::x86_64
