//===- HeldSignals.h - A stretch no signal ends in ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_SUPPORT_HELDSIGNALS_H
#define ELFMERGE_LIB_SUPPORT_HELDSIGNALS_H

#include <signal.h>

namespace elfmerge {

/// While this object lives, neither its thread nor one that it starts takes the
/// signals by which a user ends a program: a file that is made here is on
/// LLVM's list of files to remove before the process can end. The threads of
/// Background never take one, so there is none left that does.
class HeldSignals {
public:
  HeldSignals() {
    sigset_t Held;
    sigemptyset(&Held);
    for (int Signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR2, SIGPIPE, SIGXCPU})
      sigaddset(&Held, Signal);
    pthread_sigmask(SIG_BLOCK, &Held, &Before);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &Before, nullptr); }
  HeldSignals(const HeldSignals &) = delete;
  HeldSignals &operator=(const HeldSignals &) = delete;

private:
  sigset_t Before;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_SUPPORT_HELDSIGNALS_H
