//===- Merge.h - The library's interface ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Merging as a library: fill in a Config, call merge(). Since 0.1.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_MERGE_H
#define ELFMERGE_MERGE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace elfmerge {

/// After which end of an instance its program is started anew.
enum class RestartRule { No, OnFailure, Always };

/// One group of the command line: a program, its arguments, its instances.
struct SpecConfig {
  std::string Name;    ///< empty: the last component of Program
  std::string Program; ///< path
  std::string Argv0;   ///< empty: the last component of Program
  std::vector<std::string> Args;
  std::vector<std::string> Env; ///< NAME=VALUE, each added to or replacing
  std::string Cwd;              ///< empty: inherited
  uint64_t StackSize = 0;       ///< bytes; 0: RLIMIT_STACK of the process
  uint64_t Count = 1;
  RestartRule Restart = RestartRule::No;
  std::optional<uint32_t> RestartMax; ///< times per instance; none: no limit
};

enum class SymbolPolicy { Auto, All, First, None };
enum class ExitRule { FirstFailure, First, Last, Spec };
/// What an instance is.
enum class InstanceMode { Thread, Process };
/// What the program of an execve replaces; Deny: execve fails.
enum class ExecRule { Instance, Replace, Deny };
/// What a crash ends.
enum class CrashRule { Process, Isolate };

struct Config {
  std::vector<SpecConfig> Specs;
  std::string Output;  ///< path; empty: print what is asked for and stop
  std::string Runtime; ///< path of the runtime archive

  std::string Sysroot;
  std::vector<std::string> LibraryPath;
  std::vector<std::string> Embed; ///< more libraries to embed, by name or path

  SymbolPolicy Symbols = SymbolPolicy::Auto;
  ExitRule Exit = ExitRule::FirstFailure;
  std::string ExitSpec; ///< for ExitRule::Spec
  bool ShareFds = false;
  bool ShareCwd = false;
  InstanceMode Mode = InstanceMode::Thread;
  ExecRule Exec = ExecRule::Instance;
  CrashRule OnCrash = CrashRule::Process;
  /// Whether what an instance had is given back when it ends; none: when
  /// instances restart. See reclaims().
  std::optional<bool> Reclaim;

  /// Files that this configuration was read from; they go into the depfile and
  /// are no output's to overwrite.
  std::vector<std::string> OptionFiles;

  std::string MapFile;
  std::string DepFile;
  bool PrintPlan = false;       ///< print and go on
  bool PrintHooks = false;      ///< print and go on
  bool PrintLinkerArgs = false; ///< -###: print and stop
  bool Verbose = false;
  std::string SaveTemps; ///< keep the linker's inputs in this directory
  unsigned Threads = 0;  ///< 0: as many as there are processors

  /// Whether any instance restarts.
  bool restarts() const;
  /// Whether what an instance had is given back when it ends.
  bool reclaims() const { return Reclaim.value_or(restarts()); }
};

/// Makes the image \p Config describes. What the options ask to be printed
/// goes to \p Out, progress of --verbose to \p Log. On error nothing is left
/// behind and an existing output file is untouched. lld keeps global state:
/// call at most once per process, from one thread.
llvm::Error merge(const Config &Config, llvm::raw_ostream &Out,
                  llvm::raw_ostream &Log);

} // namespace elfmerge

#endif // ELFMERGE_MERGE_H
