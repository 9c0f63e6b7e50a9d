//===- spawn_arch.h - What spawning needs of RISC-V -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SPAWN_ARCH_H
#define ELFMERGE_SPAWN_ARCH_H

/** What a 32-bit machine adds to openat's flags so that large files open. */
enum { ES_O_LARGEFILE = 0 };

/** The arguments of clone in this machine's order. */
#define ES_CLONE_ARGUMENTS(FLAGS, STACK, PARENT_TID, CHILD_TID, TLS)           \
  FLAGS, STACK, PARENT_TID, TLS, CHILD_TID

#endif // ELFMERGE_SPAWN_ARCH_H
