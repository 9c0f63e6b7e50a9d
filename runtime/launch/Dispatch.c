//===- Dispatch.c - Whose signal is it? -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A signal that was sent to a thread, and a fault, is the instance's that owns
// the thread. A signal that was sent to the process arrives at the launcher,
// or, when that is busy, at any thread that does not block it, which hands it
// to the launcher; that finds out whose it is (Route.c). What is passed on is
// sent to a thread of that instance with a mark (em_routed).
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

/* Signals that are on their way to the launcher (em_hand_over). */
static _Atomic uint32_t handed_count;

/* Did an instruction bring it about? Then there may be none at the pc. */
static bool is_fault(int signal, const struct siginfo *info) {
  return SET(signal) & em_faults && info->code > 0;
}

/* Lets the kernel act, as it would without us: a fault comes again when the
   thread goes on; what was sent, or what an instruction asked for that is not
   executed twice, has to be sent again. */
static void crash(int signal, struct siginfo *info) {
  const uint64_t repeated =
      SET(SIGILL) | SET(SIGBUS) | SET(SIGFPE) | SET(SIGSEGV);
  struct em_sigaction by_default = {0};
  (void)em_kernel_action(signal, &by_default, NULL);
  /* In a child in vfork, too, which is another process. */
  if (info->code <= 0 || !(SET(signal) & repeated))
    (void)em_syscall(SYS_rt_tgsigqueueinfo, em_syscall(SYS_getpid, 0),
                     em_syscall(SYS_gettid, 0), signal, info);
}

/* si_addr; the kernel leaves it 0 where the processor tells none. */
static uintptr_t fault_address(const struct siginfo *info) {
  if (info->code <= 0 || info->code == SI_KERNEL)
    return EM_NO_ADDRESS;
  return (uint32_t)info->pid | (uintptr_t)(uint32_t)info->uid << 32;
}

/* The signal's default action, for one instance. A crash is the whole process's
   unless it is isolated; a signal that somebody has sent is no crash. */
static void act_by_default(struct instance *i, int signal, struct siginfo *info,
                           void *context, bool routed) {
  if (SET(signal) & em_harmless)
    return;
  if (SET(signal) & em_stops) {
    (void)em_syscall(SYS_kill, em.pid, SIGSTOP);
    return;
  }
  bool own = em_own_process(), crashes = SET(signal) & em_crashes;
  bool isolated = routed || em.image->flags & EM_ISOLATE;
  if (!own || (crashes && !isolated)) {
    crash(signal, info);
    return;
  }
  /* Of several threads that crash at once one tells. */
  if (!em_begins_end(i))
    em_leave(i, 0);
  if (crashes && em.image->flags & EM_ISOLATE)
    em_report_crash(i, signal, fault_address(info), *em_context_pc(context));
  em_end_begun(i, 128 + signal);
}

/* The program's code is interrupted in a call of its own, not in ours. */
static void set_back(struct instance *i, struct task *t,
                     const struct em_signal *s, bool restart) {
  uintptr_t *pc = em_context_pc(s->context);
  em_finish_entry(s->context);
  const struct em_frame *sleeping = em_take_sleeping(t);
  if (sleeping && em_has_signal(s->context))
    return;
  if (sleeping) {
    t->awaits = 0;
    em_abandon_call(i, s->context, sleeping,
                    restart && sleeping->nr != SYS_rt_sigtimedwait);
  } else if (!is_fault(s->number, s->info)) {
    em_interrupt_call(s->context, restart);
    em_interrupt_wait(i, t, s->context);
  }
  *pc = em_site_of(i, *pc);
}

/* On thread t of the instance: acts on the signal. The handler to run, if
   there is one, is returned, and all is set for it as the kernel would. */
static void *deliver(struct instance *i, struct task *t, struct em_signal *s,
                     bool routed) {
  int signal = s->number;
  if (routed && em_send_to_replacement(i, signal, s->info))
    return NULL;
  /* A child in shared memory leaves its parent's as it is. */
  struct em_sigaction action =
      em_own_process() ? em_take_action(i, signal) : em_action_of(i, signal);
  /* A fault cannot be ignored: the thread would only meet it again. */
  if (em_is_ignored(&action) && !is_fault(signal, s->info))
    return NULL;
  if (!em_is_default(&action) && !em_is_ignored(&action)) {
    set_back(i, t, s, action.flags & SA_RESTART);
    if (em_choose_stack(t, s, action.flags & SA_ONSTACK)) {
      uint64_t during = *em_context_mask(s->context) | action.mask;
      if (!(action.flags & SA_NODEFER))
        during |= SET(signal);
      /* musl has a handler of this one send it once more, for later. */
      if (signal != EM_SIGNAL)
        during &= ~SET(EM_SIGNAL);
      if (action.flags & SA_RESTORER)
        *(void **)s->frame = (void *)action.restorer;
      s->mask = during;
      return (void *)action.handler;
    }
    /* As the kernel: no room for a handler is a crash. */
    signal = SIGSEGV;
  }
  act_by_default(i, signal, s->info, s->context, routed);
  return NULL;
}

/* The calling thread's, though the kernel does not say so. */
static bool is_untold(int signal, const struct siginfo *info) {
  return em_has_lost_info(info) &&
         atomic_load(&em_task(em_syscall(SYS_gettid, 0))->was_sent) &
             SET(signal);
}

bool em_is_to_thread(int signal, const struct siginfo *info) {
  return is_untold(signal, info) || info->code == SI_TKILL ||
         (info->code == SI_QUEUE && info->pid == em.pid) || signal == SIGPIPE ||
         signal == SIGXFSZ || signal == EM_SIGNAL - 1 || signal == EM_SIGNAL ||
         is_fault(signal, info);
}

/* By the runtime's own signal: a standard one would vanish where one waits, as
   a timer's may, and lose what says whose it is where too many do. */
void em_hand_over(int signal, const struct siginfo *info) {
  enum { MOST = 64 };
  struct siginfo handed = *info;
  handed.error = signal;
  handed.pad = info->code;
  handed.code = EM_CODE_HANDED;
  if (em_syscall(SYS_gettid, 0) != em.launcher) {
    /* Of real-time ones the kernel let as many wait before, in their order. */
    uint32_t before = atomic_fetch_add(&handed_count, 1);
    if ((before < MOST || signal >= SIGRTMIN) &&
        em_send(em.launcher, EM_SIGNAL, &handed) == 0)
      return;
    atomic_fetch_sub(&handed_count, 1);
  }
  em_route(signal, info);
}

/* Did a function of peek.S follow a program's wrong pointer? It then goes on
   where it returns the error. */
static bool caught_peek(const struct em_signal *s) {
  uintptr_t *pc = em_context_pc(s->context);
  if (!is_fault(s->number, s->info) || *pc < (uintptr_t)em_peek_begin ||
      *pc >= (uintptr_t)em_peek_end)
    return false;
  *pc = (uintptr_t)em_peek_fault;
  return true;
}

static void *of_timer(struct instance *owner, struct task *t,
                      struct em_signal *s) {
  if (!owner)
    return NULL;
  if (owner == em_instance_of(t))
    return deliver(owner, t, s, false);
  em_pass_on_timer(owner, s->number, s->info);
  return NULL;
}

static void *handler_of(struct em_signal *s) {
  struct siginfo *info = s->info;
  int signal = s->number;
  int tid = em_syscall(SYS_gettid, 0);
  struct task *t = em_task(tid);
  struct instance *self = em_instance_of(t);
  /* What is handed over stays in front of what comes by itself. */
  bool is_handed = signal == EM_SIGNAL && info->code == EM_CODE_HANDED;
  if (!self && tid == em.launcher)
    em_count_signals(SET(signal) | (is_handed ? SET(info->error) : 0),
                     s->context);
  if (self && is_untold(signal, info)) {
    /* If it was passed on, it is noted. */
    if (SET(signal) & em_jobs)
      (void)em_take_job(self, signal);
    return deliver(self, t, s, true);
  }
  if (em_is_routed(info)) {
    bool is_job = SET(signal) & em_jobs && !em_is_queued_to_thread(info);
    em_restore_code(info);
    bool discarded = (is_job && self && !em_take_job(self, signal)) ||
                     !em_timer_arrives(info, true);
    return self && !discarded ? deliver(self, t, s, true) : NULL;
  }
  switch (info->code) {
  case EM_CODE_STOP:
    if (self && atomic_load(&self->state) >= EM_ENDING)
      em_leave(self, 0);
    return NULL;
  case EM_CODE_PAUSE:
    if (self)
      em_pause(self);
    return NULL;
  case EM_CODE_RETURN:
    if (self)
      em_give_back(self, atomic_load(&self->passed_on) &
                             *em_context_mask(s->context));
    return NULL;
  case EM_CODE_CARRIED:
    s->number = info->signo = info->error;
    info->error = 0;
    em_restore_code(info);
    return self && em_timer_arrives(info, true) ? deliver(self, t, s, true)
                                                : NULL;
  case EM_CODE_HANDED:
    atomic_fetch_sub(&handed_count, 1);
    info->signo = info->error;
    info->error = 0;
    em_restore_code(info);
    em_route(info->signo, info);
    return NULL;
  }
  struct instance *owner;
  if (info->code == SI_TIMER && em_timer_target(info, &owner))
    return of_timer(owner, t, s);
  if (self &&
      (em_is_to_thread(signal, info) || em_alone() || !em_own_process()))
    return deliver(self, t, s, false);
  if (!em_own_process())
    return NULL;
  if (is_fault(signal, info))
    crash(signal, info); /* of the launcher */
  else
    em_hand_over(signal, info);
  return NULL;
}

void *em_dispatch(struct em_signal *s) {
  if (caught_peek(s))
    return NULL;
  void *handler = handler_of(s);
  if (!handler && !is_fault(s->number, s->info))
    em_restart_call(s->context);
  return handler;
}

static bool is_blocked(int signal) {
  uint64_t mask = 0;
  /* With no mask to set nothing can be wrong. */
  (void)em_syscall(SYS_rt_sigprocmask, 0, NULL, &mask, sizeof(mask));
  return mask & SET(signal);
}

/* By default it stops the process, and waits in the kernel alone. */
static bool is_job(const struct instance *i, int signal) {
  return SET(signal) & em_jobs &&
         (signal == SIGCONT || em_kind_of_action(i, signal) != EM_DEFAULT);
}

/* What it kills is in the kernel's hands until the launcher takes it; but a
   thread that does not block the signal has handled it when kill returns. */
EM_RARE long em_kill_group(struct instance *i, int pid, int signal) {
  /* Of a second: a signal that somebody discards does not come. */
  enum { ROUNDS = 50 };
  static const int64_t round[2] = {0, 20 * 1000 * 1000};
  if (signal <= 0 || signal > EM_SIGNALS || SET(signal) & em_stops ||
      signal == SIGCONT || is_blocked(signal) ||
      em_kind_of_action(i, signal) == EM_IGNORED ||
      (em_kind_of_action(i, signal) == EM_DEFAULT && SET(signal) & em_harmless))
    return em_syscall(SYS_kill, pid, signal);
  uint32_t before = atomic_load(&i->passing[signal]);
  long error = em_syscall(SYS_kill, pid, signal);
  for (int n = 0; !error && n != ROUNDS; ++n) {
    uint32_t passed = atomic_load(&i->passed[signal]);
    if ((int32_t)(passed - before) > 0)
      break;
    (void)em_syscall(SYS_futex, &i->passed[signal], FUTEX_WAIT_PRIVATE, passed,
                     round);
  }
  /* What was sent to this thread is handled before a call returns. */
  (void)em_syscall(SYS_gettid, 0);
  return error;
}

EM_RARE static bool send_to_thread(struct instance *i, int tid, int signal) {
  struct siginfo info = {.signo = signal,
                         .code = SI_TKILL,
                         .pid = em.pid,
                         .uid = em_syscall(SYS_getuid, 0)};
  if (!is_job(i, signal))
    return em_show_blocked(i, tid, &info);
  em_send_job(i, tid, &info);
  return true;
}

/* A thread enters itself into the tables; one of no instance is the launcher,
   or has that before it, or has left and ends. */
static void wait_until_known(int tid) {
  /* It may be one that would never run if this one only yielded. */
  static const int64_t short_time[2] = {0, 10 * 1000};
  while (!__atomic_load_n(&em_task(tid)->thread_of, __ATOMIC_ACQUIRE) &&
         tid != em.launcher && em_syscall(SYS_tgkill, em.pid, tid, 0) == 0)
    (void)em_syscall(SYS_nanosleep, short_time, NULL);
}

static bool is_own_thread(const struct instance *i, int tid) {
  return tid > 0 && tid < EM_MAX_TASK &&
         em_task(tid)->thread_of == i->number + 1;
}

/* Natively the first thread has the process's id, and nothing comes of a signal
   to it when it has left: 0. */
int em_thread_meant(const struct instance *i, int tid) {
  if (tid != em.pid)
    return tid;
  return is_own_thread(i, i->first_thread) ? i->first_thread : 0;
}

/* Is it for one of the instance's own threads? Then its default action is the
   instance's, and not as the kernel would have it, the process's. Where it is a
   stop there is no difference. A libc's own are never left to it. */
static bool is_for_own(struct instance *i, int tid, int signal) {
  bool is_libcs = signal == EM_SIGNAL - 1 || signal == EM_SIGNAL;
  if (is_libcs || signal <= 0 || signal > EM_SIGNALS)
    return false;
  if (tid > 0 && tid < EM_MAX_TASK)
    wait_until_known(tid);
  if (!is_own_thread(i, tid))
    return false;
  if (signal == SIGKILL)
    em_end_instance(i, 128 + signal);
  if (em_is_fatal(signal))
    em_mind(i, SET(signal));
  em_note_sent(tid, signal);
  return true;
}

bool em_kill_thread(struct instance *i, struct em_frame *f) {
  const long *a = f->args;
  if (f->nr == SYS_tgkill && (int)*a++ != em.pid)
    return false;
  int tid = a[0], meant = em_thread_meant(i, tid), signal = a[1];
  if (is_for_own(i, meant, signal) &&
      (i->signalfd & SET(signal) || is_job(i, signal)) &&
      send_to_thread(i, meant, signal)) {
    f->nr = 0;
    return true;
  }
  if (meant == tid)
    return false;
  f->nr = meant ? em_syscall(SYS_tgkill, em.pid, meant, signal) : 0;
  return true;
}

/* With the si_code that the program chose, nobody could tell at the other end
   that the signal was sent to a thread. */
bool em_queue_to_thread(struct instance *i, struct em_frame *f) {
  int tid = em_thread_meant(i, f->args[1]), signal = f->args[2];
  struct siginfo info;
  if ((int)f->args[0] != em.pid || signal <= 0 || signal > EM_SIGNALS ||
      tid <= 0 || tid >= EM_MAX_TASK)
    return false;
  wait_until_known(tid);
  if (!em_task(tid)->thread_of ||
      em_read(&info, (const void *)f->args[3], sizeof(info)) < 0)
    return false;
  bool own = is_for_own(i, tid, signal);
  bool is_kernels = info.code >= 0 || info.code == SI_TKILL;
  if (is_kernels && tid != em_syscall(SYS_gettid, 0))
    return false;
  info.signo = signal;
  if (own && i->signalfd & SET(signal) && em_show_blocked(i, tid, &info)) {
    f->nr = 0;
    return true;
  }
  info.pad = EM_MARK_THREAD;
  em_note_sent(tid, signal);
  f->nr = em_send(tid, signal, &info);
  return true;
}

long em_kill_self(struct instance *i, int signal, const void *information) {
  struct siginfo info = {.signo = signal, .code = SI_USER, .pid = em.pid};
  if (information && em_read(&info, information, sizeof(info)) < 0)
    return -EM_EFAULT;
  if (signal == 0)
    return 0;
  if (signal < 0 || signal > EM_SIGNALS)
    return -EM_EINVAL;
  if (signal == SIGKILL)
    em_end_instance(i, 128 + signal);
  if (SET(signal) & em_stops && em_kind_of_action(i, signal) == EM_DEFAULT)
    return em_syscall(SYS_kill, em.pid, signal);
  em_mind(i, SET(signal));
  if (!information)
    info.uid = em_syscall(SYS_getuid, 0);
  info.signo = signal;
  if (SET(signal) & em_jobs) {
    em_send_job(i, 0, &info);
    return 0;
  }
  bool to_file = i->signalfd & SET(signal);
  if ((to_file || atomic_load(&i->threads) != 1) && is_blocked(signal)) {
    if (to_file)
      em_pass_on(i, signal, &info);
    else
      em_hold(i, signal, &info);
    return 0;
  }
  /* The kernel keeps what is ignored by all; what this one ignores does not
     matter to others. */
  struct siginfo routed = em_routed(&info, true);
  int self = em_calling_thread(i);
  em_note_sent(self, signal);
  return em_send(self, signal, &routed);
}
