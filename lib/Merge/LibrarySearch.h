//===- LibrarySearch.h - Where an interpreter looks for a library ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The search orders of the dynamic linkers we know, as lists of paths to try.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_LIBRARYSEARCH_H
#define ELFMERGE_LIB_MERGE_LIBRARYSEARCH_H

#include "Context.h"
#include "Sysroot.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace elfmerge {

/// Something an interpreter has loaded.
struct LoadedObject {
  Blob *B;
  std::string Path;           ///< under which it was found
  const LoadedObject *Loader; ///< whose DT_NEEDED came first; main: null
};

/// Whether \p Interpreter, a path, is musl's.
bool isMusl(llvm::StringRef Interpreter);

/// One search for all programs of a merge: configuration files are read once.
class LibrarySearch {
public:
  LibrarySearch(Context &Ctx, const Sysroot &Root) : Ctx(Ctx), Root(Root) {}

  /// Host paths in the order in which the interpreter with target path
  /// \p Interpreter would try them when \p Requester asks for \p Name.
  llvm::Expected<std::vector<std::string>>
  candidates(llvm::StringRef Name, const LoadedObject &Requester,
             llvm::StringRef Interpreter);

private:
  using Paths = std::vector<std::string>;

  llvm::Expected<Paths> glibcDirs(const LoadedObject &Requester);
  llvm::Expected<Paths> muslDirs(const LoadedObject &Requester,
                                 llvm::StringRef Interpreter);

  llvm::Error readGlibcConf(const std::string &Path, Paths &Dirs,
                            llvm::StringSet<> &Seen);
  llvm::Error readMuslConf(const std::string &Path);
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  readConf(llvm::StringRef Path, llvm::StringRef File);

  /// \p Text, a path that \p Object holds, as host paths.
  Paths expand(llvm::StringRef Text, const LoadedObject &Object) const;
  /// The directories of \p List, a DT_RPATH or DT_RUNPATH of \p Object.
  Paths expandList(llvm::StringRef List, const LoadedObject &Object) const;

  Context &Ctx;
  const Sysroot &Root;
  std::optional<Paths> GlibcConf;
  llvm::StringMap<Paths> MuslConf; ///< by path of the file
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_LIBRARYSEARCH_H
