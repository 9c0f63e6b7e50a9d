//===- row.h - What a program that checks itself is written with ----------===//
//
// A program of test/Run/rows is a main with RUN(name) for each of its cases,
// void functions with CHECKs in them. A case that holds is one line, each CHECK
// that does not is one too, and the last line is "end". With an argument, only
// the case of that name runs. Each line is one write, so that instances do not
// mix theirs.
//
//===----------------------------------------------------------------------===//

#ifndef ROW_H
#define ROW_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *row_case = "main", *row_only;
static atomic_int row_failures;

__attribute__((format(printf, 1, 2), unused)) static void
row_say(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (size > (int)sizeof line - 2)
    size = sizeof line - 2;
  line[size] = '\n';
  if (write(1, line, size + 1) != size + 1)
    _exit(97);
}

#define CHECK(condition)                                                       \
  ((condition)                                                                 \
       ? (void)0                                                               \
       : (++row_failures, row_say("FAILED %s:%d: %s (%s)", row_case, __LINE__, \
                                  #condition, strerror(errno))))
#define CHECK_IS(found, wanted)                                                \
  row_is((long)(found), (long)(wanted), #found, __LINE__)
__attribute__((unused)) static void row_is(long found, long wanted,
                                           const char *what, int line) {
  if (found == wanted)
    return;
  ++row_failures;
  row_say("FAILED %s:%d: %s is %ld and not %ld (%s)", row_case, line, what,
          found, wanted, strerror(errno));
}

static inline long row_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static inline void row_sleep(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) && errno == EINTR)
    ;
}

/// Waits until something holds that another thread or process brings about,
/// which may not get to run for seconds.
#define UNTIL(condition)                                                       \
  do {                                                                         \
    long row_end_of_wait = row_milliseconds() + 40000;                         \
    int row_holds;                                                             \
    while (!(row_holds = !!(condition)) &&                                     \
           row_milliseconds() < row_end_of_wait)                               \
      row_sleep(1);                                                            \
    CHECK(row_holds && #condition);                                           \
  } while (0)

#define RUN(name)                                                              \
  do {                                                                         \
    if (!row_only || !strcmp(row_only, #name)) {                               \
      row_case = #name;                                                        \
      int row_before = row_failures;                                           \
      name();                                                                  \
      if (row_failures == row_before)                                          \
        row_say("ok %s", #name);                                               \
    }                                                                          \
  } while (0)

static inline int row_end(void) {
  row_say("end");
  return row_failures ? 1 : 0;
}

/// The status of a child that runs \p function; its failed CHECKs count here.
__attribute__((unused)) static int row_child(void (*function)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    row_failures = 0;
    function();
    _exit(row_failures ? 96 : 0);
  }
  int status = -1;
  pid_t found;
  while ((found = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
    ;
  CHECK_IS(found, pid);
  return status;
}

/// A thread that is detached from its start: glibc's pthread_detach looks at a
/// thread that may have ended, and its memory be gone.
__attribute__((unused)) static int row_detached(void *(*function)(void *),
                                                void *argument) {
  pthread_attr_t how;
  pthread_t thread;
  pthread_attr_init(&how);
  pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
  int error = pthread_create(&thread, &how, function, argument);
  pthread_attr_destroy(&how);
  return error;
}

static inline pid_t row_tid(void) { return (pid_t)syscall(SYS_gettid); }

/// Whether a thread of this process sleeps, seen a few times so that a short
/// wait on its way is not taken for it.
__attribute__((unused)) static int row_asleep(pid_t tid) {
  for (int n = 0; n != 3; ++n) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)getpid(),
             (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    char *state = strrchr(text, ')');
    if (!state || state[2] != 'S')
      return 0;
    row_sleep(1);
  }
  return 1;
}

#define MAIN_BEGIN                                                             \
  int main(int argc, char **argv) {                                            \
    row_only = argc > 1 ? argv[1] : NULL;
#define MAIN_END                                                               \
  return row_end();                                                            \
  }

#endif // ROW_H
