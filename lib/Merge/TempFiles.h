//===- TempFiles.h - Files that only the linker sees ----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_TEMPFILES_H
#define ELFMERGE_LIB_MERGE_TEMPFILES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace elfmerge {

/// Files in memory, or in a directory when the user wants to keep them. None
/// that is not to be kept is left behind.
class TempFiles {
public:
  /// \p Directory empty: in memory.
  explicit TempFiles(std::string Directory) : Directory(std::move(Directory)) {}
  ~TempFiles();
  TempFiles(const TempFiles &) = delete;
  TempFiles &operator=(const TempFiles &) = delete;

  /// A new empty file; its path is valid as long as this object.
  llvm::Expected<std::string> create(llvm::StringRef Name);
  /// The same for who wants to replace the file, which has to have a name
  /// then: one that begins with \p Beside.
  llvm::Expected<std::string> createNamed(llvm::StringRef Name,
                                          llvm::StringRef Beside);

private:
  std::string Directory;
  std::vector<int> Descriptors;
  std::vector<std::string> Named; ///< to be removed
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_TEMPFILES_H
