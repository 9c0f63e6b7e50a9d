//===- Dispatch.c - Whose signal is it? -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A signal that was sent to a thread, and a fault, is the instance's that owns
// the thread. A signal that was sent to the process arrives at the launcher,
// or, when that is busy, at any thread that does not block it; SIGCHLD is
// passed on to the instance whose child it is, everything else to every
// instance. What is passed on is sent to a thread of that instance with a
// private si_code, since the kernel lets nobody forge the original one;
// si_errno, which the kernel never uses, holds it meanwhile.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

static bool is_blocked(int signal) {
  uint64_t mask = em_block_signals();
  em_set_mask(mask);
  return mask & SET(signal);
}

/* The signal's default action, for one instance. */
static void act_by_default(struct instance *i, int signal,
                           struct siginfo *info) {
  if (SET(signal) & em_harmless)
    return;
  if (SET(signal) & em_stops) {
    (void)em_syscall(SYS_kill, em.pid, SIGSTOP);
    return;
  }
  if (SET(signal) & (em_faults | SET(SIGABRT))) {
    /* A crash is the process's. A fault comes again when the thread goes on;
       what was sent has to be sent again. */
    struct em_sigaction action = {0};
    (void)em_kernel_action(signal, &action, NULL);
    if (info->code <= 0)
      (void)em_send(em_syscall(SYS_gettid, 0), signal, info);
    return;
  }
  em_end_instance(i, 128 + signal);
}

/* A signal on its way to a handler. */
struct delivery {
  int signal;
  struct siginfo *info;
  void *context;
  void **return_address; /* the dispatcher's, in the kernel's frame */
};

/* On a thread of the instance: acts on the signal. The handler to run, if
   there is one, is returned, and all is set for it as the kernel would. */
static void *deliver(struct instance *i, const struct delivery *d) {
  int signal = d->signal;
  uint64_t mask = em_acquire(&em.signal_lock);
  struct em_sigaction action = i->actions[signal];
  if (!em_is_default(&action) && !em_is_ignored(&action) &&
      action.flags & (unsigned)SA_RESETHAND) {
    i->actions[signal].handler = NULL;
    (void)em_install(signal);
  }
  em_release(&em.signal_lock, mask);
  if (em_is_ignored(&action))
    return NULL;
  if (em_is_default(&action)) {
    act_by_default(i, signal, d->info);
    return NULL;
  }
  uint64_t during = *em_context_mask(d->context) | action.mask;
  if (!(action.flags & SA_NODEFER))
    during |= SET(signal);
  em_set_mask(during & ~SET(EM_SIGNAL));
  if (!(action.flags & SA_RESTART))
    em_interrupt_call(d->context);
  *em_context_pc(d->context) = em_site_of(i, *em_context_pc(d->context));
  if (action.flags & SA_RESTORER)
    *d->return_address = (void *)action.restorer;
  return (void *)action.handler;
}

static void pass_on(struct instance *i, int signal,
                    const struct siginfo *info) {
  struct siginfo routed = *info;
  routed.error = info->code;
  routed.code = EM_CODE_ROUTED;
  uint64_t mask = em_acquire(&i->lock);
  int tid = i->thread_list;
  for (int t = tid; t; t = em_task(t)->next)
    if (t == i->first_thread)
      tid = t;
  em_release(&i->lock, mask);
  /* An instance without threads is just starting or ending. */
  if (tid)
    (void)em_send(tid, signal, &routed);
}

static bool anyone_handles(int signal) {
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) == EM_RUNNING &&
        !em_is_default(&i->actions[signal]))
      return true;
  }
  return false;
}

/* Tells instances of those of their children that have ended and that they
   have not been told of: the kernel keeps one SIGCHLD for the process, however
   many children end before it is delivered. Self is told last, by the result:
   true, and *info is about its child. */
static bool tell_of_children(struct instance *self, struct siginfo *info) {
  bool for_self = false;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) != EM_RUNNING)
      continue;
    struct siginfo about;
    if (!em_ended_child(i, &about, em_is_discarding(&i->actions[SIGCHLD])))
      continue;
    if (i == self) {
      for_self = true;
      *info = about;
    } else if (!em_is_default(&i->actions[SIGCHLD])) {
      pass_on(i, SIGCHLD, &about);
    }
  }
  return for_self;
}

static void *route_child(struct instance *self, const struct delivery *d) {
  enum { CLD_TRAPPED = 4 };
  struct siginfo info;
  if (tell_of_children(self, &info)) {
    *d->info = info;
    return deliver(self, d);
  }
  /* It has stopped or goes on. */
  struct instance *parent =
      d->info->code >= CLD_TRAPPED ? em_parent_of(d->info->pid) : NULL;
  if (parent == self)
    return self ? deliver(self, d) : NULL;
  if (parent)
    pass_on(parent, SIGCHLD, d->info);
  return NULL;
}

/* A signal to the process: whose is it? */
static void *route(struct instance *self, const struct delivery *d) {
  int signal = d->signal;
  if (signal == SIGCHLD && d->info->code > 0)
    return route_child(self, d);
  /* A timer's signal is meant for who has a handler for it. */
  bool spare = SET(signal) & em_timers && anyone_handles(signal);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (i != self && atomic_load(&i->state) == EM_RUNNING &&
        !em_is_ignored(&i->actions[signal]) &&
        !(spare && em_is_default(&i->actions[signal])))
      pass_on(i, signal, d->info);
  }
  if (!self || (spare && em_is_default(&self->actions[signal])))
    return NULL;
  return deliver(self, d);
}

/* Was the signal sent to the thread that it interrupted? What a process
   queues to itself as a whole, em_kill_self sends to a thread. */
static bool is_to_thread(int signal, const struct siginfo *info) {
  return info->code == SI_TKILL ||
         (info->code == SI_QUEUE && info->pid == em.pid) || signal == SIGPIPE ||
         signal == EM_SIGNAL - 1 || signal == EM_SIGNAL ||
         (SET(signal) & em_faults && info->code > 0);
}

void *em_dispatch(int signal, void *information, void *context,
                  void **return_address) {
  struct siginfo *info = information;
  struct delivery d = {signal, info, context, return_address};
  struct instance *self = em_self();
  if (info->code == EM_CODE_STOP) {
    if (self && atomic_load(&self->state) == EM_ENDING)
      em_leave(self, 0);
    return NULL;
  }
  if (info->code == EM_CODE_MASK) {
    if (!self)
      *em_context_mask(context) = em_launcher_mask();
    return NULL;
  }
  if (info->code == EM_CODE_ROUTED) {
    info->code = info->error;
    info->error = 0;
    return self ? deliver(self, &d) : NULL;
  }
  if (self && (is_to_thread(signal, info) || em_alone()))
    return deliver(self, &d);
  return route(self, &d);
}

void em_child_added(struct instance *i) {
  uint64_t mask = em_block_signals();
  struct siginfo about;
  if (em_ended_child(i, &about, em_is_discarding(&i->actions[SIGCHLD])) &&
      !em_is_default(&i->actions[SIGCHLD]))
    pass_on(i, SIGCHLD, &about);
  em_set_mask(mask);
}

void em_before_thread_kill(struct instance *i, int tid, int signal) {
  if (signal < 1 || signal > EM_SIGNALS || tid <= 0 || tid >= EM_MAX_TASK ||
      em_task(tid)->thread_of != i->number + 1)
    return;
  if (em_is_default(&i->actions[signal]) &&
      !(SET(signal) & (em_harmless | em_stops | em_faults | SET(SIGABRT))) &&
      signal != EM_SIGNAL && !is_blocked(signal))
    em_end_instance(i, 128 + signal);
}

long em_kill_self(struct instance *i, int signal, const void *information) {
  if (signal == 0)
    return 0;
  if (signal < 0 || signal > EM_SIGNALS)
    return -EM_EINVAL;
  if (SET(signal) & em_stops)
    return em_syscall(SYS_kill, em.pid, signal);
  const struct em_sigaction *a = &i->actions[signal];
  if (signal == SIGKILL ||
      (em_is_default(a) && !(SET(signal) & em_harmless) && !is_blocked(signal)))
    em_end_instance(i, 128 + signal);
  /* A thread may forge what it sends to itself. */
  struct siginfo info = {.signo = signal, .code = SI_TKILL, .pid = em.pid};
  if (information)
    info = *(const struct siginfo *)information;
  else
    info.uid = em_syscall(SYS_getuid, 0);
  return em_send(em_syscall(SYS_gettid, 0), signal, &info);
}
