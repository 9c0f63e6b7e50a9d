//===- syscall.h - System calls of ARM ------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// EABI. Number in r7, arguments in r0 to r5; the result in r0, an error as
// -4095 to -1. The kernel destroys nothing else. In Thumb code r7 may be the
// frame pointer, which compilers do not move for an operand.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SYSCALL_H
#define ELFMERGE_SYSCALL_H

#ifdef __thumb__
#define EM_SVC                                                                 \
  "mov ip, r7\n\t"                                                             \
  "mov r7, %1\n\t"                                                             \
  "svc #0\n\t"                                                                 \
  "mov r7, ip"
#define EM_NUMBER(NR) "r"(NR)
#define EM_CLOBBERS "ip", "memory"
#else
// Two parts, each of which an instruction can hold: a constant number is in the
// instructions in front of svc, where no optimization takes it away from.
#define EM_SVC                                                                 \
  "mov r7, %1\n\t"                                                             \
  "orr r7, r7, %2\n\t"                                                         \
  "svc #0"
#define EM_NUMBER(NR) "rI"((NR) & 0xff), "rI"((NR) & ~0xff)
#define EM_CLOBBERS "r7", "memory"
#endif

static inline __attribute__((always_inline)) long
em_syscall6(long nr, long a, long b, long c, long d, long e, long f) {
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = f;
  __asm__ volatile(EM_SVC
                   : "+r"(r0)
                   : EM_NUMBER(nr), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
                   : EM_CLOBBERS);
  return r0;
}

/** The same with fewer arguments: registers that no call reads stay as they
    are. */
static inline __attribute__((always_inline)) long
em_syscall5(long nr, long a, long b, long c, long d, long e) {
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  __asm__ volatile(EM_SVC
                   : "+r"(r0)
                   : EM_NUMBER(nr), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
                   : EM_CLOBBERS);
  return r0;
}

#undef EM_SVC
#undef EM_NUMBER
#undef EM_CLOBBERS

#endif // ELFMERGE_SYSCALL_H
