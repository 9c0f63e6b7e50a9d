//===- Linux.h - Numbers of the kernel's interface ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What several files of the runtime need of Linux's constants, the same on
/// every architecture that is supported. Signals are in Signal.h.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LINUX_H
#define ELFMERGE_LINUX_H

#include <stdint.h>

struct timespec {
  int64_t seconds, nanoseconds;
};

enum {
  PROT_NONE = 0,
  PROT_READ = 1,
  PROT_WRITE = 2,
  PROT_EXEC = 4,
  MAP_PRIVATE = 2,
  MAP_FIXED = 0x10,
  MAP_ANONYMOUS = 0x20,
  MAP_NORESERVE = 0x4000,
  MAP_STACK = 0x20000,
  MADV_DONTNEED = 4,
};

enum {
  AT_FDCWD = -100,
  O_CLOEXEC = 02000000,
};

enum {
  CLONE_VM = 0x100,
  CLONE_FS = 0x200,
  CLONE_FILES = 0x400,
  CLONE_SIGHAND = 0x800,
  CLONE_VFORK = 0x4000,
  CLONE_PARENT = 0x8000,
  CLONE_THREAD = 0x10000,
  CLONE_SYSVSEM = 0x40000,
};

enum {
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAIT_BITSET_PRIVATE = 137, /* until a time of CLOCK_MONOTONIC */
  FUTEX_WAKE_PRIVATE = 129,
};

enum {
  WNOHANG = 1,
  WSTOPPED = 2,
  WEXITED = 4,
  WCONTINUED = 8,
  WNOWAIT = 0x1000000,
  P_ALL = 0,
  P_PID = 1,
  P_PGID = 2,
};

enum {
  CLD_EXITED = 1,
  CLD_KILLED = 2,
  CLD_DUMPED = 3,
  CLD_TRAPPED = 4,
  CLD_STOPPED = 5,
  CLD_CONTINUED = 6,
};

#endif /* ELFMERGE_LINUX_H */
