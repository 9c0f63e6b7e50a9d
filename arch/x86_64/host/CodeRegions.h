//===- CodeRegions.h - Disassembled code and who branches into it ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The parts of a blob that may hold sites, disassembled, with every address in
/// them that control may reach other than by falling through.
///
/// To find all of these addresses takes longer than all the rest, and nearly
/// always nobody enters where it would matter. So a region is taken to be
/// entered nowhere but at its start, the questions asked are written down, and
/// in the end confirm() looks at the whole code, for these places only. Regions
/// for which the answers were wrong get their true entries, and whoever asked
/// has to decide again.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H
#define ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H

#include "AddressSet.h"
#include "CodeMap.h"
#include "DecodeCache.h"

namespace elfmerge::x86_64 {

/// One stretch of code, decoded without gaps. What is said of instructions and
/// branches counts from its start.
struct Region {
  Extent Code; ///< its Range is what was really decoded
  std::shared_ptr<const Shape> Decoded;
  llvm::ArrayRef<Insn> Insns;
  llvm::ArrayRef<uint8_t> Bytes; ///< to the end of the code range
  /// A jump table or a table of labels leads here. Found out with the entries.
  bool HasTableTarget = false;
  bool IsSearched = false; ///< its entries have been looked for
  bool IsKnown = false;    ///< nothing is assumed about it

  uint64_t start() const { return Code.Range.Start; }
  uint64_t end() const { return Code.Range.End; }
  uint64_t address(const Insn &I) const { return start() + I.Address; }
  llvm::ArrayRef<uint8_t> bytes(const Insn &I) const {
    return Bytes.drop_front(I.Address);
  }
  bool hasIndirectJump() const { return Decoded->HasIndirectJump; }

  /// The instruction that contains \p Offset, which is in the region.
  size_t indexOf(uint64_t Offset) const;
  size_t indexAt(uint64_t Address) const { return indexOf(Address - start()); }
  llvm::ArrayRef<Shape::Branch> branchesInto(uint64_t Low, uint64_t High) const;
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

  /// Adds the region around \p Address unless one has it. It gets none of the
  /// code that has been covered before. Invalidates regions found.
  void cover(uint64_t Address);
  const Region *find(uint64_t Address) const;

  /// Control may come from outside of \p R to an offset in [Low, High).
  bool entered(const Region &R, uint64_t Low, uint64_t High);
  /// As entered(), or a branch within \p R leads there.
  bool targeted(const Region &R, uint64_t Low, uint64_t High);
  /// A jump table or a table of labels leads into \p R, which has an indirect
  /// jump.
  bool hasTable(const Region &R);
  /// Has somebody else's use of entered() and hasTable() confirmed.
  void assume(const Region &R, const CallFacts &Facts);

  /// False when an answer since the last call was wrong. It is right from now
  /// on, and all is to be asked again. Few calls are enough.
  bool confirm();

private:
  bool shortBranchInto(const Region &R,
                       llvm::ArrayRef<AddressRange> Where) const;
  bool isInstruction(uint64_t Address) const;
  AddressSet openQuestions();
  void findEntries(const AddressSet &Where);
  bool wasWrong(const Region &R, const AddressSet &Asked) const;

  const CodeMap &Map;
  std::vector<Region> Regions;       ///< sorted, disjoint
  std::vector<uint64_t> Entries;     ///< sorted
  std::vector<AddressRange> Assumed; ///< to be entered nowhere
  AddressSet Confirmed;
  std::vector<const Region *> AssumedTables;
};

/// Appends every address in \p Where to which something outside of its region
/// may transfer control, by a near branch, by a table, or by having its address
/// taken. The whole code is searched byte by byte: too much may be found, never
/// too little, short branches excepted.
void findReferences(const CodeMap &Map, llvm::MutableArrayRef<Region> Regions,
                    const AddressSet &Where, std::vector<uint64_t> &Out);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_CODEREGIONS_H
