//===- Memory.c - What programs point to ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pointer that a program passes to a system call may be wrong, and the call
// then fails with EFAULT. So the runtime does not simply follow such a pointer
// either: it reads and writes where the dispatcher catches the fault (peek.S).
//
// There is no dispatcher in a process with one instance, and a vforked child
// may have taken it away: there the kernel copies. A process may always copy
// its own memory; where a filter of system calls forbids it, the pointer is
// followed.
//
// A thread that has SIGSEGV blocked when it passes a wrong pointer ends the
// process: the kernel does not call a handler then.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

struct piece {
  void *start;
  size_t size;
};

/* A child in shared memory may have given the dispatcher up. */
static bool has_dispatcher(void) { return !em_alone() && em_own_process(); }

/* 0, -EFAULT, or another error: the kernel does not do this for us. */
static long copy_by_kernel(long call, void *ours, const void *theirs,
                           size_t size) {
  struct piece here = {ours, size}, there = {(void *)theirs, size};
  long self = em_syscall(SYS_getpid, 0);
  long n = em_syscall(call, self, &here, 1, &there, 1, 0);
  if (n < 0)
    return n;
  return (size_t)n == size ? 0 : -EM_EFAULT;
}

long em_read(void *to, const void *from, size_t size) {
  if (has_dispatcher())
    return em_peek(to, from, size);
  long error = copy_by_kernel(SYS_process_vm_readv, to, from, size);
  if (!error || error == -EM_EFAULT)
    return error;
  __builtin_memcpy(to, from, size);
  return 0;
}

long em_write(void *to, const void *from, size_t size) {
  if (has_dispatcher())
    return em_peek(to, from, size);
  long error = copy_by_kernel(SYS_process_vm_writev, (void *)from, to, size);
  if (!error || error == -EM_EFAULT)
    return error;
  __builtin_memcpy(to, from, size);
  return 0;
}

long em_read_length(const char *string, size_t max) {
  if (has_dispatcher())
    return em_peek_length(string, max);
  /* Pieces that do not go over the end of a page: the kernel copies all of one
     or nothing. */
  char piece[256];
  for (size_t length = 0; length < max;) {
    const char *at = string + length;
    size_t size = sizeof(piece) - (uintptr_t)at % sizeof(piece);
    long error = em_read(piece, at, size);
    if (error < 0)
      return error;
    for (size_t n = 0; n != size; ++n)
      if (!piece[n])
        return length + n;
    length += size;
  }
  return max;
}
