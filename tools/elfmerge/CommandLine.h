//===- CommandLine.h - From argv to a configuration -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_TOOLS_COMMANDLINE_H
#define ELFMERGE_TOOLS_COMMANDLINE_H

#include "elfmerge/Merge.h"

struct CommandLine {
  elfmerge::Config Config;
  bool Run = false;
  bool Help = false;
  bool Version = false;
};

/// \p Args is argv without argv[0].
llvm::Expected<CommandLine> parseCommandLine(llvm::ArrayRef<const char *> Args);

void printHelp(llvm::raw_ostream &OS);

/// Appends the instances of the YAML file \p Path.
llvm::Error readManifest(llvm::StringRef Path, elfmerge::Config &Config);

// What is wanted of an instance option's value, or null when it is good.
const char *wantedCount(uint64_t Count);
const char *wantedVariable(llvm::StringRef Text);
/// Reads a number with an optional suffix K, M or G.
const char *parseStackSize(llvm::StringRef Text, uint64_t &Value);
/// Reads RULE[:MAX].
const char *parseRestart(llvm::StringRef Text, elfmerge::SpecConfig &Spec);

#endif // ELFMERGE_TOOLS_COMMANDLINE_H
