//===- overhead_calls.c - System calls and memory -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include "overhead.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *file;
static int zero_fd, null_fd, pipe_fds[2];
static pid_t pid;

/* The instruction in the program itself, with a number that can be read from
   the code in front of it. */
#define RAW(NR, A, B, C)                                                       \
  ({                                                                           \
    long result_;                                                              \
    register long r10_ __asm__("r10") = 0;                                     \
    __asm__ volatile("movl %1, %%eax\n\tsyscall"                               \
                     : "=&a"(result_)                                          \
                     : "i"(NR), "D"(A), "S"(B), "d"(C), "r"(r10_)              \
                     : "rcx", "r11", "memory");                                \
    result_;                                                                   \
  })

//===------------------------- Calls left untouched -----------------------===//

static void do_getppid(long count) {
  while (count--)
    getppid();
}

static void do_syscall_getppid(long count) {
  while (count--)
    syscall(SYS_getppid);
}

static void do_read_zero(long count) {
  char byte;
  while (count--)
    check(read(zero_fd, &byte, 1) == 1, "read");
}

static void do_write_null(long count) {
  while (count--)
    check(write(null_fd, "", 1) == 1, "write");
}

static void do_pipe(long count) {
  char byte;
  while (count--) {
    check(write(pipe_fds[1], "", 1) == 1, "write");
    check(read(pipe_fds[0], &byte, 1) == 1, "read");
  }
}

static void do_futex_wake(long count) {
  static uint32_t word;
  while (count--)
    check(RAW(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1) == 0, "futex");
}

static void do_clock(long count) {
  struct timespec t;
  while (count--)
    check(RAW(SYS_clock_gettime, CLOCK_MONOTONIC, &t, 0) == 0, "clock_gettime");
}

//===--------------------------- One hooked call --------------------------===//

static void do_sigaction(long count) {
  struct sigaction old;
  while (count--)
    check(sigaction(SIGUSR1, NULL, &old) == 0, "sigaction");
}

static void do_sigaction_set(long count) {
  struct sigaction action;
  check(sigaction(SIGUSR1, NULL, &action) == 0, "sigaction");
  while (count--)
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

static void do_sigprocmask(long count) {
  sigset_t old;
  while (count--)
    check(sigprocmask(SIG_BLOCK, NULL, &old) == 0, "sigprocmask");
}

static void do_open(long count) {
  while (count--)
    check(close(open(file, O_RDONLY)) == 0, file);
}

static void do_stat(long count) {
  struct stat s;
  while (count--)
    check(stat(file, &s) == 0, file);
}

static void do_access(long count) {
  while (count--)
    check(access(file, R_OK) == 0, file);
}

static void do_kill_nothing(long count) {
  while (count--)
    check(kill(pid, 0) == 0, "kill");
}

static void do_brk(long count) {
  while (count--)
    check(RAW(SYS_brk, 0, 0, 0) > 0, "brk");
}

static void do_wait(long count) {
  while (count--)
    check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "waitpid");
}

//===-------------------------------- Memory ------------------------------===//

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  return *state ^= *state << 5;
}

/* Mostly small, seldom large. */
static size_t random_size(uint32_t *state) {
  uint32_t r = next_random(state);
  return 16 + (r >> 8) % (r % 64 == 0 ? 65536 : r % 8 == 0 ? 4096 : 256);
}

static void do_malloc(long count) {
  enum { SLOTS = 1024 };
  void *slots[SLOTS] = {0};
  uint32_t state = 2463534242;
  while (count--) {
    void **slot = &slots[next_random(&state) % SLOTS];
    free(*slot);
    check((*slot = malloc(random_size(&state))), "malloc");
    *(char *)*slot = 1;
  }
  for (int n = 0; n != SLOTS; ++n)
    free(slots[n]);
}

static void do_realloc(long count) {
  while (count--) {
    char *buffer = NULL;
    for (size_t size = 32; size <= 65536; size += size / 2) {
      check((buffer = realloc(buffer, size)), "realloc");
      buffer[size - 1] = 1;
    }
    free(buffer);
  }
}

/* Larger than the heap may ever be made of: comes from the kernel and goes
   back. */
static void do_malloc_large(long count) {
  enum { SIZE = 40 << 20 };
  while (count--) {
    char *p = malloc(SIZE);
    check(p, "malloc");
    p[0] = p[SIZE / 2] = 1;
    free(p);
  }
}

/* Grows and shrinks the break: two hooked calls. */
static void do_trim(long count) {
  while (count--) {
    char *p = malloc(100 << 10);
    check(p, "malloc");
    p[0] = 1;
    free(p);
    malloc_trim(0);
  }
}

const struct workload call_workloads[] = {
    {"getppid", .work = do_getppid},
    {"syscall-getppid", .work = do_syscall_getppid},
    {"read-zero", .work = do_read_zero},
    {"write-null", .work = do_write_null},
    {"pipe", .work = do_pipe},
    {"futex-wake", .work = do_futex_wake},
    {"clock_gettime", .work = do_clock},
    {"sigaction", .work = do_sigaction},
    {"sigaction-set", .work = do_sigaction_set},
    {"sigprocmask", .work = do_sigprocmask},
    {"open", .work = do_open},
    {"stat", .work = do_stat},
    {"access", .work = do_access},
    {"kill-0", .work = do_kill_nothing},
    {"brk", .work = do_brk},
    {"wait4", .work = do_wait},
    {"malloc", .work = do_malloc},
    {"malloc-2", .work = do_malloc, .threads = 2},
    {"malloc-4", .work = do_malloc, .threads = 4},
    {"realloc", .work = do_realloc},
    {"malloc-large", .work = do_malloc_large},
    {"trim", .work = do_trim},
    {0},
};

void prepare_calls(const char *ordinary) {
  file = ordinary;
  pid = getpid();
  check((zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC)) >= 0, "/dev/zero");
  check((null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0, "/dev/null");
  check(pipe2(pipe_fds, O_CLOEXEC) == 0, "pipe");
}
