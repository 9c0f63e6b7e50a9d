//===- References.cpp - Who may transfer control into a region ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This looks at every byte of code and nearly decides how long a merge takes.
// Hence a first loop that compilers vectorize, which only says where references
// may be, and a bitmap that rejects nearly all targets: it has a bit per
// address, and none for the start of a function.
//
//===----------------------------------------------------------------------===//

#include "CodeRegions.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace llvm::support;

namespace elfmerge::x86_64 {

namespace {

// Without && and ||, so that they make no branches; 0 or 1.
unsigned isBranch(uint8_t First) { // e8: call rel32, e9: jmp rel32
  return (First & 0xfe) == 0xe8;
}
unsigned isCondition(uint8_t First, uint8_t Second) { // 0f 8x: jcc rel32
  return unsigned(First == 0x0f) & ((Second & 0xf0) == 0x80);
}
unsigned isLea(uint8_t First, uint8_t Second) { // 8d /r: lea X(%rip)
  return unsigned(First == 0x8d) & ((Second & 0xc7) == 0x05);
}
unsigned isXBegin(uint8_t First, uint8_t Second) { // c7 f8: xbegin rel32
  return unsigned(First == 0xc7) & (Second == 0xf8);
}

/// No reference is longer, counted from its opcode.
constexpr size_t LongestReference = 6;

/// Bytes searched at a time; a fixed count is what compilers vectorize.
constexpr size_t Block = 512;

class Finder {
public:
  Finder(const CodeMap &Map, MutableArrayRef<Region> Regions,
         std::vector<uint64_t> &Out)
      : Map(Map), Regions(Regions), Out(Out), Nearest(Regions.begin()) {
    Code = {Map.ranges().front().Start, Map.ranges().back().End};
    Interest.resize((Code.End - Code.Start) / 8 + 1);
    for (const Region &R : Regions)
      markInterior(R.start() + 1 - Code.Start, R.end() - Code.Start);
    for (const Segment &S : Map.blob().Segments)
      if (!S.isWritable() && S.FileSize)
        Constants.push_back({S.VAddr, Map.blob().at(S.VAddr, S.FileSize)});
  }

  void scan(AddressRange Range);
  void readTables();

private:
  void markInterior(uint64_t From, uint64_t To) {
    for (; From < To && From % 8; ++From)
      Interest[From / 8] |= 1 << From % 8;
    for (; From + 8 <= To; From += 8)
      Interest[From / 8] = 0xff;
    for (; From < To; ++From)
      Interest[From / 8] |= 1 << From % 8;
  }
  bool interesting(uint64_t Address) const {
    uint64_t Offset = Address - Code.Start;
    return Offset < Code.End - Code.Start &&
           Interest[Offset / 8] >> Offset % 8 & 1;
  }
  /// The region of an interesting address.
  Region *find(uint64_t Address) const {
    return llvm::partition_point(
        Regions, [=](const Region &R) { return R.end() <= Address; });
  }
  void examine(const uint8_t *P, uint64_t At);
  void addAddress(uint64_t To);
  const uint8_t *constant(uint64_t Address) const;

  const CodeMap &Map;
  MutableArrayRef<Region> Regions;
  std::vector<uint64_t> &Out;
  const Region *Nearest; ///< not before the byte examined
  AddressRange Code;
  std::vector<uint8_t> Interest; ///< bits: insides of regions
  std::vector<std::pair<uint64_t, ArrayRef<uint8_t>>> Constants;
  std::vector<uint64_t> Tables; ///< addresses of possible jump tables
};

const uint8_t *Finder::constant(uint64_t Address) const {
  for (const auto &[Start, Bytes] : Constants)
    if (Address - Start < Bytes.size() && Bytes.size() - (Address - Start) >= 4)
      return &Bytes[Address - Start];
  return nullptr;
}

void Finder::addAddress(uint64_t To) {
  if (interesting(To))
    Out.push_back(To);
  // A table of distances to labels, counted from its own start.
  if (const uint8_t *P = constant(To))
    if (Code.contains(To + int32_t(endian::read32le(P))))
      Tables.push_back(To);
}

void Finder::scan(AddressRange Range) {
  ArrayRef<uint8_t> Bytes = Map.bytes(Range.Start);
  size_t Start = 0;
  for (; Start + Block + LongestReference <= Bytes.size(); Start += Block) {
    const uint8_t *P = &Bytes[Start];
    uint8_t Found[Block];
    for (size_t I = 0; I != Block; ++I)
      Found[I] = isBranch(P[I]) | isCondition(P[I], P[I + 1]) |
                 isLea(P[I], P[I + 1]) | isXBegin(P[I], P[I + 1]);
    for (size_t I = 0; I != Block; I += 8)
      for (uint64_t Rest = endian::read64le(Found + I); Rest;
           Rest &= Rest - 1) {
        size_t At = Start + I + llvm::countr_zero(Rest) / 8;
        examine(&Bytes[At], Range.Start + At);
      }
  }
  // The last bytes, with zeros behind them.
  uint8_t Tail[Block + 2 * LongestReference] = {};
  llvm::copy(Bytes.drop_front(Start), Tail);
  for (size_t I = 0; Start + I < Bytes.size(); ++I)
    examine(&Tail[I], Range.Start + Start + I);
}

/// Whatever begins at \p P, the byte at address \p At. Addresses ascend.
void Finder::examine(const uint8_t *P, uint64_t At) {
  bool Lea = isLea(P[0], P[1]);
  unsigned Offset = isBranch(P[0]) ? 1 : 2;
  if (Offset == 2 && !Lea && !isCondition(P[0], P[1]) && !isXBegin(P[0], P[1]))
    return;
  uint64_t Target =
      At + Offset + 4 + int64_t(int32_t(endian::read32le(P + Offset)));
  if (Lea)
    return addAddress(Target);
  if (!interesting(Target))
    return;
  while (Nearest->end() <= At && Nearest != &Regions.back())
    ++Nearest;
  // A region knows its own branches.
  if (!Nearest->Code.Range.contains(At) ||
      !Nearest->Code.Range.contains(Target))
    Out.push_back(Target);
}

void Finder::readTables() {
  llvm::sort(Tables);
  Tables.erase(llvm::unique(Tables), Tables.end());
  for (size_t I = 0; I != Tables.size(); ++I) {
    uint64_t Limit = I + 1 == Tables.size() ? ~uint64_t(0) : Tables[I + 1];
    for (uint64_t At = Tables[I]; At < Limit; At += 4) {
      const uint8_t *P = constant(At);
      if (!P)
        break;
      uint64_t To = Tables[I] + int32_t(endian::read32le(P));
      if (!Code.contains(To))
        break;
      if (!interesting(To))
        continue;
      find(To)->HasTableTarget = true;
      Out.push_back(To);
    }
  }
}

} // namespace

void findReferences(const CodeMap &Map, MutableArrayRef<Region> Regions,
                    std::vector<uint64_t> &Out) {
  if (Regions.empty())
    return;
  Finder F(Map, Regions, Out);
  for (AddressRange Range : Map.ranges())
    F.scan(Range);
  F.readTables();
}

} // namespace elfmerge::x86_64
