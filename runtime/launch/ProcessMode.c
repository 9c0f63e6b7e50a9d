//===- ProcessMode.c - Instances that are processes -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With --mode=process an instance is cloned as a process that shares the
// memory of the launcher, and nothing else unless asked to. What a process has
// for itself is the kernel's own then, so hooked calls are executed in place.
// Memory is not: the break is each instance's (Break.c), and a program that an
// instance executes takes the place of one process only.
//
// The launcher is the parent. It blocks all signals and waits for them: it
// reaps its instances, passes on what is sent to it, and stops and goes on with
// them, so that to a shell the image is one job. When it dies they do.
//
// To the tables of thread mode the threads of such an instance are unknown:
// em.pid is the launcher's, and instance::first_thread the process id of an
// instance.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"

enum {
  WALL = 0x40000000,

  CLOSE_RANGE_UNSHARE = 2,
  PR_SET_PDEATHSIG = 1,
  PR_SET_DUMPABLE = 4,
};

/* What a terminal sends to all processes of a group. */
static const uint64_t of_terminal = SET(SIGHUP) | SET(SIGINT) | SET(SIGQUIT) |
                                    SET(SIGCONT) | SET(SIGTSTP) | SET(SIGTTIN) |
                                    SET(SIGTTOU) | SET(SIGWINCH);
/* What the launcher remembers. */
struct launcher {
  uint64_t taken; /* signals that it was sent */
  bool starts;    /* not all instances have been started yet */
  uint64_t early; /* those of them that came meanwhile */
  int stop;       /* the one that is to stop it too; 0: none */
  bool ended;     /* some instance has */
  int death;      /* the signal all those died of; 0: not all of one */
};

/* Starting */

/* The instance's process, with all signals blocked. */
static _Noreturn void begin(void *argument) {
  struct instance *i = argument;
  i->first_thread = em_syscall(SYS_getpid, 0);
  long error = em_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (error < 0)
    em_fail(i->name, "cannot be tied to the image's process", error);
  /* It may have died before it could tell. */
  if (em_syscall(SYS_getppid, 0) != em.pid)
    em_exit_process(EM_FAILED);
  if (em.installed[SIGCHLD] == INSTALLED_IGNORE) {
    error = em_kernel_action(SIGCHLD, &em_ignoring, NULL);
    if (error < 0)
      em_fail(i->name, "cannot ignore a signal", error);
  }
  em_settle(i);
  em_trace(i, i->restarts ? "restarted, process " : "started, process ",
           i->first_thread);
  em_set_mask(em.initial_mask);
  em_jump(i->entry, i->stack);
}

static bool any_restarts(void) {
  for (uint32_t n = 0; n != em.instance_count; ++n)
    if (em_spec_at(em_instance_at(n)->spec)->restart != EM_RESTART_NO)
      return true;
  return false;
}

/* The lowest descriptor from \p from on that the launcher keeps. */
static unsigned next_kept(unsigned from) {
  unsigned next = from <= 2 ? 2 : ~0u;
  for (uint32_t n = 0; n != em.image->library_count; ++n) {
    unsigned fd = em.library_fds[n]; /* -1 is the highest */
    if (fd >= from && fd < next)
      next = fd;
  }
  return next;
}

/* A pipe that an instance closes is closed. Standard error is for messages,
   libraries for those who load them, and everything for an instance that is
   started anew. */
static void close_what_instances_have(void) {
  if (any_restarts())
    return;
  unsigned from = 0;
  for (;;) {
    unsigned kept = next_kept(from);
    /* Before Linux 5.9 they stay open. */
    if (kept > from && em_syscall(SYS_close_range, from, kept - 1,
                                  from ? 0 : CLOSE_RANGE_UNSHARE) < 0)
      return;
    if (kept == ~0u)
      return;
    from = kept + 1;
  }
}

/* Signals */

static bool is_alive(const struct instance *i) {
  uint32_t state = atomic_load(&i->state);
  return state != EM_READY && state != EM_ENDED;
}

static struct instance *instance_with(int pid) {
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (i->first_thread == pid && is_alive(i))
      return i;
  }
  return NULL;
}

/* An instance that has changed its user cannot be sent a signal, as it could
   not be by whoever sent this one. */
static void send(const struct instance *i, int signal, struct siginfo *info) {
  if (info->code < 0 && info->code != SI_TKILL)
    (void)em_syscall(SYS_rt_sigqueueinfo, i->first_thread, signal, info);
  else
    (void)em_syscall(SYS_kill, i->first_thread, signal);
}

static void send_all(int signal, struct siginfo *info) {
  for (uint32_t n = 0; n != em.instance_count; ++n)
    if (is_alive(em_instance_at(n)))
      send(em_instance_at(n), signal, info);
}

/* Does what the signal does to a process that does not handle it: stops until
   it is continued, dies, or nothing. */
static void act_on(int signal) {
  (void)em_syscall(SYS_kill, em.pid, signal);
  em_set_mask(~SET(signal));
  em_block_signals();
}

static _Noreturn void die_of(int signal) {
  struct em_sigaction action = {0};
  /* The core is that of the instance. */
  (void)em_syscall(SYS_prctl, PR_SET_DUMPABLE, 0);
  /* SIGKILL needs and allows none. */
  (void)em_kernel_action(signal, &action, NULL);
  act_on(signal);
  /* The first process of a process id namespace survives that. */
  em_exit_process(128 + signal);
}

static _Noreturn void crash(int signal) {
  struct siginfo none = {0};
  send_all(SIGKILL, &none);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    while (is_alive(i) && em_syscall(SYS_waitid, P_PID, i->first_thread, 0,
                                     WEXITED, 0) == -EM_EINTR)
      ;
  }
  die_of(signal);
}

static bool is_pending(int signal) {
  uint64_t pending = 0;
  /* It cannot fail. */
  (void)em_syscall(SYS_rt_sigpending, &pending, 8);
  return pending & SET(signal);
}

/* Was the launcher sent the signal too? What is sent to a group has reached all
   of it before one of them can be seen to die of it. */
static bool has_come(const struct launcher *l, int signal) {
  return l->taken & SET(signal) || is_pending(signal);
}

/* Comes back when what is being sent to the group has reached all of it: the
   kernel does not change groups meanwhile. The group stays as it is, and a
   session's leader may not change it. */
static void wait_for_group(void) {
  (void)em_syscall(SYS_setpgid, 0, em_syscall(SYS_getpgid, 0));
}

/* Was it sent to the whole group, or by the launcher itself? A session's leader
   is alone told that its terminal is gone. Who sends one to its group cannot be
   told from who sends one to the launcher; an instance that does is taken to
   mean the group. */
static bool was_sent_to_all(int signal, const struct siginfo *info) {
  if (info->code == SI_USER)
    return info->pid == em.pid || instance_with(info->pid);
  if (info->code != SI_KERNEL || !(of_terminal & SET(signal)))
    return false;
  return signal != SIGHUP || em_syscall(SYS_getsid, 0) != em.pid;
}

/* What is left of the signals \p first when \p then has come: a stop signal and
   SIGCONT discard each other. */
static uint64_t followed_by(uint64_t first, uint64_t then) {
  if (then & SET(SIGCONT))
    first &= ~em_stops;
  if (then & em_stops)
    first &= ~SET(SIGCONT);
  return first | then;
}

/* Returns the signal if it was sent to the whole group, else 0. Waits no longer
   than \p limit, if there is one. */
static int take_signal(struct launcher *l, const int64_t *limit) {
  static const uint64_t all = ~UINT64_C(0);
  struct siginfo info;
  long signal = em_syscall(SYS_rt_sigtimedwait, &all, &info, limit, 8);
  if (signal < 0 || signal == SIGCHLD)
    return 0;
  l->taken |= SET(signal);
  if (l->starts)
    l->early = followed_by(l->early, SET(signal));
  if (SET(signal) & em_endings)
    atomic_store(&em.stopping, true);
  if (em_stops & SET(signal))
    l->stop = signal;
  if (signal == SIGCONT)
    l->stop = 0;
  if (was_sent_to_all(signal, &info))
    return signal;
  send_all(signal, &info);
  return 0;
}

/* All that there are; returns those to the group. SIGCHLD is not missed:
   whoever waits for signals reaps first. */
static uint64_t take_waiting(struct launcher *l) {
  static const int64_t at_once[2] = {0, 0};
  uint64_t set = 0, pending = 0;
  for (;;) {
    /* It cannot fail. */
    (void)em_syscall(SYS_rt_sigpending, &pending, 8);
    if (!pending)
      return set;
    int signal = take_signal(l, at_once);
    set = followed_by(set, signal ? SET(signal) : 0);
  }
}

/* What a group is sent reaches those who are in it then, and the launcher; so
   it passes on to a new one what may have come before that. Twice is better
   than never, and one, as a new instance blocks all at first. */
static long start(struct launcher *l, struct instance *i) {
  uint64_t before = take_waiting(l);
  unsigned long flags = CLONE_VM | SIGCHLD;
  if (em_shares(EM_SHARE_FDS))
    flags |= CLONE_FILES;
  if (em_shares(EM_SHARE_CWD))
    flags |= CLONE_FS;
  i->stopped = false;
  atomic_store(&i->state, EM_RUNNING);
  long pid = em_clone(flags, (char *)i->stack - 128, begin, i);
  if (pid <= 0)
    return pid;
  i->first_thread = pid;
  uint64_t missed = followed_by(before, take_waiting(l));
  if (l->starts)
    missed = l->early;
  for (int signal = 1; signal < EM_SIGNAL - 1; ++signal)
    if (missed & SET(signal))
      (void)em_syscall(SYS_kill, pid, signal);
  return pid;
}

/* Instances */

/* False: the instance has ended for good. */
static bool restart(struct launcher *l, struct instance *i) {
  /* It may have died of one that asks all to end. */
  (void)take_waiting(l);
  bool restarts = em_restarts(i);
  /* Its process may have died with them. */
  i->lock.word = i->mappings.lock.word = 0;
  if (em_tracks_mappings())
    em_reclaim(i);
  if (!restarts)
    return false;
  ++i->restarts;
  long error = em_renew(i);
  if (!error)
    error = start(l, i);
  if (error >= 0)
    return true;
  em_message(i->name, "cannot be started again", error);
  atomic_store(&i->state, EM_ENDED);
  return false;
}

static void ended(struct launcher *l, struct instance *i, int code,
                  int status) {
  int signal = code == CLD_EXITED ? 0 : status;
  i->status = signal ? 128 + signal : status & 0xff;
  em.last_status = i->status;
  /* A program that an instance executed is none whose crash is ours. */
  bool own = atomic_exchange(&i->state, EM_ENDED) == EM_RUNNING;
  em_trace(i, "ended, status ", i->status);
  if (own && signal && em_crashes & SET(signal) && !has_come(l, signal)) {
    if (!(em.image->flags & EM_ISOLATE))
      crash(signal);
    em_message_number(i->name, "died of signal ", signal);
  }
  if (restart(l, i))
    return;
  l->death = l->ended && l->death != signal ? 0 : signal;
  l->ended = true;
  if (atomic_fetch_sub(&em.running, 1) != 1)
    return;
  if (l->death && has_come(l, l->death))
    die_of(l->death);
  em_exit_process(em_process_status(i));
}

/* Takes note of what has become of children. Those that are no instances were
   there before, or are orphans that come to us because the image is the first
   process of a container, or asked to be given them. */
static void reap(struct launcher *l) {
  for (;;) {
    struct siginfo info = {0};
    long error =
        em_syscall(SYS_waitid, P_ALL, 0, &info,
                   WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WALL, 0);
    if (error < 0 || !info.pid)
      return;
    struct instance *i = instance_with(info.pid);
    if (!i)
      continue;
    if (info.code <= CLD_DUMPED)
      ended(l, i, info.code, (int)info.rest[0]);
    else
      i->stopped = info.code == CLD_STOPPED;
  }
}

/* Is some instance stopped, and none of the launcher's job still running? */
static bool all_stopped(void) {
  bool any = false;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (!is_alive(i))
      continue;
    if (i->stopped)
      any = true;
    else if (em_syscall(SYS_getpgid, i->first_thread) ==
             em_syscall(SYS_getpgid, 0))
      return false;
  }
  return any;
}

/* A shell continues the whole group, whoever else the launcher alone, which
   then continues those that are still stopped. */
static void stop(struct launcher *l) {
  static const uint64_t continued = SET(SIGCONT);
  static const int64_t at_once[2] = {0, 0};
  int signal = l->stop;
  struct siginfo info;
  l->stop = 0;
  /* A stop signal discards it. */
  if (is_pending(SIGCONT))
    return;
  act_on(signal);
  if (em_syscall(SYS_rt_sigtimedwait, &continued, &info, at_once, 8) < 0)
    return;
  wait_for_group();
  reap(l);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (is_alive(i) && i->stopped)
      send(i, SIGCONT, &info);
  }
}

_Noreturn void em_run_processes(void) {
  /* The kernel keeps no status for a parent that ignores SIGCHLD. */
  struct em_sigaction action = {0};
  long error = em_kernel_action(SIGCHLD, &action, NULL);
  if (error < 0)
    em_fail("runtime", "cannot set a signal's disposition", error);
  /* Nobody else is em.pid. */
  atomic_store(&em.memory_sharers, em.instance_count);
  struct launcher l = {.starts = true};
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    error = start(&l, em_instance_at(n));
    if (error < 0)
      em_fail(em_instance_at(n)->name, "cannot start a process", error);
  }
  l.starts = false;
  close_what_instances_have();
  for (;;) {
    reap(&l);
    if (l.stop && all_stopped())
      stop(&l);
    else
      (void)take_signal(&l, NULL);
  }
}
