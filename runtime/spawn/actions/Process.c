//===- Process.c - Operations on what a process is and has ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"

long es_do_chdir(struct es_run *run, const char *at) {
  (void)run;
  return es_call(chdir, es_path(at));
}

long es_do_fchdir(struct es_run *run, const char *at) {
  (void)run;
  return es_call(fchdir, es_int(&at));
}

/* A directory outside the new root would be a way out of it. */
long es_do_chroot(struct es_run *run, const char *at) {
  (void)run;
  long result = es_call(chroot, es_path(at));
  return result < 0 ? result : es_call(chdir, "/");
}

long es_do_umask(struct es_run *run, const char *at) {
  (void)run;
  es_call(umask, es_int(&at));
  return 0;
}

long es_do_setsid(struct es_run *run, const char *at) {
  (void)run;
  (void)at;
  long result = es_call(setsid, 0);
  return result < 0 ? result : 0;
}

long es_do_setpgid(struct es_run *run, const char *at) {
  (void)run;
  return es_call(setpgid, 0, es_int(&at));
}

long es_do_ctty(struct es_run *run, const char *at) {
  enum { TIOCSCTTY = 0x540e };
  (void)run;
  return es_call(ioctl, es_int(&at), TIOCSCTTY, 0);
}

/* All signals are blocked, SIGTTOU too, so a background group may do this. */
long es_do_tcsetpgrp(struct es_run *run, const char *at) {
  enum { TIOCSPGRP = 0x5410 };
  (void)run;
  int group = (int)es_call(getpgid, 0);
  return es_call(ioctl, es_int(&at), TIOCSPGRP, &group);
}

/* struct sigaction is laid out in several ways; in all that we know the handler
   comes first, and for SIG_DFL and SIG_IGN everything else is 0. */
static long set_action(uint64_t set, uintptr_t handler) {
  enum { SIGNALS = 64, SIGKILL = 9, SIGSTOP = 19 };
  uintptr_t action[8] = {handler};
  for (int signal = 1; signal <= SIGNALS; ++signal) {
    if (!(set >> (signal - 1) & 1) || signal == SIGKILL || signal == SIGSTOP)
      continue;
    long result = es_call(rt_sigaction, signal, action, 0, sizeof(uint64_t));
    if (result < 0)
      return result;
  }
  return 0;
}

long es_do_sigdefault(struct es_run *run, const char *at) {
  (void)run;
  return set_action(es_number(&at), 0);
}

long es_do_sigignore(struct es_run *run, const char *at) {
  (void)run;
  return set_action(es_number(&at), 1);
}

long es_do_sigmask(struct es_run *run, const char *at) {
  run->mask = es_number(&at);
  return 0;
}

long es_do_rlimit(struct es_run *run, const char *at) {
  (void)run;
  int resource = es_int(&at);
  uint64_t limits[2];
  limits[0] = es_number(&at);
  limits[1] = es_number(&at);
  return es_call(prlimit64, 0, resource, limits, 0);
}

long es_do_nice(struct es_run *run, const char *at) {
  enum { PRIO_PROCESS = 0 };
  (void)run;
  return es_call(setpriority, PRIO_PROCESS, 0, es_int(&at));
}

long es_do_scheduler(struct es_run *run, const char *at) {
  (void)run;
  int policy = es_int(&at), priority = es_int(&at);
  return es_call(sched_setscheduler, 0, policy, &priority);
}

long es_do_schedparam(struct es_run *run, const char *at) {
  (void)run;
  int priority = es_int(&at);
  return es_call(sched_setparam, 0, &priority);
}

long es_do_affinity(struct es_run *run, const char *at) {
  (void)run;
  _Alignas(8) unsigned char mask[1024];
  size_t size = 0;
  while (*at) {
    if (size == sizeof(mask))
      return -ES_EINVAL;
    mask[size++] = (unsigned char)es_number(&at);
  }
  // The kernel wants whole words.
  while (size % 8)
    mask[size++] = 0;
  long result = es_call(sched_setaffinity, 0, size, mask);
  return result < 0 ? result : 0;
}

long es_do_ioprio(struct es_run *run, const char *at) {
  enum { IOPRIO_WHO_PROCESS = 1 };
  (void)run;
  return es_call(ioprio_set, IOPRIO_WHO_PROCESS, 0, es_int(&at));
}

long es_do_setns(struct es_run *run, const char *at) {
  (void)run;
  int fd = es_int(&at), type = es_int(&at);
  return es_call(setns, fd, type);
}

long es_do_unshare(struct es_run *run, const char *at) {
  (void)run;
  return es_call(unshare, es_int(&at));
}
