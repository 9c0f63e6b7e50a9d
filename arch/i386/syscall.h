//===- syscall.h - System calls of i386 -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Number in eax, arguments in ebx, ecx, edx, esi, edi, ebp; the result in eax,
// an error as -4095 to -1. The kernel destroys nothing else. Compilers may keep
// the global offset table in ebx, which they move for an operand, and the frame
// pointer in ebp, which they do not.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SYSCALL_H
#define ELFMERGE_SYSCALL_H

static inline __attribute__((always_inline)) long
em_syscall6(long nr, long a, long b, long c, long d, long e, long f) {
  long ebx_ebp[] = {a, f}, *pair = ebx_ebp;
  long result;
  __asm__ volatile("pushl %%ebp\n\t"
                   "movl 4(%%ebx), %%ebp\n\t"
                   "movl (%%ebx), %%ebx\n\t"
                   "int $0x80\n\t"
                   "popl %%ebp"
                   : "=a"(result), "+b"(pair)
                   : "0"(nr), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory");
  return result;
}

/** The same with fewer arguments: registers that no call reads stay as they
    are. */
static inline __attribute__((always_inline)) long
em_syscall5(long nr, long a, long b, long c, long d, long e) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory");
  return result;
}

#endif // ELFMERGE_SYSCALL_H
