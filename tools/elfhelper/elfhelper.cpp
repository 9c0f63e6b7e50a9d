//===- elfhelper.cpp - The tool -------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace llvm;
using namespace elfmerge;

/// The archives are installed beside the tool: ../lib/elfmerge.
static std::string archivesBeside(const char *Argv0) {
  SmallString<128> Path(sys::fs::getMainExecutable(
      Argv0, reinterpret_cast<void *>(&archivesBeside)));
  sys::path::remove_filename(Path);
  sys::path::append(Path, "..", "lib", "elfmerge");
  sys::path::remove_dots(Path, /*remove_dot_dot=*/true);
  return std::string(Path);
}

static int fail(Error E) { return reportError("elfhelper", std::move(E)); }

static Error run(CommandLine &CL) {
  if (CL.Help) {
    printHelp(outs());
    return Error::success();
  }
  if (CL.Version) {
    outs() << "elfhelper " ELFMERGE_VERSION "\n";
    return Error::success();
  }
  if (CL.List) {
    listHelpers(outs());
    return Error::success();
  }
  for (const std::string &Path : CL.Verify)
    if (Error E = verifyHelper(Path))
      return E;
  if (CL.Verify.empty())
    return emitHelper(CL.Config, outs());
  return Error::success();
}

int main(int Argc, char **Argv) {
  InitTool Init(Argc, Argv);
  Expected<CommandLine> CL = parseCommandLine(ArrayRef(Argv + 1, Argc - 1));
  if (!CL)
    return fail(CL.takeError());
  CL->Config.ArchiveFolder = archivesBeside(Argv[0]);
  CL->Config.Version = ELFMERGE_VERSION;
  if (Error E = run(*CL))
    return fail(std::move(E));
  finish("elfhelper");
}
