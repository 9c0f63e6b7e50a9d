//===- Merge.cpp - The list of passes ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "elfmerge/Merge.h"
#include "Context.h"
#include "Error.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using namespace elfmerge;

/// Refuses an output that a rename would destroy or could not replace.
Error elfmerge::checkOutput(Context &Ctx) {
  const std::string &Output = Ctx.Cfg.Output;
  if (Output.empty())
    return Error::success();
  sys::fs::file_status Status;
  if (!sys::fs::status(Output, Status) &&
      Status.type() != sys::fs::file_type::regular_file)
    return inFile(Output, fail("output exists and is not a regular file"));
  for (const std::string &Input : Ctx.Dependencies) {
    bool Same = false;
    // An output that does not exist yet is no input.
    if (!sys::fs::equivalent(Input, Output, Same) && Same)
      return inFile(Output, fail("output is also an input: found " + Input));
  }
  return Error::success();
}

/// The file under construction stands beside the output, so that it can take
/// its name without being copied.
static Error openOutput(Context &Ctx) {
  SmallString<128> Path;
  if (std::error_code EC = sys::fs::createUniqueFile(
          Ctx.Cfg.Output + ".tmp%%%%%%", Path))
    return inFile(Ctx.Cfg.Output,
                  fail("cannot create output: " + EC.message()));
  Ctx.Linked = std::string(Path);
  sys::RemoveFileOnSignal(Path);
  return Error::success();
}

static Error closeOutput(Context &Ctx) {
  if (std::error_code EC = sys::fs::rename(Ctx.Linked, Ctx.Cfg.Output))
    return inFile(Ctx.Cfg.Output,
                  fail("cannot replace output: " + EC.message()));
  sys::DontRemoveFileOnSignal(Ctx.Linked);
  Ctx.Linked.clear();
  return Error::success();
}

static Error openTempDir(Context &Ctx) {
  std::error_code EC;
  if (!Ctx.Cfg.SaveTemps.empty()) {
    Ctx.TempDir = Ctx.Cfg.SaveTemps;
    EC = sys::fs::create_directories(Ctx.TempDir);
  } else {
    SmallString<128> Path;
    EC = sys::fs::createUniqueDirectory("elfmerge", Path);
    Ctx.TempDir = std::string(Path);
  }
  if (EC)
    return inFile(Ctx.TempDir, fail("cannot create directory: " + EC.message()));
  return Error::success();
}

static Error build(Context &Ctx) {
  using Pass = Error (*)(Context &);
  static constexpr struct {
    const char *Name;
    Pass Run;
  } Passes[] = {
      // Nothing is worth starting before every input has been checked.
      {"inputs", readInputs},
      {"closures", resolveClosures},
      {"output", checkOutput},
      // Hooks change how large a blob is, so they come before the plan.
      {"hooks", hookBlobs},
      {"embed", embedLibraries},
      // From here on every address is final.
      {"plan", planImage},
      {"table", buildTable},
      {"objects", writeObjects},
      {"script", writeScript},
  };
  for (const auto &P : Passes) {
    if (Ctx.Cfg.Verbose)
      Ctx.Log << "elfmerge: pass " << P.Name << "\n";
    if (Error E = P.Run(Ctx))
      return E;
  }
  return Error::success();
}

static Error produce(Context &Ctx) {
  if (Error E = openOutput(Ctx))
    return E;
  if (Error E = linkImage(Ctx))
    return E;
  if (Error E = foldImage(Ctx))
    return E;
  if (Error E = writeMap(Ctx))
    return E;
  if (Error E = writeDepFile(Ctx))
    return E;
  return closeOutput(Ctx);
}

Error elfmerge::merge(const Config &Cfg, raw_ostream &Out, raw_ostream &Log) {
  Context Ctx(Cfg, Out, Log);
  auto Clean = make_scope_exit([&] {
    if (!Ctx.Linked.empty())
      sys::fs::remove(Ctx.Linked);
    if (Cfg.SaveTemps.empty() && !Ctx.TempDir.empty())
      sys::fs::remove_directories(Ctx.TempDir);
  });
  if (Error E = openTempDir(Ctx))
    return E;
  if (Error E = build(Ctx))
    return E;
  if (Cfg.PrintPlan)
    printPlan(Ctx);
  if (Cfg.PrintHooks)
    printHooks(Ctx);
  if (Cfg.PrintLinkerArgs)
    printLinkerArgs(Ctx);
  if (Cfg.PrintLinkerArgs || Cfg.Output.empty())
    return Error::success();
  return produce(Ctx);
}
