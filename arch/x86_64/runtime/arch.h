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
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instance;
struct em_slot;

enum {
#define EM_HOOKED_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#define EM_LOADER_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#define EM_RECLAIM_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#define EM_LOADER_RECLAIM_CALL(NAME, NUMBER) SYS_##NAME = NUMBER,
#include "HookedCalls.def"
  SYS_read = 0,
  SYS_write = 1,
  SYS_close = 3,
  SYS_mprotect = 10,
  SYS_ioctl = 16,
  SYS_pread64 = 17,
  SYS_pwrite64 = 18,
  SYS_madvise = 28,
  SYS_shmctl = 31,
  SYS_nanosleep = 35,
  SYS_getpid = 39,
  SYS_fcntl = 72,
  SYS_ftruncate = 77,
  SYS_getuid = 102,
  SYS_setpgid = 109,
  SYS_getppid = 110,
  SYS_getpgid = 121,
  SYS_getsid = 124,
  SYS_munlock = 150,
  SYS_prctl = 157,
  SYS_gettid = 186,
  SYS_futex = 202,
  SYS_timer_gettime = 224,
  SYS_clock_gettime = 228,
  SYS_ppoll = 271,
  SYS_dup3 = 292,
  SYS_pipe2 = 293,
  SYS_prlimit64 = 302,
  SYS_process_vm_readv = 310,
  SYS_process_vm_writev = 311,
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

/** Likewise the second one of EM_TWO_PATHS_CALL. */
static inline int em_second_path_argument(long nr) {
  switch (nr) {
#define EM_TWO_PATHS_CALL(NAME, NUMBER, FIRST, SECOND)                         \
  case NUMBER:                                                                 \
    return SECOND;
#include "HookedCalls.def"
  default:
    return -1;
  }
}

/** Which argument may be the id of a thread, as EM_THREAD_CALL says; -1: none.
 */
static inline int em_thread_argument(long nr) {
  switch (nr) {
#define EM_THREAD_CALL(NAME, NUMBER, ARG)                                      \
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
  long r15, r14, r13, r12, rbx, rbp;
  uint64_t kept; /* not written: what is left here for who comes next */
};

/** The stack pointer with which the program makes the call. */
static inline uintptr_t em_frame_stack(const struct em_frame *f) {
  enum { RED_ZONE = 128 };
  return (uintptr_t)(f + 1) + RED_ZONE;
}

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
/** Calls fn(arg) on the stack that ends at \p stack, a multiple of 16. */
void em_call_on(void *stack, void (*fn)(void *), void *arg);
/** Starts a program as the kernel does: stack pointer, no other register. */
_Noreturn void em_jump(uintptr_t entry, void *stack);

/* hook.S */

void em_hook_enter(void);
void em_hook_after(void);
void em_hook_cpuid(void);
/** rt_sigtimedwait for the hooked call of \p frame, which *\p sleeping is
    meanwhile (em_sleep). */
long em_sigtimedwait(const uint64_t *set, void *info, const void *timeout,
                     const struct em_frame *frame,
                     const struct em_frame *_Atomic *sleeping);
void em_sigtimedwait_done(void);
void em_sigtimedwait_end(void);
/** Has a call of em_sigtimedwait got a signal, though it has not yet come back
    to say so? */
bool em_has_signal(void *context);
/** Ends the calling thread of \p instance; needs none of its stack. */
_Noreturn void em_leave(struct instance *instance, int status);
void em_restore(void);
void em_dispatcher(int signal, void *info, void *context);
void em_dispatcher_unblocked(void);
void em_dispatcher_leaves(void);
/** A thread that was interrupted on its way from the dispatcher to a program's
    handler was interrupted at that one's first instruction. */
void em_finish_entry(void *context);

/* peek.S */

/** Copies \p n bytes from or to memory that may not be there. 0 or -EFAULT. */
long em_peek(void *to, const void *from, size_t n);
/** The length of a string that may not be there, at most \p max; or
    -EFAULT. */
long em_peek_length(const char *string, size_t max);
/** A thread that faults from the first on and in front of the second is to go
    on at the third. */
extern const char em_peek_begin[] __attribute__((visibility("hidden")));
extern const char em_peek_end[] __attribute__((visibility("hidden")));
extern const char em_peek_fault[] __attribute__((visibility("hidden")));

/** Where in a ucontext the kernel keeps the signal mask to return to. */
static inline uint64_t *em_context_mask(void *context) {
  return (uint64_t *)((char *)context + 296);
}

/** Where a ucontext says at which instruction the thread was interrupted. */
static inline uintptr_t *em_context_pc(void *context) {
  return (uintptr_t *)((char *)context + 40 + 16 * 8);
}

/** A handler of the program's interrupts the thread. If the kernel has set it
    back to a system call, so that it restarts, and it is not to, the call
    returns -EINTR instead, if it is one that may. A call that had not yet begun
    is interrupted at its very start. */
void em_interrupt_call(void *context, bool restart);
/** No handler of the program's does, yet the kernel has ended a call with
    -EINTR for the dispatcher: the call is made again, where that can be. */
void em_restart_call(void *context);

/** The stack pointer at which the thread was interrupted. */
uintptr_t em_context_stack(void *context);

/** Where a thread is that executes, or is to execute, a call in place that
    em_after comes behind. */
enum em_raw_call {
  EM_NO_RAW_CALL,
  EM_AT_RAW_CALL,     /* has not made it, or is to make it again */
  EM_BEHIND_RAW_CALL, /* em_after has not begun */
};
/** Tells it of a thread that was interrupted, and sets number or result,
    arguments and `back` of *\p frame. */
enum em_raw_call em_find_raw_call(void *context, struct em_frame *frame);
/** The interrupted thread goes on with what these say, behind the call or, with
    \p again, with the call's hook; em_after does not come. */
void em_end_raw_call(const struct instance *instance, void *context,
                     const struct em_frame *frame, bool again);

struct em_signal;
struct em_stack;
/** The alternate stack as the kernel knew it then. */
const struct em_stack *em_context_alt_stack(void *context);
/** Moves the frame that the kernel made for a handler to the stack from
    \p bottom to \p top. False: there is no room. */
bool em_move_frame(struct em_signal *signal, uintptr_t bottom, uintptr_t top);

/** A thread of \p instance was interrupted while the runtime slept in the call
    of \p frame for it: it has been interrupted in that call instead, which
    begins anew or returns -EINTR. */
void em_abandon_call(const struct instance *instance, void *context,
                     const struct em_frame *frame, bool restart);

#endif /* ELFMERGE_ARCH_H */
