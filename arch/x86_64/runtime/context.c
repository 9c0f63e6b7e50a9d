//===- context.c - Interrupted system calls -------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

/* Calls that signal(7) says are restarted with SA_RESTART and else fail with
   EINTR. All others either ignore signals or fail in both cases. */
static bool is_restartable(long nr, long command) {
  switch (nr) {
  case 0:   /* read */
  case 1:   /* write */
  case 2:   /* open */
  case 16:  /* ioctl */
  case 17:  /* pread64 */
  case 18:  /* pwrite64 */
  case 19:  /* readv */
  case 20:  /* writev */
  case 42:  /* connect */
  case 43:  /* accept */
  case 44:  /* sendto */
  case 45:  /* recvfrom */
  case 46:  /* sendmsg */
  case 47:  /* recvmsg */
  case 61:  /* wait4 */
  case 73:  /* flock */
  case 85:  /* creat */
  case 202: /* futex */
  case 242: /* mq_timedsend */
  case 243: /* mq_timedreceive */
  case 247: /* waitid */
  case 257: /* openat */
  case 275: /* splice */
  case 276: /* tee */
  case 278: /* vmsplice */
  case 288: /* accept4 */
  case 295: /* preadv */
  case 296: /* pwritev */
  case 299: /* recvmmsg */
  case 307: /* sendmmsg */
  case 318: /* getrandom */
  case 327: /* preadv2 */
  case 328: /* pwritev2 */
  case 437: /* openat2 */
    return true;
  case 72: /* fcntl: F_SETLKW, F_OFD_SETLKW */
    return command == 7 || command == 38;
  default:
    return false;
  }
}

void em_interrupt_call(void *context) {
  long *registers = (long *)((char *)context + 40);
  enum { RSI = 9, RAX = 13, RIP = 16 };
  const uint8_t *pc = (const uint8_t *)registers[RIP];
  if (pc[0] != 0x0f || pc[1] != 0x05 ||
      !is_restartable(registers[RAX], registers[RSI]))
    return;
  registers[RAX] = -EM_EINTR;
  registers[RIP] += 2;
}
