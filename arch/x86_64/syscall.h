//===- syscall.h - System calls of x86-64 ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; the result in rax, an
// error as -4095 to -1. The kernel destroys rcx and r11 and nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SYSCALL_H
#define ELFMERGE_SYSCALL_H

static inline __attribute__((always_inline)) long
em_syscall6(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/** The same with fewer arguments: registers that no call reads stay as they
    are. */
static inline __attribute__((always_inline)) long
em_syscall5(long nr, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

#endif // ELFMERGE_SYSCALL_H
