//===- Clone.c - A child that shares as much as the system allows ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Start.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>

struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size;
  uint64_t tls, set_tid, set_tid_size, cgroup;
};

enum { SIZE_WITHOUT_CGROUP = 64 };

static uint64_t address(const volatile void *p) { return (uintptr_t)p; }

static long try_clone3(struct es_start *s, uint64_t flags, bool into_cgroup) {
  const uint64_t clear_sighand = 1ULL << 32, cgroup = 1ULL << 33;
  struct clone_arguments a = {
      .flags = flags | clear_sighand,
      .pidfd = address(&s->pidfd),
      .stack = address(s->stack),
      .stack_size = s->stack_size,
  };
  size_t size = SIZE_WITHOUT_CGROUP;
  if (into_cgroup) {
    a.flags |= cgroup;
    a.cgroup = (uint64_t)s->request->cgroup;
    size = sizeof(a);
  }
  s->child.has_handlers = false;
  s->child.flags = into_cgroup ? ES_IN_CGROUP : 0;
  s->details |= ELFSPAWN_BY_CLONE3;
  if (into_cgroup)
    s->details |= ELFSPAWN_INTO_CGROUP;
  else
    s->details &= ~(unsigned)ELFSPAWN_INTO_CGROUP;
  s->is_quiet = true;
  const long arguments[5] = {(long)&a, (long)size};
  return es_clone(SYS_clone3, arguments, es_child_main, &s->child);
}

static long try_clone(struct es_start *s, unsigned flags) {
  char *top = (char *)s->stack + s->stack_size;
  s->child.has_handlers = true;
  s->child.flags = 0;
  s->details &= ~(unsigned)(ELFSPAWN_BY_CLONE3 | ELFSPAWN_INTO_CGROUP);
  s->is_quiet = (flags & CSIGNAL) == 0;
  const long arguments[5] = {ES_CLONE_ARGUMENTS((long)flags, ((long)top & -16L),
                                                (long)&s->pidfd, 0, 0)};
  return es_clone(SYS_clone, arguments, es_child_main, &s->child);
}

static long clone_sharing(struct es_start *s) {
  unsigned share = CLONE_VM | CLONE_VFORK;
  if (s->child.shares_table)
    share |= CLONE_FILES;
  long pid = -ENOSYS;
  const unsigned pidfd = s->wants_pidfd ? CLONE_PIDFD : 0;
  if (!atomic_load(&es_refused.clone3)) {
    bool into_cgroup = s->request->cgroup >= 0;
    pid = try_clone3(s, share | pidfd, into_cgroup);
    // Joined by the child, or refused; EAGAIN is the cgroup's pids.max, which
    // does not hold for who joins.
    if (pid < 0 && pid != -EAGAIN && into_cgroup)
      pid = try_clone3(s, share | pidfd, false);
    if (pid == -EMFILE || pid == -ENFILE) // The id alone will do.
      pid = try_clone3(s, share, false);
    if (pid == -ENOSYS || pid == -EPERM || pid == -EINVAL || pid == -E2BIG)
      atomic_store(&es_refused.clone3, true);
    else
      return pid;
  }
  if (!atomic_load(&es_refused.pidfd)) {
    pid = try_clone(s, share | pidfd);
    if (pid == -EMFILE || pid == -ENFILE)
      pid = try_clone(s, share);
    if (pid != -EINVAL)
      return pid;
    atomic_store(&es_refused.pidfd, true);
  }
  s->pidfd = -1;
  s->child.shares_table = false;
  s->details |= ELFSPAWN_TABLE_COPIED;
  return try_clone(s, (share & ~(unsigned)CLONE_FILES) | SIGCHLD);
}

static long clone_child(struct es_start *s) {
  struct es_child *c = &s->child;
  long pid = -EINVAL;
  s->result = (struct es_result){.state = ES_NOT_RUN};
  s->pidfd = -1;
  s->lacks_report = false;
  s->details = s->is_file && c->image.fd >= 0 ? ELFSPAWN_HELPER_FILE : 0;
  c->shares_table =
      c->highest >= 0 && !atomic_load(&es_refused.shared_table) &&
      !(atomic_load(&es_refused.clone3) && atomic_load(&es_refused.pidfd));
  if (!c->shares_table)
    s->details |= ELFSPAWN_TABLE_COPIED;
  if (!atomic_load(&es_refused.sharing)) {
    pid = clone_sharing(s);
    if (pid == -EINVAL || pid == -ENOSYS || pid == -EPERM)
      atomic_store(&es_refused.sharing, true);
  }
  if (!atomic_load(&es_refused.sharing) ||
      s->request->policy == ELFSPAWN_NO_FORK)
    return pid;
  s->lacks_report = c->report.fd < 0;
  if (s->lacks_report)
    return -EAGAIN;
  c->shares_table = false;
  s->pidfd = -1;
  s->details |= ELFSPAWN_BY_FORK | ELFSPAWN_TABLE_COPIED;
  return try_clone(s, SIGCHLD);
}

/* No handler may run in the child, on this memory, and no signal may be lost:
   those that libc keeps for itself are blocked too. */
long es_clone_child(struct es_start *s) {
  uint64_t all = ~(uint64_t)0;
  long result =
      es_call(rt_sigprocmask, SIG_BLOCK, &all, &s->child.mask, sizeof(all));
  if (result < 0)
    return result;
  result = clone_child(s);
  es_call(rt_sigprocmask, SIG_SETMASK, &s->child.mask, 0, sizeof(all));
  return result;
}
