//===- overhead.h - What the workloads of overhead.c share ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OVERHEAD_H
#define OVERHEAD_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds: elapsed, and of the processor for all threads. In an image those
   of idle instances are among them, and have none. */
struct times {
  int64_t elapsed, processor;
};

struct times now(void);
struct times since(struct times begin);

/** Says what failed and why, as errno has it, and ends. */
_Noreturn void fail(const char *what);

static inline void check(bool good, const char *what) {
  if (!good)
    fail(what);
}

struct workload {
  const char *name;
  void (*work)(long count);
  int threads; /* 0: on the thread that serves */
  /* Work that takes its time itself; null: all that the work takes counts. */
  struct times (*measure)(long count);
};

/* Up to one without a name. */
extern const struct workload call_workloads[], thread_workloads[];

/** \p file is an ordinary file. */
void prepare_calls(const char *file);
/** \p program is one to execute. */
void prepare_threads(const char *program);

/** From the time all threads exist to the time the last one is done. */
struct times time_of_threads(int threads, void (*work)(long), long count);

#endif /* OVERHEAD_H */
