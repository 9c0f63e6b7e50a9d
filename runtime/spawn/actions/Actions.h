//===- Actions.h - Carrying a request out ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Freestanding: compiled into the helper and into the library, where it runs in
// a child that shares the parent's memory. So it calls the kernel and nothing
// else, and writes to its own stack and to what it was given only.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_ACTIONS_H
#define ELFMERGE_RUNTIME_SPAWN_ACTIONS_H

#include "Request.h"
#include "spawn_arch.h"
#include "syscall.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_HIDDEN __attribute__((visibility("hidden")))

enum {
#define ES_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#define ES_PARENT_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#include "SystemCalls.def"
};

#define es_call(NAME, ...) ES_CALL_(SYS_##NAME, __VA_ARGS__, 0, 0, 0, 0, 0)
#define ES_CALL_(nr, a, b, c, d, e, ...)                                       \
  em_syscall5(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

/** A request on its way. */
struct es_run {
  /** All strings: ES_MAGIC, the numbers, the operations, ES_END, the target's
      argv and a null pointer. ES_END and the one beside it are overwritten if
      ES_SHELL has to act, and only then. */
  char **strings;
  char **environment;
  /** What argv[1] has. */
  int report, parent;
  unsigned flags;
  uint64_t mask;
  /** Descriptors above this one were closed before, unless it is negative. */
  int closed_above;
  /** Filled in by the operations. */
  bool shell;
};

/** Carries out what the strings say. Returns only when something failed. */
ES_HIDDEN void es_carry_out(struct es_run *run, struct es_record *failure);

/** Executes the first of the paths, all of which are ES_EXEC. Returns a
   negative errno; *position is the path it is about. */
ES_HIDDEN long es_execute(struct es_run *run, int first, int *position);

/** Writes to run's report, if there is one. If nobody reads it, the target is
   not to die of that. */
ES_HIDDEN void es_tell(const struct es_run *run, struct es_record record);

/** The number that begins at *text, which then stands behind it and a comma. */
ES_HIDDEN uint64_t es_number(const char **text);
ES_HIDDEN int es_int(const char **text);
/** The path behind the colon at *text. */
ES_HIDDEN const char *es_path(const char *text);

/** An operation gets its operands and returns 0 or a negative errno. */
typedef long es_operation(struct es_run *run, const char *operands);

/** In place of an operation that was left out of a helper. */
ES_HIDDEN es_operation es_missing;

#define ES_OPERATION(LETTER, NAME) ES_HIDDEN es_operation es_do_##NAME;
#include "Operations.def"

// What the kernel and libc's headers name alike on every machine we know.
enum {
  ES_EPERM = 1,
  ES_ENOENT = 2,
  ES_ESRCH = 3,
  ES_EINTR = 4,
  ES_ENOEXEC = 8,
  ES_EBADF = 9,
  ES_EACCES = 13,
  ES_ENODEV = 19,
  ES_ENOTDIR = 20,
  ES_EINVAL = 22,
  ES_EMFILE = 24,
  ES_EPIPE = 32,
  ES_ETXTBSY = 26,
  ES_ENOSYS = 38,
  ES_ETIMEDOUT = 110,
  ES_ESTALE = 116,
  ES_AT_FDCWD = -100,
  ES_AT_EMPTY_PATH = 0x1000,
  ES_O_WRONLY = 1,
  ES_O_CLOEXEC = 02000000,
  ES_F_SETFD = 2,
  ES_F_GETFD = 1,
  ES_F_DUPFD_CLOEXEC = 1030,
  ES_FD_CLOEXEC = 1,
  ES_SIG_BLOCK = 0,
  ES_SIG_SETMASK = 2,
  ES_CLOSE_RANGE_UNSHARE = 2,
  ES_CLONE_FILES = 0x400,
};

#endif // ELFMERGE_RUNTIME_SPAWN_ACTIONS_H
