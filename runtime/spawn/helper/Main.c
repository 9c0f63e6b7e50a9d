//===- Main.c - The helper: a request, and then another program -----------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"

ES_HIDDEN _Noreturn void es_helper(uintptr_t *stack);

static bool is_equal(const char *a, const char *b) {
  while (*a && *a == *b)
    ++a, ++b;
  return *a == *b;
}

static _Noreturn void leave(void) {
  for (;;)
    es_call(exit_group, 127);
}

static _Noreturn void refuse(void) {
  static const char message[] =
      "elfspawn-helper: error: argv[0] is not " ES_MAGIC
      ": this program is run by libelfspawn\n";
  es_call(write, 2, message, sizeof(message) - 1);
  leave();
}

void es_helper(uintptr_t *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  if (argc < 2 || !is_equal(argv[0], ES_MAGIC))
    refuse();
  const char *at = argv[1];
  struct es_run run = {
      .strings = argv, .environment = argv + argc + 1, .closed_above = -1};
  run.report = es_int(&at);
  run.parent = es_int(&at);
  run.flags = (unsigned)es_number(&at);
  run.mask = es_number(&at);
  es_call(fcntl, run.report, ES_F_SETFD, ES_FD_CLOEXEC);
  struct es_record record = {ES_HELLO, 0, 0};
  es_tell(&run, record);
  es_carry_out(&run, &record);
  es_tell(&run, record);
  leave();
}
