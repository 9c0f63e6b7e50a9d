//===- Outcome.c - What came of a child -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Start.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  KILLED_WAIT = 100, ///< ms for a killed child to end
  MOST_WAITS = 100,  ///< as often, while only a processor is missing to it
};

atomic_bool es_memory_is_shared;

int es_fail(struct elfspawn_error *error, int step, int value) {
  *error = (struct elfspawn_error){value, (enum elfspawn_step)step, -1, 0};
  return value;
}

void es_close_if_open(int fd) {
  if (fd >= 0)
    close(fd);
}

bool es_needs_helper(const elfspawn_t *r) {
  return r->policy == ELFSPAWN_HELPER || r->timeout >= 0;
}

int es_wait_for(const struct es_start *s, siginfo_t *info, int options) {
  return es_waitid(s->pid, s->pidfd, info, options);
}

/* Waits for a child that failed or was killed. False: it has not ended. *info
   says how it did, as far as that can be known. */
static bool reap(const struct es_start *s, int milliseconds, siginfo_t *info) {
  int64_t end = milliseconds < 0 ? -1 : es_now() + milliseconds;
  for (;;) {
    *info = (siginfo_t){0};
    int result =
        es_wait_for(s, info, WEXITED | __WALL | (end < 0 ? 0 : WNOHANG));
    if (result != 0 && errno != EINTR)
      return true; // Somebody else has waited for it, or nobody has to.
    if (result == 0 && (end < 0 || info->si_pid))
      return true;
    if (end >= 0 && es_now() >= end)
      return false;
    if (end >= 0)
      usleep(1000);
  }
}

/* Returns whether the child was killed by somebody. */
static bool drop_child(struct es_start *s) {
  siginfo_t info;
  reap(s, -1, &info);
  es_close_if_open(s->pidfd);
  s->pidfd = -1;
  return info.si_code == CLD_KILLED && info.si_status == SIGKILL;
}

static int report_failure(const struct es_start *s, struct es_record record,
                          struct elfspawn_error *error) {
  es_fail(error, record.step, record.error);
  int string = record.position - ES_FIRST_STRING;
  if (string >= 0 && (size_t)string < s->e->count)
    error->action = s->e->action_of[string];
  return error->error;
}

/* Does the process want to run, as far as can be known? Then it sleeps in no
   system call. */
static bool is_runnable(pid_t pid) {
  char text[128];
  snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
  es_close_if_open(fd);
  text[size > 0 ? size : 0] = 0;
  // PID (NAME) STATE
  const char *name_end = strrchr(text, ')');
  return name_end && name_end[1] && name_end[2] == 'R';
}

static int time_out(struct es_start *s, struct elfspawn_error *error) {
  es_kill(s->pid, s->pidfd);
  es_fail(error, ELFSPAWN_STEP_TIMEOUT, ETIMEDOUT);
  siginfo_t info;
  bool ended = reap(s, KILLED_WAIT, &info);
  for (int n = 1; !ended && n != MOST_WAITS && is_runnable(s->pid); ++n)
    ended = reap(s, KILLED_WAIT, &info);
  // It may have ended before it was looked at.
  if (!ended && !reap(s, 0, &info))
    error->left = s->pid;
  es_close_if_open(s->pidfd);
  s->pidfd = -1;
  return ETIMEDOUT;
}

/* What another attempt should not try again. */
static bool learn(struct es_start *s, enum es_state state) {
  if (state == ES_NO_TABLE)
    atomic_store(&es_refused.shared_table, true);
  else if (state == ES_NO_DESCRIPTORS)
    atomic_store(&es_refused.opening_anew, true);
  else if (state == ES_NO_IMAGE)
    es_drop_image(&s->child.image);
  else
    return false;
  return true;
}

static int fail_killed(struct es_start *s, struct elfspawn_error *error) {
  drop_child(s);
  return es_fail(error, ELFSPAWN_STEP_KILLED, ECHILD);
}

/* A child that shared memory until it executed something or began to end: then
   it is quiet still, be it a zombie yet or not. */
static int direct_outcome(struct es_start *s, struct elfspawn_error *error) {
  siginfo_t info = {0};
  int options = WEXITED | WNOHANG | WNOWAIT | __WCLONE;
  if (s->is_quiet && es_wait_for(s, &info, options) == 0)
    return fail_killed(s, error);
  return 0;
}

/* What a child says that has no shared memory, or not any more. */
static int reported_outcome(struct es_start *s, struct elfspawn_error *error) {
  struct es_said said = {.hello = false};
  close(s->pipe[1]);
  s->pipe[1] = -1;
  int result = es_await(s, &said);
  if (said.image_error)
    s->result.image_error = said.image_error;
  if (result == ETIMEDOUT && !said.record.error)
    return time_out(s, error);
  if (result != 0) {
    drop_child(s);
    return report_failure(s, said.record, error);
  }
  if (said.executing)
    return 0;
  if (said.hello || s->child.image.fd < 0 || said.image_error)
    return fail_killed(s, error);
  if (drop_child(s))
    return es_fail(error, ELFSPAWN_STEP_KILLED, ECHILD);
  // An image that does not even say hello.
  atomic_store(&es_refused.helper, true);
  if (es_needs_helper(s->request))
    return es_fail(error, ELFSPAWN_STEP_HELPER, ENOEXEC);
  return EAGAIN;
}

/* What came of a child that clone has made. EAGAIN: another attempt is due. */
int es_outcome(struct es_start *s, struct elfspawn_error *error) {
  enum es_state state = s->result.state;
  if (state != ES_NOT_RUN)
    atomic_store(&es_memory_is_shared, true);
  if (learn(s, state)) {
    drop_child(s);
    return EAGAIN;
  }
  if (state == ES_FAILED) {
    drop_child(s);
    return report_failure(s, s->result.failure, error);
  }
  if (state == ES_RUNNING &&
      (s->child.image.fd < 0 || s->result.image_error != 0))
    return direct_outcome(s, error);
  if (s->pipe[0] < 0) // Killed before its first instruction.
    return fail_killed(s, error);
  return reported_outcome(s, error);
}
