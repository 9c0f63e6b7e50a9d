//===- Signal.c - Signal dispositions of instances ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel keeps one disposition per signal for the process. Each instance
// has a table of its own; what the kernel is told follows from all of them:
// ignored or default when every instance that runs says so, and else the
// dispatcher, which looks up on whose thread it runs.
//
// A process with one instance needs none of this: its actions are the
// kernel's.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

/* The runtime's own signal, and faults that it may cause itself (Memory.c). */
static const uint64_t never_ignored =
    SET(EM_SIGNAL) | SET(SIGSEGV) | SET(SIGBUS);

static const unsigned long known_flags =
    SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER |
    SA_ONSTACK | SA_RESTART | SA_NODEFER | (unsigned)SA_RESETHAND;

/* Signals whose default action is one instance's, as the kernel sends them for
   something that one has done or asked for. */
static uint64_t always_dispatched(void) {
  uint64_t set = never_ignored | SET(SIGPIPE) | SET(SIGXFSZ) | em_requested;
  return em.image->flags & EM_ISOLATE ? set | em_crashes : set;
}

/* With SA_RESTART a thread to which the signal means nothing goes on as if
   there had been none; deliver() interrupts the calls of those who want that.
 */
static uint64_t wanted(int signal) {
  unsigned defaults = 0, ignored = 0, handlers = 0;
  uint64_t minds = 0;
  bool has_parents = false;
  if (signal == SIGCHLD && (em.orphans || em.pid == 1))
    minds = SET(SIGCHLD);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    uint32_t state = atomic_load(&i->state);
    if (state != EM_ENDED)
      minds |= atomic_load(&i->minds) & SET(signal);
    has_parents |= atomic_load(&i->is_parent);
    if (state >= EM_ENDING)
      continue;
    switch (em_kind_of_action(i, signal)) {
    case EM_DEFAULT:
      ++defaults;
      break;
    case EM_IGNORED:
      ++ignored;
      break;
    case EM_HANDLED:
      ++handlers;
      break;
    }
  }
  bool matters = handlers || minds;
  /* Between the end of all and a restart nobody ignores anything. */
  if (!matters && !defaults && ignored && !(SET(signal) & never_ignored))
    return INSTALLED_IGNORE;
  bool from_child = has_parents && em_is_fatal(signal);
  if (!matters && !ignored && !from_child &&
      !(SET(signal) & always_dispatched()))
    return INSTALLED_DEFAULT;
  return INSTALLED_DISPATCHER | SA_RESTART | SA_ONSTACK;
}

/* What is dispatched stays so: a signal may be on its way to an instance, and
   must not meet the kernel's default action. */
static bool is_enough(uint64_t installed, uint64_t want) {
  return installed == want ||
         (want == INSTALLED_DEFAULT && installed & INSTALLED_DISPATCHER);
}

EM_RARE static long tell_kernel(int signal, uint64_t want) {
  struct em_sigaction action = {0};
  if (want & INSTALLED_DISPATCHER) {
    action.handler = em_dispatcher;
    action.flags = (uint32_t)want | SA_SIGINFO | SA_RESTORER;
    action.restorer = em_restore;
    action.mask = ~UINT64_C(0);
  } else if (want == INSTALLED_IGNORE) {
    action = em_ignoring;
  }
  return em_kernel_action(signal, &action, NULL);
}

/* With the lock held. */
long em_install(int signal) {
  uint64_t before = atomic_load(&em.installed[signal]);
  if (is_enough(before, wanted(signal)))
    return 0;
  /* Who sets an action without the lock does so before it looks here, so either
     it takes the lock too, or its action counts. */
  atomic_store(&em.installed[signal], INSTALLED_CHANGING);
  uint64_t want = wanted(signal);
  if (is_enough(before, want))
    want = before;
  long error = tell_kernel(signal, want);
  atomic_store(&em.installed[signal], error < 0 ? before : want);
  return error;
}

void em_mind(struct instance *i, uint64_t set) {
  set &= ~em_unblockable;
  /* Another thread may be just telling the kernel. */
  if (!(set & ~atomic_load(&i->minds_installed)))
    return;
  uint64_t mask = em_acquire(&em.signal_lock);
  uint64_t fresh = set & ~atomic_fetch_or(&i->minds, set);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    /* What the kernel does not accept it will not send. */
    if (fresh & SET(s))
      (void)em_install(s);
  atomic_fetch_or(&i->minds_installed, set);
  em_release(&em.signal_lock, mask);
}

void em_become_parent(struct instance *i) {
  if (atomic_load(&i->parent_installed))
    return;
  uint64_t mask = em_acquire(&em.signal_lock);
  atomic_store(&i->is_parent, true);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em_is_fatal(s) && !(SET(s) & em_unblockable) &&
        !(em.installed[s] & INSTALLED_DISPATCHER))
      (void)em_install(s);
  atomic_store(&i->parent_installed, true);
  em_release(&em.signal_lock, mask);
}

void em_init_signals(void) {
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    struct em_sigaction inherited;
    long error = em_kernel_action(s, NULL, &inherited);
    if (error < 0)
      em_fail("runtime", "cannot read a signal's disposition", error);
    em.installed[s] =
        em_is_ignored(&inherited) ? INSTALLED_IGNORE : INSTALLED_DEFAULT;
    if (em_is_ignored(&inherited))
      em.initial_ignored |= SET(s);
  }
  em.ignored_once = em.initial_ignored;
}

void em_inherit_signals(struct instance *i) {
  struct em_sigaction by_default;
  em_reset_actions(i);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.initial_ignored & SET(s))
      em_set_action(i, s, &em_ignoring, &by_default);
}

void em_take_over_signals(void) {
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    long error = s == SIGKILL || s == SIGSTOP ? 0 : em_install(s);
    if (error < 0)
      em_fail("runtime", "cannot install a signal handler", error);
  }
}

void em_forget_signals(void) {
  uint64_t mask = em_acquire(&em.signal_lock);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    /* Where all agree, one less changes nothing. A dispatcher too many does no
       harm, unless all that are left ignore the signal. */
    if (em.installed[s] & INSTALLED_DISPATCHER && s != EM_SIGNAL &&
        atomic_load(&em.ignored_once) & SET(s))
      (void)em_install(s);
  em_release(&em.signal_lock, mask);
}

void em_release_signals(struct instance *i) {
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    uint64_t installed = atomic_load(&em.installed[s]);
    if (installed == INSTALLED_DEFAULT || installed == INSTALLED_IGNORE)
      continue;
    struct em_sigaction action = em_action_of(i, s);
    long error = em_kernel_action(s, &action, NULL);
    if (error < 0)
      em_fail(i->name, "cannot install a signal handler", error);
  }
}

/* The vforked child's dispositions are the kernel's; what it inherited as the
   dispatcher is what the instance's table says. Where the kernel has just
   written, there is memory. */
long em_rt_sigaction_in_child(struct instance *i, int signal,
                              const struct em_sigaction *action,
                              struct em_sigaction *old, size_t size) {
  if (size != 8)
    return -EM_EINVAL;
  long error = em_kernel_action(signal, action, old);
  if (!error && old && old->handler == em_dispatcher)
    *old = em_action_of(i, signal);
  return error;
}

/* Does the kernel know what it has to for an instance with this action? */
static bool is_installed_for(int signal, const struct em_sigaction *action) {
  uint64_t installed = atomic_load(&em.installed[signal]);
  if (em_is_ignored(action))
    return installed == INSTALLED_IGNORE;
  return installed & INSTALLED_DISPATCHER ||
         (em_is_default(action) && installed == INSTALLED_DEFAULT);
}

EM_RARE static long set_and_install(struct instance *i, int signal,
                                    const struct em_sigaction *action,
                                    struct em_sigaction *before) {
  uint64_t mask = em_acquire(&em.signal_lock);
  em_set_action(i, signal, action, before);
  long error = em_install(signal);
  struct em_sigaction refused;
  if (error < 0)
    em_set_action(i, signal, before, &refused);
  em_release(&em.signal_lock, mask);
  return error;
}

/* Mostly there is nothing to tell the kernel, and then no lock to take: looks
   first, as with the lock no handler comes in between, and again behind
   (em_install). */
static long set(struct instance *i, int signal,
                const struct em_sigaction *action,
                struct em_sigaction *before) {
  if (!is_installed_for(signal, action))
    return set_and_install(i, signal, action, before);
  em_set_action(i, signal, action, before);
  /* A handler that came meanwhile has perhaps made this a forked child. */
  if (em_alone())
    return em_kernel_action(signal, action, NULL);
  if (is_installed_for(signal, action))
    return 0;
  uint64_t mask = em_acquire(&em.signal_lock);
  long error = em_install(signal);
  em_release(&em.signal_lock, mask);
  return error;
}

long em_rt_sigaction(struct instance *i, int signal,
                     const struct em_sigaction *action,
                     struct em_sigaction *old, size_t size) {
  if (size != 8)
    return -EM_EINVAL;
  /* A handler may have forked, and come back in the child, since em_hook. */
  if (em_alone())
    return em_kernel_action(signal, action, old);
  struct em_sigaction given = {0};
  if (action && em_peek(&given, action, sizeof(given)) < 0)
    return -EM_EFAULT;
  if (signal < 1 || signal > EM_SIGNALS ||
      (action && (signal == SIGKILL || signal == SIGSTOP)))
    return -EM_EINVAL;
  /* A query shows what the kernel keeps. */
  given.flags &= known_flags;
  given.mask &= ~em_unblockable;
  if (action && SET(signal) & em_harmless)
    em_drop_undecided(i, signal);
  if (em_is_ignored(&given))
    atomic_fetch_or(&em.ignored_once, SET(signal));
  struct em_sigaction before;
  if (!action) {
    before = em_action_of(i, signal);
  } else {
    long error = set(i, signal, &given, &before);
    if (error < 0)
      return error;
  }
  /* As POSIX has it: what waits of a signal that is ignored is forgotten. */
  if (action && atomic_load(&i->minds) & SET(signal) &&
      (em_is_ignored(&given) ||
       (em_is_default(&given) && SET(signal) & em_harmless)))
    em_discard(i, signal);
  return old ? em_peek(old, &before, sizeof(before)) : 0;
}

void em_ignore_for_exec(struct instance *i) {
  if (em_alone())
    return;
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    /* What the child has a copy of may not be what is installed now. */
    if (em_kind_of_action(i, s) != EM_IGNORED)
      continue;
    struct em_sigaction current;
    if (em_kernel_action(s, NULL, &current) == 0 &&
        current.handler == em_dispatcher)
      (void)em_kernel_action(s, &em_ignoring, NULL);
  }
}

void em_undo_ignore(struct instance *i) {
  uint64_t mask = em_acquire(&em.signal_lock);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em_kind_of_action(i, s) == EM_IGNORED &&
        em.installed[s] & INSTALLED_DISPATCHER) {
      em.installed[s] = INSTALLED_IGNORE;
      /* As it was installed before. */
      (void)em_install(s);
    }
  em_release(&em.signal_lock, mask);
}

long em_tell_thread(int tid, int code) {
  struct siginfo info = {.signo = EM_SIGNAL, .code = code};
  return em_send(tid, EM_SIGNAL, &info);
}
