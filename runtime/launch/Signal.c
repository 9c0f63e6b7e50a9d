//===- Signal.c - Signal dispositions of instances ---------------------===//
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
// A signal that was sent to a thread, and a fault, is the instance's that owns
// the thread. A signal that was sent to the process arrives at the launcher,
// or, when that is busy, at any thread that does not block it; SIGCHLD is passed on to the instance whose child it is,
// everything else to every instance. What is passed on is sent to a thread of
// that instance with a private si_code, since the kernel lets nobody forge the
// original one; si_errno, which the kernel never uses, holds it meanwhile.
//
// A process with one instance needs none of this: its actions are the
// kernel's.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum {
  SIGILL = 4,
  SIGTRAP = 5,
  SIGABRT = 6,
  SIGBUS = 7,
  SIGFPE = 8,
  SIGKILL = 9,
  SIGSEGV = 11,
  SIGPIPE = 13,
  SIGALRM = 14,
  SIGCHLD = 17,
  SIGCONT = 18,
  SIGSTOP = 19,
  SIGTSTP = 20,
  SIGTTIN = 21,
  SIGTTOU = 22,
  SIGURG = 23,
  SIGVTALRM = 26,
  SIGPROF = 27,
  SIGWINCH = 28,
  SIGSYS = 31,

  SA_NOCLDSTOP = 1,
  SA_NOCLDWAIT = 2,
  SA_SIGINFO = 4,
  SA_RESTORER = 0x04000000,
  SA_ONSTACK = 0x08000000,
  SA_RESTART = 0x10000000,
  SA_NODEFER = 0x40000000,
  SA_RESETHAND = (int)0x80000000,

  SI_USER = 0,
  SI_QUEUE = -1,
  SI_TKILL = -6,
};

#define SET(signal) (UINT64_C(1) << ((signal)-1))
static const uint64_t faults = SET(SIGILL) | SET(SIGTRAP) | SET(SIGBUS) |
                               SET(SIGFPE) | SET(SIGSEGV) | SET(SIGSYS);
static const uint64_t harmless =
    SET(SIGCHLD) | SET(SIGCONT) | SET(SIGURG) | SET(SIGWINCH);
static const uint64_t stops =
    SET(SIGSTOP) | SET(SIGTSTP) | SET(SIGTTIN) | SET(SIGTTOU);
static const uint64_t timers =
    SET(SIGALRM) | SET(SIGVTALRM) | SET(SIGPROF);

/* What the runtime reads and writes of a siginfo_t. */
struct siginfo {
  int signo, error, code, pad;
  int pid, uid;
  uint64_t rest[13];
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");

/* em.installed: the flags of the dispatcher, or one of these. */
#define INSTALLED_DEFAULT UINT64_C(0)
#define INSTALLED_IGNORE UINT64_C(1)
#define INSTALLED_DISPATCHER (UINT64_C(1) << 63)

static bool is_default(const struct em_sigaction *a) {
  return (uintptr_t)a->handler == 0;
}
static bool is_ignored(const struct em_sigaction *a) {
  return (uintptr_t)a->handler == 1;
}

/* Does the kernel discard the status of this one's children? */
static bool is_discarding(const struct em_sigaction *a) {
  return is_ignored(a) || (a->flags & SA_NOCLDWAIT);
}

static long kernel_action(int signal, const struct em_sigaction *action,
                          struct em_sigaction *old) {
  return em_syscall(SYS_rt_sigaction, signal, action, old, 8);
}

static long send(int tid, int signal, struct siginfo *info) {
  return em_syscall(SYS_rt_tgsigqueueinfo, em.pid, tid, signal, info);
}

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
    if (is_default(a)) {
      ++defaults;
    } else if (is_ignored(a)) {
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
static long install(int signal) {
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
  long error = kernel_action(signal, &action, NULL);
  if (error < 0)
    return error;
  bool change = (want ^ em.installed[signal]) & INSTALLED_DISPATCHER;
  em.installed[signal] = want;
  if (change && signal != EM_SIGNAL && !em_alone()) {
    struct siginfo info = {.signo = EM_SIGNAL, .code = EM_CODE_MASK};
    /* A launcher that does not hear of it leaves the signal to the others. */
    (void)send(em.launcher, EM_SIGNAL, &info);
  }
  return 0;
}

/* The launcher takes what is dispatched, before all other threads: the kernel
   prefers the first thread of a process. It leaves alone what has the default
   action, which other threads may have blocked in order to wait for it. */
static uint64_t launcher_mask(void) {
  uint64_t mask = ~UINT64_C(0);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] & INSTALLED_DISPATCHER)
      mask &= ~SET(s);
  return mask;
}

_Noreturn void em_take_signals(void) {
  enum { FUTEX_WAIT_PRIVATE = 128 };
  if (!em_alone())
    em_set_mask(launcher_mask());
  for (;;)
    (void)em_syscall(SYS_futex, &em.launcher, FUTEX_WAIT_PRIVATE, em.launcher,
                     0);
}

void em_init_signals(void) {
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    struct em_sigaction inherited;
    long error = kernel_action(s, NULL, &inherited);
    if (error < 0)
      em_fail("runtime", "cannot read a signal's disposition", error);
    em.installed[s] =
        is_ignored(&inherited) ? INSTALLED_IGNORE : INSTALLED_DEFAULT;
  }
}

void em_inherit_signals(struct instance *i) {
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] == INSTALLED_IGNORE)
      i->actions[s].handler = (void (*)(int, void *, void *))1;
}

void em_own_signal(void) {
  long error = install(EM_SIGNAL);
  if (error < 0)
    em_fail("runtime", "cannot install a signal handler", error);
}

void em_forget_signals(void) {
  uint64_t mask = em_acquire(&em.signal_lock);
  for (int s = 1; s <= EM_SIGNALS; ++s)
    /* Where all agree, one less changes nothing. A dispatcher too many does no
       harm. */
    if (em.installed[s] & INSTALLED_DISPATCHER && s != EM_SIGNAL)
      (void)install(s);
  em_release(&em.signal_lock, mask);
}

void em_release_signals(struct instance *i) {
  for (int s = 1; s <= EM_SIGNALS; ++s)
    if (em.installed[s] & INSTALLED_DISPATCHER) {
      long error = kernel_action(s, &i->actions[s], NULL);
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
  long error = kernel_action(signal, action, &current);
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
    return kernel_action(signal, action, old);
  uint64_t mask = em_acquire(&em.signal_lock);
  struct em_sigaction before = i->actions[signal];
  long error = 0;
  if (action) {
    i->actions[signal] = *action;
    error = install(signal);
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
        !is_ignored(&i->actions[s]))
      continue;
    struct em_sigaction current;
    if (kernel_action(s, NULL, &current) == 0 && current.handler == em_dispatcher)
      (void)kernel_action(s, &i->actions[s], NULL);
  }
}

static bool is_blocked(int signal) {
  uint64_t mask = em_block_signals();
  em_set_mask(mask);
  return mask & SET(signal);
}

long em_stop_thread(struct instance *i, int tid) {
  struct siginfo info = {.signo = EM_SIGNAL, .code = EM_CODE_STOP};
  return send(tid, EM_SIGNAL, &info);
}

/* The signal's default action, for one instance. */
static void act_by_default(struct instance *i, int signal,
                           struct siginfo *info) {
  if (SET(signal) & harmless)
    return;
  if (SET(signal) & stops) {
    (void)em_syscall(SYS_kill, em.pid, SIGSTOP);
    return;
  }
  if (SET(signal) & (faults | SET(SIGABRT))) {
    /* A crash is the process's. A fault comes again when the thread goes on;
       what was sent has to be sent again. */
    struct em_sigaction action = {0};
    (void)kernel_action(signal, &action, NULL);
    if (info->code <= 0)
      (void)send(em_syscall(SYS_gettid, 0), signal, info);
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
  if (!is_default(&action) && !is_ignored(&action) &&
      action.flags & (unsigned)SA_RESETHAND) {
    i->actions[signal].handler = NULL;
    (void)install(signal);
  }
  em_release(&em.signal_lock, mask);
  if (is_ignored(&action))
    return NULL;
  if (is_default(&action)) {
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
    (void)send(tid, signal, &routed);
}

static bool anyone_handles(int signal) {
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) == EM_RUNNING && !is_default(&i->actions[signal]))
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
    if (!em_ended_child(i, &about, is_discarding(&i->actions[SIGCHLD])))
      continue;
    if (i == self) {
      for_self = true;
      *info = about;
    } else if (!is_default(&i->actions[SIGCHLD])) {
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
  bool spare = SET(signal) & timers && anyone_handles(signal);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (i != self && atomic_load(&i->state) == EM_RUNNING &&
        !is_ignored(&i->actions[signal]) &&
        !(spare && is_default(&i->actions[signal])))
      pass_on(i, signal, d->info);
  }
  if (!self || (spare && is_default(&self->actions[signal])))
    return NULL;
  return deliver(self, d);
}

/* Was the signal sent to the thread that it interrupted? What a process
   queues to itself as a whole, em_kill_self sends to a thread. */
static bool is_to_thread(int signal, const struct siginfo *info) {
  return info->code == SI_TKILL ||
         (info->code == SI_QUEUE && info->pid == em.pid) ||
         signal == SIGPIPE || signal == EM_SIGNAL - 1 || signal == EM_SIGNAL ||
         (SET(signal) & faults && info->code > 0);
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
      *em_context_mask(context) = launcher_mask();
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
  if (em_ended_child(i, &about, is_discarding(&i->actions[SIGCHLD])) &&
      !is_default(&i->actions[SIGCHLD]))
    pass_on(i, SIGCHLD, &about);
  em_set_mask(mask);
}

void em_before_thread_kill(struct instance *i, int tid, int signal) {
  if (signal < 1 || signal > EM_SIGNALS || tid <= 0 || tid >= EM_MAX_TASK ||
      em_task(tid)->thread_of != i->number + 1)
    return;
  if (is_default(&i->actions[signal]) &&
      !(SET(signal) & (harmless | stops | faults | SET(SIGABRT))) &&
      signal != EM_SIGNAL && !is_blocked(signal))
    em_end_instance(i, 128 + signal);
}

long em_kill_self(struct instance *i, int signal, const void *information) {
  if (signal == 0)
    return 0;
  if (signal < 0 || signal > EM_SIGNALS)
    return -EM_EINVAL;
  if (SET(signal) & stops)
    return em_syscall(SYS_kill, em.pid, signal);
  const struct em_sigaction *a = &i->actions[signal];
  if (signal == SIGKILL ||
      (is_default(a) && !(SET(signal) & harmless) && !is_blocked(signal)))
    em_end_instance(i, 128 + signal);
  /* A thread may forge what it sends to itself. */
  struct siginfo info = {.signo = signal, .code = SI_TKILL, .pid = em.pid};
  if (information)
    info = *(const struct siginfo *)information;
  else
    info.uid = em_syscall(SYS_getuid, 0);
  return send(em_syscall(SYS_gettid, 0), signal, &info);
}
