//===- AddressSet.cpp -----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AddressSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace elfmerge::x86_64 {

AddressSet::AddressSet(std::vector<AddressRange> List)
    : Ranges(std::move(List)) {
  if (Ranges.empty())
    return;
  llvm::sort(Ranges, [](const AddressRange &L, const AddressRange &R) {
    return L.Start < R.Start;
  });
  size_t Last = 0;
  for (const AddressRange &R : Ranges)
    if (R.Start <= Ranges[Last].End)
      Ranges[Last].End = std::max(Ranges[Last].End, R.End);
    else
      Ranges[++Last] = R;
  Ranges.resize(Last + 1);

  First = Ranges.front().Start;
  LastBlock = (Ranges.back().End - First) / BlockSize + 1;
  Blocks.resize(LastBlock / 64 + 1);
  for (const AddressRange &R : Ranges)
    for (uint64_t Block = (R.Start - First) / BlockSize,
                  End = (R.End - 1 - First) / BlockSize;
         Block <= End; ++Block)
      Blocks[Block / 64] |= uint64_t(1) << Block % 64;
}

ArrayRef<AddressRange> AddressSet::touching(AddressRange R) const {
  ArrayRef<AddressRange> All = Ranges;
  auto Begin = llvm::partition_point(
      All, [=](const AddressRange &A) { return A.End <= R.Start; });
  auto End = std::partition_point(
      Begin, All.end(), [=](const AddressRange &A) { return A.Start < R.End; });
  return {Begin, End};
}

} // namespace elfmerge::x86_64
