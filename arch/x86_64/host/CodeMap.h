//===- CodeMap.h - Where the code of a blob is ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a blob says about its own code without any of it being disassembled:
/// executable bytes, functions, addresses that are known to be entered.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_CODEMAP_H
#define ELFMERGE_ARCH_X86_64_HOST_CODEMAP_H

#include "UnwindTable.h"

namespace elfmerge::x86_64 {

/// A stretch of code to be disassembled as a whole.
struct Extent {
  AddressRange Range;
  /// The start is known to be an instruction. Otherwise it is a guess, and the
  /// disassembler has to synchronise first.
  bool Exact = false;
  /// The function, when unwind information covers it; may end before Range.
  UnwindEntry Unwind;
};

class CodeMap {
public:
  explicit CodeMap(Blob &B);

  Blob &blob() const { return B; }
  const UnwindTable &unwind() const { return Unwind; }

  /// Disjoint and sorted. With section headers, executable sections; else
  /// executable segments without the unwind tables.
  llvm::ArrayRef<AddressRange> ranges() const { return Ranges; }

  /// The range that contains \p Address, or null.
  const AddressRange *rangeOf(uint64_t Address) const;
  /// The bytes from \p Address, which is code, to the end of its range.
  llvm::ArrayRef<uint8_t> bytes(uint64_t Address) const;

  /// What to disassemble in order to understand \p Address, which is code.
  Extent extentOf(uint64_t Address) const;

  /// Calls \p Fn with every address that symbols, relocations and the headers
  /// name.
  void forEachKnownEntry(llvm::function_ref<void(uint64_t)> Fn) const;

  struct Function {
    uint64_t Address;
    llvm::StringRef Name;
  };
  /// The last function symbol in [Low, Address]; its name is empty when there
  /// is none.
  Function functionBefore(uint64_t Address, uint64_t Low) const;

private:
  using Sym = Blob::ELFT::Sym;
  struct Symbol {
    uint64_t Address;
    uint32_t Index; ///< position in the symbol tables
    bool IsFunction;
    const char *Name;
  };
  struct SymbolTable {
    llvm::ArrayRef<Sym> Symbols;
    llvm::StringRef Strings;
  };

  void readRanges();
  void findSymbols();
  void addTable(llvm::ArrayRef<Sym> Table, llvm::StringRef Strings);
  bool findSymbolSections();
  bool isOfCode(const SymbolTable &T, const Sym &S) const;
  /// Sorted by address.
  llvm::ArrayRef<Symbol> symbols() const;
  Extent gapExtent(uint64_t Address, AddressRange Gap) const;

  Blob &B;
  UnwindTable Unwind;
  std::vector<AddressRange> Ranges;
  std::vector<SymbolTable> Tables; ///< with symbols of code
  /// Made when somebody asks: what has unwind information needs no symbols.
  mutable std::optional<std::vector<Symbol>> Symbols;
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_CODEMAP_H
