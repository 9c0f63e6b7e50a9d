//===- Wait.c - An instance waits for its own children --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To the kernel the children of all instances are children of one process.
// __WNOTHREAD limits a wait to those that the calling thread made, which for
// an instance of one thread is all and only its own. An instance of several
// threads waits for each of its children by id, and sleeps until the launcher
// has seen one change (Children.c). If a signal comes meanwhile, the program's
// handler finds itself interrupting the program's own call (em_abandon_call).
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

enum {
  WNOTHREAD = 0x20000000,
  WALL = 0x40000000,
  WCLONE = (int)0x80000000,
  WAIT4_OPTIONS = WNOHANG | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE,
  WAITID_STATES = WEXITED | WSTOPPED | WCONTINUED,
  WAITID_OPTIONS = WAIT4_OPTIONS | WAITID_STATES | WNOWAIT,
};

/* What waitid stores of a siginfo_t. */
enum { SI_FILLED = 28 };

/* wait4 and waitid as the runtime carries them out: both by waitid. */
struct wait {
  int type; /* P_ALL, P_PID, P_PGID */
  int id;
  int options; /* waitid's */
  void *usage;
  struct siginfo info;
};

static bool is_meant(const struct wait *w, int pid) {
  if (w->type == P_PID)
    return pid == w->id;
  return w->type == P_ALL || em_syscall(SYS_getpgid, pid) ==
                                 (w->id ? w->id : em_syscall(SYS_getpgid, 0));
}

/* What wait4 stores for it. */
static int status_of(const struct siginfo *info) {
  int status = (int)info->rest[0];
  switch (info->code) {
  case CLD_EXITED:
    return status << 8;
  case CLD_KILLED:
    return status;
  case CLD_DUMPED:
    return status | 0x80;
  case CLD_CONTINUED:
    return 0xffff;
  default:
    return status << 8 | 0x7f;
  }
}

/* And back. */
static int value_of(int status) {
  if (status == 0xffff)
    return SIGCONT;
  return status & 0x7f && (status & 0x7f) != 0x7f ? status & 0x7f
                                                  : status >> 8 & 0xff;
}

static int code_of(int status) {
  if (status == 0xffff)
    return CLD_CONTINUED;
  if ((status & 0xff) == 0x7f)
    return CLD_STOPPED;
  if (status & 0x7f)
    return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
  return CLD_EXITED;
}

/* A child that has ended is a child no longer; one that has stopped, or that
   the options do not mean, is. */
static void forget_if_gone(struct instance *i, int pid) {
  if (em_syscall(SYS_kill, pid, 0) == -EM_ESRCH)
    em_remove_child(i, pid);
}

/* One look at the child: its pid if there is something to return, 0 if not, or
   -errno. */
static long look_at(struct instance *i, struct wait *w, int pid) {
  w->info.pid = 0;
  long error = em_syscall(SYS_waitid, P_PID, pid, &w->info,
                          w->options | WNOHANG, w->usage);
  if (error < 0 || !w->info.pid)
    return error;
  if (!(w->options & WNOWAIT))
    forget_if_gone(i, pid);
  em_told_by_wait(i, &w->info, !(w->options & WNOWAIT));
  /* Its status has just come to be, and is to be discarded. */
  if (w->info.code <= CLD_DUMPED && em_is_discarding(i))
    return -EM_ECHILD;
  return pid;
}

/* The first of the children that \p w means and that is behind \p after in
   the list; 0: none. */
static int next_child(struct instance *i, const struct wait *w, int after) {
  uint64_t mask = em_acquire(&i->lock);
  int pid = i->child_list;
  if (after && em_task(after)->child_of == i->number + 1)
    pid = em_task(after)->next;
  while (pid && !is_meant(w, pid))
    pid = em_task(pid)->next;
  em_release(&i->lock, mask);
  return pid;
}

/* Looks at all of them once. */
static long look(struct instance *i, struct wait *w, bool *any) {
  *any = false;
  for (int pid = next_child(i, w, 0), next; pid; pid = next) {
    /* A child that another thread reaps meanwhile is the list's no longer. */
    next = next_child(i, w, pid);
    long r = look_at(i, w, pid);
    if (r == -EM_ECHILD) {
      forget_if_gone(i, pid);
      continue;
    }
    if (r)
      return r;
    *any = true;
  }
  return 0;
}

/* The pid of the child that w->info is about, 0 for none, or -errno. */
static long wait_for(struct instance *i, const struct em_frame *f,
                     struct wait *w) {
  /* The end of a child that only these mean is told by no SIGCHLD. */
  static const struct timespec between_looks = {0, 20 * 1000 * 1000};
  const struct timespec *limit =
      w->options & (WALL | WCLONE) ? &between_looks : NULL;
  em_mind(i, SET(SIGCHLD));
  /* A signal that comes while it looks is to find it asleep, in the program's
     call: musl cancels no thread elsewhere. */
  uint64_t mask = em_block_unseen();
  long r = 0;
  for (;;) {
    uint32_t seen = atomic_load(&i->child_events);
    bool any;
    if (em_is_discarding(i))
      em_child_added(i);
    r = look(i, w, &any);
    if (!r && !any)
      r = -EM_ECHILD;
    if (r || w->options & WNOHANG)
      break;
    em_sleep(f, &i->child_events, seen, limit, mask);
  }
  em_unblock(mask);
  return r;
}

/* Is it the child of some other instance? */
static bool is_foreign(const struct instance *i, int pid) {
  const struct instance *parent = em_parent_of(pid);
  return parent && parent != i;
}

/* A call in place is the program's own: it can be interrupted, restarted and
   unwound from. Its registers have to be as they were when it is done, so what
   is changed in them is changed back (restore). */
static struct task *in_place(struct instance *i, long *options,
                             uint32_t pending) {
  struct task *t = em_task(em_calling_thread(i));
  bool any = pending == EM_WAIT4 || pending == EM_WAITID;
  if (any && *options & WNOTHREAD)
    pending = pending == EM_WAIT4 ? EM_WAIT : EM_WAITID_ONE;
  else if (any)
    *options |= WNOTHREAD;
  t->pending = pending;
  return t;
}

/* waitid does not say which child it was about unless it was asked to; one that
   has gone is then forgotten when the next wait does not find it. */
EM_RARE static void after_waitid(struct instance *i, const struct em_frame *f) {
  struct siginfo info = {0};
  if (f->nr < 0 || !f->args[2] ||
      em_read(&info, (const void *)f->args[2], SI_FILLED) < 0 || !info.pid)
    return;
  em_told_by_wait(i, &info, !(f->args[3] & WNOWAIT));
  forget_if_gone(i, info.pid);
}

static void after_wait4(struct instance *i, const struct em_frame *f) {
  int status;
  if (f->nr <= 0)
    return;
  if (em_read(&status, (void *)f->args[1], sizeof(status)) == 0) {
    const struct siginfo info = {.signo = SIGCHLD,
                                 .code = code_of(status),
                                 .pid = f->nr,
                                 .uid = em_syscall(SYS_getuid, 0),
                                 .rest = {(uint32_t)value_of(status)}};
    em_told_by_wait(i, &info, true);
  }
  forget_if_gone(i, f->nr);
}

static void restore(const struct task *t, struct em_frame *f,
                    uint32_t pending) {
  if (pending == EM_WAIT4)
    f->args[2] &= ~WNOTHREAD;
  if (pending == EM_WAITID)
    f->args[3] &= ~WNOTHREAD;
  if (f->args[1] == (long)&t->status)
    f->args[1] = 0;
}

void em_after_wait(struct instance *i, struct task *t, struct em_frame *f,
                   uint32_t pending) {
  if (pending == EM_WAITID || pending == EM_WAITID_ONE)
    after_waitid(i, f);
  else
    after_wait4(i, f);
  restore(t, f, pending);
}

/* The handler may itself wait or make a child, and need not come back. */
void em_interrupt_wait(struct instance *i, struct task *t, void *context) {
  uint32_t pending = t->pending;
  struct em_frame f;
  enum em_raw_call where =
      pending >= EM_WAIT ? em_find_raw_call(context, &f) : EM_NO_RAW_CALL;
  if (where == EM_NO_RAW_CALL)
    return;
  t->pending = EM_NOTHING;
  bool again = where == EM_AT_RAW_CALL;
  if (again)
    restore(t, &f, pending);
  else
    em_after_wait(i, t, &f, pending);
  em_end_raw_call(i, context, &f, again);
}

/* An instance that wants its children's status discarded must not meet them in
   the kernel before they are. */
EM_RARE static bool wait4(struct instance *i, struct em_frame *f) {
  int pid = f->args[0];
  if ((int)f->args[2] & ~WAIT4_OPTIONS) {
    f->nr = -EM_EINVAL;
    return true;
  }
  if (pid > 0 && is_foreign(i, pid)) {
    f->nr = -EM_ECHILD;
    return true;
  }
  bool discarding = em_is_discarding(i);
  if ((pid > 0 || !i->threaded) && !discarding) {
    struct task *t = in_place(i, &f->args[2], pid > 0 ? EM_WAIT : EM_WAIT4);
    if (!f->args[1])
      f->args[1] = (long)&t->status;
    return false;
  }
  struct wait w = {.type = pid == -1 ? P_ALL
                           : pid > 0 ? P_PID
                                     : P_PGID,
                   .id = pid > 0 ? pid : -pid,
                   .options = f->args[2] | WEXITED,
                   .usage = (void *)f->args[3]};
  f->nr = wait_for(i, f, &w);
  int status = status_of(&w.info);
  if (f->nr > 0 && f->args[1] &&
      em_write((void *)f->args[1], &status, sizeof(status)) < 0)
    f->nr = -EM_EFAULT;
  return true;
}

EM_RARE static bool waitid(struct instance *i, struct em_frame *f) {
  int type = f->args[0], id = f->args[1], options = f->args[3];
  if (options & ~WAITID_OPTIONS || !(options & WAITID_STATES)) {
    f->nr = -EM_EINVAL;
    return true;
  }
  if (type == P_PID && is_foreign(i, id)) {
    f->nr = -EM_ECHILD;
    return true;
  }
  /* Who has a pidfd may wait for it. */
  bool discarding = em_is_discarding(i);
  bool one = type != P_ALL && type != P_PGID;
  if (type > P_PGID || ((one || !i->threaded) && !discarding)) {
    in_place(i, &f->args[3], one ? EM_WAITID_ONE : EM_WAITID);
    return false;
  }
  struct wait w = {.type = type,
                   .id = id,
                   .options = f->args[3],
                   .usage = (void *)f->args[4]};
  f->nr = wait_for(i, f, &w);
  if (f->nr < 0)
    return true;
  if (f->nr == 0)
    w = (struct wait){0};
  f->nr = f->args[2] ? em_write((void *)f->args[2], &w.info, SI_FILLED) : 0;
  return true;
}

bool em_wait(struct instance *i, struct em_frame *f) {
  return f->nr == SYS_wait4 ? wait4(i, f) : waitid(i, f);
}
