//===- Merge.cpp - The list of passes -------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "elfmerge/Merge.h"
#include "Background.h"
#include "Contents.h"
#include "Error.h"
#include "HeldSignals.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include <unistd.h>
#include <utility>

using namespace llvm;
using namespace elfmerge;

/// The file under construction stands beside the output, so that it can take
/// its name without being copied.
static Error openOutput(Context &Ctx) {
  HeldSignals Held;
  SmallString<128> Path;
  if (std::error_code EC = sys::fs::createUniqueFile(
          Ctx.Cfg.Output + ".tmp%%%%%%", Ctx.OutputFd, Path, sys::fs::OF_None,
          sys::fs::all_read | sys::fs::all_write | sys::fs::all_exe))
    return inFile(Ctx.Cfg.Output,
                  fail("cannot create output: " + EC.message()));
  Ctx.Partial = std::string(Path);
  sys::RemoveFileOnSignal(Path);
  return Error::success();
}

static Error closeOutput(Context &Ctx) {
  int Fd = std::exchange(Ctx.OutputFd, -1);
  std::error_code EC;
  if (::close(Fd) != 0)
    EC = errnoAsErrorCode();
  else
    EC = sys::fs::rename(Ctx.Partial, Ctx.Cfg.Output);
  if (EC)
    return inFile(Ctx.Cfg.Output, fail("cannot write output: " + EC.message()));
  sys::DontRemoveFileOnSignal(Ctx.Partial);
  Ctx.Partial.clear();
  return Error::success();
}

static void dropOutput(Context &Ctx) {
  if (Ctx.OutputFd >= 0)
    ::close(Ctx.OutputFd);
  if (Ctx.Partial.empty())
    return;
  sys::fs::remove(Ctx.Partial);
  sys::DontRemoveFileOnSignal(Ctx.Partial);
}

namespace {
struct Pass {
  const char *Name;
  Error (*Run)(Context &);
};
} // namespace

static Error run(Context &Ctx, ArrayRef<Pass> Passes) {
  for (const Pass &P : Passes) {
    if (Ctx.Cfg.Verbose)
      Ctx.Log << "elfmerge: pass " << P.Name << "\n";
    if (Error E = P.Run(Ctx))
      return E;
  }
  return Error::success();
}

static constexpr Pass Planning[] = {
    // Nothing is worth starting before every input has been checked.
    {"inputs", readInputs},
    {"closures", resolveClosures},
    {"outputs", checkOutputs},
    // Hooks change how large a blob is, so they come before the plan.
    {"hooks", hookBlobs},
    // From here on the bytes of every blob are final.
    {"embed", embedHooks},
    // From here on every address is final.
    {"plan", planImage},
    {"table", buildTable},
};

static constexpr Pass Linking[] = {
    {"objects", writeObjects},
    {"script", writeScript},
    {"link", linkImage},
};

static constexpr Pass Folding[] = {
    {"fold", foldImage},
};

static constexpr Pass Telling[] = {
    {"map", writeMap},
    {"depfile", writeDepFile},
};

static Error produce(Context &Ctx) {
  if (Error E = openOutput(Ctx))
    return E;
  if (Error E = sizeOutput(Ctx))
    return E;
  // Neither needs the linker, nor the linker them.
  Background Contents([&Ctx] { return copyContents(Ctx); });
  Background Symbols([&Ctx] { return collectSymbols(Ctx); });
  Error E = run(Ctx, Linking);
  if (!E)
    E = Symbols.finish();
  if (!E)
    E = run(Ctx, Folding);
  if (!E)
    E = Contents.finish();
  if (!E)
    E = run(Ctx, Telling);
  if (!E)
    E = closeOutput(Ctx);
  return E;
}

static Error printLink(Context &Ctx) {
  if (Error E = run(Ctx, ArrayRef(Linking).take_front(2)))
    return E;
  printLinkerArgs(Ctx);
  return Error::success();
}

Error elfmerge::merge(const Config &Cfg, raw_ostream &Out, raw_ostream &Log) {
  Context Ctx(Cfg, Out, Log);
  Ctx.Dependencies = Cfg.OptionFiles;
  auto Clean = make_scope_exit([&] { dropOutput(Ctx); });
  if (Error E = run(Ctx, Planning))
    return E;
  if (Cfg.PrintPlan)
    printPlan(Ctx);
  if (Cfg.PrintHooks)
    printHooks(Ctx);
  if (Cfg.PrintLinkerArgs)
    return printLink(Ctx);
  return Cfg.Output.empty() ? Error::success() : produce(Ctx);
}
