//===- Timers.h - Timers of instances -------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// See Timers.c.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_TIMERS_H
#define ELFMERGE_TIMERS_H

#include "Runtime.h"

#pragma GCC visibility push(hidden)

struct siginfo;
struct em_timeval {
  int64_t seconds, microseconds;
};
struct em_itimerval {
  struct em_timeval interval, value;
};

/** The calls of the same names, for one instance among several. */
long em_alarm(struct instance *instance, unsigned seconds);
long em_setitimer(struct instance *instance, int which,
                  const struct em_itimerval *value, struct em_itimerval *old);
long em_getitimer(struct instance *instance, int which,
                  struct em_itimerval *value);
long em_timer_create(struct instance *instance, int clock, const void *event,
                     int *id);
long em_timer_delete(struct instance *instance, int id);
long em_timer_settime(struct instance *instance, int id, int flags,
                      const void *value, void *old);
long em_timer_getoverrun(struct instance *instance, int id);
/** Of a signal with SI_TIMER: is it that of a timer known here? Then *owner is
    whose timer it is, null if it is deleted, and *info what the handler is to
    see. */
bool em_timer_target(struct siginfo *info, struct instance **owner);
/** Of such a signal, unless it is an interval timer's: what has become of the
    one before it, as far as is known here? */
enum em_timer_state {
  EM_TIMER_WAITS,
  EM_TIMER_ARRIVES, /* a thread has it, and awaits what else there is to count
                     */
  EM_TIMER_ARRIVED,
};
enum em_timer_state em_timer_state(const struct siginfo *info);
/** It is not passed on, as that one waits indeed. */
void em_timer_missed(const struct siginfo *info);
/** It is passed on. False: the timer was stopped. */
bool em_timer_leaves(struct siginfo *info);
/** It reaches the program, or, unless \p is_taken, waits where the program can
    see it. True also of all other signals; false: it no longer counts. May wait
    for the launcher if \p is_taken: with no lock held. */
bool em_timer_arrives(struct siginfo *info, bool is_taken);
/** With the instance's lock held, when it gets its second thread, and when its
    first one leaves. The signals of those that have expired are to be sent
    again. */
uint64_t em_timers_of_threads(struct instance *instance);
uint64_t em_timers_of_others(struct instance *instance);
/** With no lock held. */
void em_send_expired(struct instance *instance, uint64_t set);
/** Deletes what timers the instance has. */
void em_forget_timers(struct instance *instance);
/** In a forked child, which has none. */
void em_lose_timers(struct instance *instance);
/** exec keeps the interval timers: reads them, and sets them for the calling
    process, which had \p before, if that is not null. */
void em_get_itimers(struct instance *instance, struct em_itimerval *values);
void em_inherit_itimers(const struct em_itimerval *values,
                        struct em_itimerval *before);
/** Undoes that. */
void em_disinherit_itimers(const struct em_itimerval *values,
                           const struct em_itimerval *before);

#pragma GCC visibility pop

#endif /* ELFMERGE_TIMERS_H */
