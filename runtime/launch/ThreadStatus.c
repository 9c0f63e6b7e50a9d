//===- ThreadStatus.c - What /proc says of a thread -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

enum { TEXT_SIZE = 2048 };

/* With the lock held. Too large for a program's stack: a goroutine has some 800
   bytes below a system call. */
static char text[TEXT_SIZE];

static long open_status(int tid) {
  char path[48] = "/proc/self/task/";
  em_append_number(path, sizeof(path), tid);
  em_append(path, sizeof(path), "/status");
  return em_syscall(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0);
}

enum { LONGEST_LINE = 64 }; /* of those that are looked for */

/* What stands behind the key of a line; null: it is not there. Reads the file
   in pieces that overlap: who is in many groups has a long one. */
static const char *find_line(long fd, const char *key) {
  enum { STEP = TEXT_SIZE - 1 - LONGEST_LINE };
  for (long at = 0;; at += STEP) {
    long size = em_syscall(SYS_pread64, fd, text, TEXT_SIZE - 1, at);
    if (size <= 0)
      return NULL;
    text[size] = 0;
    const char *found = em_find(text, key);
    bool is_whole = size < TEXT_SIZE - 1 || found - text < STEP;
    if (found && is_whole)
      return found + em_length(key);
    if (size < TEXT_SIZE - 1)
      return NULL;
  }
}

/* A set of signals; false: not to be known. */
static bool find_set(long fd, const char *key, uint64_t *set) {
  const char *at = find_line(fd, key);
  if (!at)
    return false;
  for (*set = 0; *at && *at != '\n'; ++at)
    *set = *set << 4 | (*at <= '9' ? *at - '0' : *at - 'a' + 10);
  return true;
}

static bool set_of(int tid, const char *key, uint64_t *set) {
  uint64_t signals = em_acquire(&em.status_lock);
  long fd = open_status(tid);
  bool found = fd >= 0 && find_set(fd, key, set);
  if (fd >= 0)
    (void)em_syscall(SYS_close, fd);
  em_release(&em.status_lock, signals);
  return found;
}

bool em_mask_of(int tid, uint64_t *mask) {
  const struct task *t = em_task(tid);
  if (!atomic_load(&t->mask_counts))
    return set_of(tid, "\nSigBlk:\t", mask);
  *mask = t->mask;
  return true;
}

bool em_pending_of(int tid, uint64_t *set) {
  return set_of(tid, "\nSigPnd:\t", set);
}

/* Of a thread whose file is open. */
static enum em_patience patience_of(long fd) {
  uint64_t mask;
  if (!find_set(fd, "\nSigBlk:\t", &mask))
    return EM_SOME_PATIENCE;
  if (!(mask & SET(EM_SIGNAL)))
    return EM_ENDLESS_PATIENCE;
  /* Who waits for a lock leaves when it has it. */
  const char *state = find_line(fd, "\nState:\t");
  bool sleeps = (!state || *state == 'S') && !atomic_load(&em.lock_waiters);
  return sleeps ? EM_NO_PATIENCE : EM_SOME_PATIENCE;
}

static enum em_patience patience_with(int tid) {
  if (em_syscall(SYS_tgkill, em.pid, tid, 0) == -EM_ESRCH)
    return EM_NO_PATIENCE;
  long fd = open_status(tid);
  if (fd < 0)
    return EM_SOME_PATIENCE;
  enum em_patience patience = patience_of(fd);
  (void)em_syscall(SYS_close, fd);
  return patience;
}

enum em_patience em_patience_with(int tid) {
  uint64_t signals = em_acquire(&em.status_lock);
  enum em_patience patience = patience_with(tid);
  em_release(&em.status_lock, signals);
  return patience;
}
