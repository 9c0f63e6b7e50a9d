//===- Spawn.h - Inside the library ---------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_SPAWN_H
#define ELFMERGE_RUNTIME_SPAWN_SPAWN_H

#include "Child.h"
#include "elfmerge/spawn.h"
#include <stdatomic.h>

/** Attributes in the order in which they are carried out. */
enum es_attribute {
  ES_ATTR_CGROUP,
  ES_ATTR_SESSION,
  ES_ATTR_GROUP_OF_PROCESSES,
  ES_ATTR_SIGDEFAULT,
  ES_ATTR_SIGIGNORE,
  ES_ATTR_NICE,
  ES_ATTR_SCHEDULER,
  ES_ATTR_SCHEDPARAM,
  ES_ATTR_AFFINITY,
  ES_ATTR_IOPRIO,
  ES_ATTR_OOM_SCORE,
  ES_ATTR_RESETIDS,
  ES_ATTR_ACTIONS, ///< no attribute: here the actions have their place
  ES_ATTR_LIMIT,
  ES_ATTR_LIMIT_LAST = ES_ATTR_LIMIT + 15,
  ES_ATTR_SECUREBITS,
  ES_ATTR_BOUNDING,
  ES_ATTR_GROUPS,
  ES_ATTR_GROUP,
  ES_ATTR_KEEPCAPS,
  ES_ATTR_USER,
  ES_ATTR_INHERITABLE,
  ES_ATTR_AMBIENT,
  ES_ATTR_NONEWPRIVS,
  ES_ATTR_PDEATHSIG,
  ES_ATTR_SIGMASK,
  ES_ATTR_COUNT,
};

struct es_action {
  char *string;
  /** A descriptor that the action reads and one that it makes; -1: none. */
  int source, target;
};

struct es_list {
  char **items; ///< a null pointer at the end, once there is one
  size_t count;
};

struct elfspawn {
  int error; ///< the first one
  char *attributes[ES_ATTR_COUNT];
  struct es_action *actions;
  size_t action_count, action_room;
  struct es_list paths; ///< ES_EXEC strings
  struct es_list arguments, environment;
  struct es_list variables; ///< NAME=VALUE, or NAME to remove it
  char *argv0;
  char *file; ///< what elfspawn_set_file said, for argv[0]
  void *input;
  size_t input_size;
  int executable, cgroup;
  size_t groups; ///< how many, for the child's stack
  int timeout;
  enum elfspawn_policy policy;
  bool has_input, shell, keep_others, no_pidfd;
  bool may_block, changes_credentials;
  _Atomic(struct es_encoded *) encoded;
};

/** A request ready to go. Made at the first start, not changed any more. */
struct es_encoded {
  /** Strings from ES_FIRST_STRING on, ES_END, argv and a null pointer. */
  char **strings;
  size_t count; ///< with the null pointer
  /** Of each string up to the paths: the number of its action, or -1. */
  int *action_of;
  /** The parent's descriptors that the child needs, and all numbers that it
      names, 0 to 2 among them. */
  int *needed, *named;
  size_t needed_count, named_count;
  int highest;         ///< of the needed ones, at least 2
  size_t stack;        ///< bytes, beyond what any child needs
  size_t most_cloexec; ///< bytes of ES_CLOEXEC for all that are needed
};

/** The strings in front of these differ from start to start. */
enum { ES_FIRST_STRING = ES_SLOT_END };

ES_HIDDEN int es_encode(const elfspawn_t *, struct es_encoded **);
ES_HIDDEN void es_free_encoded(struct es_encoded *);

/** Internal attributes: those of posix_spawn. */
ES_HIDDEN int es_set_reset_ids(elfspawn_t *, bool);
ES_HIDDEN int es_set_scheduler_priority(elfspawn_t *, int priority);

/** elfspawn_start with, before the actions, descriptors put in the place of 0,
   1 and 2; -1: none. They are neither 0, 1 nor 2. */
ES_HIDDEN int es_start(const elfspawn_t *, const int streams[3],
                       struct elfspawn_child *, struct elfspawn_error *);

/** An environment with the request's changes: new pointers, to be given to
   free, to old strings. NULL: no memory. */
ES_HIDDEN char **es_change_environment(const elfspawn_t *, char **from);

/** The helper in memory or, as \p is_file says, its file. The descriptor stays
    the library's. Returns 0 or an errno value. \p path is what
    elfspawn_set_helper_file said. */
ES_HIDDEN int es_image(struct es_descriptor *image, bool *is_file,
                       const char **path);
/** The same if it was made already; else the descriptor is -1. */
ES_HIDDEN struct es_descriptor es_own_image(void);
/** Fills in which file a descriptor is. Returns 0 or an errno value. */
ES_HIDDEN int es_identify(struct es_descriptor *);
/** What es_image returned is not that file any more. */
ES_HIDDEN void es_drop_image(const struct es_descriptor *);

/** waitid for a child by its pidfd, which unlike the number is never another
    process's; -1: there is none. */
ES_HIDDEN int es_waitid(pid_t pid, int pidfd, siginfo_t *info, int options);

/** Kills a child, by its pidfd if that can be done; -1: there is none. */
ES_HIDDEN void es_kill(pid_t pid, int pidfd);

/** A descriptor above 2 in the place of \p fd, which is closed; close-on-exec.
    Returns -1 with errno. */
ES_HIDDEN int es_above_streams(int fd);

/** Writes all of it to a file in memory. Returns 0 or an errno value: EFBIG,
   without SIGXFSZ, if RLIMIT_FSIZE does not allow it. */
ES_HIDDEN int es_write_all(int fd, const void *data, size_t size);

/** Milliseconds of CLOCK_MONOTONIC. */
ES_HIDDEN int64_t es_now(void);

#endif // ELFMERGE_RUNTIME_SPAWN_SPAWN_H
