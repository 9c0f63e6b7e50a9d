//===- CommandLine.h - From argv to a configuration -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_TOOLS_ELFHELPER_COMMANDLINE_H
#define ELFMERGE_TOOLS_ELFHELPER_COMMANDLINE_H

#include "elfmerge/Helper.h"
#include "llvm/ADT/ArrayRef.h"
#include <vector>

struct CommandLine {
  elfmerge::HelperConfig Config;
  std::vector<std::string> Verify; ///< files
  bool List = false;
  bool Help = false;
  bool Version = false;
};

/// \p Args is argv without argv[0].
llvm::Expected<CommandLine> parseCommandLine(llvm::ArrayRef<const char *> Args);

void printHelp(llvm::raw_ostream &OS);

#endif // ELFMERGE_TOOLS_ELFHELPER_COMMANDLINE_H
