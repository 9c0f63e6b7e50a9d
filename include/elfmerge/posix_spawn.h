//===- posix_spawn.h - POSIX's way to start a process ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of <spawn.h> over libelfspawn, with its types and constants and
// with glibc's extensions. Each takes, does and returns what the function
// without the prefix does, for glibc 2.42's extensions too where libc has none
// of them.
//
// Objects of the two types belong to the functions that initialized them: one
// that libc's functions have set up is nothing for these, and the other way
// round.
//
// What is not elfspawn.h's way but POSIX's: descriptors that are not
// close-on-exec are inherited. For everything else (threads, errors in place of
// errno, memory that is copied) elfmerge/spawn.h holds. None is a cancellation
// point.
//
// All of it since version 0.1.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_POSIX_SPAWN_H
#define ELFMERGE_POSIX_SPAWN_H

#include "elfmerge/spawn.h"
#include <sched.h>
#include <spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef POSIX_SPAWN_USEVFORK
/** Allowed, and without effect. */
#define POSIX_SPAWN_USEVFORK 0x40
#endif
#ifndef POSIX_SPAWN_SETSID
#define POSIX_SPAWN_SETSID 0x80
#endif
#ifndef POSIX_SPAWN_SETCGROUP
#define POSIX_SPAWN_SETCGROUP 0x100
#endif

//===------------------------------ Starting ------------------------------===//

ELFSPAWN_API int elfspawn_posix_spawn(pid_t *__restrict pid,
                                      const char *__restrict path,
                                      const posix_spawn_file_actions_t *,
                                      const posix_spawnattr_t *__restrict,
                                      char *const argv[], char *const envp[]);
/** The file is looked up in what PATH is now. */
ELFSPAWN_API int elfspawn_posix_spawnp(pid_t *__restrict pid,
                                       const char *__restrict file,
                                       const posix_spawn_file_actions_t *,
                                       const posix_spawnattr_t *__restrict,
                                       char *const argv[], char *const envp[]);
/** As the two above with a descriptor of the process in place of its id.
   ENOSYS: the kernel has none (before 5.3). */
ELFSPAWN_API int elfspawn_pidfd_spawn(int *__restrict pidfd,
                                      const char *__restrict path,
                                      const posix_spawn_file_actions_t *,
                                      const posix_spawnattr_t *__restrict,
                                      char *const argv[], char *const envp[]);
ELFSPAWN_API int elfspawn_pidfd_spawnp(int *__restrict pidfd,
                                       const char *__restrict file,
                                       const posix_spawn_file_actions_t *,
                                       const posix_spawnattr_t *__restrict,
                                       char *const argv[], char *const envp[]);

//===----------------------------- Actions --------------------------------===//

ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_init(posix_spawn_file_actions_t *);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *);
/** EBADF, here and below: a number that no descriptor can have. */
ELFSPAWN_API int elfspawn_posix_spawn_file_actions_addopen(
    posix_spawn_file_actions_t *__restrict, int fd, const char *__restrict path,
    int flags, mode_t mode);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *,
                                           int fd);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *,
                                          int from, int to);
ELFSPAWN_API int elfspawn_posix_spawn_file_actions_addchdir(
    posix_spawn_file_actions_t *__restrict, const char *__restrict path);
ELFSPAWN_API int elfspawn_posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *__restrict, const char *__restrict path);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *,
                                            int fd);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *,
                                               int fd);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *,
                                                  int fd);
ELFSPAWN_API int
elfspawn_posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *,
                                                  int fd);

//===---------------------------- Attributes ------------------------------===//

ELFSPAWN_API int elfspawn_posix_spawnattr_init(posix_spawnattr_t *);
ELFSPAWN_API int elfspawn_posix_spawnattr_destroy(posix_spawnattr_t *);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getflags(const posix_spawnattr_t *__restrict,
                                  short *__restrict flags);
/** EINVAL: a flag that is none of those above and of POSIX. */
ELFSPAWN_API int elfspawn_posix_spawnattr_setflags(posix_spawnattr_t *,
                                                   short flags);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getpgroup(const posix_spawnattr_t *__restrict,
                                   pid_t *__restrict group);
ELFSPAWN_API int elfspawn_posix_spawnattr_setpgroup(posix_spawnattr_t *,
                                                    pid_t group);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getsigdefault(const posix_spawnattr_t *__restrict,
                                       sigset_t *__restrict set);
ELFSPAWN_API int
elfspawn_posix_spawnattr_setsigdefault(posix_spawnattr_t *__restrict,
                                       const sigset_t *__restrict set);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getsigmask(const posix_spawnattr_t *__restrict,
                                    sigset_t *__restrict set);
ELFSPAWN_API int
elfspawn_posix_spawnattr_setsigmask(posix_spawnattr_t *__restrict,
                                    const sigset_t *__restrict set);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getschedpolicy(const posix_spawnattr_t *__restrict,
                                        int *__restrict policy);
/** EINVAL: none of SCHED_OTHER, SCHED_FIFO and SCHED_RR. */
ELFSPAWN_API int elfspawn_posix_spawnattr_setschedpolicy(posix_spawnattr_t *,
                                                         int policy);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getschedparam(const posix_spawnattr_t *__restrict,
                                       struct sched_param *__restrict);
ELFSPAWN_API int
elfspawn_posix_spawnattr_setschedparam(posix_spawnattr_t *__restrict,
                                       const struct sched_param *__restrict);
ELFSPAWN_API int
elfspawn_posix_spawnattr_getcgroup_np(const posix_spawnattr_t *__restrict,
                                      int *__restrict fd);
ELFSPAWN_API int elfspawn_posix_spawnattr_setcgroup_np(posix_spawnattr_t *,
                                                       int fd);

#ifdef __cplusplus
}
#endif

#endif // ELFMERGE_POSIX_SPAWN_H
