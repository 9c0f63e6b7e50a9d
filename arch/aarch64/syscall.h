//===- syscall.h - System calls of AArch64 --------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Number in x8, arguments in x0 to x5; the result in x0, an error as -4095 to
// -1. The kernel destroys nothing else. A constant number is in the instruction
// in front of the call, where no optimization takes it away from.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SYSCALL_H
#define ELFMERGE_SYSCALL_H

static inline __attribute__((always_inline)) long
em_syscall6(long nr, long a, long b, long c, long d, long e, long f) {
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("mov x8, %1\n\t"
                   "svc #0"
                   : "+r"(x0)
                   : "rI"(nr), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "x8", "memory");
  return x0;
}

/** The same with fewer arguments: registers that no call reads stay as they
    are. */
static inline __attribute__((always_inline)) long
em_syscall5(long nr, long a, long b, long c, long d, long e) {
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("mov x8, %1\n\t"
                   "svc #0"
                   : "+r"(x0)
                   : "rI"(nr), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                   : "x8", "memory");
  return x0;
}

#endif // ELFMERGE_SYSCALL_H
