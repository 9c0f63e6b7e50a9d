//===- elfmerge.cpp - The tool --------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;
using namespace elfmerge;

static Error systemError(const Twine &What) {
  std::error_code EC = errnoAsErrorCode();
  return createStringError(EC, What + ": " + EC.message());
}

/// The runtime is installed beside the tool: ../lib/elfmerge.
static std::string runtimeBeside(const char *Argv0) {
  SmallString<128> Path(sys::fs::getMainExecutable(
      Argv0, reinterpret_cast<void *>(&runtimeBeside)));
  sys::path::remove_filename(Path);
  sys::path::append(Path, "..", "lib", "elfmerge");
  sys::path::append(Path, "libelfmerge_rt-x86_64.a");
  sys::path::remove_dots(Path, /*remove_dot_dot=*/true);
  return std::string(Path);
}

/// Copies the file \p Path to memory and becomes it.
static Error execute(const InitTool &Init, StringRef Path) {
  int Memory = memfd_create("elfmerge-image", MFD_CLOEXEC);
  if (Memory < 0)
    return systemError("memfd_create");
  Expected<sys::fs::file_t> File = sys::fs::openNativeFileForRead(Path);
  if (!File)
    return File.takeError();
  while (ssize_t Copied = sendfile(Memory, *File, nullptr, 1 << 30))
    if (Copied < 0)
      return systemError("sendfile");
  sys::fs::closeFile(*File);
  sys::fs::remove(Path);
  // No name that a spec may have: all are to run.
  const char *Argv[] = {"elfmerge --run", nullptr};
  outs().flush();
  Init.restoreSignals();
  syscall(SYS_execveat, Memory, "", Argv, environ, AT_EMPTY_PATH);
  return systemError("cannot run the image");
}

static Error run(const InitTool &Init, CommandLine &CL) {
  SmallString<128> Path;
  if (CL.Run) {
    // A name only: merge() makes the file, and it is known to be removed before
    // it is there.
    sys::fs::getPotentiallyUniqueTempFileName("elfmerge", "image", Path);
    sys::RemoveFileOnSignal(Path);
    CL.Config.Output = std::string(Path);
  }
  Error E = merge(CL.Config, outs(), errs());
  if (!E && CL.Run && !CL.Config.PrintLinkerArgs)
    E = execute(Init, Path);
  if (CL.Run)
    sys::fs::remove(Path);
  return E;
}

static int fail(Error E) { return reportError("elfmerge", std::move(E)); }

int main(int Argc, char **Argv) {
  InitTool Init(Argc, Argv);
  Expected<CommandLine> CL = parseCommandLine(ArrayRef(Argv + 1, Argc - 1));
  if (!CL)
    return fail(CL.takeError());
  if (CL->Help) {
    printHelp(outs());
    finish("elfmerge");
  }
  if (CL->Version) {
    outs() << "elfmerge " ELFMERGE_VERSION "\n";
    finish("elfmerge");
  }
  if (CL->Config.Runtime.empty())
    CL->Config.Runtime = runtimeBeside(Argv[0]);
  if (Error E = run(Init, *CL))
    return fail(std::move(E));
  finish("elfmerge");
}
