//===- Sysroot.h - Paths of the target system -----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The root directory of the system whose libraries are embedded. Paths come
/// in two kinds: a target path is what a program or a configuration file says,
/// a host path can be opened here. Without a sysroot the two are the same.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_SYSROOT_H
#define ELFMERGE_LIB_MERGE_SYSROOT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace elfmerge {

class Sysroot {
public:
  /// \p Dir may be empty. Fails when it is not a directory.
  static llvm::Expected<Sysroot> open(llvm::StringRef Dir);

  /// Where \p TargetPath lies here. A relative path stays what it is: it is
  /// relative to the working directory.
  std::string hostPath(llvm::StringRef TargetPath) const;

  /// The regular file to which \p HostPath leads, or nothing. Inside the
  /// sysroot, symbolic links lead to where they would on the target.
  std::optional<std::string> findFile(llvm::StringRef HostPath) const;

  /// The host paths that match \p Pattern, a host path whose components may
  /// hold wildcards; sorted.
  std::vector<std::string> glob(llvm::StringRef Pattern) const;

private:
  /// \p HostPath without symbolic links where it is inside the sysroot.
  std::optional<std::string> resolve(llvm::StringRef HostPath) const;

  std::string Root; ///< a real path without final slash; empty: no sysroot
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_SYSROOT_H
