//===- arch.h - What the runtime needs of x86-64 --------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads: a thread that clone makes starts with the thread pointer (fs) of its
// parent; the launcher's is 0, as that of a new process.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_H
#define ELFMERGE_ARCH_H

#include "syscall.h"
#include <stddef.h>
#include <stdint.h>

struct instance;
struct em_slot;

enum {
#define EM_HOOKED_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#define EM_LOADER_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#include "HookedCalls.def"
  SYS_write = 1,
  SYS_close = 3,
  SYS_mprotect = 10,
  SYS_rt_sigprocmask = 14,
  SYS_pread64 = 17,
  SYS_pwrite64 = 18,
  SYS_madvise = 28,
  SYS_getpid = 39,
  SYS_fcntl = 72,
  SYS_ftruncate = 77,
  SYS_getuid = 102,
  SYS_getpgid = 121,
  SYS_prctl = 157,
  SYS_gettid = 186,
  SYS_futex = 202,
  SYS_ppoll = 271,
  SYS_rt_tgsigqueueinfo = 297,
  SYS_prlimit64 = 302,
  SYS_getrandom = 318,
  SYS_memfd_create = 319,
  SYS_pidfd_open = 434,
  SYS_close_range = 436,
};

/** What fstat fills in, as far as the runtime reads it. */
struct em_stat {
  uint64_t device, inode;
  uint64_t rest[16];
};

/** Which argument of a system call is a path that EM_PATH_CALL names; -1: none.
    A switch and no table: a table would be memory that every call reads. */
static inline int em_path_argument(long nr) {
  switch (nr) {
#define EM_PATH_CALL(NAME, NUMBER, ARG)                                        \
  case NUMBER:                                                                 \
    return ARG;
#include "HookedCalls.def"
  default:
    return -1;
  }
}

/** The registers of a hooked system call, as hook.S lays them on the stack of
    the thread that makes it. */
struct em_frame {
  const struct em_slot *slot;
  long nr; /* in: the number; out: the result */
  long args[6];
  long back; /* where the thread goes on */
};

/** What the kernel takes for rt_sigaction. */
struct em_sigaction {
  void (*handler)(int, void *, void *);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

/* start.S */

/** clone(flags) onto the stack that ends at \p stack, where the new thread
    calls fn(arg), which must not return. The result is clone's. */
long em_clone(unsigned long flags, void *stack, void (*fn)(void *), void *arg);
/** Starts a program as the kernel does: stack pointer, no other register. */
_Noreturn void em_jump(uintptr_t entry, void *stack);

/* hook.S */

void em_hook_enter(void);
void em_hook_after(void);
void em_hook_cpuid(void);
/** Ends the calling thread of \p instance; needs none of its stack. */
_Noreturn void em_leave(struct instance *instance, int status);
void em_restore(void);
void em_dispatcher(int signal, void *info, void *context);

/** Where in a ucontext the kernel keeps the signal mask to return to. */
static inline uint64_t *em_context_mask(void *context) {
  return (uint64_t *)((char *)context + 296);
}

/** Where a ucontext says at which instruction the thread was interrupted. */
static inline uintptr_t *em_context_pc(void *context) {
  return (uintptr_t *)((char *)context + 40 + 16 * 8);
}

/** The kernel has set a thread back to a system call that a signal
    interrupted, so that it restarts: lets the call return -EINTR instead, if
    it is one that may. A call that had not yet begun is interrupted at its
    very start. */
void em_interrupt_call(void *context);

#endif /* ELFMERGE_ARCH_H */
