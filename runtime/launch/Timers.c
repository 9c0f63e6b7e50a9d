//===- Timers.c - Timers of instances -------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To the kernel all timers are those of one process. So a timer that a program
// makes is remembered as its instance's; the dispatcher asks here whose timer a
// signal is from.
//
// A signal to the process may interrupt any of its threads, and so a call of
// another instance. Therefore no timer sends one. The signal of an instance's
// only thread goes to that thread: there the kernel counts overruns, and none
// comes after the call that stops the timer. That of an instance with several
// goes to the launcher, which passes it on (TimerSignals.c).
//
// A forked child has no timers and needs nothing of this: it is alone.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "TimerTable.h"

/* Of the table; ids grow by 1 and start again at 0. */
enum { CAPACITY = 1 << 20 };

/* A signal of such a timer may still be on its way. */
#define FORGOTTEN UINT32_C(0xffffffff)

/* All under the lock. A timer stands at its id, or behind if that place is
   taken, less than `reach` places further. */
struct em_lock em_timer_lock;
static struct timer *table;
static uint32_t reach;
static uint32_t used; /* places up to the last that ever was */
static uint32_t settings;

struct timer *em_find_timer(int id) {
  for (uint32_t n = 0; n != reach; ++n) {
    struct timer *t = &table[((uint32_t)id + n) % CAPACITY];
    if (t->owner && t->id == id)
      return t;
  }
  return NULL;
}

bool em_is_owned(const struct timer *t) {
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
    if (em_is_owned(&table[place]))
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

void em_forget_timer(struct instance *i, struct timer *t) {
  t->owner = FORGOTTEN;
  --i->timer_count;
}

long em_make_timer(struct instance *i, int clock,
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

int em_timer_receiver(const struct instance *i) {
  return i->threaded || i->signalfd ? em.launcher
                                    : (int)em_syscall(SYS_gettid, 0);
}

int em_interval_timer(const struct instance *i, int id) {
  for (int which = 0; which != EM_ITIMERS; ++which)
    if (i->itimers[which] == id + 1)
      return which;
  return -1;
}

long em_timer_create(struct instance *i, int clock, const void *event,
                     int *result) {
  struct sigevent wanted;
  if (event && em_read(&wanted, event, sizeof(wanted)) < 0)
    return -EM_EFAULT;
  if (event && wanted.notify == SIGEV_SIGNAL) {
    wanted.notify = SIGEV_SIGNAL | SIGEV_THREAD_ID;
    wanted.thread = em_timer_receiver(i);
  }
  uint64_t mask = em_acquire(&em_timer_lock);
  long id = em_make_timer(i, clock, event ? &wanted : NULL);
  em_release(&em_timer_lock, mask);
  if (id < 0)
    return id;
  int number = id;
  if (em_write(result, &number, sizeof(number)) == 0)
    return 0;
  (void)em_timer_delete(i, id);
  return -EM_EFAULT;
}

/* Does the program know nothing of it? */
static bool is_foreign(const struct instance *i, const struct timer *t) {
  return t && em_is_owned(t) &&
         (t->owner != i->number + 1 || em_interval_timer(i, t->id) >= 0);
}

long em_timer_delete(struct instance *i, int id) {
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(id);
  long error = is_foreign(i, t) ? -EM_EINVAL : em_syscall(SYS_timer_delete, id);
  if (!error && t && em_is_owned(t))
    em_forget_timer(i, t);
  em_release(&em_timer_lock, mask);
  return error;
}

long em_timer_settime(struct instance *i, int id, int flags, const void *value,
                      void *old) {
  struct itimerspec wanted;
  if (!value)
    return -EM_EINVAL;
  if (em_read(&wanted, value, sizeof(wanted)) < 0)
    return -EM_EFAULT;
  uint64_t mask = em_acquire(&em_timer_lock);
  struct timer *t = em_find_timer(id);
  long error = is_foreign(i, t)
                   ? -EM_EINVAL
                   : em_syscall(SYS_timer_settime, id, flags, &wanted, old);
  /* As the kernel: what has not arrived was of the setting before. */
  if (!error && t) {
    t->setting = ++settings;
    t->missed = t->overrun = 0;
    t->waits = false;
    t->is_stopped = em_is_zero(&wanted.value);
    t->interval = em_nanoseconds(&wanted.interval);
  }
  em_release(&em_timer_lock, mask);
  return error;
}

long em_timer_getoverrun(struct instance *i, int id) {
  uint64_t mask = em_acquire(&em_timer_lock);
  const struct timer *t = em_find_timer(id);
  long overrun = is_foreign(i, t) ? -EM_EINVAL
                 : !t || !em_is_owned(t) || t->is_direct
                     ? em_syscall(SYS_timer_getoverrun, id)
                     : t->overrun;
  em_release(&em_timer_lock, mask);
  return overrun;
}

bool em_timer_target(struct siginfo *info, struct instance **owner) {
  /* si_timerid stands where other signals have a pid. */
  int id = info->pid;
  uint64_t mask = em_acquire(&em_timer_lock);
  const struct timer *t = em_find_timer(id);
  *owner = t && em_is_owned(t) ? em_by_number(t->owner) : NULL;
  bool emulated = *owner && em_interval_timer(*owner, id) >= 0;
  em_release(&em_timer_lock, mask);
  if (emulated)
    *info = (struct siginfo){.signo = info->signo, .code = SI_KERNEL};
  return t;
}

void em_forget_timers(struct instance *i) {
  if (!i->timer_count)
    return;
  uint64_t mask = em_acquire(&em_timer_lock);
  for (uint32_t n = 0; i->timer_count && n != used; ++n)
    if (table[n].owner == i->number + 1) {
      (void)em_syscall(SYS_timer_delete, table[n].id);
      em_forget_timer(i, &table[n]);
    }
  for (int which = 0; which != EM_ITIMERS; ++which)
    i->itimers[which] = 0;
  em_release(&em_timer_lock, mask);
}

void em_lose_timers(struct instance *i) {
  em_timer_lock.word = 0;
  /* The memory of the parent's table is not worth a call. */
  table = NULL;
  reach = used = 0;
  i->timer_count = 0;
  for (int which = 0; which != EM_ITIMERS; ++which)
    i->itimers[which] = 0;
}
