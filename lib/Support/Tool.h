//===- Tool.h - How a tool ends -------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_SUPPORT_TOOL_H
#define ELFMERGE_LIB_SUPPORT_TOOL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace elfmerge {

/// Prints "<Tool>: error: <message>", one line that moves no cursor, whatever
/// the paths in it are. Returns the exit status.
int reportError(llvm::StringRef Tool, llvm::Error E);

/// Ends the process when all is well: the kernel takes back what is left faster
/// than destructors do.
[[noreturn]] void finish(llvm::StringRef Tool);

} // namespace elfmerge

#endif // ELFMERGE_LIB_SUPPORT_TOOL_H
