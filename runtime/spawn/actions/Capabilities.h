//===- Capabilities.h - The kernel's interface to them --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_CAPABILITIES_H
#define ELFMERGE_RUNTIME_SPAWN_CAPABILITIES_H

#include <stdint.h>

enum {
  PR_CAPBSET_READ = 23,
  PR_CAPBSET_DROP = 24,
  PR_GET_SECUREBITS = 27,
  PR_SET_SECUREBITS = 28,
  SECBIT_NOROOT = 1,
  PR_CAP_AMBIENT = 47,
  PR_CAP_AMBIENT_IS_SET = 1,
  PR_CAP_AMBIENT_RAISE = 2,
  PR_CAP_AMBIENT_CLEAR_ALL = 4,
  CAPABILITY_VERSION = 0x20080522,
};

struct cap_header {
  uint32_t version;
  int pid;
};

struct cap_half {
  uint32_t effective, permitted, inheritable;
};

#endif // ELFMERGE_RUNTIME_SPAWN_CAPABILITIES_H
