//===- Await.c - Until the helper says no more ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The report's end is closed by the exec of the target: that is the sign that
// it runs. Somebody else who forked at the wrong moment may have a copy of it,
// for as long as that process lives; so when nothing comes for a while, /proc
// is asked which program the child is.
//
//===----------------------------------------------------------------------===//

#include "Spawn.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

/* Milliseconds to wait, for the caller and until /proc is asked. */
static int next_wait(int64_t end, int *slice) {
  int wait = *slice;
  if (*slice < 1000)
    *slice *= 2;
  if (end >= 0) {
    int64_t left = end - es_now();
    if (left <= 0)
      return 0;
    if (left < wait)
      wait = (int)left;
  }
  return wait;
}

int es_await(int fd, pid_t pid, const struct es_identity *identity,
             int milliseconds, struct es_said *said) {
  int64_t end = milliseconds < 0 ? -1 : es_now() + milliseconds;
  int slice = 20;
  size_t have = 0;
  struct es_record got;
  for (;;) {
    int wait = next_wait(end, &slice);
    struct pollfd p = {fd, POLLIN, 0};
    int ready = poll(&p, 1, wait);
    if (ready == 0 && said->hello && !is_helper(pid, identity))
      return 0;
    if (ready == 0 && end >= 0 && es_now() >= end)
      return ETIMEDOUT;
    if (ready <= 0)
      continue;
    ssize_t size = read(fd, (char *)&got + have, sizeof(got) - have);
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return 0;
    have += (size_t)size;
    if (have != sizeof(got))
      continue;
    have = 0;
    if (got.step == ES_HELLO)
      said->hello = true;
    else if (got.step == ES_WENT_DIRECT)
      said->image_error = got.error;
    else
      return (said->record = got).error;
  }
}
