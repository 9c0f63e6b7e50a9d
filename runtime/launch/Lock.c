//===- Lock.c - Mutual exclusion between threads of any instance ----------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

enum { SIG_SETMASK = 2 };

static uint64_t exchange_mask(uint64_t mask) {
  uint64_t old = 0;
  long error = em_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &old, 8);
  if (error < 0)
    em_fail("runtime", "cannot set the signal mask", error);
  return old;
}

uint64_t em_block_signals(void) { return exchange_mask(~UINT64_C(0)); }

/* It is mostly the one that was found, and libcs block all signals, too, while
   they make a thread. */
void em_set_mask(uint64_t mask) {
  if (mask != em_all_blocked)
    (void)exchange_mask(mask);
}

void em_lock(struct em_lock *lock) {
  uint32_t free = 0;
  if (atomic_compare_exchange_strong(&lock->word, &free, 1))
    return;
  atomic_fetch_add(&em.lock_waiters, 1);
  while (atomic_exchange(&lock->word, 2) != 0)
    /* However it comes back, the exchange above decides. */
    (void)em_syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, 0);
  atomic_fetch_sub(&em.lock_waiters, 1);
}

void em_unlock(struct em_lock *lock) {
  if (atomic_exchange(&lock->word, 0) == 2)
    (void)em_syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}

uint64_t em_acquire(struct em_lock *lock) {
  uint64_t mask = em_block_signals();
  em_lock(lock);
  return mask;
}

void em_release(struct em_lock *lock, uint64_t mask) {
  em_unlock(lock);
  em_set_mask(mask);
}
