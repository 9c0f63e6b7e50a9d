//===- DecodeCache.h - Functions decoded before ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Programs linked with the same static libc hold the same functions, apart
/// from the distances to what lies outside of them. Most of the time of a merge
/// of many such programs would be spent in understanding them again.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H
#define ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H

#include "Decoder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <map>
#include <memory>
#include <vector>

namespace elfmerge::x86_64 {

/// Bytes of a stretch of code, counted from its start.
struct OffsetRange {
  uint64_t Start, End;
};

/// Which numbers a call can have, and what that relies on.
struct CallFacts {
  llvm::SmallVector<uint32_t, 2> Numbers; ///< sorted; empty: unknown
  std::vector<OffsetRange> NotEntered;    ///< nothing enters here
  bool HasTable = false; ///< a jump table or table of labels leads here
};

/// A stretch of code, wherever it lies: each instruction begins where the one
/// before ends, and addresses are counted from its start.
struct Shape {
  struct Branch {
    uint64_t Target;
    uint32_t From; ///< index into Insns
  };

  std::vector<Insn> Insns;
  std::vector<Branch> Branches; ///< that lead here, sorted by target
  bool HasIndirectJump = false;

  /// By the index of a call, under assumptions; filled in by callNumbers().
  mutable std::map<size_t, CallFacts> Facts;

  void findBranches(uint64_t Size);
};

/// One per thread. What it returns does not depend on what it was asked before.
class DecodeCache {
public:
  static DecodeCache &get();

  /// The instructions that begin in the first \p Size bytes of \p Bytes.
  /// Branches are those whose target is one of these bytes.
  std::shared_ptr<const Shape> decode(llvm::ArrayRef<uint8_t> Bytes,
                                      uint64_t Size);

private:
  struct Entry {
    std::shared_ptr<const Shape> S;
    std::vector<uint8_t> Bytes;
    /// Zero where the 32-bit distance to something outside is: nothing that is
    /// kept here depends on it.
    std::vector<uint8_t> Mask;
    std::vector<uint32_t> Outward; ///< instructions that branch or call out

    Entry(std::shared_ptr<const Shape> Decoded, llvm::ArrayRef<uint8_t> Code,
          uint64_t Size);
    bool matches(llvm::ArrayRef<uint8_t> Code, uint64_t Size) const;
  };

  llvm::DenseMap<uint64_t, std::vector<Entry>> Entries; ///< by size
  size_t CachedBytes = 0;
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_DECODECACHE_H
