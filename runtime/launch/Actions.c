//===- Actions.c - What an instance does on its signals -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dispatcher reads actions on any thread, and a handler that sets one may
// interrupt a thread that is just doing so. A lock would have to be held with
// all signals blocked: two system calls for what the kernel does in one.
//
// So an action is not changed but replaced, by a record that nobody else has
// and one store that names it. Who replaces a record has the old one for
// himself, and gives it back. A reader looks again whether what it has read is
// still what is named; a version tells that from being named anew.
//
// A handler that interrupts a thread in between need not return, and then a
// record is lost. When all are, there is a spare one for who holds the lock.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

enum { KIND_BITS = 2, RECORD_BITS = 8 };

_Static_assert(EM_ACTION_RECORDS == 128, "two words of bits");

static unsigned record_of(uint64_t current) {
  return current >> KIND_BITS & ((1 << RECORD_BITS) - 1);
}

static enum em_action_kind kind_of(const struct em_sigaction *a) {
  if (em_is_default(a))
    return EM_DEFAULT;
  return em_is_ignored(a) ? EM_IGNORED : EM_HANDLED;
}

static uint64_t successor(uint64_t current, unsigned record,
                          const struct em_sigaction *a) {
  uint64_t version = (current >> (KIND_BITS + RECORD_BITS)) + 1;
  return version << (KIND_BITS + RECORD_BITS) | record << KIND_BITS |
         kind_of(a);
}

union contents {
  struct em_sigaction action;
  uint64_t words[EM_ACTION_WORDS];
};

/* Who still reads what was here before, and meets any of this, finds out. */
static void fill(struct em_action_record *r, const struct em_sigaction *a) {
  union contents c = {*a};
  atomic_thread_fence(memory_order_release);
  for (int n = 0; n != EM_ACTION_WORDS; ++n)
    atomic_store_explicit(&r->words[n], c.words[n], memory_order_relaxed);
}

static struct em_sigaction contents_of(const struct em_action_record *r) {
  union contents c;
  for (int n = 0; n != EM_ACTION_WORDS; ++n)
    c.words[n] = atomic_load_explicit(&r->words[n], memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  return c.action;
}

/* Returns what replace() wants to know. */
static uint64_t look_up(const struct em_actions *t, int signal,
                        struct em_sigaction *a) {
  for (;;) {
    uint64_t current = atomic_load(&t->current[signal]);
    *a = contents_of(&t->records[record_of(current)]);
    if (atomic_load(&t->current[signal]) == current)
      return current;
  }
}

/* A record of the caller's own. */
struct own {
  unsigned record;
  bool locked; /* it was the spare one */
  uint64_t mask;
};

static struct own take(struct em_actions *t) {
  for (unsigned w = 0; w != 2; ++w) {
    uint64_t taken = atomic_load(&t->taken[w]);
    while (~taken) {
      unsigned bit = __builtin_ctzll(~taken);
      if (atomic_compare_exchange_weak(&t->taken[w], &taken,
                                       taken | UINT64_C(1) << bit))
        return (struct own){64 * w + bit, false, 0};
    }
  }
  uint64_t mask = em_acquire(&t->lock);
  return (struct own){t->spare, true, mask};
}

/* For what \p own was, the caller has \p record now. */
static void give_back(struct em_actions *t, struct own own, unsigned record) {
  if (own.locked) {
    t->spare = record;
    em_release(&t->lock, own.mask);
    return;
  }
  atomic_fetch_and(&t->taken[record / 64], ~(UINT64_C(1) << record % 64));
}

/* False: it is not \p current any more. */
static bool replace(struct em_actions *t, int signal, uint64_t current,
                    const struct em_sigaction *a) {
  unsigned old = record_of(current);
  struct own own = take(t);
  fill(&t->records[own.record], a);
  bool done = atomic_compare_exchange_strong(&t->current[signal], &current,
                                             successor(current, own.record, a));
  give_back(t, own, done ? old : own.record);
  return done;
}

struct em_sigaction em_action_of(const struct instance *i, int signal) {
  struct em_sigaction a;
  (void)look_up(&i->actions, signal, &a);
  return a;
}

void em_set_action(struct instance *i, int signal, const struct em_sigaction *a,
                   struct em_sigaction *before) {
  while (!replace(&i->actions, signal, look_up(&i->actions, signal, before), a))
    ;
}

struct em_sigaction em_take_action(struct instance *i, int signal) {
  for (;;) {
    struct em_sigaction a;
    uint64_t current = look_up(&i->actions, signal, &a);
    if (kind_of(&a) != EM_HANDLED || !(a.flags & (unsigned)SA_RESETHAND))
      return a;
    struct em_sigaction reset = a;
    reset.handler = NULL;
    if (replace(&i->actions, signal, current, &reset))
      return a;
  }
}

void em_reset_actions(struct instance *i) {
  const struct em_sigaction by_default = {0};
  struct em_actions *t = &i->actions;
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    fill(&t->records[s - 1], &by_default);
    atomic_store(&t->current[s], (uint64_t)(s - 1) << KIND_BITS | EM_DEFAULT);
  }
  t->spare = EM_ACTION_RECORDS - 1;
  atomic_store(&t->taken[0], ~UINT64_C(0));
  atomic_store(&t->taken[1], UINT64_C(1) << 63);
  t->lock.word = 0;
}
