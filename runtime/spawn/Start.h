//===- Start.h - One start, from attempt to attempt -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_START_H
#define ELFMERGE_RUNTIME_SPAWN_START_H

#include "Spawn.h"

/** What the system was found to refuse; nothing of it is tried again. */
struct es_refused {
  atomic_bool clone3, pidfd, sharing, shared_table, opening_anew, helper;
};
extern struct es_refused es_refused ES_HIDDEN;

/** One start. */
struct es_start {
  const elfspawn_t *request;
  const struct es_encoded *e;
  struct es_child child;
  struct es_result result;
  char **strings;
  void *stack;
  size_t stack_size;
  int pipe[2], input, pidfd;
  int64_t end; ///< in es_now's milliseconds; -1: none
  bool is_file;
  unsigned details;
  pid_t pid;
  /** The child is nobody's to wait for by accident until it has executed
      something: its death signal is 0. */
  bool is_quiet;
  bool wants_pidfd;
  /** No child was made: one that shares nothing has to have a report. */
  bool lacks_report;
};

/** What a child says. */
struct es_said {
  bool hello, executing;
  bool is_lost;    ///< somebody has closed the report
  int image_error; ///< why it went on without the helper
  struct es_record record;
};

/** Waits until the child runs its target or has ended, or until \p end. Returns
   0, ETIMEDOUT, or the error of the record. */
ES_HIDDEN int es_await(const struct es_start *, struct es_said *);

/** waitid for the child, by its pidfd if it has one. */
ES_HIDDEN int es_wait_for(const struct es_start *, siginfo_t *, int options);

/** Makes the child that \p start describes, with all signals blocked while it
    shares memory. Returns its process id or a negative errno. */
ES_HIDDEN long es_clone_child(struct es_start *start);

/** What came of a child that es_clone_child has made. EAGAIN with no step in
    \p error: another attempt is due. */
ES_HIDDEN int es_outcome(struct es_start *, struct elfspawn_error *error);

/** Whether a child's memory was seen to be the parent's. */
extern atomic_bool es_memory_is_shared ES_HIDDEN;

/** Whether the request may not go direct: whoever shares memory cannot be given
    up after a while. */
ES_HIDDEN bool es_needs_helper(const elfspawn_t *);

/** Fills in the error, which is about no action. Returns \p value. */
ES_HIDDEN int es_fail(struct elfspawn_error *error, int step, int value);

ES_HIDDEN void es_close_if_open(int fd);

#endif // ELFMERGE_RUNTIME_SPAWN_START_H
