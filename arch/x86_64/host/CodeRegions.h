//===- CodeRegions.h - Disassembled code and who branches into it ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The parts of a blob that may hold sites, disassembled, with every
/// address in them that control may reach other than by falling through.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H
#define ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H

#include "CodeMap.h"
#include "Decoder.h"

namespace elfmerge::x86_64 {

/// One stretch of code, decoded without gaps: each instruction begins where
/// the one before ends.
struct Region {
  struct Branch {
    uint64_t Target;
    uint32_t From; ///< index into Insns
  };

  Extent Code; ///< its Range is what was really decoded
  std::vector<Insn> Insns;
  std::vector<Branch> Branches; ///< of this region, sorted by target
  bool HasIndirectJump = false;
  /// A jump table or a table of labels leads here.
  bool HasTableTarget = false;

  uint64_t start() const { return Code.Range.Start; }
  uint64_t end() const { return Code.Range.End; }

  /// The instruction that contains \p Address, which is in the region.
  size_t indexAt(uint64_t Address) const;
  llvm::ArrayRef<Branch> branchesInto(uint64_t Low, uint64_t High) const;
};

/// Decodes \p E. When its start is a guess, the result begins where decodings
/// from different starts have come together, or is empty if they have not by
/// \p SyncBefore. The last instruction may extend behind the range, but not
/// behind \p Limit.
Region decodeRegion(const CodeMap &Map, const Extent &E, uint64_t SyncBefore,
                    uint64_t Limit = ~uint64_t(0));

class CodeRegions {
public:
  explicit CodeRegions(const CodeMap &Map) : Map(Map) {}

  const CodeMap &map() const { return Map; }
  llvm::ArrayRef<Region> all() const { return Regions; }

  /// Adds the region around \p Address unless one has it. It gets none of the
  /// code that has been covered before.
  void cover(uint64_t Address);
  /// Finds the ways into the regions. Afterwards regions are fixed.
  void findEntries();

  const Region *find(uint64_t Address) const;
  llvm::ArrayRef<uint8_t> bytes(const Insn &I) const {
    return Map.bytes(I.Address);
  }

  /// Control may come from outside of \p R to an address in [Low, High).
  bool entered(const Region &R, uint64_t Low, uint64_t High) const;
  /// As entered(), or a branch within \p R leads there.
  bool targeted(const Region &R, uint64_t Low, uint64_t High) const;

private:
  bool shortBranchInto(const Region &R, uint64_t Low, uint64_t High) const;
  bool isInstruction(uint64_t Address) const;

  const CodeMap &Map;
  std::vector<Region> Regions;   ///< sorted, disjoint
  std::vector<uint64_t> Entries; ///< sorted
};

/// Appends every address in \p Regions to which something outside of it may
/// transfer control, by a near branch, by a table, or by having its address
/// taken. The whole code is searched byte by byte: too much may be found, never
/// too little, short branches excepted.
void findReferences(const CodeMap &Map, llvm::MutableArrayRef<Region> Regions,
                    std::vector<uint64_t> &Out);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H
