//===- Posix.h - Inside posix_spawn, popen and system ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_POSIX_H
#define ELFMERGE_RUNTIME_SPAWN_POSIX_H

#include "Spawn.h"
#include "elfmerge/posix_spawn.h"

enum es_posix_kind {
  ES_POSIX_OPEN,
  ES_POSIX_CLOSE,
  ES_POSIX_DUP,
  ES_POSIX_CHDIR,
  ES_POSIX_FCHDIR,
  ES_POSIX_CLOSE_FROM,
  ES_POSIX_FOREGROUND,
};

struct es_posix_action {
  enum es_posix_kind kind;
  int fd;
  int to;    ///< of ES_POSIX_DUP
  int flags; ///< of ES_POSIX_OPEN, as mode is
  mode_t mode;
  char *path; ///< owned; of ES_POSIX_OPEN and ES_POSIX_CHDIR
};

// What we keep inside <spawn.h>'s types. A caller declares those, so they
// alias.

typedef struct __attribute__((may_alias)) {
  int room, used;
  struct es_posix_action *actions;
} es_posix_actions;

typedef struct __attribute__((may_alias)) {
  short flags;
  pid_t group;
  sigset_t default_signals, mask;
  int priority, policy, cgroup;
} es_posix_attributes;

_Static_assert(sizeof(es_posix_actions) <= sizeof(posix_spawn_file_actions_t),
               "libc's type has no room for our actions");
_Static_assert(sizeof(es_posix_attributes) <= sizeof(posix_spawnattr_t),
               "libc's type has no room for our attributes");
_Static_assert(_Alignof(es_posix_actions) <=
                       _Alignof(posix_spawn_file_actions_t) &&
                   _Alignof(es_posix_attributes) <= _Alignof(posix_spawnattr_t),
               "libc's types are aligned to less than ours");

/** Puts POSIX's actions and attributes into a request. Each returns 0 or an
   errno value. */
ES_HIDDEN int es_posix_put_actions(elfspawn_t *,
                                   const posix_spawn_file_actions_t *);
ES_HIDDEN int es_posix_put_attributes(elfspawn_t *, const posix_spawnattr_t *);

/** popen, pclose and system; with \p inherit as libc's: the child gets all
    descriptors that are not close-on-exec, and pclose closes any stream. */
ES_HIDDEN FILE *es_popen(const char *command, const char *mode, bool inherit);
ES_HIDDEN int es_pclose(FILE *, bool any);
ES_HIDDEN int es_system(const char *command, bool inherit);

#endif // ELFMERGE_RUNTIME_SPAWN_POSIX_H
