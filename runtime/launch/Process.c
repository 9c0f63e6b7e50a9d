//===- Process.c - Children, and programs in place of an instance ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To the kernel the children of all instances are children of one process.
// __WNOTHREAD limits a wait to those that the calling thread made, which for
// an instance of one thread is all and only its own. An instance of several
// threads waits for each of its children by id.
//
// exec would end every instance of the process. So the new program runs as a
// child, with the instance's descriptors and directory, and its status becomes
// the instance's.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum {
  WNOHANG = 1,
  WUNTRACED = 2,
  WEXITED = 4,
  WCONTINUED = 8,
  WNOWAIT = 0x1000000,
  WNOTHREAD = 0x20000000,
  P_ALL = 0,
  P_PID = 1,
  P_PGID = 2,
  POLLIN = 1,
  MAX_POLLED = 32,
};

struct pollfd {
  int fd;
  short events, revents;
};

/* wait4 and waitid for more than one child, in one form. */
struct wait {
  bool is_waitid;
  int type; /* P_ALL, P_PGID */
  int id;
  void *status; /* int * or siginfo_t * */
  int options;
  void *usage;
};

/* siginfo_t's si_pid, among ints. */
enum { SI_PID = 4, SI_INTS = 32 };

static long wait_for(const struct wait *w, int pid, int options) {
  if (w->is_waitid)
    return em_syscall(SYS_waitid, P_PID, pid, w->status, options, w->usage);
  return em_syscall(SYS_wait4, pid, w->status, options, w->usage);
}

static bool is_meant(const struct wait *w, int pid) {
  return w->type == P_ALL || em_syscall(SYS_getpgid, pid) ==
                                 (w->id ? w->id : em_syscall(SYS_getpgid, 0));
}

/* The pid that was reaped, 0 for none, or -errno; waitid's is in the siginfo
   and its result 0. */
static long reaped(const struct wait *w, long result) {
  if (!w->is_waitid || result < 0)
    return result;
  return ((int *)w->status)[SI_PID];
}

/* A child that has ended is a child no longer; one that has stopped is. */
static void forget_if_gone(struct instance *i, int pid) {
  if (em_syscall(SYS_kill, pid, 0) == -EM_ESRCH)
    em_remove_child(i, pid);
}

static unsigned list_children(struct instance *i, const struct wait *w,
                              int *pids, unsigned size) {
  unsigned count = 0;
  uint64_t mask = em_acquire(&i->lock);
  for (int pid = i->child_list; pid && count != size; pid = em_task(pid)->next)
    if (is_meant(w, pid))
      pids[count++] = pid;
  em_release(&i->lock, mask);
  return count;
}

/* Sleeps until one of the children ends or a signal arrives. A stop or a
   continuation does not wake a pidfd, so who asks for those looks again. */
static long sleep_for(const int *pids, unsigned count, int options) {
  struct pollfd fds[MAX_POLLED];
  static const int64_t look_again[2] = {0, 20 * 1000 * 1000};
  unsigned open = 0;
  for (unsigned n = 0; n != count; ++n) {
    long fd = em_syscall(SYS_pidfd_open, pids[n], 0);
    if (fd >= 0)
      fds[open++] = (struct pollfd){(int)fd, POLLIN, 0};
  }
  bool again = open != count || count == MAX_POLLED ||
               (options & (WUNTRACED | WCONTINUED));
  long r = em_syscall(SYS_ppoll, fds, open, again ? look_again : NULL, 0, 8);
  for (unsigned n = 0; n != open; ++n)
    (void)em_syscall(SYS_close, fds[n].fd);
  return r == -EM_EINTR ? r : 0;
}

static long wait_for_any(struct instance *i, const struct wait *w) {
  int pids[MAX_POLLED];
  for (;;) {
    unsigned count = list_children(i, w, pids, MAX_POLLED);
    unsigned alive = 0;
    for (unsigned n = 0; n != count; ++n) {
      if (w->is_waitid && w->status)
        ((int *)w->status)[SI_PID] = 0;
      long r = wait_for(w, pids[n], w->options | WNOHANG);
      if (r == -EM_ECHILD) {
        em_remove_child(i, pids[n]);
        continue;
      }
      if (r < 0)
        return r;
      if (reaped(w, r)) {
        if (!(w->options & WNOWAIT))
          forget_if_gone(i, pids[n]);
        return r;
      }
      ++alive;
    }
    if (!alive)
      return -EM_ECHILD;
    if (w->options & WNOHANG)
      return 0;
    long error = sleep_for(pids, count, w->options);
    if (error < 0)
      return error;
  }
}

/* Zero or a pid that some other instance has made. */
static bool is_foreign(const struct instance *i, int pid) {
  const struct instance *parent = em_parent_of(pid);
  return parent && parent != i;
}

bool em_ended_child(struct instance *i, void *info, bool discard) {
  bool found = false;
  uint64_t mask = em_acquire(&i->lock);
  for (int pid = i->child_list, next; pid; pid = next) {
    struct task *t = em_task(pid);
    next = t->next;
    if (t->told)
      continue;
    int about[SI_INTS] = {0};
    long r = em_syscall(SYS_waitid, P_PID, pid, about,
                        WEXITED | WNOHANG | (discard ? 0 : WNOWAIT), 0);
    if (r < 0 || about[SI_PID] != pid)
      continue;
    t->told = true;
    if (discard || found)
      continue;
    found = true;
    for (int n = 0; n != SI_INTS; ++n)
      ((int *)info)[n] = about[n];
  }
  em_release(&i->lock, mask);
  return found;
}

/* A call in place is the program's own: it can be interrupted, restarted and
   unwound from. Its registers have to be as they were when it is done, so what
   is changed in them is changed back (em_after_wait). */
static void in_place(long *options, uint32_t changed) {
  bool change = changed != EM_WAIT && !(*options & WNOTHREAD);
  if (change)
    *options |= WNOTHREAD;
  em_task(em_syscall(SYS_gettid, 0))->pending = change ? changed : EM_WAIT;
}

void em_after_wait(struct instance *i, struct em_frame *f, uint32_t pending) {
  if (pending == EM_WAIT4)
    f->args[2] &= ~WNOTHREAD;
  if (pending == EM_WAITID)
    f->args[3] &= ~WNOTHREAD;
  /* waitid does not say which; its child is forgotten when the next wait does
     not find it. */
  if (f->nr > 0)
    forget_if_gone(i, f->nr);
}

static bool wait4(struct instance *i, struct em_frame *f) {
  int pid = f->args[0];
  if (pid > 0 && is_foreign(i, pid)) {
    f->nr = -EM_ECHILD;
    return true;
  }
  if (pid > 0 || !i->threaded) {
    in_place(&f->args[2], pid > 0 ? EM_WAIT : EM_WAIT4);
    return false;
  }
  struct wait w = {.type = pid == -1 ? P_ALL : P_PGID,
                   .id = -pid,
                   .status = (void *)f->args[1],
                   .options = f->args[2],
                   .usage = (void *)f->args[3]};
  f->nr = wait_for_any(i, &w);
  return true;
}

static bool waitid(struct instance *i, struct em_frame *f) {
  int type = f->args[0], id = f->args[1];
  if (type == P_PID && is_foreign(i, id)) {
    f->nr = -EM_ECHILD;
    return true;
  }
  /* Who has a pidfd may wait for it. */
  bool one = type != P_ALL && type != P_PGID;
  if (one || !i->threaded) {
    in_place(&f->args[3], one ? EM_WAIT : EM_WAITID);
    return false;
  }
  int info[SI_INTS];
  struct wait w = {.is_waitid = true,
                   .type = type,
                   .id = id,
                   .status = f->args[2] ? (void *)f->args[2] : info,
                   .options = f->args[3],
                   .usage = (void *)f->args[4]};
  f->nr = wait_for_any(i, &w);
  return true;
}

bool em_wait(struct instance *i, struct em_frame *f) {
  return f->nr == SYS_wait4 ? wait4(i, f) : waitid(i, f);
}

/* exec */

enum {
  CLONE_VM = 0x100,
  CLONE_VFORK = 0x4000,
  SIGCHLD = 17,
  EXEC_STACK = 16384
};

struct exec {
  struct instance *instance;
  const struct em_frame *frame;
  uint64_t mask; /* of the thread that calls exec */
  long error;    /* of the exec, from the child */
};

static void exec_child(void *argument) {
  struct exec *e = argument;
  em_ignore_for_exec(e->instance);
  em_set_mask(e->mask);
  const long *a = e->frame->args;
  e->error = em_syscall(e->frame->nr, a[0], a[1], a[2], a[3], a[4]);
  for (;;)
    (void)em_syscall(SYS_exit_group, EM_FAILED);
}

static int wait_for_status(int pid) {
  int status = 0;
  long r;
  do
    r = em_syscall(SYS_wait4, pid, &status, 0, 0);
  while (r == -EM_EINTR);
  if (r < 0)
    return EM_FAILED;
  return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

long em_exec(struct instance *i, const struct em_frame *frame, bool *in_place) {
  if (em_alone()) {
    em_ignore_for_exec(i);
    *in_place = true;
    return 0;
  }
  char stack[EXEC_STACK] __attribute__((aligned(16)));
  struct exec e = {i, frame, em_block_signals(), 0};
  long pid = em_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof(stack),
                      exec_child, &e);
  if (pid < 0 || e.error) {
    if (pid > 0)
      wait_for_status(pid);
    em_set_mask(e.mask);
    return pid < 0 ? pid : e.error;
  }
  em_begin_end(i);
  em_stop_others(i);
  /* The instance's descriptors are the new program's now. */
  if (!em_shares(EM_SHARE_FDS))
    (void)em_syscall(SYS_close_range, 0, ~0u, 0);
  em_end_replaced(i, wait_for_status(pid));
}
