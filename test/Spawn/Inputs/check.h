// What the tests of libelfspawn ask of a process, and how they say what is wrong.
#ifndef CHECK_H
#define CHECK_H

#include "elfmerge/spawn.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Where to say so; not 2 in a test that closes that. */
static int complaints __attribute__((unused)) = 2;

#define FAIL(...)                                                              \
  (dprintf(complaints, "%s:%d: ", __FILE__, __LINE__),                         \
   dprintf(complaints, __VA_ARGS__), dprintf(complaints, "\n"), _exit(1))
#define CHECK(X)                                                               \
  do {                                                                         \
    if (!(X))                                                                  \
      FAIL("not so: %s (errno %d)", #X, errno);                                \
  } while (0)
#define CHECK_EQUAL(A, B)                                                      \
  do {                                                                         \
    long a_ = (long)(A), b_ = (long)(B);                                       \
    if (a_ != b_)                                                              \
      FAIL("%s is %ld, not %s, which is %ld", #A, a_, #B, b_);                 \
  } while (0)

static inline double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/** How many entries a directory has; the descriptor that reads it not counted. */
static inline int count_entries(const char *path) {
  int count = -3; // ., .. and itself
  DIR *directory = opendir(path);
  CHECK(directory);
  while (readdir(directory))
    ++count;
  closedir(directory);
  return count;
}
static inline int count_descriptors(void) {
  return count_entries("/proc/self/fd");
}

/** Whether this process has any child, zombies and those of clone included. */
static inline bool has_children(void) {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

static inline size_t heap_in_use(void) {
  struct mallinfo2 m = mallinfo2();
  return m.uordblks + m.hblkhd;
}

/** Why a start failed, to standard error. */
static inline void show_error(const char *what,
                              const struct elfspawn_error *error) {
  char text[256];
  dprintf(complaints, "%s: %s (step '%c', error %d)\n", what,
          elfspawn_describe(error, text, sizeof(text)),
          error->step ? error->step : '0', error->error);
}

/** Starts what has to start and waits for it; the target's status. */
static inline int start_and_wait(const elfspawn_t *r,
                                 struct elfspawn_child *child) {
  struct elfspawn_error error;
  int status = -1;
  if (elfspawn_start(r, child, &error) != 0) {
    show_error("not started", &error);
    _exit(1);
  }
  CHECK_EQUAL(elfspawn_wait(child, 60000, &status), 0);
  return status;
}

static inline const char *policy_name(enum elfspawn_policy policy) {
  static const char *const names[] = {"auto", "helper", "direct", "no fork"};
  return names[policy];
}

//===------------------------- What is taken away -------------------------===//

/** One system call that fails from now on, if the flags in its first argument
    are all set (0: always; for clone only). */
struct refusal {
  long nr;
  unsigned flags;
  int error;
};

static inline void refuse(const struct refusal *list, size_t count) {
  struct sock_filter code[128];
  size_t n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                           offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i != count; ++i) {
    unsigned skip = list[i].flags ? 5 : 1;
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             (unsigned)list[i].nr, 0, skip);
    if (list[i].flags) {
      code[n++] = (struct sock_filter)BPF_STMT(
          BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
      code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
                                               list[i].flags);
      code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                               list[i].flags, 0, 1);
    }
    code[n++] = (struct sock_filter)BPF_STMT(
        BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)list[i].error);
    if (list[i].flags)
      code[n++] = (struct sock_filter)BPF_STMT(
          BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)n, code};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

static inline void refuse_one(long nr, int error) {
  refuse(&(struct refusal){nr, 0, error}, 1);
}

#endif // CHECK_H
