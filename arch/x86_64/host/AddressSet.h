//===- AddressSet.h - Ranges of addresses ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_ADDRESSSET_H
#define ELFMERGE_ARCH_X86_64_HOST_ADDRESSSET_H

#include "UnwindTable.h"

namespace elfmerge::x86_64 {

/// Asked for nearly every reference in a blob's code, and contains next to
/// none: a bitmap of blocks, small enough for the first-level cache, comes in
/// front of the search.
class AddressSet {
public:
  AddressSet() = default;
  explicit AddressSet(std::vector<AddressRange> Ranges);

  bool empty() const { return Ranges.empty(); }
  bool contains(uint64_t Address) const {
    // One branch, which can be predicted. The last block's bit is not set.
    uint64_t Block = std::min((Address - First) / BlockSize, LastBlock);
    return LLVM_UNLIKELY(Blocks[Block / 64] >> Block % 64 & 1) &&
           !touching({Address, Address + 1}).empty();
  }
  bool contains(AddressRange R) const {
    llvm::ArrayRef<AddressRange> Found = touching(R);
    return Found.size() == 1 && Found.front().Start <= R.Start &&
           R.End <= Found.front().End;
  }
  /// The parts of the set that have addresses in \p R.
  llvm::ArrayRef<AddressRange> touching(AddressRange R) const;

  /// Sorted, and neither overlapping nor adjoining.
  llvm::ArrayRef<AddressRange> ranges() const { return Ranges; }

private:
  static constexpr uint64_t BlockSize = 8;

  std::vector<AddressRange> Ranges;
  std::vector<uint64_t> Blocks = {0}; ///< bits
  uint64_t First = 0, LastBlock = 0;
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_ADDRESSSET_H
