//===- Timers.c - Timers of instances -------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To the kernel all timers are those of one process, and it has one alarm and
// three interval timers for it. So a timer that a program makes is remembered
// as its instance's, and alarm and setitimer are kernel timers made for the
// instance. The dispatcher asks here whose timer a signal is from.
//
// A signal to the process may interrupt any of its threads, and so a call of
// another instance. Therefore no timer sends one. The signal of an instance's
// only thread goes to that thread: there the kernel counts overruns, and none
// comes after the call that stops the timer. That of an instance with several
// goes to the launcher, which passes it on; the kernel takes it for delivered
// and goes on. So here it is known which one is on its way, and counted what
// expires meanwhile.
//
// ITIMER_VIRTUAL and ITIMER_PROF count the time of an instance's only thread.
// Linux has no clock for some threads of a process, so for an instance that
// has, or had, several threads they count the time of the process.
//
// A forked child has no timers and needs nothing of this: it is alone.
//
//===----------------------------------------------------------------------===//

#include "Timers.h"
#include "Signal.h"

enum {
  CLOCK_MONOTONIC = 1,
  /* Linux's clocks of the calling process and thread: user time, and user and
     system time. */
  CLOCK_PROCESS_VIRTUAL = -7,
  CLOCK_PROCESS_PROF = -8,
  CLOCK_THREAD_VIRTUAL = -3,
  CLOCK_THREAD_PROF = -4,

  SIGEV_SIGNAL = 0,
  SIGEV_THREAD_ID = 4,

  ITIMER_REAL = 0,
  ITIMER_VIRTUAL = 1,
  ITIMER_PROF = 2,

  NANOSECONDS = 1000000000,
  MICROSECONDS = 1000000,

  CAPACITY = 1 << 20, /* of the table; ids grow by 1 and start again at 0 */
};

struct sigevent {
  uint64_t value;
  int signal, notify, thread;
  int rest[11];
};
_Static_assert(sizeof(struct sigevent) == 64, "struct sigevent");

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

/* A signal of such a timer may still be on its way. */
#define FORGOTTEN UINT32_C(0xffffffff)

/* All under the lock. A timer stands at its id, or behind if that place is
   taken, less than `reach` places further. */
static struct em_lock lock;
static struct timer *table;
static uint32_t reach;
static uint32_t used; /* places up to the last that ever was */
static uint32_t settings;

static struct timer *find(int id) {
  for (uint32_t n = 0; n != reach; ++n) {
    struct timer *t = &table[((uint32_t)id + n) % CAPACITY];
    if (t->owner && t->id == id)
      return t;
  }
  return NULL;
}

static bool is_owned(const struct timer *t) {
  return t->owner && t->owner != FORGOTTEN;
}

static long make_table(void) {
  if (table)
    return 0;
  long at = em_syscall6(SYS_mmap, 0, CAPACITY * sizeof(struct timer),
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (em_failed(at))
    return at;
  table = (struct timer *)at;
  return 0;
}

static long remember(struct instance *i, int id, bool is_direct) {
  if (make_table() < 0)
    return -EM_EAGAIN;
  for (uint32_t n = 0; n != CAPACITY; ++n) {
    uint32_t place = ((uint32_t)id + n) % CAPACITY;
    if (is_owned(&table[place]))
      continue;
    table[place] = (struct timer){.id = id,
                                  .owner = i->number + 1,
                                  .setting = ++settings,
                                  .is_direct = is_direct};
    ++i->timer_count;
    if (reach <= n)
      reach = n + 1;
    if (used <= place)
      used = place + 1;
    return 0;
  }
  return -EM_EAGAIN;
}

static void forget(struct instance *i, struct timer *t) {
  t->owner = FORGOTTEN;
  --i->timer_count;
}

/* The id of a new timer of the instance, or -errno. */
static long create(struct instance *i, int clock,
                   const struct sigevent *event) {
  int id;
  long error = em_syscall(SYS_timer_create, clock, event, &id);
  if (error < 0)
    return error;
  bool to_launcher =
      event && event->notify & SIGEV_THREAD_ID && event->thread == em.launcher;
  error = remember(i, id, !to_launcher);
  if (error < 0) {
    (void)em_syscall(SYS_timer_delete, id);
    return error;
  }
  return id;
}

static int receiver(const struct instance *i) {
  return i->threaded || i->signalfd ? em.launcher
                                    : (int)em_syscall(SYS_gettid, 0);
}

long em_timer_create(struct instance *i, int clock, const void *event,
                     int *result) {
  struct sigevent wanted;
  if (event && em_read(&wanted, event, sizeof(wanted)) < 0)
    return -EM_EFAULT;
  if (event && wanted.notify == SIGEV_SIGNAL) {
    wanted.notify = SIGEV_SIGNAL | SIGEV_THREAD_ID;
    wanted.thread = receiver(i);
  }
  uint64_t mask = em_acquire(&lock);
  long id = create(i, clock, event ? &wanted : NULL);
  em_release(&lock, mask);
  if (id < 0)
    return id;
  int number = id;
  if (em_write(result, &number, sizeof(number)) == 0)
    return 0;
  (void)em_timer_delete(i, id);
  return -EM_EFAULT;
}

/* Which of the interval timers it is; -1: none. */
static int interval_timer(const struct instance *i, int id) {
  for (int which = 0; which != EM_ITIMERS; ++which)
    if (i->itimers[which] == id + 1)
      return which;
  return -1;
}

/* Does the program know nothing of it? */
static bool is_foreign(const struct instance *i, const struct timer *t) {
  return t && is_owned(t) &&
         (t->owner != i->number + 1 || interval_timer(i, t->id) >= 0);
}

long em_timer_delete(struct instance *i, int id) {
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(id);
  long error = is_foreign(i, t) ? -EM_EINVAL : em_syscall(SYS_timer_delete, id);
  if (!error && t && is_owned(t))
    forget(i, t);
  em_release(&lock, mask);
  return error;
}

static bool is_zero(const struct timespec *t) {
  return !t->seconds && !t->nanoseconds;
}

/* Of as many as there can be. */
static int64_t nanoseconds_of(const struct timespec *t) {
  return t->seconds < INT64_MAX / NANOSECONDS
             ? t->seconds * NANOSECONDS + t->nanoseconds
             : INT64_MAX;
}

static int64_t now(void) {
  const struct timespec t = em_now();
  return nanoseconds_of(&t);
}

long em_timer_settime(struct instance *i, int id, int flags, const void *value,
                      void *old) {
  struct itimerspec wanted;
  if (!value)
    return -EM_EINVAL;
  if (em_read(&wanted, value, sizeof(wanted)) < 0)
    return -EM_EFAULT;
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(id);
  long error = is_foreign(i, t)
                   ? -EM_EINVAL
                   : em_syscall(SYS_timer_settime, id, flags, &wanted, old);
  /* As the kernel: what has not arrived was of the setting before. */
  if (!error && t) {
    t->setting = ++settings;
    t->missed = t->overrun = 0;
    t->waits = false;
    t->is_stopped = is_zero(&wanted.value);
    t->interval = nanoseconds_of(&wanted.interval);
  }
  em_release(&lock, mask);
  return error;
}

long em_timer_getoverrun(struct instance *i, int id) {
  uint64_t mask = em_acquire(&lock);
  const struct timer *t = find(id);
  long overrun = is_foreign(i, t) ? -EM_EINVAL
                 : !t || !is_owned(t) || t->is_direct
                     ? em_syscall(SYS_timer_getoverrun, id)
                     : t->overrun;
  em_release(&lock, mask);
  return overrun;
}

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
                           .thread = receiver(i)};
  long id = create(i, clock_of(i, which), &event);
  if (id < 0)
    return id;
  i->itimers[which] = id + 1;
  return 0;
}

static long set(struct instance *i, int which, const struct itimerspec *value,
                struct itimerspec *old) {
  *old = (struct itimerspec){0};
  uint64_t mask = em_acquire(&lock);
  long error = 0;
  bool needed = i->itimers[which] || !is_zero(&value->value);
  if (needed && !i->itimers[which])
    error = make_interval_timer(i, which);
  if (needed && !error)
    error = em_syscall(SYS_timer_settime, i->itimers[which] - 1, 0, value, old);
  em_release(&lock, mask);
  /* What came before the new setting is not to arrive behind it: the program
     may have no handler any more. */
  if (needed && !error && em.launcher && receiver(i) == em.launcher)
    em_wait_for_launcher();
  return error;
}

static void get(struct instance *i, int which, struct itimerspec *value) {
  *value = (struct itimerspec){0};
  if (!i->timer_count)
    return;
  uint64_t mask = em_acquire(&lock);
  if (i->itimers[which])
    /* It exists, so this does not fail. */
    (void)em_syscall(SYS_timer_gettime, i->itimers[which] - 1, value);
  em_release(&lock, mask);
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
  if (!is_zero(t) && !v.seconds && !v.microseconds)
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

bool em_timer_target(struct siginfo *info, struct instance **owner) {
  /* si_timerid stands where other signals have a pid. */
  int id = info->pid;
  uint64_t mask = em_acquire(&lock);
  const struct timer *t = find(id);
  *owner = t && is_owned(t) ? em_by_number(t->owner) : NULL;
  bool emulated = *owner && interval_timer(*owner, id) >= 0;
  em_release(&lock, mask);
  if (emulated)
    *info = (struct siginfo){.signo = info->signo, .code = SI_KERNEL};
  return t;
}

/* Where a signal that was passed on has its timer's setting, with a mark, and
   its ticket. */
enum { SETTING = 2, TICKET = 3 };
static const uint64_t setting_mark = UINT64_C(0x454d544b) << 32;

enum em_timer_state em_timer_state(const struct siginfo *info) {
  uint64_t mask = em_acquire(&lock);
  const struct timer *t = find(info->pid);
  enum em_timer_state state = !t || !t->waits     ? EM_TIMER_ARRIVED
                              : t->is_being_taken ? EM_TIMER_ARRIVES
                                                  : EM_TIMER_WAITS;
  em_release(&lock, mask);
  return state;
}

static uint32_t sum_or_most(uint32_t a, uint32_t b) {
  enum { DELAYTIMER_MAX = 0x7fffffff };
  uint64_t sum = (uint64_t)a + b;
  return sum < DELAYTIMER_MAX ? sum : DELAYTIMER_MAX;
}

void em_timer_missed(const struct siginfo *info) {
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(info->pid);
  if (t)
    t->missed = sum_or_most(t->missed, sum_or_most(info->uid, 1));
  em_release(&lock, mask);
}

bool em_timer_leaves(struct siginfo *info) {
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(info->pid);
  /* It was stopped while the launcher had the signal. */
  bool counts = t && is_owned(t) && !t->is_stopped;
  if (counts) {
    t->waits = true;
    t->left_at = now();
    info->rest[SETTING] = setting_mark | t->setting;
    info->rest[TICKET] = ++t->ticket;
  }
  em_release(&lock, mask);
  return counts;
}

/* What expired while the signal waited is to be counted with it, and the
   launcher may not have come to that. Of a timer that is faster than the
   launcher it never does. */
static void catch_up(int id) {
  enum { SHORTEST = 1000 * 1000 };
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(id);
  if (t && is_owned(t) && t->waits && t->interval >= SHORTEST &&
      now() - t->left_at >= t->interval) {
    t->is_being_taken = true;
    em_unlock(&lock);
    em_wait_for_launcher();
    em_lock(&lock);
    t = find(id);
    if (t)
      t->is_being_taken = false;
  }
  em_release(&lock, mask);
}

bool em_timer_arrives(struct siginfo *info, bool is_taken) {
  enum { SIGRTMIN = 32 };
  uint64_t setting = info->rest[SETTING], ticket = info->rest[TICKET];
  if (info->code != SI_TIMER || setting >> 32 != setting_mark >> 32)
    return true;
  info->rest[SETTING] = info->rest[TICKET] = 0;
  if (is_taken)
    catch_up(info->pid);
  uint64_t mask = em_acquire(&lock);
  struct timer *t = find(info->pid);
  bool is_current = t && t->setting == (uint32_t)setting;
  /* A standard signal that waited stands for those that were sent after it. */
  bool merged = t && t->waits && info->signo < SIGRTMIN;
  bool counts = t && is_owned(t) && (is_current || merged);
  if (counts) {
    t->overrun = info->uid = sum_or_most(info->uid, t->missed);
    t->missed = 0;
    /* The next one may be on its way when a thread looks at this. */
    if (t->ticket == ticket || merged)
      t->waits = !is_taken;
  }
  em_release(&lock, mask);
  return counts;
}

/* Makes the interval timer anew, as it is to be for an instance with several
   threads. */
static void move(struct instance *i, int which) {
  uint64_t mask = em_acquire(&lock);
  int id = i->itimers[which] - 1;
  struct timer *t = id < 0 ? NULL : find(id);
  /* Another thread may have ended the instance, and its timers. */
  if (!t || !is_owned(t)) {
    em_release(&lock, mask);
    return;
  }
  struct itimerspec left = {0}, before;
  (void)em_syscall(SYS_timer_gettime, id, &left);
  (void)em_syscall(SYS_timer_delete, id);
  forget(i, t);
  i->itimers[which] = 0;
  /* Without a timer to be had there are no more signals. */
  if (!is_zero(&left.value) && make_interval_timer(i, which) == 0)
    (void)em_syscall(SYS_timer_settime, i->itimers[which] - 1, 0, &left,
                     &before);
  em_release(&lock, mask);
}

/* The alarm stays with the first thread: what has expired and waits there would
   be lost. */
void em_timers_of_threads(struct instance *i) {
  move(i, ITIMER_VIRTUAL);
  move(i, ITIMER_PROF);
}

void em_timers_of_others(struct instance *i) {
  if (i->threaded)
    move(i, ITIMER_REAL);
}

void em_forget_timers(struct instance *i) {
  if (!i->timer_count)
    return;
  uint64_t mask = em_acquire(&lock);
  for (uint32_t n = 0; i->timer_count && n != used; ++n)
    if (table[n].owner == i->number + 1) {
      (void)em_syscall(SYS_timer_delete, table[n].id);
      forget(i, &table[n]);
    }
  for (int which = 0; which != EM_ITIMERS; ++which)
    i->itimers[which] = 0;
  em_release(&lock, mask);
}

void em_lose_timers(struct instance *i) {
  lock.word = 0;
  /* The memory of the parent's table is not worth a call. */
  table = NULL;
  reach = used = 0;
  i->timer_count = 0;
  for (int which = 0; which != EM_ITIMERS; ++which)
    i->itimers[which] = 0;
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
