//===- CodeRegions.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CodeRegions.h"
#include "DecodeCache.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

/// A guessed start and this many behind it must lead to the same instructions.
/// No instruction is longer than 15 bytes, so one of them is right.
constexpr unsigned SyncStarts = 16;

bool isStart(ArrayRef<Insn> Insns, uint64_t Offset) {
  auto It = llvm::partition_point(
      Insns, [=](const Insn &I) { return I.Address < Offset; });
  return It != Insns.end() && It->Address == Offset;
}

/// Where the last of the decodings from different starts joins \p Insns.
uint64_t syncPoint(ArrayRef<uint8_t> Bytes, ArrayRef<Insn> Insns) {
  Decoder &D = Decoder::get();
  uint64_t Last = Insns.back().Address, Sync = 0;
  for (unsigned Start = 1; Start != SyncStarts; ++Start) {
    uint64_t At = Start;
    while (At <= Last && !isStart(Insns, At))
      At = D.decode(Bytes.drop_front(At), At).end();
    Sync = std::max(Sync, At);
  }
  return Sync;
}

/// The instructions of \p S that lie in [Start, End).
std::shared_ptr<const Shape> part(const Shape &S, uint64_t Start, uint64_t End,
                                  uint64_t Size) {
  auto Result = std::make_shared<Shape>();
  for (Insn I : S.Insns) {
    if (I.Address < Start || I.end() > End)
      continue;
    I.Address -= Start;
    I.Target -= Start;
    Result->Insns.push_back(I);
  }
  Result->findBranches(Size - Start);
  return Result;
}

bool isShortBranch(uint8_t Opcode) {
  return Opcode == 0xeb || (Opcode & 0xf0) == 0x70 ||
         (Opcode >= 0xe0 && Opcode <= 0xe3);
}

bool isBranchPrefix(uint8_t Byte) {
  return Byte == 0x2e || Byte == 0x3e || Byte == 0xf2;
}

} // namespace

size_t Region::indexOf(uint64_t Offset) const {
  auto It = llvm::partition_point(
      Insns, [=](const Insn &I) { return I.end() <= Offset; });
  return It - Insns.begin();
}

ArrayRef<Shape::Branch> Region::branchesInto(uint64_t Low,
                                             uint64_t High) const {
  auto Less = [](const Shape::Branch &B, uint64_t A) { return B.Target < A; };
  ArrayRef<Shape::Branch> All = Decoded->Branches;
  auto Begin = std::lower_bound(All.begin(), All.end(), Low, Less);
  auto End = std::lower_bound(Begin, All.end(), High, Less);
  return {Begin, End};
}

Region decodeRegion(const CodeMap &Map, const Extent &E, uint64_t SyncBefore,
                    uint64_t Limit) {
  ArrayRef<uint8_t> Bytes = Map.bytes(E.Range.Start);
  uint64_t Size = E.Range.End - E.Range.Start, Start = 0;
  std::shared_ptr<const Shape> S = DecodeCache::get().decode(Bytes, Size);
  if (!E.Exact)
    Start = syncPoint(Bytes, S->Insns);
  if (E.Range.Start + Start > SyncBefore)
    return Region();
  uint64_t End = std::min(S->Insns.back().end(), Limit - E.Range.Start);
  if (Start != 0 || End != S->Insns.back().end())
    S = part(*S, Start, End, Size);
  if (S->Insns.empty())
    return Region();
  Region R;
  R.Code = E;
  R.Code.Range.Start += Start;
  R.Code.Range.End = R.Code.Range.Start + S->Insns.back().end();
  R.Decoded = std::move(S);
  R.Insns = R.Decoded->Insns;
  R.Bytes = Bytes.drop_front(Start);
  return R;
}

void CodeRegions::cover(uint64_t Address) {
  auto Next = llvm::partition_point(
      Regions, [=](const Region &R) { return R.end() <= Address; });
  uint64_t Limit = Next == Regions.end() ? ~uint64_t(0) : Next->start();
  if (Address >= Limit)
    return;
  Extent E = Map.extentOf(Address);
  if (Next != Regions.begin() && E.Range.Start < std::prev(Next)->end()) {
    // The region before ends with an instruction.
    E.Range.Start = std::prev(Next)->end();
    E.Exact = true;
  }
  E.Range.End = std::min(E.Range.End, Limit);
  Region R = decodeRegion(Map, E, Address, Limit);
  if (!R.Insns.empty())
    Regions.insert(Next, std::move(R));
}

const Region *CodeRegions::find(uint64_t Address) const {
  auto It = llvm::partition_point(
      Regions, [=](const Region &R) { return R.end() <= Address; });
  return It != Regions.end() && It->Code.Range.contains(Address) ? &*It
                                                                 : nullptr;
}

bool CodeRegions::entered(const Region &R, uint64_t Low, uint64_t High) {
  AddressRange Range = {R.start() + Low, R.start() + High};
  if (!R.IsKnown) {
    Assumed.push_back(Range);
    return false;
  }
  auto It = llvm::lower_bound(Entries, Range.Start);
  return (It != Entries.end() && *It < Range.End) || shortBranchInto(R, Range);
}

bool CodeRegions::targeted(const Region &R, uint64_t Low, uint64_t High) {
  return !R.branchesInto(Low, High).empty() || entered(R, Low, High);
}

bool CodeRegions::hasTable(const Region &R) {
  if (R.IsKnown)
    return R.HasTableTarget;
  AssumedTables.push_back(&R);
  return true;
}

void CodeRegions::assume(const Region &R, const CallFacts &Facts) {
  for (const OffsetRange &O : Facts.NotEntered)
    Assumed.push_back({R.start() + O.Start, R.start() + O.End});
  if (Facts.HasTable)
    AssumedTables.push_back(&R);
}

/// Assembly code may branch from one function into the next. Two bytes that
/// look like such a branch are common, so each is verified.
bool CodeRegions::shortBranchInto(const Region &R,
                                  ArrayRef<AddressRange> Where) const {
  const AddressRange *Range = Map.rangeOf(R.start());
  uint64_t Low = Where.front().Start, High = Where.back().End;
  auto Check = [&](uint64_t From, uint64_t To) {
    From = std::max(From, Range->Start);
    To = std::min(To, Range->End - 1);
    ArrayRef<uint8_t> Bytes = From < To ? Map.bytes(From) : ArrayRef<uint8_t>();
    for (uint64_t At = From; At < To; ++At) {
      const uint8_t *P = &Bytes[At - From];
      uint64_t Target = At + 2 + int8_t(P[1]);
      if (!isShortBranch(P[0]) || Target < Low || Target >= High ||
          llvm::none_of(
              Where, [=](const AddressRange &A) { return A.contains(Target); }))
        continue;
      if (isInstruction(At) ||
          (At > From && isBranchPrefix(P[-1]) && isInstruction(At - 1)))
        return true;
    }
    return false;
  };
  // A branch of two bytes reaches from 128 bytes before to 127 behind its end.
  uint64_t First = Low - std::min<uint64_t>(Low, 129);
  return (First < R.start() && Check(First, R.start())) ||
         (High + 126 > R.end() && Check(R.end(), High + 126));
}

bool CodeRegions::isInstruction(uint64_t Address) const {
  if (Map.bytes(Address).empty())
    return false;
  Region R = decodeRegion(Map, Map.extentOf(Address), Address);
  return R.Insns.empty() || R.address(R.Insns[R.indexAt(Address)]) == Address;
}

/// Where something has been assumed that is not confirmed yet.
AddressSet CodeRegions::openQuestions() {
  llvm::erase_if(Assumed,
                 [&](const AddressRange &A) { return Confirmed.contains(A); });
  AddressSet Open(std::move(Assumed));
  Assumed.clear();
  return Open;
}

void CodeRegions::findEntries(const AddressSet &Where) {
  findReferences(Map, Regions, Where, Entries);
  auto Add = [&](uint64_t Address) {
    if (Where.contains(Address))
      Entries.push_back(Address);
  };
  Map.forEachKnownEntry(Add);
  for (const Region &R : Regions)
    llvm::for_each(Map.unwind().landingPads(R.Code.Unwind), Add);
  llvm::sort(Entries);
}

bool CodeRegions::wasWrong(const Region &R, const AddressSet &Asked) const {
  if (!R.HasTableTarget && is_contained(AssumedTables, &R))
    return true;
  ArrayRef<AddressRange> Here = Asked.touching(R.Code.Range);
  return llvm::any_of(Here,
                      [&](const AddressRange &A) {
                        auto It = llvm::lower_bound(Entries, A.Start);
                        return It != Entries.end() && *It < A.End;
                      }) ||
         (!Here.empty() && shortBranchInto(R, Here));
}

bool CodeRegions::confirm() {
  AddressSet Asked = openQuestions();
  std::vector<AddressRange> Where = Asked.ranges().vec();
  auto Search = [](Region &R, std::vector<AddressRange> &Where) {
    if (!std::exchange(R.IsSearched, true))
      Where.push_back({R.start() + 1, R.end()});
  };
  // Without unwind information a region is likely to have several functions.
  for (Region &R : Regions)
    if (!R.Code.Unwind.Code.contains(R.start()) &&
        !Asked.touching(R.Code.Range).empty())
      Search(R, Where);
  for (const Region *R : AssumedTables)
    Search(Regions[R - Regions.data()], Where);
  if (!Where.empty())
    findEntries(AddressSet(std::move(Where)));

  std::vector<AddressRange> Again;
  bool Right = true;
  for (Region &R : Regions) {
    if (R.IsKnown || !wasWrong(R, Asked))
      continue;
    Right = false;
    R.IsKnown = true;
    Search(R, Again);
  }
  if (!Again.empty())
    findEntries(AddressSet(std::move(Again)));
  AssumedTables.clear();
  std::vector<AddressRange> All = Asked.ranges().vec();
  llvm::append_range(All, Confirmed.ranges());
  Confirmed = AddressSet(std::move(All));
  return Right;
}

} // namespace elfmerge::x86_64
