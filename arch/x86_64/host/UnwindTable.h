//===- UnwindTable.h - Functions found through .eh_frame_hdr --------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The unwind information survives stripping and gives exact code ranges. Only
/// the binary search table is looked at up front; a frame description is read
/// when somebody asks for it.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_UNWINDTABLE_H
#define ELFMERGE_ARCH_X86_64_HOST_UNWINDTABLE_H

#include "Blob.h"
#include <optional>

namespace elfmerge::x86_64 {

struct AddressRange {
  uint64_t Start = 0, End = 0;
  bool contains(uint64_t A) const { return A >= Start && A < End; }
};

/// A frame description entry.
struct UnwindEntry {
  AddressRange Code;
  uint64_t Lsda = 0; ///< language-specific data; 0: none
};

/// What a frame description entry says, for making another one like it.
struct FrameDescription {
  AddressRange Code;
  uint64_t CommonEntry = 0; ///< address
  bool HasAugmentation = false;
  uint8_t LsdaSize = 0; ///< bytes of the pointer to language-specific data
  llvm::ArrayRef<uint8_t> Instructions; ///< the common entry's not included
};

/// A line of the binary search table. Addresses.
struct SearchEntry {
  uint64_t Start, Description;
};

class UnwindTable {
public:
  /// Empty when the blob has no table or one in an encoding no linker uses.
  explicit UnwindTable(Blob &B);

  /// The entry with the greatest start not above \p Address.
  std::optional<UnwindEntry> before(uint64_t Address) const;
  /// The least start above \p Address.
  std::optional<uint64_t> nextStart(uint64_t Address) const;

  /// The exception handlers of a function, which nothing branches to.
  std::vector<uint64_t> landingPads(const UnwindEntry &Entry) const;

  bool empty() const { return Sorted.empty(); }
  /// The whole search table, in its order.
  std::vector<SearchEntry> entries() const;
  /// Address of .eh_frame.
  uint64_t frames() const { return Frames; }
  /// What covers \p Address, if its pointers are of the usual encoding.
  std::optional<FrameDescription> describe(uint64_t Address) const;

  /// Where the tables themselves lie: .eh_frame_hdr and .eh_frame.
  std::vector<AddressRange> ownRanges() const;

private:
  size_t upperBound(uint64_t Address) const;
  uint64_t start(size_t Index) const;
  uint64_t description(size_t Index) const;
  UnwindEntry read(size_t Index) const;

  Blob &B;
  AddressRange Header;
  uint64_t Frames = 0;            ///< address of .eh_frame
  llvm::ArrayRef<uint8_t> Sorted; ///< pairs of int32_t: start, description
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_UNWINDTABLE_H
