//===- Error.h - Making messages ------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A message is lower case, without a final period, and names file, thing,
/// found and wanted. The file is put in front once, by whoever knows it.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_SUPPORT_ERROR_H
#define ELFMERGE_LIB_SUPPORT_ERROR_H

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Format.h"
#include <string>

namespace elfmerge {

inline std::string hex(uint64_t Value) {
  return "0x" + llvm::utohexstr(Value, /*LowerCase=*/true);
}

inline llvm::Error fail(const llvm::Twine &Message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), Message);
}

/// \p E with "<Path>: " in front.
inline llvm::Error inFile(llvm::StringRef Path, llvm::Error E) {
  if (!E)
    return E;
  return fail(Path + ": " + llvm::toString(std::move(E)));
}

} // namespace elfmerge

#endif // ELFMERGE_LIB_SUPPORT_ERROR_H
