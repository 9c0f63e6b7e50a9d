//===- Route.c - Signals to the process -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What was sent to the process is for every instance, each of which acts on its
// own disposition, in their order; SIGCHLD is for the instance whose child it
// is about. If none of them does otherwise than a process by default, the
// process does so as a whole.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"
#include "Timers.h"

enum { ALL = 0x7fffffff };

static bool runs(const struct instance *i) {
  return atomic_load(&i->state) == EM_RUNNING;
}

static bool minds(struct instance *i, int signal) {
  return atomic_load(&i->minds) & SET(signal);
}

static bool has_handler(const struct instance *i, int signal) {
  return em_kind_of_action(i, signal) == EM_HANDLED;
}

static bool anyone_handles(int signal) {
  for (uint32_t n = 0; n != em.instance_count; ++n)
    if (runs(em_instance_at(n)) && has_handler(em_instance_at(n), signal))
      return true;
  return false;
}

/* Does it neither handle the signal, nor block it, nor wait for it? */
static bool would_end(struct instance *i, int signal) {
  if (em_kind_of_action(i, signal) != EM_DEFAULT ||
      atomic_load(&i->awaits) & SET(signal))
    return false;
  return !minds(i, signal) || em_finds_taker(i, signal);
}

/* While it executes a program, signals wait for that. */
static bool ends(struct instance *i, int signal) {
  return !atomic_load(&i->executes) && would_end(i, signal);
}

/* Would all instances let it end them at once? When all have ended for good,
   the process is about to exit with their status. */
static bool ends_all(int signal) {
  if (!em_is_fatal(signal))
    return false;
  bool any = false;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    bool has_ended = atomic_load(&i->state) == EM_ENDED;
    if (!has_ended && !ends(i, signal))
      return false;
    any = any || !has_ended || i->restart_due;
  }
  return any;
}

/* The first process of a process id namespace is ended by no signal that has
   its default action. */
static bool is_unkillable(void) { return em.pid == 1; }

/* Comes back when the signal is not delivered, as it never should. */
static void die_by(int signal, const struct siginfo *info) {
  struct em_sigaction by_default = {0};
  struct siginfo again = *info;
  if (em_kernel_action(signal, &by_default, NULL) == 0 &&
      em_send(em_syscall(SYS_gettid, 0), signal, &again) == 0) {
    em_set_mask(~SET(signal));
    em_block_signals();
  }
}

/* It may have ended meanwhile. */
bool em_send_to_replacement(const struct instance *i, int signal,
                            const struct siginfo *info) {
  int pid = atomic_load(&i->replaced_by);
  if (!pid)
    return false;
  if (info->code < 0 && info->code != SI_TKILL)
    (void)em_syscall(SYS_rt_sigqueueinfo, pid, signal, info);
  else
    (void)em_syscall(SYS_kill, pid, signal);
  return true;
}

static void act(struct instance *i, int signal, const struct siginfo *info) {
  enum em_action_kind kind = em_kind_of_action(i, signal);
  if (SET(signal) & em_jobs)
    em_drop_opposites(i, signal);
  if (kind == EM_DEFAULT && SET(signal) & em_harmless) {
    if (minds(i, signal))
      em_pass_on_blocked(i, signal, info);
  } else if (kind != EM_IGNORED || minds(i, signal)) {
    em_pass_on(i, signal, info);
  }
}

void em_route_to(struct instance *i, int signal, const struct siginfo *info) {
  bool awaited = info->code == SI_USER && info->pid == em.pid;
  if (awaited)
    atomic_fetch_add(&i->passing[signal], 1);
  act(i, signal, info);
  if (!awaited)
    return;
  atomic_fetch_add(&i->passed[signal], 1);
  /* Nobody waiting is the normal case. */
  (void)em_syscall(SYS_futex, &i->passed[signal], FUTEX_WAKE_PRIVATE, ALL);
}

/* The process's parent; 0: it has gone. */
static int parent_of(int pid) {
  char path[32] = "/proc/", text[256];
  em_append_number(path, sizeof(path), pid);
  em_append(path, sizeof(path), "/stat");
  long fd = em_syscall(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  long size = em_syscall(SYS_pread64, fd, text, sizeof(text), 0);
  (void)em_syscall(SYS_close, fd);
  /* PID (NAME) STATE PARENT */
  while (size > 0 && text[size - 1] != ')')
    --size;
  int parent = 0;
  for (long n = size + 3;
       size > 0 && n < (long)sizeof(text) && text[n] >= '0' && text[n] <= '9';
       ++n)
    parent = parent * 10 + (text[n] - '0');
  return parent;
}

/* Also one that has been reaped, unless its id is another's now. */
static bool is_orphan(int pid) {
  if (pid <= 0 || pid >= EM_MAX_TASK)
    return false;
  const struct task *t = em_task(pid);
  uint32_t parent = __atomic_load_n(&t->child_of, __ATOMIC_ACQUIRE);
  return parent == EM_NOBODY ||
         (!parent && t->was_child_of == EM_NOBODY && !parent_of(pid));
}

/* The instance whose child it is that has sent a signal; null: none's. One that
   has ended may have been reaped, and its id be another's; one that its
   parent's fork has not come back with is known a little later. */
static struct instance *parent_of_sender(int pid) {
  if (pid <= 0 || pid >= EM_MAX_TASK)
    return NULL;
  for (;;) {
    uint32_t forking = atomic_load(&em.forking);
    struct instance *i = em_parent_of(pid);
    if (!i)
      i = em_instance_of(em_task(pid)); /* in vfork */
    if (i)
      return i;
    int parent = parent_of(pid);
    if (!parent)
      return em_parent_or_former(pid);
    if (parent != em.pid || !forking)
      return NULL;
    /* However it comes back, it looks again. */
    (void)em_syscall(SYS_futex, &em.forking, FUTEX_WAIT_PRIVATE, forking, 0);
  }
}

/* A thread has found it waiting. False: no timer that is known. */
static bool route_timer(int signal, const struct siginfo *info) {
  struct siginfo named = *info;
  struct instance *owner;
  if (info->code != SI_TIMER || !em_timer_target(&named, &owner))
    return false;
  if (owner)
    em_pass_on_timer(owner, signal, &named);
  return true;
}

void em_route(int signal, const struct siginfo *info) {
  if (signal == SIGCHLD && (info->code > 0 || em_has_lost_info(info))) {
    em_child_changed(info);
    return;
  }
  if (route_timer(signal, info))
    return;
  /* What a program has asked the kernel for is meant for who handles it. */
  bool requested = SET(signal) & em_requested ||
                   (info->code != SI_USER && info->code != SI_QUEUE &&
                    info->code != SI_KERNEL);
  bool spare = requested && anyone_handles(signal);
  /* What a child sends its parent is for the one it is a child of, and for
     nobody when that has ended. */
  bool is_sent =
      info->code == SI_USER || info->code == SI_QUEUE || info->code == SI_TKILL;
  struct instance *only = is_sent ? parent_of_sender(info->pid) : NULL;
  if (is_sent && !only && is_orphan(info->pid))
    return;
  if (only && em_send_to_replacement(only, signal, info))
    return;
  if (only) {
    if (runs(only))
      em_route_to(only, signal, info);
    else /* it may just have executed a program; else it has ended */
      (void)em_send_to_replacement(only, signal, info);
    return;
  }
  if (!requested && ends_all(signal)) {
    if (is_unkillable())
      return;
    die_by(signal, info);
  }
  if (SET(signal) & em_endings)
    atomic_store(&em.stopping, true);
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    /* The terminal's have reached it already, as a process of its own in the
       foreground. */
    if (info->code == SI_KERNEL ? atomic_load(&i->replaced_by) != 0
                                : em_send_to_replacement(i, signal, info))
      continue;
    if (runs(i) && !(spare && would_end(i, signal)))
      em_route_to(i, signal, info);
  }
}
