//===- overhead.c - What utils/bench/overhead measures in C ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// overhead serve FILE PROGRAM   carries out what its standard input asks for:
//                               a line "NAME N" is answered with the
//                               nanoseconds that N rounds of NAME took, elapsed
//                               and of the processor. FILE is an ordinary file,
//                               PROGRAM one to execute.
// overhead idle                 sleeps until nobody can read what it writes
// overhead nothing              ends at once
//
//===----------------------------------------------------------------------===//

#include "overhead.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void fail(const char *what) {
  fprintf(stderr, "overhead: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static int64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

struct times now(void) {
  struct times t;
  t.elapsed = read_clock(CLOCK_MONOTONIC);
  t.processor = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  return t;
}

struct times since(struct times begin) {
  struct times end = now();
  return (struct times){end.elapsed - begin.elapsed,
                        end.processor - begin.processor};
}

static struct times time_of(void (*work)(long), long count) {
  struct times begin = now();
  work(count);
  return since(begin);
}

static const struct workload *find(const struct workload *w, const char *name) {
  while (w->name && strcmp(name, w->name))
    ++w;
  return w->name ? w : NULL;
}

static struct times time_of_workload(const char *name, long count) {
  const struct workload *w = find(call_workloads, name);
  if (!w)
    w = find(thread_workloads, name);
  errno = EINVAL;
  check(w, name);
  if (w->measure)
    return w->measure(count);
  return w->threads ? time_of_threads(w->threads, w->work, count)
                    : time_of(w->work, count);
}

static void serve(void) {
  char line[128], name[64];
  long count;
  while (fgets(line, sizeof(line), stdin)) {
    if (sscanf(line, "%63s %ld", name, &count) != 2)
      exit(2);
    struct times t = time_of_workload(name, count);
    printf("%lld %lld\n", (long long)t.elapsed, (long long)t.processor);
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[1], "serve")) {
    prepare_calls(argv[2]);
    prepare_threads(argv[3]);
    serve();
  } else if (argc == 2 && !strcmp(argv[1], "idle")) {
    struct pollfd output = {.fd = STDOUT_FILENO};
    check(poll(&output, 1, -1) == 1, "poll");
  }
  return 0;
}
