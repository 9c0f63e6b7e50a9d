//===- SiteScanner.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two bytes of each instruction are searched for first, and only code
// around them is disassembled. What unwind information or symbols call a
// function is decoded from its start and believed. Elsewhere (musl is built
// without unwind information) decodings from many starts have to agree, and
// what they agree on has to look like compiled code: tables lie in text too.
//
//===----------------------------------------------------------------------===//

#include "SiteScanner.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

/// Instructions before and behind a site in which nothing may look odd.
constexpr size_t PlausibleReach = 24;

/// Bytes compared at a time; a fixed count is what compilers vectorize.
constexpr size_t Block = 64;

struct Candidates {
  std::vector<uint64_t> Syscalls, Cpuids; ///< addresses, sorted
};

void findCandidates(const CodeMap &Map, AddressRange Range, Candidates &Out) {
  ArrayRef<uint8_t> Bytes = Map.bytes(Range.Start);
  auto Search = [&](size_t From, size_t To) {
    for (size_t I = From; I != To; ++I) {
      if (Bytes[I] != 0x0f)
        continue;
      if (Bytes[I + 1] == 0x05)
        Out.Syscalls.push_back(Range.Start + I);
      else if (Bytes[I + 1] == 0xa2)
        Out.Cpuids.push_back(Range.Start + I);
    }
  };
  size_t I = 0;
  for (; I + Block < Bytes.size(); I += Block) {
    const uint8_t *P = &Bytes[I];
    uint8_t Any = 0;
    for (size_t J = 0; J != Block; ++J)
      Any |= (P[J] == 0x0f) & ((P[J + 1] == 0x05) | (P[J + 1] == 0xa2));
    if (Any)
      Search(I, I + Block);
  }
  Search(I, Bytes.size() - 1);
}

/// Instructions that user programs do not contain, by their first opcode byte:
/// privileged, far, or only there for the sake of the 8086.
bool isOdd(const Insn &I, ArrayRef<uint8_t> Bytes) {
  if (I.Kind == InsnKind::Invalid)
    return true;
  Bytes = Bytes.take_front(I.Size);
  while (Bytes.size() > 1 &&
         (is_contained({0x66, 0xf2, 0xf3, 0x2e, 0x3e, 0x64, 0x65},
                       int(Bytes[0])) ||
          (Bytes[0] & 0xf0) == 0x40))
    Bytes = Bytes.drop_front();
  uint8_t Opcode = Bytes[0];
  switch (Opcode) {
  case 0x00: // add %al, (%rax): zeros
    return Bytes.size() > 1 && Bytes[1] == 0;
  case 0x8c:
  case 0x8e: // segment registers
  case 0x9b:
  case 0xc8:
  case 0xca:
  case 0xcb:
  case 0xcd:
  case 0xcf:
  case 0xd7:
  case 0xf1:
  case 0xfa:
  case 0xfb:
    return true;
  default:
    return (Opcode >= 0x6c && Opcode <= 0x6f) || // ins, outs
           (Opcode >= 0xe0 && Opcode <= 0xe7) || // loop, in, out
           (Opcode >= 0xec && Opcode <= 0xef);   // in, out
  }
}

bool looksLikeCode(const Region &R, size_t Index) {
  size_t First = Index - std::min(Index, PlausibleReach);
  size_t Last = std::min(Index + PlausibleReach, R.Insns.size() - 1);
  for (size_t I = First; I <= Last; ++I) {
    if (isOdd(R.Insns[I], R.bytes(R.Insns[I])))
      return false;
    if (I > Index && !R.Insns[I].fallsThrough())
      break;
  }
  return true;
}

/// There is such an instruction at candidate \p Address; the two bytes may also
/// be part of something else.
bool isSite(const CodeRegions &Code, const Region &R, uint64_t Address) {
  size_t Index = R.indexAt(Address);
  const Insn &I = R.Insns[Index];
  // A prefix, which the processor ignores, may come before the two bytes.
  if ((I.Kind != InsnKind::Syscall && I.Kind != InsnKind::Cpuid) ||
      R.start() + I.end() != Address + 2)
    return false;
  return R.Code.Unwind.Code.contains(Address) || looksLikeCode(R, Index) ||
         !Code.map().functionBefore(Address, R.start()).Name.empty();
}

} // namespace

std::vector<Site> scanSites(CodeRegions &Code) {
  Candidates Found;
  for (AddressRange Range : Code.map().ranges())
    findCandidates(Code.map(), Range, Found);
  // A cpuid does not change what is known about a system call.
  for (uint64_t Address : Found.Syscalls)
    Code.cover(Address);
  for (uint64_t Address : Found.Cpuids)
    Code.cover(Address);
  std::vector<Site> Sites;
  auto AddSites = [&](ArrayRef<uint64_t> Addresses, SiteKind Kind) {
    for (uint64_t Address : Addresses)
      if (const Region *R = Code.find(Address))
        if (isSite(Code, *R, Address))
          Sites.push_back({Kind, Address});
  };
  AddSites(Found.Syscalls, SiteKind::Syscall);
  AddSites(Found.Cpuids, SiteKind::Cpuid);
  llvm::sort(Sites, [](const Site &L, const Site &R) {
    return L.Address < R.Address;
  });
  return Sites;
}

void nameFunction(const CodeRegions &Code, Site &S) {
  const Region *R = Code.find(S.Address);
  CodeMap::Function F = Code.map().functionBefore(S.Address, R->start());
  S.Function = F.Name.str();
  S.FunctionStart = F.Name.empty() ? R->start() : F.Address;
}

} // namespace elfmerge::x86_64
