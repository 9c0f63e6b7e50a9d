//===- Symbols.h - The symbol table of an image ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_SYMBOLS_H
#define ELFMERGE_LIB_MERGE_SYMBOLS_H

#include "Context.h"

namespace elfmerge {

struct SymbolTable {
  std::vector<Blob::ELFT::Sym> Symbols; ///< all local
  std::string Names;                    ///< st_name is relative to its start
};

/// The symbols of all instances that are to have some. \p SectionIndex tells
/// the image's section of that name.
llvm::Expected<SymbolTable>
instanceSymbols(const Context &Ctx,
                llvm::function_ref<unsigned(llvm::StringRef)> SectionIndex);

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_SYMBOLS_H
