//===- Jobs.c - SIGCONT and the stop signals of instances -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where SIGCONT is sent, the kernel discards stop signals that wait anywhere in
// the process, and where a stop signal is sent, SIGCONT. An instance is to
// lose its own by that, and none to another instance. So what an instance is
// sent of these is noted from then on until a thread takes it; one that is not
// noted any more has been discarded.
//
// To a thread that does not block it the calling thread brings such a signal by
// the runtime's own one, which discards nothing. What a thread blocks waits in
// the kernel. Before another instance is sent the opposite, which the kernel
// will discard it for, it is taken for unsent; then it reaches its thread when
// that unblocks it, or by the launcher, as what is held (Held.c).
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

enum { CAPACITY = 1024 };

struct job {
  struct instance *instance;
  int thread;  /* whom it is for, 0: any of the instance's */
  int sent_to; /* where it waits in the kernel, 0: nowhere */
  struct siginfo info;
};

static struct job jobs[CAPACITY];
static _Atomic uint32_t count;

static uint64_t opposites(int signal) {
  return signal == SIGCONT ? em_jobs & ~SET(SIGCONT) : SET(SIGCONT);
}

static int calling_thread(void) { return em_syscall(SYS_gettid, 0); }

/* The static functions below want em.held_lock held, if they say nothing else.
 */

static void drop(struct job *j) { *j = jobs[atomic_fetch_sub(&count, 1) - 1]; }

static void drop_opposites(const struct instance *i, int signal) {
  for (uint32_t n = count; n--;)
    if (jobs[n].instance == i && SET(jobs[n].info.signo) & opposites(signal))
      drop(&jobs[n]);
}

void em_drop_jobs(const struct instance *i) {
  for (uint32_t n = count; n--;)
    if (jobs[n].instance == i)
      drop(&jobs[n]);
}

static bool is_for(const struct job *j, const struct instance *i, int thread,
                   uint64_t set) {
  return j->instance == i && (!j->thread || j->thread == thread) &&
         set & SET(j->info.signo);
}

static struct job *find(const struct instance *i, int thread, uint64_t set) {
  for (uint32_t n = 0; n != count; ++n)
    if (is_for(&jobs[n], i, thread, set))
      return &jobs[n];
  return NULL;
}

/* One of a kind waits, as in the kernel. */
static struct job *note(struct instance *i, int thread,
                        const struct siginfo *info) {
  for (uint32_t n = 0; n != count; ++n)
    if (jobs[n].instance == i && jobs[n].thread == thread &&
        jobs[n].info.signo == info->signo)
      return &jobs[n];
  if (count == CAPACITY) {
    em_message(i->name, "too many signals wait; one is lost", 0);
    return NULL;
  }
  struct job *j = &jobs[atomic_fetch_add(&count, 1)];
  *j = (struct job){i, thread, 0, *info};
  return j;
}

/* The kernel will discard them. */
static void take_for_unsent(const struct instance *by, int signal) {
  for (uint32_t n = 0; n != count; ++n) {
    struct job *j = &jobs[n];
    uint64_t pending;
    if (j->instance == by || !j->sent_to ||
        !(SET(j->info.signo) & opposites(signal)))
      continue;
    /* One that is not pending is just being taken. */
    if (em_pending_of(j->sent_to, &pending) && !(pending & SET(j->info.signo)))
      continue;
    j->sent_to = 0;
    em_call_launcher();
  }
}

static void send(struct job *j, int tid) {
  take_for_unsent(j->instance, j->info.signo);
  struct siginfo routed = em_routed(&j->info, tid == calling_thread());
  em_note_sent(tid, j->info.signo);
  if (em_send(tid, j->info.signo, &routed) == 0)
    j->sent_to = tid;
}

/* To the calling thread, without the lock. The kernel keeps a bounded number of
   these, for all processes of a user. */
static bool carry(const struct siginfo *info) {
  struct siginfo carried = *info;
  carried.error = info->signo;
  carried.pad = info->code;
  carried.code = EM_CODE_CARRIED;
  return em_send(calling_thread(), EM_SIGNAL, &carried) == 0;
}

/* The same, or where the queue is full, sends the signal under its own number:
   the kernel drops no standard one. Takes em.held_lock. */
static void carry_or_send(struct instance *i, const struct siginfo *info) {
  int self = calling_thread();
  if (carry(info))
    return;
  uint64_t mask = em_acquire(&em.held_lock);
  struct job *j = note(i, self, info);
  if (j)
    send(j, self);
  em_release(&em.held_lock, mask);
}

static bool blocks(int tid, int signal) {
  uint64_t mask;
  return em_mask_of(tid, &mask) && mask & SET(signal);
}

static int choose(struct instance *i, int thread, int signal) {
  if (thread)
    return thread;
  int taker = em_find_thread(i, signal);
  return taker || atomic_load(&i->threads) != 1 ? taker : i->thread_list;
}

static bool means_nothing(const struct instance *i, int signal) {
  enum em_action_kind kind = em_kind_of_action(i, signal);
  return kind == EM_IGNORED || (kind == EM_DEFAULT && signal == SIGCONT);
}

EM_RARE void em_give_job(struct instance *i, int thread,
                         const struct siginfo *info) {
  int signal = info->signo;
  /* Before the masks are looked at: see em_give_back. */
  atomic_fetch_or(&i->passed_on, SET(signal));
  int tid = choose(i, thread, signal);
  /* What discards it has to be seen. */
  em_mind(i, SET(signal) | SET(SIGCONT));
  drop_opposites(i, signal);
  if (i->signalfd & SET(signal) && !(tid && !blocks(tid, signal)) &&
      em_write_signal(i, info))
    return;
  struct job *j = note(i, thread, info);
  if (j && tid)
    send(j, tid);
  if (j && !j->sent_to)
    em_call_launcher();
}

EM_RARE void em_send_job(struct instance *i, int thread,
                         const struct siginfo *info) {
  int signal = info->signo, self = calling_thread();
  uint64_t mask = em_acquire(&em.held_lock);
  bool at_once = em_task(self)->thread_of == i->number + 1 &&
                 (!thread || thread == self) && !(mask & SET(signal));
  if (at_once)
    drop_opposites(i, signal);
  else
    em_give_job(i, thread, info);
  em_release(&em.held_lock, mask);
  if (at_once && !means_nothing(i, signal))
    carry_or_send(i, info);
}

void em_drop_opposites(struct instance *i, int signal) {
  if (!atomic_load(&count))
    return;
  uint64_t mask = em_acquire(&em.held_lock);
  drop_opposites(i, signal);
  em_release(&em.held_lock, mask);
}

bool em_take_job(struct instance *i, int signal) {
  uint64_t mask = em_acquire(&em.held_lock);
  struct job *j = find(i, calling_thread(), SET(signal));
  if (j)
    drop(j);
  em_release(&em.held_lock, mask);
  return j;
}

int em_take_waiting_job(struct instance *i, uint64_t set,
                        struct siginfo *info) {
  if (!(set & em_jobs) || !atomic_load(&count))
    return 0;
  uint64_t mask = em_acquire(&em.held_lock);
  struct job *j = find(i, calling_thread(), set);
  int signal = 0;
  if (j) {
    *info = j->info;
    signal = info->signo;
    drop(j);
  }
  em_release(&em.held_lock, mask);
  return signal;
}

uint64_t em_job_set(struct instance *i) {
  uint64_t set = 0;
  if (!atomic_load(&count))
    return 0;
  int self = calling_thread();
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n != count; ++n)
    if (is_for(&jobs[n], i, self, em_jobs))
      set |= SET(jobs[n].info.signo);
  em_release(&em.held_lock, mask);
  return set;
}

EM_RARE void em_carry_jobs(struct instance *i, uint64_t set) {
  struct siginfo info;
  while (em_take_waiting_job(i, set, &info))
    if (!means_nothing(i, info.signo))
      carry_or_send(i, &info);
}

void em_unsend_job(struct instance *i, int signal) {
  int self = calling_thread();
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n != count; ++n)
    if (is_for(&jobs[n], i, self, SET(signal)) && jobs[n].sent_to == self)
      jobs[n].sent_to = 0;
  em_release(&em.held_lock, mask);
}

/* Is another instance's just on its way, which this would discard? */
static bool would_discard(const struct job *job) {
  for (uint32_t n = 0; n != count; ++n) {
    const struct job *j = &jobs[n];
    if (j->instance != job->instance && j->sent_to &&
        SET(j->info.signo) & opposites(job->info.signo) &&
        !blocks(j->sent_to, j->info.signo))
      return true;
  }
  return false;
}

static bool is_own(const struct instance *i, int tid) {
  return em_task(tid)->thread_of == i->number + 1;
}

static bool is_gone(const struct job *j) {
  return atomic_load(&j->instance->state) > EM_RUNNING ||
         (j->thread && !is_own(j->instance, j->thread));
}

static void retry(struct job *j) {
  int signal = j->info.signo;
  int tid = j->thread ? j->thread : em_find_thread(j->instance, signal);
  if (tid && !blocks(tid, signal) && !would_discard(j))
    send(j, tid);
}

bool em_retry_jobs(void) {
  bool all = true;
  if (!atomic_load(&count))
    return true;
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = count; n--;) {
    const struct instance *i = jobs[n].instance;
    if (atomic_load(&i->state) == EM_ENDING && atomic_load(&i->executes))
      continue;
    if (is_gone(&jobs[n])) {
      drop(&jobs[n]);
      continue;
    }
    if (jobs[n].sent_to && !is_own(jobs[n].instance, jobs[n].sent_to))
      jobs[n].sent_to = 0;
    if (!jobs[n].sent_to)
      retry(&jobs[n]);
    all = all && jobs[n].sent_to;
  }
  em_release(&em.held_lock, mask);
  return all;
}
