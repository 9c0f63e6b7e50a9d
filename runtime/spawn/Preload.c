//===- Preload.c - libc's functions over the library ----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libelfspawn-preload.so: under LD_PRELOAD, or linked before libc, a program
// that knows nothing of elfspawn starts its children by it. The functions keep
// libc's names and meaning; the two types are the library's own inside, which
// is why all functions on them are here, and why nothing else is (Preload.map).
//
// A stream of popen's that is closed by fclose is closed, but its child is not
// waited for; with libc's it is.
//
//===----------------------------------------------------------------------===//

#include "Posix.h"
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

// Those that the libc we are built with may not declare.
EXPORT int pidfd_spawn(int *, const char *, const posix_spawn_file_actions_t *,
                       const posix_spawnattr_t *, char *const[], char *const[]);
EXPORT int pidfd_spawnp(int *, const char *, const posix_spawn_file_actions_t *,
                        const posix_spawnattr_t *, char *const[],
                        char *const[]);
EXPORT int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *,
                                             const char *);
EXPORT int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *,
                                              int);
EXPORT int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *,
                                                const char *);
EXPORT int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *,
                                                 int);
EXPORT int
posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
EXPORT int
posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *, int);
EXPORT int posix_spawnattr_getcgroup_np(const posix_spawnattr_t *, int *);
EXPORT int posix_spawnattr_setcgroup_np(posix_spawnattr_t *, int);

EXPORT int posix_spawn(pid_t *pid, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const envp[]) {
  return elfspawn_posix_spawn(pid, path, actions, attributes, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file,
                        const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const envp[]) {
  return elfspawn_posix_spawnp(pid, file, actions, attributes, argv, envp);
}

EXPORT int pidfd_spawn(int *pidfd, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const envp[]) {
  return elfspawn_pidfd_spawn(pidfd, path, actions, attributes, argv, envp);
}

EXPORT int pidfd_spawnp(int *pidfd, const char *file,
                        const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const envp[]) {
  return elfspawn_pidfd_spawnp(pidfd, file, actions, attributes, argv, envp);
}

EXPORT int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions) {
  return elfspawn_posix_spawn_file_actions_init(actions);
}

EXPORT int
posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions) {
  return elfspawn_posix_spawn_file_actions_destroy(actions);
}

EXPORT int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions,
                                            int fd, const char *path, int flags,
                                            mode_t mode) {
  return elfspawn_posix_spawn_file_actions_addopen(actions, fd, path, flags,
                                                   mode);
}

EXPORT int
posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd) {
  return elfspawn_posix_spawn_file_actions_addclose(actions, fd);
}

EXPORT int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions,
                                            int from, int to) {
  return elfspawn_posix_spawn_file_actions_adddup2(actions, from, to);
}

EXPORT int
posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions,
                                  const char *path) {
  return elfspawn_posix_spawn_file_actions_addchdir(actions, path);
}

EXPORT int
posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions,
                                     const char *path) {
  return elfspawn_posix_spawn_file_actions_addchdir_np(actions, path);
}

EXPORT int
posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *actions,
                                   int fd) {
  return elfspawn_posix_spawn_file_actions_addfchdir(actions, fd);
}

EXPORT int
posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *actions,
                                      int fd) {
  return elfspawn_posix_spawn_file_actions_addfchdir_np(actions, fd);
}

EXPORT int
posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions,
                                         int fd) {
  return elfspawn_posix_spawn_file_actions_addclosefrom_np(actions, fd);
}

EXPORT int
posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *actions,
                                         int fd) {
  return elfspawn_posix_spawn_file_actions_addtcsetpgrp_np(actions, fd);
}

EXPORT int posix_spawnattr_init(posix_spawnattr_t *attributes) {
  return elfspawn_posix_spawnattr_init(attributes);
}

EXPORT int posix_spawnattr_destroy(posix_spawnattr_t *attributes) {
  return elfspawn_posix_spawnattr_destroy(attributes);
}

EXPORT int posix_spawnattr_getflags(const posix_spawnattr_t *attributes,
                                    short *flags) {
  return elfspawn_posix_spawnattr_getflags(attributes, flags);
}

EXPORT int posix_spawnattr_setflags(posix_spawnattr_t *attributes,
                                    short flags) {
  return elfspawn_posix_spawnattr_setflags(attributes, flags);
}

EXPORT int posix_spawnattr_getpgroup(const posix_spawnattr_t *attributes,
                                     pid_t *group) {
  return elfspawn_posix_spawnattr_getpgroup(attributes, group);
}

EXPORT int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes,
                                     pid_t group) {
  return elfspawn_posix_spawnattr_setpgroup(attributes, group);
}

EXPORT int posix_spawnattr_getsigdefault(const posix_spawnattr_t *attributes,
                                         sigset_t *set) {
  return elfspawn_posix_spawnattr_getsigdefault(attributes, set);
}

EXPORT int posix_spawnattr_setsigdefault(posix_spawnattr_t *attributes,
                                         const sigset_t *set) {
  return elfspawn_posix_spawnattr_setsigdefault(attributes, set);
}

EXPORT int posix_spawnattr_getsigmask(const posix_spawnattr_t *attributes,
                                      sigset_t *set) {
  return elfspawn_posix_spawnattr_getsigmask(attributes, set);
}

EXPORT int posix_spawnattr_setsigmask(posix_spawnattr_t *attributes,
                                      const sigset_t *set) {
  return elfspawn_posix_spawnattr_setsigmask(attributes, set);
}

EXPORT int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *attributes,
                                          int *policy) {
  return elfspawn_posix_spawnattr_getschedpolicy(attributes, policy);
}

EXPORT int posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes,
                                          int policy) {
  return elfspawn_posix_spawnattr_setschedpolicy(attributes, policy);
}

EXPORT int posix_spawnattr_getschedparam(const posix_spawnattr_t *attributes,
                                         struct sched_param *parameters) {
  return elfspawn_posix_spawnattr_getschedparam(attributes, parameters);
}

EXPORT int posix_spawnattr_setschedparam(posix_spawnattr_t *attributes,
                                         const struct sched_param *parameters) {
  return elfspawn_posix_spawnattr_setschedparam(attributes, parameters);
}

EXPORT int posix_spawnattr_getcgroup_np(const posix_spawnattr_t *attributes,
                                        int *fd) {
  return elfspawn_posix_spawnattr_getcgroup_np(attributes, fd);
}

EXPORT int posix_spawnattr_setcgroup_np(posix_spawnattr_t *attributes, int fd) {
  return elfspawn_posix_spawnattr_setcgroup_np(attributes, fd);
}

EXPORT FILE *popen(const char *command, const char *mode) {
  return es_popen(command, mode, true);
}

EXPORT int pclose(FILE *file) { return es_pclose(file, true); }

EXPORT int system(const char *command) { return es_system(command, true); }
