//===- Trampoline.h - Writing a hooks segment -----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINE_H
#define ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINE_H

#include "CodeRegions.h"
#include "HooksABI.h"
#include <bitset>

namespace elfmerge::x86_64 {

using HookedSet = std::bitset<EM_HOOKED_BITS>;

/// The instructions that a trampoline takes the place of.
struct Window {
  const Region *R;
  size_t First; ///< indices into R->Insns
  size_t Site;
  size_t Last;     ///< of those that are executed
  AddressRange At; ///< may include unused bytes behind Last
  bool KeepsSite;  ///< At ends in front of the site, which is Last

  uint64_t siteStart() const { return R->address(R->Insns[Site]); }
  uint64_t siteEnd() const { return siteStart() + R->Insns[Site].Size; }
};

/// Addresses in a trampoline.
struct NewTrampoline {
  uint64_t Start;
  uint64_t Check; ///< behind the displaced preceding instructions
};

/// The instruction does the same at any other address once writeDisplaced()
/// has adjusted it.
bool isMovable(const Insn &I, llvm::ArrayRef<uint8_t> Bytes);

/// Lays out Hooks::Text of a blob (HooksABI.h). Every address must be within
/// 2 GiB of the blob's start.
class HooksWriter {
public:
  HooksWriter(Blob &B, const HookedSet &Hooked, size_t Count);

  /// With \p CheckNumber, calls that are not hooked do not reach the runtime.
  /// Sites come in ascending order.
  NewTrampoline add(const Window &W, bool CheckNumber);

private:
  uint64_t here() const { return H.textVAddr() + H.Text.size(); }
  void put(std::initializer_list<uint8_t> Bytes) {
    H.Text.insert(H.Text.end(), Bytes);
  }
  void putDistance(uint64_t Target);
  void writeDisplaced(const Region &R, const Insn &I);
  void writeCheck();
  void writeCall(const Window &W);
  void writeBack(const Window &W);
  void writeCpuid();

  Hooks &H;
  uint64_t Bitmap;   ///< address
  size_t NextRecord; ///< offset in H.Text
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINE_H
