//===- DecodeCache.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeCache.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include <tuple>

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

/// Different functions of one size that are remembered.
constexpr size_t MaxShapes = 8;
constexpr size_t MaxCachedBytes = size_t(4) << 20;

constexpr size_t DistanceSize = 4;

/// Where the 32-bit distance to something outside begins; 0: there is none.
size_t outwardDistance(const Insn &I, uint64_t Size) {
  if (!I.HasTarget)
    return I.RipOffset;
  return I.Size > DistanceSize && I.Target >= Size ? I.Size - DistanceSize : 0;
}

std::shared_ptr<Shape> decodeAll(ArrayRef<uint8_t> Bytes, uint64_t Size) {
  Decoder &D = Decoder::get();
  auto S = std::make_shared<Shape>();
  S->Insns.reserve(Size / 4);
  for (uint64_t At = 0; At < Size; At += S->Insns.back().Size)
    S->Insns.push_back(D.decode(Bytes.drop_front(At), At));
  S->findBranches(Size);
  return S;
}

/// Nothing behind the last instruction has a part in how the bytes decode.
bool isSelfContained(const Shape &S) {
  return llvm::none_of(
      S.Insns, [](const Insn &I) { return I.Kind == InsnKind::Invalid; });
}

} // namespace

void Shape::findBranches(uint64_t Size) {
  Branches.clear();
  HasIndirectJump = false;
  for (size_t I = 0; I != Insns.size(); ++I) {
    if (Insns[I].HasTarget && Insns[I].Target < Size)
      Branches.push_back({Insns[I].Target, uint32_t(I)});
    HasIndirectJump |= Insns[I].Kind == InsnKind::IndirectJump;
  }
  llvm::sort(Branches, [](const Branch &L, const Branch &R) {
    return std::tie(L.Target, L.From) < std::tie(R.Target, R.From);
  });
}

DecodeCache &DecodeCache::get() {
  thread_local DecodeCache C;
  return C;
}

DecodeCache::Entry::Entry(std::shared_ptr<const Shape> Decoded,
                          ArrayRef<uint8_t> Code, uint64_t Size)
    : S(std::move(Decoded)) {
  Bytes = Code.take_front(S->Insns.back().end()).vec();
  Mask.assign(Bytes.size(), 0xff);
  for (size_t I = 0; I != S->Insns.size(); ++I) {
    const Insn &In = S->Insns[I];
    if (size_t Distance = outwardDistance(In, Size)) {
      std::fill_n(&Mask[In.Address + Distance], DistanceSize, 0);
      if (In.HasTarget)
        Outward.push_back(I);
    }
  }
}

bool DecodeCache::Entry::matches(ArrayRef<uint8_t> Code, uint64_t Size) const {
  if (Code.size() < Bytes.size())
    return false;
  for (size_t I = 0, E = Bytes.size(); I != E;) {
    uint8_t Difference = 0;
    for (size_t End = std::min(E, I + 64); I != End; ++I)
      Difference |= (Code[I] ^ Bytes[I]) & Mask[I];
    if (Difference)
      return false;
  }
  // What branches out must not branch to one of these bytes.
  return llvm::all_of(Outward, [&](uint32_t Index) {
    uint64_t End = S->Insns[Index].end();
    const uint8_t *Distance = &Code[End - DistanceSize];
    return End + int64_t(int32_t(support::endian::read32le(Distance))) >= Size;
  });
}

std::shared_ptr<const Shape> DecodeCache::decode(ArrayRef<uint8_t> Bytes,
                                                 uint64_t Size) {
  std::vector<Entry> &Known = Entries[Size];
  for (const Entry &E : Known)
    if (E.matches(Bytes, Size))
      return E.S;
  std::shared_ptr<Shape> S = decodeAll(Bytes, Size);
  uint64_t Decoded = S->Insns.back().end();
  if (Known.size() < MaxShapes && CachedBytes + Decoded <= MaxCachedBytes &&
      isSelfContained(*S)) {
    CachedBytes += Decoded;
    Known.push_back(Entry(S, Bytes, Size));
  }
  return S;
}

} // namespace elfmerge::x86_64
