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
#include "Linker.h"
#include "llvm/Support/FileSystem.h"

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

void elfmerge::printLinkerArgs(const Context &Ctx) {
  printLinkerArgs(linkerArgs(Ctx), Ctx.Out);
}

Error elfmerge::linkImage(Context &Ctx) {
  Expected<std::string> Path = Ctx.Temps.createNamed("linked", Ctx.Cfg.Output);
  if (!Path)
    return Path.takeError();
  Ctx.Linked = *Path;
  // Only the name is wanted; replacing a file costs more than making one.
  if (Ctx.Cfg.SaveTemps.empty())
    sys::fs::remove(*Path);
  return runLinker(linkerArgs(Ctx));
}
