//===- TimerSignals.c - What becomes of timers' signals -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel takes a timer's signal that the launcher has for delivered, and
// goes on. So here it is known which one is on its way to a thread, and counted
// what expires meanwhile.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "TimerTable.h"

static int64_t now(void) {
  const struct timespec t = em_now();
  return em_nanoseconds(&t);
}

/* Where a signal that was passed on has its timer's setting, with a mark, and
   its ticket: behind the value. The kernel keeps no more of a siginfo_t than
   48 bytes. */
enum { SETTING = 2, TICKET = 1 };
static const uint64_t setting_mark = UINT64_C(0x454d544b) << 32;

enum em_timer_state em_timer_state(const struct siginfo *info) {
  uint64_t mask = em_acquire(&em_timer_lock);
  const struct timer *t = em_find_timer(info->pid);
  enum em_timer_state state = !t || !t->waits     ? EM_TIMER_ARRIVED
                              : t->is_being_taken ? EM_TIMER_ARRIVES
                                                  : EM_TIMER_WAITS;
  em_release(&em_timer_lock, mask);
  return state;
}

static uint32_t sum_or_most(uint32_t a, uint32_t b) {
  enum { DELAYTIMER_MAX = 0x7fffffff };
  uint64_t sum = (uint64_t)a + b;
  return sum < DELAYTIMER_MAX ? sum : DELAYTIMER_MAX;
}

void em_timer_missed(const struct siginfo *info) {
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(info->pid);
  if (t)
    t->missed = sum_or_most(t->missed, sum_or_most(info->uid, 1));
  em_release(&em_timer_lock, mask);
}

bool em_timer_leaves(struct siginfo *info) {
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(info->pid);
  /* It was stopped while the launcher had the signal. */
  bool counts = t && em_is_owned(t) && !t->is_stopped;
  if (counts) {
    t->waits = true;
    t->left_at = now();
    info->rest[SETTING] = setting_mark | t->setting;
    info->rest[TICKET] = ++t->ticket;
  }
  em_release(&em_timer_lock, mask);
  return counts;
}

/* What expired while the signal waited is to be counted with it, and the
   launcher may not have come to that. Of a timer that is faster than the
   launcher it never does. */
static void catch_up(int id) {
  enum { SHORTEST = 1000 * 1000 };
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(id);
  if (t && em_is_owned(t) && t->waits && t->interval >= SHORTEST &&
      now() - t->left_at >= t->interval) {
    t->is_being_taken = true;
    em_unlock(&em_timer_lock);
    em_wait_for_launcher();
    em_lock(&em_timer_lock);
    t = em_find_timer(id);
    if (t)
      t->is_being_taken = false;
  }
  em_release(&em_timer_lock, mask);
}

bool em_timer_arrives(struct siginfo *info, bool is_taken) {
  uint64_t setting = info->rest[SETTING], ticket = info->rest[TICKET];
  if (info->code != SI_TIMER || setting >> 32 != setting_mark >> 32)
    return true;
  info->rest[SETTING] = info->rest[TICKET] = 0;
  if (is_taken)
    catch_up(info->pid);
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(info->pid);
  bool is_current = t && t->setting == (uint32_t)setting;
  /* A standard signal that waited stands for those that were sent after it. */
  bool merged = t && t->waits && info->signo < SIGRTMIN;
  bool counts = t && em_is_owned(t) && (is_current || merged);
  if (counts) {
    t->overrun = info->uid = sum_or_most(info->uid, t->missed);
    t->missed = 0;
    /* The next one may be on its way when a thread looks at this. */
    if (t->ticket == ticket || merged)
      t->waits = !is_taken;
  }
  em_release(&em_timer_lock, mask);
  return counts;
}
