//===- TimerTable.h - The timers that are known ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What Timers.c, IntervalTimers.c and TimerSignals.c share: all that they know
/// of timers, and the lock it is under.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_TIMERTABLE_H
#define ELFMERGE_TIMERTABLE_H

#include "Timers.h"

#pragma GCC visibility push(hidden)

struct sigevent {
  uint64_t value;
  int signal, notify, thread;
  int rest[11];
};
_Static_assert(sizeof(struct sigevent) == 64, "struct sigevent");

enum { SIGEV_SIGNAL = 0, SIGEV_THREAD_ID = 4, NANOSECONDS = 1000000000 };

struct itimerspec {
  struct timespec interval, value;
};

struct timer {
  int id;
  uint32_t owner;   /* instance number + 1, 0: never used, or FORGOTTEN */
  uint32_t setting; /* signals of an earlier one do not count */
  uint32_t ticket;  /* of the last signal that was passed on */
  uint32_t missed;  /* expirations since then */
  int overrun;      /* of the last signal that arrived */
  bool waits;       /* that signal was not taken, as far as is known */
  bool is_direct;   /* its signals go where the program wants them */
  bool is_stopped;
  bool is_being_taken;
  int64_t interval; /* nanoseconds; 0: it expires once */
  int64_t left_at;  /* that signal, likewise */
};

extern struct em_lock em_timer_lock;

/** All with the lock held. */
struct timer *em_find_timer(int id);
/** The id of a new timer of the instance, or -errno. */
long em_make_timer(struct instance *instance, int clock,
                   const struct sigevent *event);
/** After it was deleted. */
void em_forget_timer(struct instance *instance, struct timer *timer);

/** Is it there, and not deleted? */
bool em_is_owned(const struct timer *timer);
/** Whose thread a new timer of the instance is to signal. */
int em_timer_receiver(const struct instance *instance);
/** Which of the instance's interval timers it is; -1: none. */
int em_interval_timer(const struct instance *instance, int id);

/** INT64_MAX if there are more. */
static inline int64_t em_nanoseconds(const struct timespec *t) {
  return t->seconds < INT64_MAX / NANOSECONDS
             ? t->seconds * NANOSECONDS + t->nanoseconds
             : INT64_MAX;
}

static inline bool em_is_zero(const struct timespec *t) {
  return !t->seconds && !t->nanoseconds;
}

#pragma GCC visibility pop

#endif /* ELFMERGE_TIMERTABLE_H */
