//===- DecodeCache.h - Functions decoded before ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Programs linked with the same static libc hold the same functions, apart
/// from the distances to what lies outside of them. Half of the time of a merge
/// of many such programs would be spent in disassembling them again.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H
#define ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H

#include "Decoder.h"
#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace elfmerge::x86_64 {

/// One per thread. What it returns does not depend on what it was asked before.
class DecodeCache {
public:
  static DecodeCache &get();

  /// The instructions that begin in the first \p Size bytes of \p Bytes, which
  /// are code at \p Address.
  std::vector<Insn> decode(llvm::ArrayRef<uint8_t> Bytes, uint64_t Size,
                           uint64_t Address);

private:
  struct Shape {
    std::vector<Insn> Insns;
    std::vector<uint8_t> Bytes;
    /// Zero where a 32-bit distance is: no instruction's length or kind depends
    /// on it. Made when bytes of the same size turn up that are not the same.
    std::vector<uint8_t> Mask;
  };

  static bool matches(Shape &S, llvm::ArrayRef<uint8_t> Bytes);
  static void makeMask(Shape &S);
  static std::vector<Insn>
  relocate(const Shape &S, llvm::ArrayRef<uint8_t> Bytes, uint64_t Address);

  llvm::DenseMap<uint64_t, std::vector<Shape>> Shapes; ///< by size
  size_t CachedBytes = 0;
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H
