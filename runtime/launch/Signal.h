//===- Signal.h - What dispositions and dispatch share --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SIGNAL_H
#define ELFMERGE_SIGNAL_H

#include "Runtime.h"

enum {
  SIGILL = 4,
  SIGTRAP = 5,
  SIGABRT = 6,
  SIGBUS = 7,
  SIGFPE = 8,
  SIGKILL = 9,
  SIGSEGV = 11,
  SIGPIPE = 13,
  SIGALRM = 14,
  SIGCHLD = 17,
  SIGCONT = 18,
  SIGSTOP = 19,
  SIGTSTP = 20,
  SIGTTIN = 21,
  SIGTTOU = 22,
  SIGURG = 23,
  SIGVTALRM = 26,
  SIGPROF = 27,
  SIGWINCH = 28,
  SIGSYS = 31,

  SA_NOCLDSTOP = 1,
  SA_NOCLDWAIT = 2,
  SA_SIGINFO = 4,
  SA_RESTORER = 0x04000000,
  SA_ONSTACK = 0x08000000,
  SA_RESTART = 0x10000000,
  SA_NODEFER = 0x40000000,
  SA_RESETHAND = (int)0x80000000,

  SI_USER = 0,
  SI_QUEUE = -1,
  SI_TKILL = -6,
};

#define SET(signal) (UINT64_C(1) << ((signal) - 1))
static const uint64_t em_faults = SET(SIGILL) | SET(SIGTRAP) | SET(SIGBUS) |
                                  SET(SIGFPE) | SET(SIGSEGV) | SET(SIGSYS);
static const uint64_t em_harmless =
    SET(SIGCHLD) | SET(SIGCONT) | SET(SIGURG) | SET(SIGWINCH);
static const uint64_t em_stops =
    SET(SIGSTOP) | SET(SIGTSTP) | SET(SIGTTIN) | SET(SIGTTOU);
static const uint64_t em_timers = SET(SIGALRM) | SET(SIGVTALRM) | SET(SIGPROF);

/* What the runtime reads and writes of a siginfo_t. */
struct siginfo {
  int signo, error, code, pad;
  int pid, uid;
  uint64_t rest[13];
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");

/* em.installed: the flags of the dispatcher, or one of these. */
#define INSTALLED_DEFAULT UINT64_C(0)
#define INSTALLED_IGNORE UINT64_C(1)
#define INSTALLED_DISPATCHER (UINT64_C(1) << 63)

static inline bool em_is_default(const struct em_sigaction *a) {
  return (uintptr_t)a->handler == 0;
}
static inline bool em_is_ignored(const struct em_sigaction *a) {
  return (uintptr_t)a->handler == 1;
}

/* Does the kernel discard the status of this one's children? */
static inline bool em_is_discarding(const struct em_sigaction *a) {
  return em_is_ignored(a) || (a->flags & SA_NOCLDWAIT);
}

static inline long em_kernel_action(int signal,
                                    const struct em_sigaction *action,
                                    struct em_sigaction *old) {
  return em_syscall(SYS_rt_sigaction, signal, action, old, 8);
}

static inline long em_send(int tid, int signal, struct siginfo *info) {
  return em_syscall(SYS_rt_tgsigqueueinfo, em.pid, tid, signal, info);
}

/** Takes up the disposition of \p signal that follows from all instances'.
    With em.signal_lock held. 0 or -errno. */
long em_install(int signal);
/** What the launcher does not take. */
uint64_t em_launcher_mask(void);

#endif /* ELFMERGE_SIGNAL_H */
