//===- Tool.cpp - How a tool begins and ends ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tool.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <unistd.h>

using namespace llvm;

static constexpr int Endings[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR2};

static sigset_t ignoredSignals() {
  sigset_t Ignored;
  sigemptyset(&Ignored);
  for (int Signal = 1; Signal < NSIG; ++Signal) {
    struct sigaction Action;
    if (sigaction(Signal, nullptr, &Action) == 0 &&
        Action.sa_handler == SIG_IGN)
      sigaddset(&Ignored, Signal);
  }
  return Ignored;
}

/// With all signals blocked, so that the last one comes when this returns.
static void endBySignal(int Signal) {
  static std::atomic_flag Ends = ATOMIC_FLAG_INIT;
  while (Ends.test_and_set()) // Another thread does.
    pause();
  sys::RunInterruptHandlers();
  signal(Signal, SIG_DFL);
  raise(Signal);
}

elfmerge::InitTool::InitTool(int &Argc, char **&Argv)
    : Ignored(ignoredSignals()), Init(Argc, Argv) {
  for (int Signal : Endings) {
    struct sigaction Action = {};
    Action.sa_handler = sigismember(&Ignored, Signal) ? SIG_IGN : endBySignal;
    sigfillset(&Action.sa_mask);
    sigaction(Signal, &Action, nullptr);
  }
  signal(SIGXFSZ, SIG_IGN);
}

void elfmerge::InitTool::restoreSignals() const {
  for (int Signal = 1; Signal < NSIG; ++Signal)
    // Of those that cannot be ignored, none was.
    signal(Signal, sigismember(&Ignored, Signal) == 1 ? SIG_IGN : SIG_DFL);
}

int elfmerge::reportError(StringRef Tool, Error E) {
  errs() << Tool << ": error: ";
  for (char C : toString(std::move(E)))
    if (C == '\n')
      errs() << "\\n";
    else if (isPrint(C) || uint8_t(C) >= 0x80)
      errs() << C;
    else
      errs() << format("\\x%02x", uint8_t(C));
  errs() << "\n";
  return 1;
}

void elfmerge::finish(StringRef Tool) {
  outs().flush();
  std::error_code EC = outs().error();
  outs().clear_error();
  if (EC)
    reportError(Tool,
                createStringError(EC, "standard output: " + EC.message()));
  _exit(EC ? 1 : 0);
}
