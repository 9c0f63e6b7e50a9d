//===- Pending.c - What waits in the kernel for a thread ------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread has signals waiting that are its own, some that it was chosen for as
// one of its instance's, and with them the kernel shows those of the process.
// Where it cannot take them, or leaves, the instance's go to another thread
// (Held.c) and the process's to the launcher.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

EM_RARE uint64_t em_own_pending(uint64_t all) {
  uint64_t set;
  return em_pending_of(em_syscall(SYS_gettid, 0), &set) ? set : all;
}

/* Is it the calling thread's alone? No timer signals the process. */
static bool is_own(int signal, const struct siginfo *info) {
  if (em_is_routed(info))
    return em_is_queued_to_thread(info);
  return info->code == SI_TIMER || em_is_to_thread(signal, info);
}

void em_discard(struct instance *i, int signal) {
  static const int64_t at_once[2] = {0, 0};
  uint64_t set = SET(signal);
  uint64_t mask = em_block_signals();
  struct siginfo info;
  while (em_syscall(SYS_rt_sigtimedwait, &set, &info, at_once, 8) == signal)
    /* What was sent to the process is others' too. */
    if (!em_is_routed(&info) && !is_own(signal, &info))
      em_route(signal, &info);
  while (em_take_held(i, set, &info))
    ;
  em_set_mask(mask);
}

/* Whoever has chosen the calling thread for a signal has then sent it. */
static void wait_for_senders(void) {
  em_release(&em.held_lock, em_acquire(&em.held_lock));
}

/* Queues a mark behind each real-time signal that waits: the calling thread's
   own go round once, as far as that, and stay in order. Which have one? */
static uint64_t mark_ends(uint64_t set) {
  uint64_t pending = 0, marked = 0;
  (void)em_syscall(SYS_rt_sigpending, &pending, sizeof(pending));
  for (int s = SIGRTMIN; s <= EM_SIGNALS; ++s) {
    struct siginfo end = {.signo = s, .code = EM_CODE_END};
    if (pending & set & SET(s) &&
        em_send(em_syscall(SYS_gettid, 0), s, &end) == 0)
      marked |= SET(s);
  }
  return marked;
}

/* It was just taken. There is room for it, unless it is a timer's, which had a
   place of its own; then it is the instance's. */
static void put_back(struct instance *i, int signal, struct siginfo *info) {
  int self = em_syscall(SYS_gettid, 0);
  struct instance *owner;
  em_note_sent(self, signal);
  if (em_send(self, signal, info) == 0 || info->code != SI_TIMER)
    return;
  (void)em_timer_target(info, &owner);
  em_hold(i, signal, info);
}

/* Of those who give signals back each has one. */
static uint32_t new_round(void) {
  static _Atomic uint32_t rounds;
  uint32_t round;
  do
    round = atomic_fetch_add(&rounds, 1);
  while (!round);
  return round;
}

EM_RARE void em_give_back(struct instance *i, uint64_t set) {
  static const int64_t at_once[2] = {0, 0};
  struct siginfo info;
  long signal;
  uint64_t mask = em_block_signals();
  wait_for_senders();
  uint64_t marked = mark_ends(set);
  uint32_t round = new_round();
  while ((signal = em_syscall(SYS_rt_sigtimedwait, &set, &info, at_once, 8)) >
         0) {
    if (info.code == EM_CODE_END) {
      set &= ~SET(signal);
    } else if (is_own(signal, &info)) {
      put_back(i, signal, &info);
      set &= ~(SET(signal) & ~marked);
    } else if (em_is_routed(&info) && SET(signal) & em_jobs) {
      em_unsend_job(i, signal);
      em_call_launcher();
    } else if (em_is_routed(&info)) {
      em_restore_code(&info);
      em_hold_again(i, signal, &info, round);
    } else {
      em_hand_over(signal, &info);
    }
  }
  em_set_mask(mask);
}

bool em_may_give_back(uint64_t set) {
  /* Who is just sending has taken the lock before this looks. */
  if (atomic_load(&em.held_lock.word))
    return true;
  uint64_t pending = 0;
  /* It cannot fail. */
  (void)em_syscall(SYS_rt_sigpending, &pending, sizeof(pending));
  return pending & set;
}

EM_RARE void em_hold_pending(struct instance *i) {
  enum { MOST = 64 };
  static const int64_t at_once[2] = {0, 0};
  const uint64_t set = atomic_load(&i->minds);
  struct siginfo own[MOST];
  unsigned count = 0;
  const uint32_t round = new_round();
  wait_for_senders();
  for (unsigned n = 0; n != MOST; ++n) {
    struct siginfo info;
    long signal = em_syscall(SYS_rt_sigtimedwait, &set, &info, at_once, 8);
    if (signal <= 0)
      break;
    if (is_own(signal, &info)) {
      own[count++] = info;
    } else if (em_is_routed(&info) && SET(signal) & em_jobs) {
      em_unsend_job(i, signal);
      em_call_launcher();
    } else if (em_is_routed(&info)) {
      em_restore_code(&info);
      em_hold_again(i, signal, &info, round);
    } else {
      em_hand_over(signal, &info);
    }
  }
  for (unsigned n = 0; n != count; ++n)
    put_back(i, own[n].signo, &own[n]);
}

EM_RARE void em_show_pending(struct instance *i, uint64_t set) {
  static const int64_t at_once[2] = {0, 0};
  struct siginfo info;
  uint64_t mask = em_block_signals();
  long signal;
  while ((signal = em_syscall(SYS_rt_sigtimedwait, &set, &info, at_once, 8)) >
         0) {
    bool routed = em_is_routed(&info);
    if (routed)
      em_restore_code(&info);
    if (routed && SET(signal) & em_jobs && !em_take_job(i, signal))
      continue;
    if (routed || em_is_to_thread(signal, &info))
      em_pass_on(i, signal, &info);
    else
      em_hand_over(signal, &info);
  }
  em_set_mask(mask);
}
