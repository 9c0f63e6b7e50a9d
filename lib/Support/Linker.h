//===- Linker.h - lld, called once ----------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_SUPPORT_LINKER_H
#define ELFMERGE_LIB_SUPPORT_LINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace elfmerge {

/// Links. lld has global state, so this is called once in a process, last. What
/// lld says is in the error, as one line.
llvm::Error runLinker(llvm::ArrayRef<std::string> Args);

/// The same as a command line, for -###.
void printLinkerArgs(llvm::ArrayRef<std::string> Args, llvm::raw_ostream &Out);

} // namespace elfmerge

#endif // ELFMERGE_LIB_SUPPORT_LINKER_H
