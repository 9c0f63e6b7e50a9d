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

bool isStart(ArrayRef<Insn> Insns, uint64_t Address) {
  auto It = llvm::partition_point(
      Insns, [=](const Insn &I) { return I.Address < Address; });
  return It != Insns.end() && It->Address == Address;
}

/// Where the last of the decodings from different starts joins \p Insns.
uint64_t syncPoint(const CodeMap &Map, ArrayRef<Insn> Insns) {
  Decoder &D = Decoder::get();
  uint64_t First = Insns.front().Address, Last = Insns.back().Address;
  uint64_t Sync = First;
  for (unsigned Start = 1; Start != SyncStarts; ++Start) {
    uint64_t At = First + Start;
    while (At <= Last && !isStart(Insns, At))
      At = D.decode(Map.bytes(At), At).end();
    Sync = std::max(Sync, At);
  }
  return Sync;
}

bool isShortBranch(uint8_t Opcode) {
  return Opcode == 0xeb || (Opcode & 0xf0) == 0x70 ||
         (Opcode >= 0xe0 && Opcode <= 0xe3);
}

bool isBranchPrefix(uint8_t Byte) {
  return Byte == 0x2e || Byte == 0x3e || Byte == 0xf2;
}

} // namespace

size_t Region::indexAt(uint64_t Address) const {
  auto It = llvm::partition_point(
      Insns, [=](const Insn &I) { return I.end() <= Address; });
  return It - Insns.begin();
}

ArrayRef<Region::Branch> Region::branchesInto(uint64_t Low,
                                              uint64_t High) const {
  auto Less = [](const Branch &B, uint64_t A) { return B.Target < A; };
  auto Begin = std::lower_bound(Branches.begin(), Branches.end(), Low, Less);
  auto End = std::lower_bound(Begin, Branches.end(), High, Less);
  return ArrayRef(Branches).slice(Begin - Branches.begin(), End - Begin);
}

Region decodeRegion(const CodeMap &Map, const Extent &E, uint64_t SyncBefore,
                    uint64_t Limit) {
  Region R;
  R.Code = E;
  R.Insns = DecodeCache::get().decode(
      Map.bytes(E.Range.Start), E.Range.End - E.Range.Start, E.Range.Start);
  if (!E.Exact) {
    uint64_t Sync = syncPoint(Map, R.Insns);
    if (Sync > SyncBefore)
      return Region();
    llvm::erase_if(R.Insns, [=](const Insn &I) { return I.Address < Sync; });
    R.Code.Range.Start = Sync;
  }
  if (!R.Insns.empty() && R.Insns.back().end() > Limit)
    R.Insns.pop_back();
  if (R.Insns.empty())
    return Region();
  R.Code.Range.End = R.Insns.back().end();
  for (size_t I = 0; I != R.Insns.size(); ++I) {
    const Insn &In = R.Insns[I];
    if (In.isBranch() && E.Range.contains(In.Target))
      R.Branches.push_back({In.Target, uint32_t(I)});
    R.HasIndirectJump |= In.Kind == InsnKind::IndirectJump;
  }
  llvm::sort(R.Branches, [](const Region::Branch &L, const Region::Branch &R) {
    return std::tie(L.Target, L.From) < std::tie(R.Target, R.From);
  });
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

void CodeRegions::findEntries() {
  for (uint64_t Known : Map.knownEntries())
    if (find(Known))
      Entries.push_back(Known);
  for (const Region &R : Regions)
    llvm::append_range(Entries, Map.unwind().landingPads(R.Code.Unwind));
  findReferences(Map, Regions, Entries);
  llvm::sort(Entries);
}

const Region *CodeRegions::find(uint64_t Address) const {
  auto It = llvm::partition_point(
      Regions, [=](const Region &R) { return R.end() <= Address; });
  return It != Regions.end() && It->Code.Range.contains(Address) ? &*It
                                                                 : nullptr;
}

bool CodeRegions::entered(const Region &R, uint64_t Low, uint64_t High) const {
  auto It = llvm::lower_bound(Entries, Low);
  return (It != Entries.end() && *It < High) || shortBranchInto(R, Low, High);
}

bool CodeRegions::targeted(const Region &R, uint64_t Low, uint64_t High) const {
  return !R.branchesInto(Low, High).empty() || entered(R, Low, High);
}

/// Assembly code may branch from one function into the next. Two bytes that
/// look like such a branch are common, so each is verified.
bool CodeRegions::shortBranchInto(const Region &R, uint64_t Low,
                                  uint64_t High) const {
  const AddressRange *Range = Map.rangeOf(R.start());
  auto Check = [&](uint64_t From, uint64_t To) {
    From = std::max(From, Range->Start);
    To = std::min(To, Range->End - 1);
    ArrayRef<uint8_t> Bytes = From < To ? Map.bytes(From) : ArrayRef<uint8_t>();
    for (uint64_t At = From; At < To; ++At) {
      const uint8_t *P = &Bytes[At - From];
      uint64_t Target = At + 2 + int8_t(P[1]);
      if (!isShortBranch(P[0]) || Target < Low || Target >= High)
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
  Extent E = Map.extentOf(Address);
  Region R = decodeRegion(Map, E, Address);
  return R.Insns.empty() || R.Insns[R.indexAt(Address)].Address == Address;
}

} // namespace elfmerge::x86_64
