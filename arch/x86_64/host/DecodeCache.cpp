//===- DecodeCache.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeCache.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

/// Different functions of one size that are remembered.
constexpr size_t MaxShapes = 8;
constexpr size_t MaxCachedBytes = size_t(4) << 20;

constexpr size_t DistanceSize = 4;

/// A branch whose distance is in its last four bytes; else it is in the last.
bool isNear(const Insn &I) { return I.Target && I.Size > DistanceSize; }

std::vector<Insn> decodeAll(ArrayRef<uint8_t> Bytes, uint64_t Size,
                            uint64_t Address) {
  Decoder &D = Decoder::get();
  std::vector<Insn> Insns;
  Insns.reserve(Size / 4);
  for (uint64_t At = 0; At < Size; At += Insns.back().Size)
    Insns.push_back(D.decode(Bytes.drop_front(At), Address + At));
  return Insns;
}

/// Nothing behind the last instruction has a part in how the bytes decode.
bool isSelfContained(ArrayRef<Insn> Insns) {
  return llvm::none_of(
      Insns, [](const Insn &I) { return I.Kind == InsnKind::Invalid; });
}

} // namespace

DecodeCache &DecodeCache::get() {
  thread_local DecodeCache C;
  return C;
}

void DecodeCache::makeMask(Shape &S) {
  Decoder &D = Decoder::get();
  S.Mask.assign(S.Bytes.size(), 0xff);
  size_t At = 0;
  for (const Insn &I : S.Insns) {
    size_t Distance = 0;
    if (isNear(I))
      Distance = I.Size - DistanceSize;
    else if (I.Size > DistanceSize && !I.Target)
      Distance =
          D.ripOperand(ArrayRef(S.Bytes).slice(At, I.Size), I.Address).Offset;
    if (Distance)
      std::fill_n(&S.Mask[At + Distance], DistanceSize, 0);
    At += I.Size;
  }
}

bool DecodeCache::matches(Shape &S, ArrayRef<uint8_t> Bytes) {
  if (Bytes.size() < S.Bytes.size())
    return false;
  if (Bytes.take_front(S.Bytes.size()) == ArrayRef(S.Bytes))
    return true;
  if (S.Mask.empty())
    makeMask(S);
  for (size_t I = 0, E = S.Bytes.size(); I != E;) {
    uint8_t Difference = 0;
    for (size_t End = std::min(E, I + 64); I != End; ++I)
      Difference |= (Bytes[I] ^ S.Bytes[I]) & S.Mask[I];
    if (Difference)
      return false;
  }
  return true;
}

std::vector<Insn> DecodeCache::relocate(const Shape &S, ArrayRef<uint8_t> Bytes,
                                        uint64_t Address) {
  std::vector<Insn> Insns = S.Insns;
  uint64_t First = Insns.front().Address;
  for (Insn &I : Insns) {
    I.Address += Address - First;
    if (!I.Target)
      continue;
    const uint8_t *End = &Bytes[I.Address - Address] + I.Size;
    I.Target =
        I.end() + (isNear(I)
                       ? int32_t(support::endian::read32le(End - DistanceSize))
                       : int8_t(End[-1]));
  }
  return Insns;
}

std::vector<Insn> DecodeCache::decode(ArrayRef<uint8_t> Bytes, uint64_t Size,
                                      uint64_t Address) {
  std::vector<Shape> &Known = Shapes[Size];
  for (Shape &S : Known)
    if (matches(S, Bytes))
      return relocate(S, Bytes, Address);
  std::vector<Insn> Insns = decodeAll(Bytes, Size, Address);
  uint64_t Decoded = Insns.back().end() - Address;
  if (Known.size() < MaxShapes && CachedBytes + Decoded <= MaxCachedBytes &&
      isSelfContained(Insns)) {
    CachedBytes += Decoded;
    Known.push_back({Insns, Bytes.take_front(Decoded).vec(), {}});
  }
  return Insns;
}

} // namespace elfmerge::x86_64
