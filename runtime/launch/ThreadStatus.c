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

/* Reads a file of /proc/self/task/TID; 0 or -errno. */
static long read_about(int tid, const char *name) {
  char path[48] = "/proc/self/task/";
  em_append_number(path, sizeof(path), tid);
  em_append(path, sizeof(path), name);
  long fd = em_syscall(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0);
  if (fd < 0)
    return fd;
  long size = em_syscall(SYS_pread64, fd, text, TEXT_SIZE - 1, 0);
  (void)em_syscall(SYS_close, fd);
  if (size < 0)
    return size;
  text[size] = 0;
  return 0;
}

enum { KEY_SIZE = 9 };

/* A set of signals; false: not to be known. */
static bool find_set(const char key[KEY_SIZE + 1], uint64_t *set) {
  const char *at = em_find(text, key);
  if (!at)
    return false;
  *set = 0;
  for (at += KEY_SIZE; *at && *at != '\n'; ++at)
    *set = *set << 4 | (*at <= '9' ? *at - '0' : *at - 'a' + 10);
  return true;
}

static bool set_of(int tid, const char key[KEY_SIZE + 1], uint64_t *set) {
  uint64_t signals = em_acquire(&em.status_lock);
  bool found = read_about(tid, "/status") == 0 && find_set(key, set);
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

static enum em_patience patience_with(int tid) {
  static const char key[] = "\nState:\t";
  uint64_t mask;
  long error = read_about(tid, "/status");
  if (error == -EM_ENOENT || error == -EM_ESRCH)
    return EM_NO_PATIENCE;
  if (error < 0 || !find_set("\nSigBlk:\t", &mask))
    return EM_SOME_PATIENCE;
  if (!(mask & SET(EM_SIGNAL)))
    return EM_ENDLESS_PATIENCE;
  /* Who waits for a lock leaves when it has it. */
  const char *state = em_find(text, key);
  bool sleeps = (!state || state[sizeof(key) - 1] == 'S') &&
                !atomic_load(&em.lock_waiters);
  return sleeps ? EM_NO_PATIENCE : EM_SOME_PATIENCE;
}

enum em_patience em_patience_with(int tid) {
  uint64_t signals = em_acquire(&em.status_lock);
  enum em_patience patience = patience_with(tid);
  em_release(&em.status_lock, signals);
  return patience;
}
