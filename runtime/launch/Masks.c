//===- Masks.c - Calls that block signals and wait for them ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread's mask is its own and the kernel's; but what is held for the
// instance (Held.c) has to reach the thread that unblocks it, and no later than
// its call returns.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

enum { SIG_BLOCK = 0, SIG_UNBLOCK = 1 };

/* Libcs block every signal, their own too, for moments in which they cannot
   be interrupted. That tells nothing about the program. */
static const uint64_t every = ~UINT64_C(0);

/* What the kernel will find fault with is left to it. */
static bool read_set(long address, long size, uint64_t *set) {
  return address && size == sizeof(*set) &&
         em_read(set, (const void *)address, sizeof(*set)) == 0;
}

/* What was passed on is looked at only behind the call: who chooses the thread
   notes that before it looks at its mask. */
static void change_mask(struct instance *i, struct em_frame *f,
                        uint64_t blocked, uint64_t jobs) {
  uint64_t before;
  f->nr = em_syscall(SYS_rt_sigprocmask, f->args[0], f->args[1], &before, 8);
  if (f->nr)
    return;
  if (f->args[2])
    f->nr = em_write((void *)f->args[2], &before, sizeof(before));
  em_carry_jobs(i, jobs);
  uint64_t given_back = blocked & ~before & atomic_load(&i->passed_on);
  if (given_back && em_may_give_back(given_back))
    em_give_back(i, given_back);
}

/* True: the call is done. */
static bool procmask(struct instance *i, struct em_frame *f) {
  uint64_t set;
  if (!read_set(f->args[1], f->args[3], &set))
    return false;
  long how = f->args[0];
  uint64_t blocked = how == SIG_UNBLOCK || set == every ? 0 : set;
  if (blocked)
    em_mind(i, blocked);
  /* It may just have been chosen for some of them. */
  if (!i->threaded)
    blocked = 0;
  uint64_t jobs = 0;
  if (how != SIG_BLOCK) {
    uint64_t unblocked = how == SIG_UNBLOCK ? set : ~set;
    em_claim_held(i, unblocked);
    jobs = em_job_set(i) & unblocked;
  }
  if (!jobs && !blocked)
    return false;
  change_mask(i, f, blocked, jobs);
  return true;
}

static bool has_handler(const struct instance *i, uint64_t set) {
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (set & SET(s) && em_kind_of_action(i, s) == EM_HANDLED)
      return true;
  return false;
}

static bool sigsuspend(struct instance *i, struct em_frame *f) {
  uint64_t set;
  if (!read_set(f->args[0], f->args[1], &set))
    return false;
  em_claim_held(i, ~set);
  uint64_t jobs = em_job_set(i) & ~set;
  if (!has_handler(i, jobs))
    return false;
  uint64_t mask = em_block_signals();
  em_set_mask(set);
  em_carry_jobs(i, jobs);
  (void)em_block_signals();
  em_set_mask(mask);
  f->nr = -EM_EINTR;
  return true;
}

static void await(struct instance *i, uint64_t set) {
  (void)atomic_fetch_or(&i->awaits, set);
  em_mind(i, set);
}

EM_RARE static bool signalfd(struct instance *i, struct em_frame *f) {
  uint64_t set;
  if (!read_set(f->args[1], f->args[2], &set))
    return false;
  set &= ~em_unblockable;
  await(i, set);
  /* The signal of a timer goes where it was made to go to. */
  if (f->args[0] == -1 && i->timer_count)
    return false;
  long flags = f->nr == SYS_signalfd4 ? f->args[3] : 0;
  long fd = em_make_signal_file(i, f->args[0], set, flags);
  if (fd < 0)
    return false;
  em_show_pending(i, set);
  f->nr = fd;
  return true;
}

struct timespec em_now(void) {
  enum { CLOCK_MONOTONIC = 1 };
  struct timespec t = {0, 0};
  /* This clock there always is. */
  (void)em_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
  return t;
}

static struct timespec sum(struct timespec a, struct timespec b, int sign) {
  enum { NANOSECONDS = 1000000000 };
  struct timespec t = {a.seconds + sign * b.seconds,
                       a.nanoseconds + sign * b.nanoseconds};
  if (t.nanoseconds < 0)
    t = (struct timespec){t.seconds - 1, t.nanoseconds + NANOSECONDS};
  if (t.nanoseconds >= NANOSECONDS)
    t = (struct timespec){t.seconds + 1, t.nanoseconds - NANOSECONDS};
  return t;
}

struct sigwait {
  uint64_t set;
  struct siginfo info;
  struct timespec timeout, deadline;
  bool has_timeout;
};

/* Waits in the kernel, where a thread that waits gets signals to the process
   too. Those are not its own to keep. */
static long wait_once(const struct em_frame *f, struct sigwait *w,
                      bool at_once) {
  struct timespec left = {0, 0};
  if (!at_once && w->has_timeout) {
    left = sum(w->deadline, em_now(), -1);
    if (left.seconds < 0)
      left = (struct timespec){0, 0};
  }
  struct task *t = em_task(em_syscall(SYS_gettid, 0));
  return em_sigtimedwait(&w->set, &w->info,
                         at_once || w->has_timeout ? &left : NULL, f,
                         &t->sleeping);
}

/* Did the wait come to its end? A handler of the program's would have ended it
   (em_abandon_call); what else interrupts a thread is a signal to the process
   that the launcher has taken before it. */
static bool is_over(struct instance *i, struct sigwait *w, long result) {
  struct instance *owner;
  if (result == -EM_EINTR)
    return false;
  bool to_thread = result > 0 && em_is_to_thread(result, &w->info);
  if (result > 0 && em_is_routed(&w->info)) {
    em_restore_code(&w->info);
    return (!(SET(result) & em_jobs) || em_take_job(i, result)) &&
           em_timer_arrives(&w->info, true);
  } else if (result > 0 && w->info.code == SI_TIMER &&
             em_timer_target(&w->info, &owner)) {
    if (owner != i && owner)
      em_pass_on_timer(owner, result, &w->info);
    return owner == i;
  } else if (result > 0 && !to_thread) {
    em_hand_over(result, &w->info);
    return false;
  }
  /* If it was passed on, it is noted. */
  if (result > 0 && SET(result) & em_jobs && em_has_lost_info(&w->info))
    (void)em_take_job(i, result);
  return true;
}

static int take_held(struct instance *i, struct sigwait *w) {
  int signal;
  do
    signal = em_take_held(i, w->set, &w->info);
  while (signal && !em_timer_arrives(&w->info, true));
  return signal;
}

static long wait_for_signal(struct instance *i, const struct em_frame *f,
                            struct sigwait *w) {
  for (;;) {
    long result = wait_once(f, w, true);
    if (!is_over(i, w, result))
      continue;
    if (result == -EM_EAGAIN)
      result = take_held(i, w);
    if (!result) {
      result = wait_once(f, w, false);
      if (!is_over(i, w, result))
        continue;
    }
    return result;
  }
}

/* Longer than any wait, and can be added to. */
static const int64_t longest = INT64_MAX / 2;

/* rt_sigtimedwait(set, info, timeout, size) */
EM_RARE static bool sigtimedwait(struct instance *i, struct em_frame *f) {
  struct sigwait w = {.has_timeout = f->args[2]};
  if (!read_set(f->args[0], f->args[3], &w.set) ||
      (w.has_timeout &&
       em_read(&w.timeout, (const void *)f->args[2], sizeof(w.timeout)) < 0))
    return false;
  if (w.timeout.seconds < 0 || (uint64_t)w.timeout.nanoseconds >= 1000000000)
    return false;
  if (w.timeout.seconds > longest)
    w.timeout.seconds = longest;
  if (w.has_timeout)
    w.deadline = sum(em_now(), w.timeout, 1);
  await(i, w.set);
  struct task *t = em_task(em_syscall(SYS_gettid, 0));
  atomic_store(&t->awaits, w.set);
  long signal = wait_for_signal(i, f, &w);
  atomic_store(&t->awaits, 0);
  /* It may have been chosen for more of them, which others can take. */
  uint64_t more = i->threaded ? w.set & atomic_load(&i->passed_on) : 0;
  if (more && em_may_give_back(more))
    em_give_back(i, more);
  if (signal > 0 && f->args[1] &&
      em_write((void *)f->args[1], &w.info, sizeof(w.info)) < 0)
    signal = -EM_EFAULT;
  f->nr = signal;
  return true;
}

/* The kernel's answer, what is held and what is still to be read. */
static bool sigpending(struct instance *i, struct em_frame *f) {
  uint64_t set;
  if (f->args[1] != sizeof(set))
    return false;
  f->nr = em_syscall(SYS_rt_sigpending, &set, sizeof(set));
  if (f->nr)
    return true;
  if (set)
    set = em_own_pending(set);
  set = (set & ~em_jobs) | em_job_set(i) | em_held_set(i);
  if (i->signalfd)
    set |= em_unread_set(i);
  f->nr = em_write((void *)f->args[0], &set, sizeof(set));
  return true;
}

bool em_mask_call(struct instance *i, struct em_frame *f) {
  switch (f->nr) {
  case SYS_rt_sigprocmask:
    return procmask(i, f);
  case SYS_rt_sigsuspend:
    return sigsuspend(i, f);
  case SYS_rt_sigtimedwait:
    return sigtimedwait(i, f);
  case SYS_signalfd:
  case SYS_signalfd4:
    return signalfd(i, f);
  case SYS_rt_sigpending:
    return sigpending(i, f);
  default:
    return false;
  }
}
