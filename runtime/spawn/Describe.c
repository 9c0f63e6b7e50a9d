//===- Describe.c - Errors in words ---------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The strerror_r of POSIX, and not the other one that glibc has.
#undef _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "Spawn.h"
#include <stdio.h>
#include <string.h>

static const char *step_name(enum elfspawn_step step) {
  switch (step) {
  case ELFSPAWN_STEP_NONE:
    return "nothing";
  case ELFSPAWN_STEP_REQUEST:
    return "the request";
  case ELFSPAWN_STEP_PREPARE:
    return "preparing";
  case ELFSPAWN_STEP_PROCESS:
    return "making a process";
  case ELFSPAWN_STEP_HELPER:
    return "running the helper";
  case ELFSPAWN_STEP_TIMEOUT:
    return "the target did not run in time";
  case ELFSPAWN_STEP_KILLED:
    return "the child was ended before it could run the target";
  case ELFSPAWN_STEP_WAIT:
    return "waiting for the child";
  case ELFSPAWN_STEP_OPEN:
    return "open";
  case ELFSPAWN_STEP_DUP:
    return "dup";
  case ELFSPAWN_STEP_CLOSE:
    return "close";
  case ELFSPAWN_STEP_INHERIT:
    return "inherit";
  case ELFSPAWN_STEP_WRITE:
    return "write";
  case ELFSPAWN_STEP_CHDIR:
    return "chdir";
  case ELFSPAWN_STEP_FCHDIR:
    return "fchdir";
  case ELFSPAWN_STEP_CHROOT:
    return "chroot";
  case ELFSPAWN_STEP_UMASK:
    return "umask";
  case ELFSPAWN_STEP_SESSION:
    return "session";
  case ELFSPAWN_STEP_PROCESS_GROUP:
    return "process group";
  case ELFSPAWN_STEP_CONTROLLING_TERMINAL:
    return "controlling terminal";
  case ELFSPAWN_STEP_FOREGROUND:
    return "foreground process group";
  case ELFSPAWN_STEP_DEFAULT_SIGNALS:
    return "default signals";
  case ELFSPAWN_STEP_IGNORED_SIGNALS:
    return "ignored signals";
  case ELFSPAWN_STEP_LIMIT:
    return "resource limit";
  case ELFSPAWN_STEP_NICE:
    return "nice value";
  case ELFSPAWN_STEP_SCHEDULER:
  case ELFSPAWN_STEP_SCHEDULER_PRIORITY:
    return "scheduling policy";
  case ELFSPAWN_STEP_AFFINITY:
    return "processor affinity";
  case ELFSPAWN_STEP_IO_PRIORITY:
    return "I/O priority";
  case ELFSPAWN_STEP_OOM_SCORE:
    return "OOM score";
  case ELFSPAWN_STEP_GROUPS:
    return "supplementary groups";
  case ELFSPAWN_STEP_GROUP:
    return "group id";
  case ELFSPAWN_STEP_USER:
    return "user id";
  case ELFSPAWN_STEP_RESET_IDS:
    return "resetting ids";
  case ELFSPAWN_STEP_SECURE_BITS:
    return "secure bits";
  case ELFSPAWN_STEP_BOUNDING:
    return "bounding capabilities";
  case ELFSPAWN_STEP_INHERITABLE:
    return "inheritable capabilities";
  case ELFSPAWN_STEP_AMBIENT:
    return "ambient capabilities";
  case ELFSPAWN_STEP_KEEP_CAPABILITIES:
    return "keeping capabilities";
  case ELFSPAWN_STEP_RESTORE_CAPABILITIES:
    return "restoring capabilities";
  case ELFSPAWN_STEP_NO_NEW_PRIVILEGES:
    return "no new privileges";
  case ELFSPAWN_STEP_PARENT_DEATH_SIGNAL:
    return "parent-death signal";
  case ELFSPAWN_STEP_JOIN_NAMESPACE:
    return "joining a namespace";
  case ELFSPAWN_STEP_UNSHARE:
    return "unshare";
  case ELFSPAWN_STEP_CGROUP:
    return "cgroup";
  case ELFSPAWN_STEP_EXECUTE:
  case ELFSPAWN_STEP_EXECUTE_FD:
    return "execute";
  }
  return "unknown step";
}

char *elfspawn_describe(const struct elfspawn_error *error, char *buffer,
                        size_t size) {
  char reason[128];
  if (strerror_r(error->error, reason, sizeof(reason)) != 0)
    snprintf(reason, sizeof(reason), "error %d", error->error);
  const char *name = step_name(error->step);
  if (error->step == ELFSPAWN_STEP_TIMEOUT ||
      error->step == ELFSPAWN_STEP_KILLED)
    snprintf(buffer, size, "%s", name);
  else if (error->action >= 0)
    snprintf(buffer, size, "action %d (%s): %s", error->action, name, reason);
  else
    snprintf(buffer, size, "%s: %s", name, reason);
  return buffer;
}
