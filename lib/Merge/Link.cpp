//===- Link.cpp - Pass 10: link with lld ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lld links the objects with the runtime archive. It has global state and is
// called once per process, here. It writes its output with a system call and
// not through a mapping: when the disk is full, a store to that is a SIGBUS.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "HeldSignals.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace elfmerge;

static std::vector<std::string> linkerArgs(const Context &Ctx) {
  std::vector<std::string> Args{"ld.lld",
                                "-m",
                                "elf_x86_64",
                                "-pie",
                                "--no-dynamic-linker",
                                "-z",
                                "max-page-size=" + std::to_string(PageSize),
                                "-z",
                                "norelro",
                                "-z",
                                "text",
                                "--build-id=none",
                                "--fatal-warnings",
                                "--no-mmap-output-file",
                                "--threads=1",
                                "-T",
                                Ctx.Script,
                                "-o",
                                Ctx.Linked.empty() ? Ctx.Cfg.Output
                                                   : Ctx.Linked};
  if (Ctx.Cfg.Symbols == SymbolPolicy::None)
    Args.push_back("--strip-all");
  Args.insert(Args.end(), Ctx.LinkerInputs.begin(), Ctx.LinkerInputs.end());
  Args.push_back(Ctx.Cfg.Runtime);
  return Args;
}

/// lld's own lines without their "ld.lld: error: ", joined into one.
static std::string firstLine(StringRef Text) {
  StringRef Line = Text.trim().split('\n').first;
  Line.consume_front("ld.lld: ");
  Line.consume_front("error: ");
  return Line.str();
}

/// What is fatal to lld, such as a full disk, is an error here: goes on behind
/// lldMain, with \p Reason as what was printed.
static void leaveLinker(void *Printed, const char *Reason, bool) {
  *static_cast<std::string *>(Printed) = Reason;
  if (CrashRecoveryContext *Linker = CrashRecoveryContext::GetCurrent())
    Linker->HandleExit(1);
}

void elfmerge::printLinkerArgs(const Context &Ctx) {
  ListSeparator Space(" ");
  for (const std::string &Arg : linkerArgs(Ctx)) {
    Ctx.Out << Space;
    sys::printArg(Ctx.Out, Arg, /*Quote=*/false);
  }
  Ctx.Out << "\n";
}

Error elfmerge::linkImage(Context &Ctx) {
  Expected<std::string> Path = Ctx.Temps.createNamed("linked", Ctx.Cfg.Output);
  if (!Path)
    return Path.takeError();
  Ctx.Linked = *Path;
  // Only the name is wanted; replacing a file costs more than making one.
  if (Ctx.Cfg.SaveTemps.empty())
    sys::fs::remove(*Path);
  std::vector<std::string> Args = linkerArgs(Ctx);
  std::vector<const char *> Argv;
  for (const std::string &Arg : Args)
    Argv.push_back(Arg.c_str());
  std::string Printed;
  raw_string_ostream OS(Printed);
  HeldSignals Held; // lld makes files of its own beside the output.
  CrashRecoveryContext::Enable();
  ScopedFatalErrorHandler Handler(leaveLinker, &Printed);
  lld::Result Result =
      lld::lldMain(Argv, OS, OS, {{lld::Gnu, &lld::elf::link}});
  if (Result.retCode != 0)
    return fail("linking failed: " + firstLine(Printed));
  return Error::success();
}
