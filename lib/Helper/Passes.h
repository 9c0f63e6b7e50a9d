//===- Passes.h - The steps of emission and verification ------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_PASSES_H
#define ELFMERGE_LIB_HELPER_PASSES_H

#include "Features.h"
#include "Image.h"
#include "elfmerge/Helper.h"
#include <vector>

namespace elfmerge {

/// What is known of a helper that was verified.
struct Proof {
  Image Headers;
  std::vector<SystemCall> Calls; ///< that it makes, by number
};

/// Links the archive for \p P, without the operations that are missing, and
/// returns the bytes of the file.
llvm::Expected<std::string> linkHelper(const HelperConfig &Config,
                                       const Port &P, const Features &F);
std::string archivePath(const HelperConfig &Config, const Port &P);
void printLinkerArgs(const HelperConfig &Config, const Port &P,
                     const Features &F, llvm::raw_ostream &Out);

/// Follows every instruction from the entry; returns the system calls.
llvm::Expected<std::vector<SystemCall>> checkCode(const Image &I);
llvm::Expected<Proof> verifyBytes(llvm::StringRef Bytes);

llvm::Expected<std::string> makeObject(const Proof &Helper,
                                       llvm::StringRef Prefix);
std::string makeAssembly(const Proof &Helper, llvm::StringRef Prefix);
std::string makeSource(const Proof &Helper, llvm::StringRef Prefix,
                       llvm::StringRef HeaderName);
std::string makeHeader(const Proof &Helper, const HelperConfig &Config);
std::string makeManifest(const Proof &Helper, const HelperConfig &Config,
                         const Features &F);

/// A file that is to be written.
struct OutputFile {
  std::string Path;
  std::string Bytes;
  unsigned Mode = 0666; ///< before the umask
};

/// Writes all of them, or none and changes nothing. None may be \p Input.
llvm::Error writeFiles(llvm::ArrayRef<OutputFile> Files, llvm::StringRef Input);

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_PASSES_H
