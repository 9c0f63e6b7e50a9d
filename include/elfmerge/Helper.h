//===- Helper.h - The interface of the library that emits helpers ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Emitting and verifying spawn helpers as a library. Since 0.1.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_HELPER_H
#define ELFMERGE_HELPER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace elfmerge {

enum class HelperFormat { Elf, Object, Asm, C, Json };

/// One helper and what to make of it.
struct HelperConfig {
  std::string Arch; ///< empty: the host's
  HelperFormat Format = HelperFormat::Elf;
  std::string Output; ///< path; for HelperFormat::C it ends in ".c"
  /// Path of a C header that declares the symbols; empty: beside the output
  /// for HelperFormat::C, and none for the others.
  std::string Header;
  std::string DepFile;  ///< path; empty: none
  std::string Features; ///< see --list; empty: all
  std::string SymbolPrefix = "elfspawn_helper";
  std::string ArchiveFolder;    ///< holds libelfhelper-<arch>.a
  std::string Archive;          ///< path; in place of the one in ArchiveFolder
  std::string Version;          ///< of the tool, for the manifest
  bool PrintLinkerArgs = false; ///< -###: print and stop
};

/// Links, verifies and writes the helper \p Config describes. On error no
/// output file is made or changed. lld keeps global state: call at most once
/// per process, from one thread. What is asked to be printed goes to \p Out.
llvm::Error emitHelper(const HelperConfig &Config, llvm::raw_ostream &Out);

/// Proves of the file \p Path what docs/elfhelper.1 says of a helper.
llvm::Error verifyHelper(llvm::StringRef Path);

/// The name of a format as the command line has it, or false.
bool parseHelperFormat(llvm::StringRef Name, HelperFormat &Format);

/// Prints the architectures, the formats and the features.
void listHelpers(llvm::raw_ostream &Out);

} // namespace elfmerge

#endif // ELFMERGE_HELPER_H
