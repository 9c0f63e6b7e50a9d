//===- Await.c - Until the helper says no more ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The report's end is closed by the exec of the target: that is the sign that
// it runs. Somebody else who forked at the wrong moment may have a copy of it,
// for as long as that process lives; so when nothing comes for a while, the
// child itself is looked at: has it ended, and which program is it?
//
//===----------------------------------------------------------------------===//

#include "Start.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t es_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_helper(pid_t pid, const struct es_identity *identity) {
  char path[32];
  struct stat s;
  snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
  return stat(path, &s) != 0 || (s.st_ino == identity->inode &&
                                 major(s.st_dev) == identity->device_major &&
                                 minor(s.st_dev) == identity->device_minor);
}

static bool has_ended(const struct es_start *s) {
  siginfo_t info = {0};
  int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
  return es_wait_for(s, &info, options) != 0 || info.si_pid != 0;
}

/* Takes the records that are there. False: the other end is closed. */
static bool take_records(int fd, struct es_said *said) {
  struct es_record got[4];
  for (;;) {
    ssize_t size = read(fd, got, sizeof(got));
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0 && errno != EAGAIN)
      said->is_lost = true;
    if (size <= 0)
      return size < 0;
    // The pipe takes and gives a record whole.
    for (size_t n = 0; n != (size_t)size / sizeof(*got); ++n)
      if (got[n].step == ES_HELLO)
        said->hello = true;
      else if (got[n].step == ES_EXECUTING)
        said->executing = true;
      else if (got[n].step == ES_WENT_DIRECT)
        said->image_error = got[n].error;
      else
        said->record = got[n];
  }
}

/* Looks at the child itself. True: nothing more will be said. Without a report,
   a child that has ended is left to its status: 127 if it failed. */
static bool look_at_child(const struct es_start *s, struct es_said *said) {
  bool has_begun = said->hello || said->is_lost;
  if (has_ended(s)) {
    if (!said->is_lost)
      take_records(s->pipe[0], said); // What it said before.
    said->executing |= said->is_lost;
    return true;
  }
  if (!has_begun || is_helper(s->pid, &s->child.image.identity))
    return false;
  said->executing = true;
  return true;
}

int es_await(const struct es_start *s, struct es_said *said) {
  const int64_t first_look = 20, last_interval = 1000;
  int64_t interval = first_look, look = es_now() + interval;
  for (;;) {
    int64_t until = s->end >= 0 && s->end < look ? s->end : look;
    int64_t now = es_now();
    // Only the end of the file wakes: what is said before it can wait.
    struct pollfd p = {said->is_lost ? -1 : s->pipe[0], 0, 0};
    poll(&p, 1, until > now ? (int)(until - now) : 0);
    if (!said->is_lost && (!take_records(p.fd, said) || said->record.error))
      return said->record.error;
    now = es_now();
    if (now >= look) {
      if (look_at_child(s, said))
        return said->record.error;
      interval = interval < last_interval ? 2 * interval : interval;
      look = now + interval;
    }
    if (s->end >= 0 && now >= s->end)
      return look_at_child(s, said) ? said->record.error : ETIMEDOUT;
  }
}
