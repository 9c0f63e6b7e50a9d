//===- SitePatcher.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `syscall` has two bytes, a jump to the trampoline five. So neighbours move to
// the trampoline with it, provided that nothing enters between them. The first
// byte of a patch may be entered: whoever does so gets the jump.
//
// Where it can be, a site whose number has to be checked stays, behind two
// jumps (HooksABI.h); then nothing enters at the site itself either.
//
// Replaced bytes that are not the jump become int3: should anything enter them
// after all, it stops there instead of executing half an instruction.
//
//===----------------------------------------------------------------------===//

#include "SitePatcher.h"
#include "CallNumbers.h"
#include "Error.h"
#include "SiteScanner.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include <limits>

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

constexpr uint8_t NearJump = 0xe9, ShortJump = 0xeb, Int3 = 0xcc;
constexpr uint64_t NearJumpSize = EM_JUMP_SIZE, ShortJumpSize = 2;

/// Instructions moved from either side of a site.
constexpr size_t MaxMoved = 4;

/// The trampolines of one blob are smaller, and its code much nearer than 2 GiB
/// to them.
constexpr uint64_t MaxSpan = uint64_t(1) << 30;

std::string functionName(const CodeRegions &Code, Site S) {
  nameFunction(Code, S);
  if (S.Function.empty())
    return "the function at " + hex(S.FunctionStart);
  return S.Function;
}

class Patcher {
public:
  Patcher(CodeRegions &Code, MutableArrayRef<Site> Sites,
          const HookedSet &Hooked)
      : Code(Code), Sites(Sites), B(Code.map().blob()), Hooked(Hooked) {}

  /// Chooses all patches. Fails if some site cannot be hooked.
  Error choose();
  void write();

private:
  struct Patch {
    Site *S;
    Window W;
  };

  /// The numbers of the set, and as none is negative nothing above it.
  bool inSet(uint32_t N) const { return N < Hooked.size() && Hooked[N]; }
  /// A system call that has to be hooked.
  bool isNeeded(const Site &S) const;
  bool needsCheck(const Site &S) const;
  Error chooseCall(Site &S);
  Error chooseCalls();
  bool choosePatch(Site &S, Window W);
  bool chooseInFront(Site &S, Window &W);
  bool chooseWindow(Site &S, Window &W);
  bool chooseHole(Site &S, Window &W);
  bool fits(Window &W) const;
  bool areMovable(const Window &W) const;
  void writePatch(const Patch &P, NewTrampoline T);
  bool isUsed(AddressRange At) const;
  bool isUnused(const Region &R, size_t Index) const;
  void writeJump(AddressRange At, uint64_t Target);
  bool usesFlagsBehind(const Region &R, size_t Index) const;
  Error noRoom(const Site &S, const Region &R, size_t Index) const;

  CodeRegions &Code;
  MutableArrayRef<Site> Sites;
  Blob &B;
  const HookedSet &Hooked;
  std::vector<Patch> Patches;
  std::vector<AddressRange> Used; ///< windows and holes so far
};

bool Patcher::isNeeded(const Site &S) const {
  return S.Kind == SiteKind::Syscall &&
         (S.Numbers.empty() ||
          llvm::any_of(S.Numbers, [&](uint32_t N) { return inSet(N); }));
}

bool Patcher::needsCheck(const Site &S) const {
  return S.Numbers.empty() ||
         !llvm::all_of(S.Numbers, [&](uint32_t N) { return inSet(N); });
}

bool Patcher::isUsed(AddressRange At) const {
  return llvm::any_of(Used, [=](const AddressRange &U) {
    return U.Start < At.End && At.Start < U.End;
  });
}

/// Padding that control does not fall into.
bool Patcher::isUnused(const Region &R, size_t Index) const {
  while (Index && R.Insns[Index].isPadding(R.bytes(R.Insns[Index]))) {
    --Index;
    if (R.Insns[Index].Kind != InsnKind::Nop)
      return !R.Insns[Index].fallsThrough();
  }
  return false;
}

/// The instructions from First to Last, but for the site.
bool Patcher::areMovable(const Window &W) const {
  ArrayRef<Insn> Insns = W.R->Insns;
  bool IsCpuid = Insns[W.Site].Kind == InsnKind::Cpuid;
  for (size_t I = W.First; I <= W.Last; ++I) {
    if (I != W.Site && !isMovable(Insns[I], W.R->bytes(Insns[I])))
      return false;
    // A neighbour that is a site itself is to be hooked, not moved.
    if (IsCpuid && I != W.Site && Insns[I].Kind == InsnKind::Cpuid)
      return false;
    if (I != W.Last && !Insns[I].fallsThrough())
      return false;
  }
  return true;
}

/// The instructions from First to Last can be moved together. Where the code
/// ends before there is room, unused bytes behind it are taken.
bool Patcher::fits(Window &W) const {
  if (!areMovable(W))
    return false;
  ArrayRef<Insn> Insns = W.R->Insns;
  uint64_t Start = Insns[W.First].Address, End = Insns[W.Last].end();
  if (!Insns[W.Last].fallsThrough())
    for (size_t I = W.Last + 1; I != Insns.size(); ++I) {
      if (End - Start >= NearJumpSize ||
          !Insns[I].isPadding(W.R->bytes(Insns[I])))
        break;
      End = Insns[I].end();
    }
  W.At = {W.R->start() + Start, W.R->start() + End};
  return End - Start >= NearJumpSize && !isUsed(W.At) &&
         !Code.targeted(*W.R, Start + 1, End);
}

bool Patcher::chooseInFront(Site &S, Window &W) {
  const Region &R = *W.R;
  W.Last = W.Site;
  for (size_t Before = 1; Before <= std::min(MaxMoved, W.Site); ++Before) {
    W.First = W.Site - Before;
    const Insn &First = R.Insns[W.First], &Syscall = R.Insns[W.Site];
    W.At = {R.address(First), R.address(Syscall)};
    if (Syscall.Address - First.Address < 2 * NearJumpSize)
      continue;
    if (!areMovable(W) || isUsed(W.At) ||
        Code.targeted(R, First.Address + 1, Syscall.end()))
      return false;
    S.Form = PatchForm::InPlace;
    W.KeepsSite = true;
    return true;
  }
  return false;
}

bool Patcher::chooseWindow(Site &S, Window &W) {
  size_t MaxBefore = std::min(MaxMoved, W.Site);
  size_t MaxBehind = std::min(MaxMoved, W.R->Insns.size() - 1 - W.Site);
  auto Try = [&](size_t Before, size_t Behind, PatchForm Form) {
    W.First = W.Site - Before;
    W.Last = W.Site + Behind;
    S.Form = Form;
    return fits(W);
  };
  for (size_t Behind = 1; Behind <= MaxBehind; ++Behind)
    if (Try(0, Behind, PatchForm::Following))
      return true;
  for (size_t Before = 1; Before <= MaxBefore; ++Before)
    if (Try(Before, 0, PatchForm::Preceding))
      return true;
  for (size_t Moved = 2; Moved <= MaxBefore + MaxBehind; ++Moved)
    for (size_t Before = 1; Before <= std::min(Moved - 1, MaxBefore); ++Before)
      if (Moved - Before <= MaxBehind &&
          Try(Before, Moved - Before, PatchForm::Around))
        return true;
  return false;
}

/// Five unused bytes that a jump of two bytes reaches.
bool Patcher::chooseHole(Site &S, Window &W) {
  const Region &R = *W.R;
  const Insn &Syscall = R.Insns[W.Site];
  W.First = W.Last = W.Site;
  W.At = {R.address(Syscall), R.start() + Syscall.end()};
  if (isUsed(W.At))
    return false;
  uint64_t Origin = Syscall.Address + ShortJumpSize;
  size_t First = R.indexOf(Origin - std::min<uint64_t>(Origin, 128));
  for (size_t I = First; I != R.Insns.size(); ++I) {
    uint64_t Start = R.Insns[I].Address;
    if (int64_t(Start - Origin) > 127)
      break;
    if (int64_t(Start - Origin) < -128 || !isUnused(R, I))
      continue;
    size_t Last = I;
    while (Last + 1 != R.Insns.size() &&
           R.Insns[Last].end() < Start + NearJumpSize && isUnused(R, Last + 1))
      ++Last;
    uint64_t Address = R.start() + Start;
    if (R.Insns[Last].end() < Start + NearJumpSize ||
        isUsed({Address, Address + NearJumpSize}) ||
        Code.targeted(R, Start, R.Insns[Last].end()))
      continue;
    S.Form = PatchForm::Hole;
    S.HoleStart = Address;
    return true;
  }
  return false;
}

void Patcher::writeJump(AddressRange At, uint64_t Target) {
  MutableArrayRef<uint8_t> Bytes = B.at(At.Start, At.End - At.Start);
  std::fill(Bytes.begin(), Bytes.end(), Int3);
  if (Bytes.size() < NearJumpSize) {
    Bytes[0] = ShortJump;
    Bytes[1] = uint8_t(Target - At.Start - ShortJumpSize);
    return;
  }
  Bytes[0] = NearJump;
  support::endian::write32le(&Bytes[1],
                             uint32_t(Target - At.Start - NearJumpSize));
}

Error Patcher::noRoom(const Site &S, const Region &R, size_t Index) const {
  // What is in the way is either a neighbour or who enters between them.
  uint64_t Room = R.Insns[Index].Size;
  for (size_t I = Index + 1; I != R.Insns.size(); ++I) {
    const Insn &In = R.Insns[I];
    if (!isMovable(In, R.bytes(In)) || !R.Insns[I - 1].fallsThrough() ||
        Code.targeted(R, In.Address, In.end()))
      break;
    Room += In.Size;
  }
  return fail("syscall at " + hex(S.Address) + " in " + functionName(Code, S) +
              ": no room for a jump: found " + Twine(Room) +
              " bytes that can be moved and no unused bytes nearby, wanted " +
              Twine(NearJumpSize));
}

/// The kernel preserves the flags, trampolines do not. Compilers take them for
/// destroyed unless told otherwise, so this finds hand-written exceptions.
bool Patcher::usesFlagsBehind(const Region &R, size_t Index) const {
  for (size_t I = Index + 1; I != R.Insns.size(); ++I) {
    const Insn &In = R.Insns[I];
    if (In.Flags != FlagUse::None)
      return In.Flags == FlagUse::Read;
    if (!In.fallsThrough() || In.Kind == InsnKind::Call ||
        In.Kind == InsnKind::Syscall)
      return false;
  }
  return false;
}

bool Patcher::choosePatch(Site &S, Window W) {
  bool InFront =
      S.Kind == SiteKind::Syscall && needsCheck(S) && chooseInFront(S, W);
  if (!InFront && !chooseWindow(S, W) && !chooseHole(S, W)) {
    S.Form = PatchForm::Untouched;
    return false;
  }
  S.PatchStart = W.At.Start;
  S.PatchEnd = W.At.End;
  Used.push_back(W.At);
  if (S.Form == PatchForm::Hole)
    Used.push_back({S.HoleStart, S.HoleStart + NearJumpSize});
  Patches.push_back({&S, W});
  return true;
}

Error Patcher::chooseCall(Site &S) {
  const Region *R = Code.find(S.Address);
  size_t Index = R->indexAt(S.Address);
  S.Numbers = callNumbers(Code, *R, Index);
  S.Form = PatchForm::Untouched;
  if (!isNeeded(S))
    return Error::success();
  if (uint64_t Span = B.endPage() - B.firstPage(); Span > MaxSpan)
    return fail("load span out of a jump's reach: found " + hex(Span) +
                " bytes, wanted at most " + hex(MaxSpan));
  if (usesFlagsBehind(*R, Index))
    return fail("syscall at " + hex(S.Address) + " in " +
                functionName(Code, S) +
                ": found flags in use behind it, wanted them free");
  return choosePatch(S, {R, 0, Index, 0, {}, false}) ? Error::success()
                                                     : noRoom(S, *R, Index);
}

Error Patcher::chooseCalls() {
  for (Site &S : Sites)
    if (S.Kind == SiteKind::Syscall)
      if (Error E = chooseCall(S))
        return E;
  return Error::success();
}

Error Patcher::choose() {
  for (;;) {
    Patches.clear();
    Used.clear();
    Error E = chooseCalls();
    // What is good to have takes no room from what is needed.
    for (Site &S : Sites)
      if (S.Kind == SiteKind::Cpuid && B.endPage() - B.firstPage() <= MaxSpan) {
        const Region *R = Code.find(S.Address);
        choosePatch(S, {R, 0, R->indexAt(S.Address), 0, {}, false});
      }
    if (Code.confirm())
      return E;
    consumeError(std::move(E));
  }
}

void Patcher::writePatch(const Patch &P, NewTrampoline T) {
  uint64_t HoleStart = P.S->HoleStart;
  switch (P.S->Form) {
  case PatchForm::Hole:
    writeJump(P.W.At, HoleStart);
    writeJump({HoleStart, HoleStart + NearJumpSize}, T.Start);
    return;
  case PatchForm::InPlace:
    writeJump({P.W.At.Start, P.W.At.End - NearJumpSize}, T.Start);
    writeJump({P.W.At.End - NearJumpSize, P.W.At.End}, T.Check);
    return;
  default:
    writeJump(P.W.At, T.Start);
  }
}

void Patcher::write() {
  if (Patches.empty())
    return;
  llvm::sort(Patches, [](const Patch &L, const Patch &R) {
    return L.S->Address < R.S->Address;
  });
  HooksWriter Writer(B, Hooked, Patches.size());
  std::vector<NewTrampoline> Trampolines;
  for (const Patch &P : Patches) {
    Trampolines.push_back(Writer.add(P.W, needsCheck(*P.S)));
    P.S->Trampoline = Trampolines.back().Start;
  }
  // Nothing is read any more.
  for (const auto &[P, T] : llvm::zip_equal(Patches, Trampolines))
    writePatch(P, T);
}

} // namespace

Error patchSites(CodeRegions &Code, MutableArrayRef<Site> Sites,
                 const HookedSet &Hooked) {
  Patcher P(Code, Sites, Hooked);
  if (Error E = P.choose())
    return E;
  P.write();
  return Error::success();
}

} // namespace elfmerge::x86_64
