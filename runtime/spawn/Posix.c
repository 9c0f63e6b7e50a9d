//===- Posix.c - posix_spawn and its relatives ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Posix.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a caller has of the function: which of the two results, and whether PATH
   is searched. */
struct result {
  pid_t *pid;
  int *pidfd;
  bool search;
};

static int fill(elfspawn_t *request, bool search, const char *file,
                const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[],
                char *const envp[]) {
  // A null pointer is an empty environment, as it is for execve.
  static char *const nothing[] = {NULL};
  int error = search ? elfspawn_set_file(request, file, NULL)
                     : elfspawn_set_path(request, file);
  if (!error)
    error = elfspawn_set_arguments(request, argv ? argv : nothing);
  if (!error)
    error = elfspawn_set_environment(request, envp ? envp : nothing);
  if (!error)
    error = elfspawn_set_close_others(request, false);
  if (!error && attributes)
    error = es_posix_put_attributes(request, attributes);
  if (!error && actions)
    error = es_posix_put_actions(request, actions);
  return error;
}

static int start(const elfspawn_t *request, struct result result) {
  static const int streams[3] = {-1, -1, -1};
  struct elfspawn_child child;
  int error = es_start(request, streams, &child, NULL);
  if (error)
    return error;
  if (result.pidfd && child.pidfd < 0) {
    // Somebody took the last descriptor meanwhile.
    kill(child.pid, SIGKILL);
    while (syscall(SYS_wait4, child.pid, NULL, 0, NULL) < 0 && errno == EINTR)
      ;
    return EMFILE;
  }
  if (result.pid)
    *result.pid = child.pid;
  if (result.pidfd)
    *result.pidfd = child.pidfd;
  else if (child.pidfd >= 0)
    syscall(SYS_close, child.pidfd); // close is a cancellation point.
  return 0;
}

static int spawn(struct result result, const char *file,
                 const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[],
                 char *const envp[]) {
  int before = errno;
  elfspawn_t *request = elfspawn_create();
  int error = ENOMEM;
  if (request)
    error = fill(request, result.search, file, actions, attributes, argv, envp);
  if (request && !error) {
    elfspawn_set_pidfd(request, result.pidfd != NULL);
    error = start(request, result);
  }
  elfspawn_free(request);
  errno = before;
  return error;
}

int elfspawn_posix_spawn(pid_t *__restrict pid, const char *__restrict path,
                         const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *__restrict attributes,
                         char *const argv[], char *const envp[]) {
  struct result result = {.pid = pid};
  return spawn(result, path, actions, attributes, argv, envp);
}

int elfspawn_posix_spawnp(pid_t *__restrict pid, const char *__restrict file,
                          const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *__restrict attributes,
                          char *const argv[], char *const envp[]) {
  struct result result = {.pid = pid, .search = true};
  return spawn(result, file, actions, attributes, argv, envp);
}

/* Whether a descriptor of a process can be had: asked before there is a child,
   as one that has begun to run cannot be taken back. Returns 0 or an errno
   value. */
static int try_pidfd(void) {
  enum { PIDFD_OPEN = 434 }; // On every architecture; libc may not know it.
  int before = errno, error = 0;
  long fd = syscall(PIDFD_OPEN, getpid(), 0);
  if (fd >= 0)
    syscall(SYS_close, fd);
  else if (errno == ENOSYS || errno == EMFILE || errno == ENFILE)
    error = errno;
  errno = before;
  return error;
}

static int spawn_pidfd(int *pidfd, bool search, const char *file,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const envp[]) {
  int error = try_pidfd();
  if (error)
    return error;
  struct result result = {.pidfd = pidfd, .search = search};
  return spawn(result, file, actions, attributes, argv, envp);
}

int elfspawn_pidfd_spawn(int *__restrict pidfd, const char *__restrict path,
                         const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *__restrict attributes,
                         char *const argv[], char *const envp[]) {
  return spawn_pidfd(pidfd, false, path, actions, attributes, argv, envp);
}

int elfspawn_pidfd_spawnp(int *__restrict pidfd, const char *__restrict file,
                          const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *__restrict attributes,
                          char *const argv[], char *const envp[]) {
  return spawn_pidfd(pidfd, true, file, actions, attributes, argv, envp);
}
