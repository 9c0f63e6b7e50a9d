//===- TempFiles.cpp - Files that only the linker sees --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TempFiles.h"
#include "Error.h"
#include "HeldSignals.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;
using namespace elfmerge;

TempFiles::~TempFiles() {
  for (int Fd : Descriptors)
    ::close(Fd);
  for (const std::string &Path : Named) {
    sys::fs::remove(Path);
    sys::DontRemoveFileOnSignal(Path);
  }
}

Expected<std::string> TempFiles::create(StringRef Name) {
  if (!Directory.empty()) {
    if (std::error_code EC = sys::fs::create_directories(Directory))
      return inFile(Directory,
                    fail("cannot create directory: " + EC.message()));
    SmallString<128> Path(Directory);
    sys::path::append(Path, Name);
    return std::string(Path);
  }
  int Fd = ::memfd_create(Name.str().c_str(), MFD_CLOEXEC);
  if (Fd >= 0) {
    Descriptors.push_back(Fd);
    std::string Path = "/proc/self/fd/" + std::to_string(Fd);
    if (sys::fs::exists(Path))
      return Path;
  }
  SmallString<128> Path;
  sys::path::system_temp_directory(/*ErasedOnReboot=*/true, Path);
  sys::path::append(Path, "elfmerge");
  return createNamed(Name, Path);
}

Expected<std::string> TempFiles::createNamed(StringRef Name, StringRef Beside) {
  if (!Directory.empty())
    return create(Name);
  HeldSignals Held;
  SmallString<128> Path;
  if (std::error_code EC =
          sys::fs::createUniqueFile(Beside + ".tmp%%%%%%", Path))
    return inFile(Beside, fail("cannot create a file: " + EC.message()));
  Named.push_back(std::string(Path));
  sys::RemoveFileOnSignal(Path);
  return std::string(Path);
}
