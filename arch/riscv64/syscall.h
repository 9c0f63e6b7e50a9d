//===- syscall.h - System calls of RISC-V ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Number in a7, arguments in a0 to a5; the result in a0, an error as -4095 to
// -1. The kernel destroys nothing else. A constant number is in the instruction
// in front of the call, where no optimization takes it away from.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SYSCALL_H
#define ELFMERGE_SYSCALL_H

static inline __attribute__((always_inline)) long
em_syscall6(long nr, long a, long b, long c, long d, long e, long f) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  __asm__ volatile("add a7, zero, %1\n\t"
                   "ecall"
                   : "+r"(a0)
                   : "rI"(nr), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                   : "a7", "memory");
  return a0;
}

/** The same with fewer arguments: registers that no call reads stay as they
    are. */
static inline __attribute__((always_inline)) long
em_syscall5(long nr, long a, long b, long c, long d, long e) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  __asm__ volatile("add a7, zero, %1\n\t"
                   "ecall"
                   : "+r"(a0)
                   : "rI"(nr), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
                   : "a7", "memory");
  return a0;
}

#endif // ELFMERGE_SYSCALL_H
