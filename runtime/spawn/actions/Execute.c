//===- Execute.c - The last operations: the target takes over -------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"

/* The target's arguments are behind ES_END; a null pointer if that is missing.
 */
static char **target_arguments(const struct es_run *run) {
  char **at = run->strings;
  while (at[0] && (at[0][0] != *ES_END || at[0][1]))
    ++at;
  return at[0] ? at + 1 : NULL;
}

/* The mask comes last: a signal that is let through now ends the target. */
static void announce(const struct es_run *run) {
  es_tell(run, (struct es_record){ES_EXECUTING, 0, 0});
  es_call(rt_sigprocmask, ES_SIG_SETMASK, &run->mask, 0, sizeof(run->mask));
}

/* What the kernel has no format for is a script of the shell's. Its name and
   the shell's go in front of what is left of the arguments: where argv[0] and
   ES_END were, or, with no argument at all, ES_END and the path before it. */
static long execute_by_shell(const struct es_run *run, const char *path,
                             char **arguments) {
  static const char shell[] = "/bin/sh";
  char **at = arguments[0] ? arguments - 1 : arguments - 2;
  char *before[2] = {at[0], at[1]};
  at[0] = (char *)shell;
  at[1] = (char *)path;
  long result = es_call(execve, shell, at, run->environment);
  at[0] = before[0];
  at[1] = before[1];
  return result;
}

/* Somebody who forked at the wrong moment may hold for a while what was being
   written then: an eighth of a second, all in all, is waited for that to end.
 */
static long execute_when_written(const struct es_run *run, const char *path,
                                 char **arguments) {
  const long most = 64000000;
  for (long pause[2] = {0, 1000000};; pause[1] *= 2) {
    long result = es_call(execve, path, arguments, run->environment);
    if (result != -ES_ETXTBSY || pause[1] > most)
      return result;
    es_call(nanosleep, pause, 0);
  }
}

static long execute_path(const struct es_run *run, const char *path,
                         char **arguments) {
  long result = execute_when_written(run, path, arguments);
  if (result == -ES_ENOEXEC && run->shell)
    result = execute_by_shell(run, path, arguments);
  return result;
}

/* As execvp does: a path that is not there, or cannot be looked at, leaves the
   next one its chance; one that may not be executed too, but is remembered. */
static bool goes_on(long result) {
  switch (-result) {
  case ES_EACCES:
  case ES_ENOENT:
  case ES_ENOTDIR:
  case ES_ESTALE:
  case ES_ENODEV:
  case ES_ETIMEDOUT:
    return true;
  }
  return false;
}

long es_execute(struct es_run *run, int first, int *position) {
  char **arguments = target_arguments(run);
  long denied = 0, result = 0;
  if (!arguments)
    return -ES_EINVAL;
  announce(run);
  for (int n = first; *run->strings[n] == ES_EXEC; ++n) {
    result = execute_path(run, es_path(run->strings[n] + 1), arguments);
    if (!denied || !goes_on(result))
      *position = n;
    if (!goes_on(result))
      return result;
    if (result == -ES_EACCES)
      denied = result;
  }
  return denied ? denied : result;
}

long es_do_execfd(struct es_run *run, const char *at) {
  char **arguments = target_arguments(run);
  if (!arguments)
    return -ES_EINVAL;
  announce(run);
  return es_call(execveat, es_int(&at), "", arguments, run->environment,
                 ES_AT_EMPTY_PATH);
}

long es_do_shell(struct es_run *run, const char *at) {
  (void)at;
  run->shell = true;
  return 0;
}
