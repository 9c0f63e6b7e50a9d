//===- Held.c - Signals to an instance as a whole -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel gives a signal that was sent to a process to a thread that does
// not block it, and otherwise keeps it until one unblocks it or waits for it.
// To the kernel an instance is no process. So the launcher looks for such a
// thread among the instance's, by the masks that /proc shows (those of a
// thread in sigwait, sigsuspend or ppoll are the ones that count meanwhile),
// and holds the signal when there is none. A thread that changes its mask or
// waits for signals asks for what is held, and the launcher looks again from
// time to time while there is something. An instance with one thread needs
// none of this: what it blocks waits in the kernel.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

enum { CAPACITY = 4096 };

struct held {
  struct instance *instance;
  struct siginfo info;
  bool undecided; /* it may be one that the kernel would not have kept */
  uint32_t round; /* in which it was given back, 0: never */
};

int em_find_thread(struct instance *i, int signal) {
  int found = 0;
  uint64_t lock = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid && !found; tid = em_task(tid)->next) {
    uint64_t mask;
    if (!em_mask_of(tid, &mask))
      found = i->thread_list;
    else if (!(mask & SET(signal)))
      found = tid;
  }
  em_release(&i->lock, lock);
  return found;
}

/* For any of the instance's threads. */
static bool is_pending(struct instance *i, int signal) {
  bool pending = false;
  uint64_t lock = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid && !pending; tid = em_task(tid)->next) {
    uint64_t set;
    pending = em_pending_of(tid, &set) && set & SET(signal);
  }
  em_release(&i->lock, lock);
  return pending;
}

static bool has_thread(struct instance *i, int tid) {
  return tid && em_task(tid)->thread_of == i->number + 1;
}

/* Is the thread in sigwait for the signal? It need not sleep there: what it was
   woken by may have been another's. */
static bool awaits(int tid, int signal) {
  return atomic_load(&em_task(tid)->awaits) & SET(signal);
}

static int find_waiter(struct instance *i, int signal) {
  int found = 0;
  uint64_t lock = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid && !found; tid = em_task(tid)->next)
    if (awaits(tid, signal))
      found = tid;
  em_release(&i->lock, lock);
  return found;
}

static bool does_nothing(const struct instance *i, int signal) {
  return em_kind_of_action(i, signal) == EM_DEFAULT &&
         SET(signal) & em_harmless;
}

/* What the kernel would do with a signal that does nothing. It asks the first
   thread only. One that blocks all, as no program can, has its own mask again
   in a moment. */
enum fate { DISCARDED, KEPT, UNDECIDED };

static enum fate fate_of(struct instance *i, int signal) {
  uint64_t before = em_acquire(&i->lock);
  uint64_t mask = before;
  int tid = i->thread_list;
  bool is_self = tid == em_syscall(SYS_gettid, 0) &&
                 !atomic_load(&em_task(tid)->mask_counts);
  bool known = is_self || (tid && em_mask_of(tid, &mask));
  bool awaited = tid && awaits(tid, signal);
  em_release(&i->lock, before);
  if (awaited)
    return KEPT;
  if (!known || mask & SET(EM_SIGNAL))
    return UNDECIDED;
  /* It may have been blocked until a handler was there, which is seen only
     behind the mask. */
  bool kept = mask & SET(signal) || !does_nothing(i, signal);
  return kept ? KEPT : DISCARDED;
}

static int choose(struct instance *i, int signal) {
  if (atomic_load(&i->threads) == 1)
    return i->thread_list;
  /* Where it does nothing by default it is for who waits for it. */
  return does_nothing(i, signal) ? find_waiter(i, signal)
                                 : em_find_thread(i, signal);
}

static bool send(struct instance *i, int tid, const struct siginfo *info) {
  struct siginfo routed = em_routed(info, tid == em_syscall(SYS_gettid, 0));
  if (!has_thread(i, tid))
    return false;
  em_note_sent(tid, info->signo);
  return em_send(tid, info->signo, &routed) == 0;
}

/* What was sent to one of several threads. It may come back from a call that
   had the signal unblocked, ppoll for example, and leave it waiting, where to
   the kernel it would be any thread's. What there is no room for waits for the
   thread it was sent to. With the lock held. */
static struct sent {
  struct instance *instance;
  int tid, signal;
} sent[64];
static uint32_t sent_count;

static void note_sent_to(struct instance *i, int tid, int signal) {
  enum { ROOM = sizeof(sent) / sizeof(*sent) };
  for (uint32_t n = 0; n != sent_count; ++n)
    if (sent[n].tid == tid && sent[n].signal == signal && sent[n].instance == i)
      return;
  if (sent_count == ROOM)
    return;
  sent[sent_count++] = (struct sent){i, tid, signal};
  em_call_launcher();
}

/* Until somebody else takes it, it waits where it is. */
static bool has_other_taker(const struct sent *s) {
  int taker = choose(s->instance, s->signal);
  return s->instance->signalfd & SET(s->signal) || (taker && taker != s->tid);
}

/* False: it is to be looked at again. What the only thread has is its own,
   until it makes another (em_hold_pending). */
static bool is_settled(const struct sent *s) {
  uint64_t pending, mask;
  if (atomic_load(&s->instance->threads) == 1 ||
      !has_thread(s->instance, s->tid) || !em_pending_of(s->tid, &pending) ||
      !(pending & SET(s->signal)))
    return true;
  return em_mask_of(s->tid, &mask) && mask & SET(s->signal) &&
         !(mask & SET(EM_SIGNAL)) && has_other_taker(s) &&
         em_tell_thread(s->tid, EM_CODE_RETURN) == 0;
}

bool em_retry_sent(void) {
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = sent_count; n--;)
    if (is_settled(&sent[n]))
      sent[n] = sent[--sent_count];
  bool all = !sent_count;
  em_release(&em.held_lock, mask);
  return all;
}

/* To a thread, or to a signalfd. False: nobody takes it yet. */
static bool give(struct instance *i, const struct siginfo *info) {
  int signal = info->signo;
  if (SET(signal) & em_jobs) {
    em_give_job(i, 0, info);
    return true;
  }
  if (i->signalfd & SET(signal) && !em_find_thread(i, signal))
    return em_write_signal(i, info);
  /* Before the masks are looked at: see em_give_back. */
  atomic_fetch_or(&i->passed_on, SET(signal));
  int tid = choose(i, signal);
  if (!send(i, tid, info))
    return false;
  if (atomic_load(&i->threads) != 1)
    note_sent_to(i, tid, signal);
  return true;
}

static bool is_held(const struct instance *i, int signal) {
  for (uint32_t n = 0; n != em.held_count; ++n)
    if (em.held[n].instance == i && em.held[n].info.signo == signal)
      return true;
  return false;
}

/* What is given back was sent to a thread before all that is held was to be,
   but for what was given back in front of it in the same round. */
static uint32_t place_for(const struct instance *i, int signal,
                          uint32_t round) {
  for (uint32_t n = 0; round && n != em.held_count; ++n)
    if (em.held[n].instance == i && em.held[n].info.signo == signal &&
        em.held[n].round != round)
      return n;
  return em.held_count;
}

/* With the lock held. Signals below the real-time ones wait once only. */
static void keep(struct instance *i, const struct siginfo *info, bool undecided,
                 uint32_t round) {
  if (info->signo < SIGRTMIN && is_held(i, info->signo))
    return;
  if (em.held_count == CAPACITY) {
    em_message(i->name, "too many signals wait; one is lost", 0);
    return;
  }
  uint32_t place = place_for(i, info->signo, round);
  for (uint32_t n = em.held_count; n != place; --n)
    em.held[n] = em.held[n - 1];
  struct held *h = &em.held[place];
  h->instance = i;
  h->info = *info;
  h->undecided = undecided;
  h->round = round;
  atomic_fetch_add(&em.held_count, 1);
  em_call_launcher();
}

static void drop(uint32_t n) {
  atomic_fetch_sub(&em.held_count, 1);
  for (; n < em.held_count; ++n)
    em.held[n] = em.held[n + 1];
}

size_t em_held_size(void) { return CAPACITY * sizeof(struct held); }

void em_hold_again(struct instance *i, int signal, const struct siginfo *info,
                   uint32_t round) {
  struct siginfo named = *info;
  named.signo = signal;
  uint64_t mask = em_acquire(&em.held_lock);
  keep(i, &named, false, round);
  em_release(&em.held_lock, mask);
}

void em_hold(struct instance *i, int signal, const struct siginfo *info) {
  em_hold_again(i, signal, info, 0);
}

static void pass_on(struct instance *i, int signal, const struct siginfo *info,
                    bool undecided) {
  /* With the lock held. A program's stack may be small. */
  static struct siginfo named;
  uint64_t mask = em_acquire(&em.held_lock);
  named = *info;
  named.signo = signal;
  /* What was sent later does not overtake. */
  bool waits = undecided && SET(signal) & em_jobs;
  if (waits || is_held(i, signal) || !give(i, &named))
    keep(i, &named, undecided, 0);
  em_release(&em.held_lock, mask);
}

void em_pass_on(struct instance *i, int signal, const struct siginfo *info) {
  pass_on(i, signal, info, false);
}

/* With em.held_lock held. Does the signal of the timer wait for the program?
   Not if it was lost with a thread, or a thread has it in its hands. */
static bool timer_waits(struct instance *i, const struct siginfo *info) {
  enum em_timer_state state = em_timer_state(info);
  if (state != EM_TIMER_WAITS)
    return state == EM_TIMER_ARRIVES;
  for (uint32_t n = 0; n != em.held_count; ++n) {
    const struct siginfo *held = &em.held[n].info;
    if (em.held[n].instance == i && held->code == SI_TIMER &&
        held->pid == info->pid)
      return true;
  }
  return is_pending(i, info->signo) || em_has_unread_timer(i, info->pid);
}

void em_pass_on_timer(struct instance *i, int signal,
                      const struct siginfo *info) {
  if (info->code != SI_TIMER) {
    em_pass_on(i, signal, info);
    return;
  }
  struct siginfo named = *info;
  uint64_t mask = em_acquire(&em.held_lock);
  if (timer_waits(i, &named))
    em_timer_missed(&named);
  else if (em_timer_leaves(&named) && (is_held(i, signal) || !give(i, &named)))
    keep(i, &named, false, 0);
  em_release(&em.held_lock, mask);
}

void em_pass_on_blocked(struct instance *i, int signal,
                        const struct siginfo *info) {
  enum fate fate = fate_of(i, signal);
  if (fate != DISCARDED)
    pass_on(i, signal, info, fate == UNDECIDED);
}

void em_drop_undecided(struct instance *i, int signal) {
  if (!atomic_load(&em.held_count))
    return;
  /* The first thread's mask may be known by now. */
  bool kept = fate_of(i, signal) == KEPT;
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n < em.held_count;) {
    struct held *h = &em.held[n];
    if (h->instance == i && h->info.signo == signal)
      h->undecided &= !kept;
    if (h->instance == i && h->info.signo == signal && h->undecided)
      drop(n);
    else
      ++n;
  }
  em_release(&em.held_lock, mask);
}

void em_drop_held(struct instance *i) {
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n < em.held_count;) {
    if (em.held[n].instance == i)
      drop(n);
    else
      ++n;
  }
  em_drop_jobs(i);
  em_release(&em.held_lock, mask);
}

bool em_finds_taker(struct instance *i, int signal) {
  return em_find_thread(i, signal);
}

int em_take_held(struct instance *i, uint64_t set, struct siginfo *info) {
  int job = em_take_waiting_job(i, set, info);
  if (job || !atomic_load(&em.held_count))
    return job;
  uint32_t best = CAPACITY;
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n != em.held_count; ++n) {
    const struct held *h = &em.held[n];
    if (h->instance == i && set & SET(h->info.signo) &&
        (best == CAPACITY || h->info.signo < em.held[best].info.signo))
      best = n;
  }
  int signal = 0;
  if (best != CAPACITY) {
    *info = em.held[best].info;
    signal = info->signo;
    drop(best);
  }
  em_release(&em.held_lock, mask);
  return signal;
}

void em_claim_held(struct instance *i, uint64_t set) {
  if (!atomic_load(&em.held_count))
    return;
  uint64_t mask = em_block_signals();
  struct siginfo info;
  int self = em_syscall(SYS_gettid, 0);
  for (int signal; (signal = em_take_held(i, set & ~em_jobs, &info));)
    if (!send(i, self, &info)) {
      em_hold(i, signal, &info);
      break;
    }
  em_set_mask(mask);
}

uint64_t em_held_set(struct instance *i) {
  uint64_t set = 0;
  if (!atomic_load(&em.held_count))
    return set;
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n != em.held_count; ++n)
    if (em.held[n].instance == i)
      set |= SET(em.held[n].info.signo);
  em_release(&em.held_lock, mask);
  return set;
}

EM_RARE bool em_show_blocked(struct instance *i, int tid,
                             const struct siginfo *info) {
  uint64_t blocked;
  if (!em_mask_of(tid, &blocked) || !(blocked & SET(info->signo)))
    return false;
  uint64_t mask = em_acquire(&em.held_lock);
  bool shown = em_write_signal(i, info);
  em_release(&em.held_lock, mask);
  return shown;
}

void em_retry_held(void) {
  if (!atomic_load(&em.held_count))
    return;
  uint64_t mask = em_acquire(&em.held_lock);
  for (uint32_t n = 0; n < em.held_count;) {
    struct held *h = &em.held[n];
    struct instance *i = h->instance;
    /* What waits for one that executes a program is that one's (Exec.c). */
    if (atomic_load(&i->state) == EM_ENDING && atomic_load(&i->executes)) {
      ++n;
      continue;
    }
    enum fate fate =
        does_nothing(i, h->info.signo) ? fate_of(i, h->info.signo) : UNDECIDED;
    h->undecided &= fate != KEPT;
    bool gone = atomic_load(&i->state) > EM_RUNNING || fate == DISCARDED;
    bool earlier = false;
    for (uint32_t k = 0; k != n && !earlier; ++k)
      earlier =
          em.held[k].instance == i && em.held[k].info.signo == h->info.signo;
    if (gone || (!earlier && give(i, &h->info)))
      drop(n);
    else
      ++n;
  }
  em_release(&em.held_lock, mask);
}
