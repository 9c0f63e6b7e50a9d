//===- Interpret.c - A request, string by string --------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"

uint64_t es_number(const char **text) {
  const char *at = *text;
  bool negative = *at == '-';
  uint64_t value = 0;
  for (at += negative;; ++at) {
    unsigned digit;
    if (*at >= '0' && *at <= '9')
      digit = *at - '0';
    else if (*at >= 'a' && *at <= 'f')
      digit = *at - 'a' + 10;
    else
      break;
    value = value << 4 | digit;
  }
  *text = at + (*at == ',');
  return negative ? -value : value;
}

int es_int(const char **text) { return (int)es_number(text); }

const char *es_path(const char *text) { return text + (*text == ':'); }

long es_missing(struct es_run *run, const char *operands) {
  (void)run;
  (void)operands;
  return -ES_ENOSYS;
}

static long carry_out_one(struct es_run *run, const char *string) {
  switch (*string) {
#define ES_OPERATION(LETTER, NAME)                                             \
  case LETTER:                                                                 \
    return es_do_##NAME(run, string + 1);
#include "Operations.def"
  }
  return -ES_EINVAL;
}

/* To ignore a signal is to forget one that waits. */
static void forget_signal(int signal) {
  uintptr_t ignore[8] = {1}, before[8];
  const size_t set_size = sizeof(uint64_t);
  if (es_call(rt_sigaction, signal, ignore, before, set_size) == 0)
    es_call(rt_sigaction, signal, before, 0, set_size);
}

void es_tell(const struct es_run *run, struct es_record record) {
  enum { SIGPIPE = 13 };
  if (run->report >= 0 &&
      es_call(write, run->report, &record, sizeof(record)) == -ES_EPIPE)
    forget_signal(SIGPIPE);
}

void es_carry_out(struct es_run *run, struct es_record *failure) {
  char **strings = run->strings;
  for (int n = 2;; ++n) {
    long result = -ES_EINVAL;
    *failure = (struct es_record){ES_REQUEST, n, ES_EINVAL};
    if (!strings[n])
      return;
    failure->step = *strings[n];
    if (*strings[n] == ES_EXEC)
      result = es_execute(run, n, &failure->position);
    else if (*strings[n] == *ES_END)
      failure->step = ES_REQUEST;
    else
      result = carry_out_one(run, strings[n]);
    if (result < 0) {
      failure->error = (int32_t)-result;
      return;
    }
  }
}
