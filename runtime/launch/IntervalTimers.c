//===- IntervalTimers.c - alarm and setitimer of instances ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel has one alarm and three interval timers for a process. Those of an
// instance are kernel timers made for it, of which the program knows nothing.
//
// ITIMER_VIRTUAL and ITIMER_PROF count the time of an instance's only thread.
// Linux has no clock for some threads of a process, so for an instance that
// has, or had, several threads they count the time of the process.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "TimerTable.h"

enum {
  CLOCK_MONOTONIC = 1,
  /* Linux's clocks of the calling process and thread: user time, and user and
     system time. */
  CLOCK_PROCESS_VIRTUAL = -7,
  CLOCK_PROCESS_PROF = -8,
  CLOCK_THREAD_VIRTUAL = -3,
  CLOCK_THREAD_PROF = -4,

  ITIMER_REAL = 0,
  ITIMER_VIRTUAL = 1,
  ITIMER_PROF = 2,

  MICROSECONDS = 1000000,
};

static int signal_of(int which) {
  return which == ITIMER_REAL      ? SIGALRM
         : which == ITIMER_VIRTUAL ? SIGVTALRM
                                   : SIGPROF;
}

static int clock_of(const struct instance *i, int which) {
  if (which == ITIMER_REAL)
    return CLOCK_MONOTONIC;
  if (which == ITIMER_VIRTUAL)
    return i->threaded ? CLOCK_PROCESS_VIRTUAL : CLOCK_THREAD_VIRTUAL;
  return i->threaded ? CLOCK_PROCESS_PROF : CLOCK_THREAD_PROF;
}

static long make_interval_timer(struct instance *i, int which) {
  struct sigevent event = {.signal = signal_of(which),
                           .notify = SIGEV_SIGNAL | SIGEV_THREAD_ID,
                           .thread = em_timer_receiver(i)};
  long id = em_make_timer(i, clock_of(i, which), &event);
  if (id < 0)
    return id;
  i->itimers[which] = id + 1;
  return 0;
}

static long set(struct instance *i, int which, const struct itimerspec *value,
                struct itimerspec *old) {
  *old = (struct itimerspec){0};
  uint64_t mask = em_acquire(&em_timer_lock);
  long error = 0;
  bool needed = i->itimers[which] || !em_is_zero(&value->value);
  if (needed && !i->itimers[which])
    error = make_interval_timer(i, which);
  if (needed && !error)
    error = em_syscall(SYS_timer_settime, i->itimers[which] - 1, 0, value, old);
  em_release(&em_timer_lock, mask);
  /* What came before the new setting is not to arrive behind it: the program
     may have no handler any more. */
  if (needed && !error && em.launcher && em_timer_receiver(i) == em.launcher)
    em_wait_for_launcher();
  return error;
}

static void get(struct instance *i, int which, struct itimerspec *value) {
  *value = (struct itimerspec){0};
  if (!i->timer_count)
    return;
  uint64_t mask = em_acquire(&em_timer_lock);
  if (i->itimers[which])
    /* It exists, so this does not fail. */
    (void)em_syscall(SYS_timer_gettime, i->itimers[which] - 1, value);
  em_release(&em_timer_lock, mask);
}

static bool is_valid(const struct em_timeval *t) {
  return t->seconds >= 0 && t->microseconds >= 0 &&
         t->microseconds < MICROSECONDS;
}

static struct timespec from_timeval(const struct em_timeval *t) {
  return (struct timespec){t->seconds, t->microseconds * 1000};
}

/* A timer that runs has time left, however little. */
static struct em_timeval to_timeval(const struct timespec *t) {
  struct em_timeval v = {t->seconds, t->nanoseconds / 1000};
  if (!em_is_zero(t) && !v.seconds && !v.microseconds)
    v.microseconds = 1;
  return v;
}

static struct em_itimerval to_itimerval(const struct itimerspec *s) {
  return (struct em_itimerval){to_timeval(&s->interval), to_timeval(&s->value)};
}

static bool is_which(int which) {
  return which >= ITIMER_REAL && which <= ITIMER_PROF;
}

long em_setitimer(struct instance *i, int which,
                  const struct em_itimerval *value, struct em_itimerval *old) {
  struct em_itimerval wanted = {0};
  /* Without a value Linux stops the timer. */
  if (value && em_read(&wanted, value, sizeof(wanted)) < 0)
    return -EM_EFAULT;
  if (!is_valid(&wanted.value) || !is_valid(&wanted.interval) ||
      !is_which(which))
    return -EM_EINVAL;
  struct itimerspec before,
      after = {from_timeval(&wanted.interval), from_timeval(&wanted.value)};
  long error = set(i, which, &after, &before);
  if (error < 0 || !old)
    return error;
  struct em_itimerval result = to_itimerval(&before);
  return em_write(old, &result, sizeof(result));
}

long em_getitimer(struct instance *i, int which, struct em_itimerval *value) {
  if (!is_which(which))
    return -EM_EINVAL;
  struct itimerspec now;
  get(i, which, &now);
  struct em_itimerval result = to_itimerval(&now);
  return em_write(value, &result, sizeof(result));
}

/* Linux rounds the time that was left, but never to 0. */
long em_alarm(struct instance *i, unsigned seconds) {
  struct itimerspec before, after = {{0, 0}, {seconds, 0}};
  long error = set(i, ITIMER_REAL, &after, &before);
  if (error < 0)
    return error;
  const struct timespec *left = &before.value;
  bool up = left->nanoseconds >= NANOSECONDS / 2 ||
            (!left->seconds && left->nanoseconds);
  return left->seconds + up;
}

/* With all signals blocked: takes the timer's signal if it waits for the
   calling thread, as the kernel would forget it with the timer. */
static bool take_expired(int id, int signal) {
  static const int64_t at_once[2] = {0, 0};
  const uint64_t set = SET(signal);
  struct siginfo info;
  if (em_syscall(SYS_rt_sigtimedwait, &set, &info, at_once, 8) != signal)
    return false;
  if (info.code == SI_TIMER && info.pid == id)
    return true;
  /* A standard signal is never refused. */
  int self = em_syscall(SYS_gettid, 0);
  em_note_sent(self, signal);
  (void)em_send(self, signal, &info);
  return false;
}

/* Makes the interval timer anew, as it is to be for an instance with several
   threads. Returns the set of its signal if that waited. */
static uint64_t move(struct instance *i, int which) {
  uint64_t mask = em_acquire(&em_timer_lock);
  int id = i->itimers[which] - 1;
  struct timer *t = id < 0 ? NULL : em_find_timer(id);
  /* Another thread may have ended the instance, and its timers. */
  if (!t || !em_is_owned(t)) {
    em_release(&em_timer_lock, mask);
    return 0;
  }
  struct itimerspec left = {0}, before;
  (void)em_syscall(SYS_timer_gettime, id, &left);
  bool expired = take_expired(id, signal_of(which));
  (void)em_syscall(SYS_timer_delete, id);
  /* It may have expired just now. */
  if (expired && em_is_zero(&left.interval))
    left.value = left.interval;
  em_forget_timer(i, t);
  i->itimers[which] = 0;
  /* Without a timer to be had there are no more signals. */
  if (!em_is_zero(&left.value) && make_interval_timer(i, which) == 0)
    (void)em_syscall(SYS_timer_settime, i->itimers[which] - 1, 0, &left,
                     &before);
  em_release(&em_timer_lock, mask);
  return expired ? SET(signal_of(which)) : 0;
}

/* The alarm stays with the first thread: what has expired and waits there would
   be lost. */
uint64_t em_timers_of_threads(struct instance *i) {
  return move(i, ITIMER_VIRTUAL) | move(i, ITIMER_PROF);
}

uint64_t em_timers_of_others(struct instance *i) {
  return i->threaded ? move(i, ITIMER_REAL) : 0;
}

EM_RARE void em_send_expired(struct instance *i, uint64_t set) {
  for (int signal = 1; signal <= EM_SIGNALS; ++signal) {
    struct siginfo info = {.signo = signal, .code = SI_KERNEL};
    if (!(set & SET(signal)))
      continue;
    if (em_alone())
      (void)em_syscall(SYS_kill, em.pid, signal);
    else
      em_hold(i, signal, &info);
  }
}

void em_get_itimers(struct instance *i, struct em_itimerval *values) {
  for (int which = 0; which != EM_ITIMERS; ++which) {
    struct itimerspec left;
    get(i, which, &left);
    values[which] = to_itimerval(&left);
  }
}

static bool is_set(const struct em_itimerval *v) {
  return v->value.seconds || v->value.microseconds;
}

void em_inherit_itimers(const struct em_itimerval *values,
                        struct em_itimerval *before) {
  for (int which = 0; which != EM_ITIMERS; ++which)
    if (is_set(&values[which]))
      /* As valid as it was in the parent. */
      (void)em_syscall(SYS_setitimer, which, &values[which],
                       before ? &before[which] : NULL);
}

void em_disinherit_itimers(const struct em_itimerval *values,
                           const struct em_itimerval *before) {
  for (int which = 0; which != EM_ITIMERS; ++which)
    if (is_set(&values[which]))
      (void)em_syscall(SYS_setitimer, which, &before[which], NULL);
}
