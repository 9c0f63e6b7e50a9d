//===- Linker.cpp - lld, called once --------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linker.h"
#include "Error.h"
#include "HeldSignals.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Program.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace elfmerge;

/// lld's own first line without its "ld.lld: error: ".
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

void elfmerge::printLinkerArgs(ArrayRef<std::string> Args, raw_ostream &Out) {
  ListSeparator Space(" ");
  for (const std::string &Arg : Args) {
    Out << Space;
    sys::printArg(Out, Arg, /*Quote=*/false);
  }
  Out << "\n";
}

Error elfmerge::runLinker(ArrayRef<std::string> Args) {
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
