//===- Tool.h - How a tool begins and ends --------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_SUPPORT_TOOL_H
#define ELFMERGE_LIB_SUPPORT_TOOL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/InitLLVM.h"
#include <signal.h>

namespace elfmerge {

/// The first thing in main. From here on a signal by which a user ends a
/// program first removes the files that are on LLVM's list, however many more
/// of them come meanwhile: LLVM's own handler lets the second one end the
/// process at once. One that is ignored stays so. A file that grows too large
/// is an error, like a full disk.
class InitTool {
public:
  InitTool(int &Argc, char **&Argv);
  /// For a program that takes this one's place: what was ignored when this one
  /// began is ignored again, and nothing else.
  void restoreSignals() const;

private:
  sigset_t Ignored;
  llvm::InitLLVM Init;
};

/// Prints "<Tool>: error: <message>", one line that moves no cursor, whatever
/// the paths in it are. Returns the exit status.
int reportError(llvm::StringRef Tool, llvm::Error E);

/// Ends the process when all is well: the kernel takes back what is left faster
/// than destructors do.
[[noreturn]] void finish(llvm::StringRef Tool);

} // namespace elfmerge

#endif // ELFMERGE_LIB_SUPPORT_TOOL_H
