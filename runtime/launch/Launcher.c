//===- Launcher.c - What the first thread does ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The launcher takes the signals of the process: the kernel prefers the first
// thread. Between them it looks after instances that have ended and signals
// that are held.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"

enum {
  /* Nanoseconds between two looks at what is not to be waited for. */
  FIRST_PAUSE = 50 * 1000,
  LAST_PAUSE = 20 * 1000 * 1000,

  /* Signals that are taken before there is another look. */
  MOST_SIGNALS = 64,
};

void em_call_launcher(void) {
  atomic_fetch_add(&em.calls, 1);
  /* It may be at work; then it sees the number. */
  (void)em_syscall(SYS_futex, &em.calls, FUTEX_WAKE_PRIVATE, 1);
}

void em_wait_for_launcher(void) {
  /* A second, in all. */
  enum { ROUNDS = 50 };
  static const int64_t round[2] = {0, 20 * 1000 * 1000};
  uint32_t number = atomic_fetch_add(&em.calls, 1) + 1;
  (void)em_syscall(SYS_futex, &em.calls, FUTEX_WAKE_PRIVATE, 1);
  for (int n = 0; n != ROUNDS;) {
    uint32_t served = atomic_load(&em.served);
    if ((int32_t)(served - number) >= 0)
      return;
    long error =
        em_syscall(SYS_futex, &em.served, FUTEX_WAIT_PRIVATE, served, round);
    n += error == -EM_ETIMEDOUT;
  }
}

/* Signals may come faster than they are handled, as those of a timer do, and
   the launcher would do nothing else: what is held, for example, would wait
   until they end. The loop is to go on before the next one. */
void em_count_signals(uint64_t set, void *context) {
  if (++em.signals_taken < MOST_SIGNALS)
    return;
  em.floods |= set;
  *em_context_mask(context) = em_all_blocked;
  /* Whether it sleeps there or is about to. */
  atomic_fetch_add(&em.calls, 1);
}

static void serve(uint32_t calls) {
  if (atomic_exchange(&em.served, calls) == calls)
    return;
  enum { ALL = 0x7fffffff };
  /* Nobody waiting is the normal case. */
  (void)em_syscall(SYS_futex, &em.served, FUTEX_WAKE_PRIVATE, ALL);
}

/* False: there are more. The kernel has those with low numbers taken first, so
   one that comes without end is blocked until all others were. */
static bool take_signals(void) {
  em.signals_taken = 0;
  if (em.floods) {
    em_set_mask(em.floods);
    if (em.signals_taken >= MOST_SIGNALS)
      return false;
    em.floods = 0;
  }
  em_set_mask(0);
  return em.signals_taken < MOST_SIGNALS;
}

/* Until a time, and not for so long: the wait is made again behind each signal
   (em_restart_call), and would not end while these come faster. */
static void sleep_until_called(uint32_t seen, int64_t pause) {
  enum { NANOSECONDS = 1000000000, ANY = -1 };
  struct timespec end = {0, 0};
  if (pause) {
    end = em_now();
    end.nanoseconds += pause;
    end.seconds += end.nanoseconds / NANOSECONDS;
    end.nanoseconds %= NANOSECONDS;
  }
  /* However it comes back, there is no harm in looking. */
  (void)em_syscall(SYS_futex, &em.calls, FUTEX_WAIT_BITSET_PRIVATE, seen,
                   pause ? &end : NULL, 0, ANY);
}

_Noreturn void em_launch(void) {
  int64_t pause = FIRST_PAUSE;
  uint32_t before = 0;
  for (;;) {
    uint32_t seen = atomic_load(&em.calls);
    em_block_signals();
    bool all = em_settle_all();
    em_look_after_orphans();
    em_retry_held();
    all = em_retry_sent() && all;
    all = em_retry_jobs() && all && !atomic_load(&em.held_count);
    if (!take_signals())
      continue;
    serve(seen);
    if (seen != before)
      pause = FIRST_PAUSE;
    else if (pause < LAST_PAUSE)
      pause *= 2;
    before = seen;
    sleep_until_called(seen, all ? 0 : pause);
  }
}
