//===- Files.cpp - All outputs or none ------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every output is written under another name beside its own first. Only when
// all of them are complete are they renamed, so an error leaves the old files
// alone.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "HeldSignals.h"
#include "Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

using namespace llvm;
using namespace elfmerge;

namespace {

/// A file that goes away unless it is kept.
class Draft {
public:
  explicit Draft(const OutputFile &File) : File(File) {}
  ~Draft() {
    if (Path.empty())
      return;
    sys::fs::remove(Path);
    sys::DontRemoveFileOnSignal(Path);
  }
  Draft(const Draft &) = delete;
  Draft &operator=(const Draft &) = delete;

  Error write() {
    int Fd;
    SmallString<128> Unique;
    HeldSignals Held;
    if (std::error_code EC = sys::fs::createUniqueFile(
            File.Path + ".tmp%%%%%%", Fd, Unique, sys::fs::OF_None, File.Mode))
      return fail("cannot create output: " + EC.message());
    Path = std::string(Unique);
    sys::RemoveFileOnSignal(Path);
    raw_fd_ostream OS(Fd, /*shouldClose=*/true);
    OS << File.Bytes;
    OS.close();
    std::error_code EC = OS.error();
    OS.clear_error();
    return EC ? fail("cannot write: " + EC.message()) : Error::success();
  }

  Error keep() {
    if (std::error_code EC = sys::fs::rename(Path, File.Path))
      return fail("cannot replace: " + EC.message());
    sys::DontRemoveFileOnSignal(Path);
    Path.clear();
    return Error::success();
  }

  const OutputFile &File;

private:
  std::string Path;
};

} // namespace

/// Refuses an output that a rename would destroy or could not replace.
static Error checkOutput(StringRef Path, StringRef Input) {
  sys::fs::file_status Status;
  if (!sys::fs::status(Path, Status) &&
      Status.type() != sys::fs::file_type::regular_file)
    return fail("output exists and is not a regular file");
  bool Same = false;
  // An output that does not exist yet is no input.
  if (!sys::fs::equivalent(Input, Path, Same) && Same)
    return fail("output is also an input");
  return Error::success();
}

/// \p Path in its folder's own name, so that one file has one name.
static std::string nameOf(StringRef Path) {
  SmallString<128> Folder(sys::path::parent_path(Path)), Name;
  if (sys::fs::real_path(Folder.empty() ? "." : StringRef(Folder), Name))
    return Path.str();
  sys::path::append(Name, sys::path::filename(Path));
  return std::string(Name);
}

Error elfmerge::writeFiles(ArrayRef<OutputFile> Files, StringRef Input) {
  std::vector<std::unique_ptr<Draft>> Drafts;
  for (const OutputFile &F : Files) {
    for (const std::unique_ptr<Draft> &D : Drafts)
      if (nameOf(D->File.Path) == nameOf(F.Path))
        return inFile(F.Path, fail("found two outputs of this name"));
    if (Error E = checkOutput(F.Path, Input))
      return inFile(F.Path, std::move(E));
    Drafts.push_back(std::make_unique<Draft>(F));
  }
  for (const std::unique_ptr<Draft> &D : Drafts)
    if (Error E = D->write())
      return inFile(D->File.Path, std::move(E));
  for (const std::unique_ptr<Draft> &D : Drafts)
    if (Error E = D->keep())
      return inFile(D->File.Path, std::move(E));
  return Error::success();
}
