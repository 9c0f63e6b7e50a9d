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

/* Handlers agree on a flag or the kernel does without it. With SA_RESTART a
   thread to which the signal means nothing goes on as if there had been none;
   deliver() interrupts the calls of those who want that. */
static uint64_t wanted(int signal) {
  unsigned defaults = 0, ignored = 0, handlers = 0;
  uint64_t all = SA_NOCLDSTOP | SA_NOCLDWAIT, any = SA_RESTART;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) >= EM_ENDING)
      continue;
    const struct em_sigaction *a = &i->actions[signal];
    if (em_is_default(a)) {
      ++defaults;
    } else if (em_is_ignored(a)) {
      ++ignored;
    } else {
      ++handlers;
      all &= a->flags;
      any |= a->flags & SA_ONSTACK;
    }
  }
  if (signal != EM_SIGNAL && !handlers && !ignored)
    return INSTALLED_DEFAULT;
  if (signal != EM_SIGNAL && !handlers && !defaults)
    return INSTALLED_IGNORE;
  if (!handlers)
    all = 0;
  return INSTALLED_DISPATCHER | all | any;
}

/* With the lock held. */
long em_install(int signal) {
  uint64_t want = wanted(signal);
  if (want == em.installed[signal])
    return 0;
  struct em_sigaction action = {0};
  if (want & INSTALLED_DISPATCHER) {
    action.handler = em_dispatcher;
    action.flags = (uint32_t)want | SA_SIGINFO | SA_RESTORER;
    action.restorer = em_restore;
    action.mask = ~UINT64_C(0);
  } else if (want == INSTALLED_IGNORE) {
    action.handler = (void (*)(int, void *, void *))1;
  }
  long error = em_kernel_action(signal, &action, NULL);
  if (error < 0)
    return error;
  bool change = (want ^ em.installed[signal]) & INSTALLED_DISPATCHER;
  em.installed[signal] = want;
  if (change && signal != EM_SIGNAL && !em_alone()) {
    struct siginfo info = {.signo = EM_SIGNAL, .code = EM_CODE_MASK};
    /* A launcher that does not hear of it leaves the signal to the others. */
    (void)em_send(em.launcher, EM_SIGNAL, &info);
  }
  return 0;
}

/* The launcher takes what is dispatched, before all other threads: the kernel
   prefers the first thread of a process. It leaves alone what has the default
   action, which other threads may have blocked in order to wait for it. */
uint64_t em_launcher_mask(void) {
  uint64_t mask = ~UINT64_C(0);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] & INSTALLED_DISPATCHER)
      mask &= ~SET(s);
  return mask;
}

_Noreturn void em_take_signals(void) {
  enum { FUTEX_WAIT_PRIVATE = 128 };
  if (!em_alone())
    em_set_mask(em_launcher_mask());
  for (;;)
    (void)em_syscall(SYS_futex, &em.launcher, FUTEX_WAIT_PRIVATE, em.launcher,
                     0);
}

void em_init_signals(void) {
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    struct em_sigaction inherited;
    long error = em_kernel_action(s, NULL, &inherited);
    if (error < 0)
      em_fail("runtime", "cannot read a signal's disposition", error);
    em.installed[s] =
        em_is_ignored(&inherited) ? INSTALLED_IGNORE : INSTALLED_DEFAULT;
  }
}

void em_inherit_signals(struct instance *i) {
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] == INSTALLED_IGNORE)
      i->actions[s].handler = (void (*)(int, void *, void *))1;
}

void em_own_signal(void) {
  long error = em_install(EM_SIGNAL);
  if (error < 0)
    em_fail("runtime", "cannot install a signal handler", error);
}

void em_forget_signals(void) {
  uint64_t mask = em_acquire(&em.signal_lock);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    /* Where all agree, one less changes nothing. A dispatcher too many does no
       harm. */
    if (em.installed[s] & INSTALLED_DISPATCHER && s != EM_SIGNAL)
      (void)em_install(s);
  em_release(&em.signal_lock, mask);
}

void em_release_signals(struct instance *i) {
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] & INSTALLED_DISPATCHER) {
      long error = em_kernel_action(s, &i->actions[s], NULL);
      if (error < 0)
        em_fail(i->name, "cannot install a signal handler", error);
    }
}

/* The vforked child's dispositions are the kernel's; what it inherited as the
   dispatcher is what the instance's table says. */
static long action_in_child(struct instance *i, int signal,
                            const struct em_sigaction *action,
                            struct em_sigaction *old) {
  struct em_sigaction current;
  long error = em_kernel_action(signal, action, &current);
  if (error < 0 || !old)
    return error;
  *old = current.handler == em_dispatcher ? i->actions[signal] : current;
  return 0;
}

long em_rt_sigaction(struct instance *i, int signal,
                     const struct em_sigaction *action,
                     struct em_sigaction *old, size_t size) {
  if (size != 8 || signal < 1 || signal > EM_SIGNALS ||
      (action && (signal == SIGKILL || signal == SIGSTOP)))
    return -EM_EINVAL;
  if (!em_own_process())
    return action_in_child(i, signal, action, old);
  if (em_alone())
    return em_kernel_action(signal, action, old);
  uint64_t mask = em_acquire(&em.signal_lock);
  struct em_sigaction before = i->actions[signal];
  long error = 0;
  if (action) {
    i->actions[signal] = *action;
    error = em_install(signal);
    if (error < 0)
      i->actions[signal] = before;
  }
  em_release(&em.signal_lock, mask);
  if (old && error == 0)
    *old = before;
  return error;
}

void em_ignore_for_exec(struct instance *i) {
  if (em_alone())
    return;
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    if (!(em.installed[s] & INSTALLED_DISPATCHER) ||
        !em_is_ignored(&i->actions[s]))
      continue;
    struct em_sigaction current;
    if (em_kernel_action(s, NULL, &current) == 0 &&
        current.handler == em_dispatcher)
      (void)em_kernel_action(s, &i->actions[s], NULL);
  }
}

long em_stop_thread(struct instance *i, int tid) {
  struct siginfo info = {.signo = EM_SIGNAL, .code = EM_CODE_STOP};
  return em_send(tid, EM_SIGNAL, &info);
}
