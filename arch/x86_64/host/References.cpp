//===- References.cpp - Who may transfer control into a region ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This looks at every byte of code and nearly decides how long a merge takes.
// Hence a first loop that compilers vectorize, which only says where references
// may be, and a test of their targets that nearly none passes.
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
constexpr size_t Block = 64;

/// Bit n of the result is byte n, which is 0 or 1.
uint64_t toBits(const uint8_t (&Bytes)[Block]) {
  uint64_t Bits = 0;
  for (size_t I = 0; I != Block; I += 8)
    Bits |= (endian::read64le(Bytes + I) * 0x0102040810204080 >> 56) << I;
  return Bits;
}

class Finder {
public:
  Finder(const CodeMap &Map, MutableArrayRef<Region> Regions,
         const AddressSet &Where, std::vector<uint64_t> &Out)
      : Map(Map), Regions(Regions), Where(Where), Out(Out),
        Code{Map.ranges().front().Start, Map.ranges().back().End} {
    for (const Segment &S : Map.blob().Segments)
      if (!S.isWritable() && S.FileSize)
        Constants.push_back({S.VAddr, Map.blob().at(S.VAddr, S.FileSize)});
  }

  void scan(AddressRange Range);
  void readTables();

private:
  /// The region of an address in the set.
  Region &regionOf(uint64_t Address) const {
    return *llvm::partition_point(
        Regions, [=](const Region &R) { return R.end() <= Address; });
  }
  void examine(const uint8_t *P, uint64_t At);
  void findTables();
  const uint8_t *constant(uint64_t Address) const;

  const CodeMap &Map;
  MutableArrayRef<Region> Regions;
  const AddressSet &Where;
  std::vector<uint64_t> &Out;
  AddressRange Code;
  std::vector<std::pair<uint64_t, ArrayRef<uint8_t>>> Constants;
  std::vector<uint64_t> Tables; ///< addresses of possible jump tables

  /// Addresses taken, to be looked at; room for one block more.
  static constexpr size_t LeaRoom = 1024;
  uint64_t Leas[LeaRoom + 2 * Block];
  size_t LeaCount = 0;
};

const uint8_t *Finder::constant(uint64_t Address) const {
  for (const auto &[Start, Bytes] : Constants)
    if (Address - Start < Bytes.size() && Bytes.size() - (Address - Start) >= 4)
      return &Bytes[Address - Start];
  return nullptr;
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
    for (uint64_t Rest = toBits(Found); Rest; Rest &= Rest - 1) {
      unsigned I = llvm::countr_zero(Rest);
      examine(P + I, Range.Start + Start + I);
    }
    if (LeaCount > LeaRoom)
      findTables();
  }
  // The last bytes, with zeros behind them.
  uint8_t Tail[Block + 2 * LongestReference] = {};
  llvm::copy(Bytes.drop_front(Start), Tail);
  for (size_t I = 0; Start + I < Bytes.size(); ++I) {
    const uint8_t *P = &Tail[I];
    if (isBranch(P[0]) | isCondition(P[0], P[1]) | isLea(P[0], P[1]) |
        isXBegin(P[0], P[1]))
      examine(P, Range.Start + Start + I);
  }
  findTables();
}

/// The reference that begins at \p P, the byte at address \p At.
void Finder::examine(const uint8_t *P, uint64_t At) {
  unsigned Offset = 2 - isBranch(P[0]);
  uint64_t To =
      At + Offset + 4 + int64_t(int32_t(endian::read32le(P + Offset)));
  bool IsLea = P[0] == 0x8d;
  // Without a branch, which could not be predicted.
  Leas[LeaCount] = To;
  LeaCount += IsLea;
  // A region knows its own branches.
  if (Where.contains(To) && (IsLea || !regionOf(To).Code.Range.contains(At)))
    Out.push_back(To);
}

/// Tables of distances to labels, counted from the table's start.
void Finder::findTables() {
  for (uint64_t To : ArrayRef(Leas, LeaCount))
    if (const uint8_t *Distance = constant(To))
      if (Code.contains(To + int32_t(endian::read32le(Distance))))
        Tables.push_back(To);
  LeaCount = 0;
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
      if (!Where.contains(To))
        continue;
      regionOf(To).HasTableTarget = true;
      Out.push_back(To);
    }
  }
}

} // namespace

void findReferences(const CodeMap &Map, MutableArrayRef<Region> Regions,
                    const AddressSet &Where, std::vector<uint64_t> &Out) {
  Finder F(Map, Regions, Where, Out);
  for (AddressRange Range : Map.ranges())
    F.scan(Range);
  F.readTables();
}

} // namespace elfmerge::x86_64
