// The process whose children utils/bench/spawn measures. It makes itself as
// large as it is asked to be, and then does what the lines of its standard
// input say:
//
//   time ROUNDS FORKS                     one start by each method in turn, and
//                                         then that many forks
//   throughput METHOD THREADS MS          as many starts as fit into that time
//   race METHOD THREADS FILES DIRECTORY   writes programs and starts them at
//   once requests COUNT                        makes and frees requests of
//   libelfspawn
//
// Answers are lines on what its standard output was; the last one of each
// command, and of the beginning, is "done".
//
// Usage: spawn TARGET MEGABYTES DESCRIPTORS

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "elfmerge/spawn.h"

enum { SAMPLES = 1, MAX_THREADS = 64, STACK = 16384 };

static char *target;
static FILE *answers;
static int samples[2]; // The pipe of which the target has the end for writing.

static _Noreturn void fail(const char *what, int error) {
  fprintf(stderr, "spawn: %s: %s\n", what, strerror(error));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

//===----------------------------- The methods ----------------------------===//

/** What one thread needs to start children; its stack is that of a child. */
struct starter {
  char *path;
  char *argv[2];
  elfspawn_t *direct, *helper;
  int pidfd;
  char *stack;
};

/** Starts s->path. Returns 0 or an errno value; a child that could not execute
   it may also end with that as its exit code. */
typedef int start_function(struct starter *s, pid_t *pid);

static int execute(void *argument) {
  struct starter *s = argument;
  execve(s->path, s->argv, environ);
  _exit(errno);
}

static int start_floor(struct starter *s, pid_t *pid) {
  *pid = clone(execute, s->stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, s);
  return *pid < 0 ? errno : 0;
}

static int start_request(const elfspawn_t *request, struct starter *s,
                         pid_t *pid) {
  struct elfspawn_child child;
  int error = elfspawn_start(request, &child, NULL);
  if (error)
    return error;
  *pid = child.pid;
  s->pidfd = child.pidfd;
  return 0;
}

static int start_direct(struct starter *s, pid_t *pid) {
  return start_request(s->direct, s, pid);
}

static int start_helper(struct starter *s, pid_t *pid) {
  return start_request(s->helper, s, pid);
}

static int start_posix_spawn(struct starter *s, pid_t *pid) {
  return posix_spawn(pid, s->path, NULL, NULL, s->argv, environ);
}

static int start_fork(struct starter *s, pid_t *pid) {
  *pid = fork();
  if (*pid == 0)
    execute(s);
  return *pid < 0 ? errno : 0;
}

static const struct method {
  const char *name;
  start_function *start;
} methods[] = {
    {"floor", start_floor},   {"direct", start_direct},
    {"helper", start_helper}, {"posix_spawn", start_posix_spawn},
    {"fork", start_fork},
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]), FORK = METHODS - 1 };

static const struct method *find_method(const char *name) {
  for (int n = 0; n != METHODS; ++n)
    if (!strcmp(methods[n].name, name))
      return &methods[n];
  fail(name, EINVAL);
}

static elfspawn_t *make_request(char *path, char **argv,
                                enum elfspawn_policy policy) {
  elfspawn_t *request = elfspawn_create();
  if (!request)
    fail("elfspawn_create", errno);
  int error = elfspawn_set_path(request, path);
  if (!error)
    error = elfspawn_set_arguments(request, argv);
  if (!error)
    error = elfspawn_set_policy(request, policy);
  if (!error) // The others have none.
    error = elfspawn_set_pidfd(request, false);
  if (error)
    fail("request", error);
  return request;
}

static void make_starter(struct starter *s, char *path) {
  *s = (struct starter){.path = path, .argv = {path, NULL}, .pidfd = -1};
  s->direct = make_request(path, s->argv, ELFSPAWN_DIRECT);
  s->helper = make_request(path, s->argv, ELFSPAWN_HELPER);
  s->stack = malloc(STACK);
  if (!s->stack)
    fail("stack", ENOMEM);
}

static void free_starter(struct starter *s) {
  elfspawn_free(s->direct);
  elfspawn_free(s->helper);
  free(s->stack);
}

static int reap(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      fail("waitpid", errno);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static void close_pidfd(struct starter *s) {
  if (s->pidfd >= 0)
    close(s->pidfd);
  s->pidfd = -1;
}

//===----------------------------- The commands ---------------------------===//

static void measure(struct starter *s, int method, int round, bool print) {
  pid_t pid;
  int64_t begin = now();
  int error = methods[method].start(s, &pid);
  int64_t returned = now();
  if (!error)
    error = reap(pid);
  int64_t reaped = now(), running;
  close_pidfd(s);
  if (error)
    fail(methods[method].name, error);
  if (read(samples[0], &running, sizeof(running)) != sizeof(running))
    fail("samples", errno);
  if (print)
    fprintf(answers, "%s %d %lld %lld %lld\n", methods[method].name, round,
            (long long)(returned - begin), (long long)(running - begin),
            (long long)(reaped - begin));
}

/** The order of the methods is another one in each round. Each of them is
   carried out twice, and the second time counts: else those that have most in
   common with the others would find the processor's caches filled for them.
   Forks come after all rounds, as a parent that has forked has to copy each
   page that it writes to next. */
static void time_rounds(int rounds, int forks) {
  struct starter s;
  make_starter(&s, target);
  for (int round = 0; round != rounds; ++round) {
    int order[METHODS];
    for (int n = 0; n != FORK; ++n) {
      int other = rand() % (n + 1);
      order[n] = order[other];
      order[other] = n;
    }
    for (int n = 0; n != FORK; ++n) {
      measure(&s, order[n], round, false);
      measure(&s, order[n], round, true);
    }
  }
  for (int round = 0; round != forks; ++round)
    measure(&s, FORK, round, true);
  // What the next round would have to copy.
  for (int n = 0; n != FORK; ++n)
    measure(&s, n, 0, false);
  free_starter(&s);
}

struct work {
  const struct method *method;
  char *directory;
  int thread, files;
  int64_t end;
  pthread_barrier_t *barrier;
  long done, busy;
};

static void *work_throughput(void *argument) {
  struct work *w = argument;
  struct starter s;
  make_starter(&s, target);
  pthread_barrier_wait(w->barrier);
  pthread_barrier_wait(w->barrier);
  do {
    pid_t pid;
    int error = w->method->start(&s, &pid);
    if (!error)
      error = reap(pid);
    close_pidfd(&s);
    if (error)
      fail(w->method->name, error);
    ++w->done;
  } while (now() < w->end);
  free_starter(&s);
  return NULL;
}

static void copy_target(const char *path, const char *bytes, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
    fail(path, errno);
  close(fd);
}

static void *work_race(void *argument) {
  struct work *w = argument;
  static char bytes[65536];
  int fd = open(target, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
  if (size <= 0)
    fail(target, errno);
  close(fd);
  char path[4096];
  snprintf(path, sizeof(path), "%s/%d", w->directory, w->thread);
  struct starter s;
  make_starter(&s, path);
  pthread_barrier_wait(w->barrier);
  pthread_barrier_wait(w->barrier);
  for (; w->done != w->files; ++w->done) {
    pid_t pid;
    copy_target(path, bytes, size);
    int error = w->method->start(&s, &pid);
    if (!error)
      error = reap(pid);
    close_pidfd(&s);
    if (error && error != ETXTBSY)
      fail(w->method->name, error);
    w->busy += error == ETXTBSY;
    unlink(path);
  }
  free_starter(&s);
  return NULL;
}

/** Carries out the work in that many threads, with the targets' output going
    nowhere. */
static void run_threads(void *(*function)(void *), struct work w, int threads,
                        int milliseconds) {
  pthread_t ids[MAX_THREADS];
  struct work all[MAX_THREADS];
  pthread_barrier_t barrier;
  if (threads < 1 || threads > MAX_THREADS)
    fail("threads", EINVAL);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(null, SAMPLES);
  close(null);
  pthread_barrier_init(&barrier, NULL, threads + 1);
  w.barrier = &barrier;
  w.end = INT64_MAX;
  for (int n = 0; n != threads; ++n) {
    all[n] = w;
    all[n].thread = n;
    int error = pthread_create(&ids[n], NULL, function, &all[n]);
    if (error)
      fail("thread", error);
  }
  // Once for the requests, which are not in the time, and once for its
  // beginning.
  pthread_barrier_wait(&barrier);
  int64_t begin = now();
  if (milliseconds)
    for (int n = 0; n != threads; ++n)
      all[n].end = begin + milliseconds * 1000000LL;
  pthread_barrier_wait(&barrier);
  long done = 0, busy = 0;
  for (int n = 0; n != threads; ++n) {
    pthread_join(ids[n], NULL);
    done += all[n].done;
    busy += all[n].busy;
  }
  fprintf(answers, "%ld %ld %lld\n", done, busy, (long long)(now() - begin));
  pthread_barrier_destroy(&barrier);
  dup2(samples[1], SAMPLES);
}

static void time_requests(int count) {
  char *argv[] = {target, NULL};
  for (int n = 0; n != count; ++n) {
    int64_t begin = now();
    elfspawn_free(make_request(target, argv, ELFSPAWN_AUTO));
    fprintf(answers, "%lld\n", (long long)(now() - begin));
  }
}

//===------------------------------ The parent ----------------------------===//

/** Ordinary pages: with huge ones the page tables, which fork copies, are
 * small. */
static void fill_memory(size_t megabytes) {
  if (!megabytes)
    return;
  size_t size = megabytes << 20;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("memory", errno);
  madvise(memory, size, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < size; at += 4096)
    memory[at] = 1;
}

/** Opens descriptors, close-on-exec like those of any careful program, until
   there are that many. */
static void fill_descriptors(int count) {
  int have = 0;
  for (int fd = 0; fd != count; ++fd)
    have += fcntl(fd, F_GETFD) >= 0;
  for (; have < count; ++have)
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
      fail("descriptors", errno);
}

int main(int argc, char **argv) {
  if (argc != 4)
    fail("usage", EINVAL);
  target = argv[1];
  answers = fdopen(fcntl(SAMPLES, F_DUPFD_CLOEXEC, 3), "w");
  if (!answers || pipe2(samples, O_CLOEXEC) ||
      dup2(samples[1], SAMPLES) != SAMPLES)
    fail("pipe", errno);
  fill_memory(strtoul(argv[2], NULL, 10));
  fill_descriptors(atoi(argv[3]));

  fprintf(answers, "done\n");
  fflush(answers);
  char line[4200], name[16], directory[4096];
  int a, b;
  while (fgets(line, sizeof(line), stdin)) {
    if (sscanf(line, "time %d %d", &a, &b) == 2)
      time_rounds(a, b);
    else if (sscanf(line, "throughput %15s %d %d", name, &a, &b) == 3)
      run_threads(work_throughput, (struct work){.method = find_method(name)},
                  a, b);
    else if (sscanf(line, "race %15s %d %d %4095[^\n]", name, &a, &b,
                    directory) == 4)
      run_threads(work_race,
                  (struct work){.method = find_method(name),
                                .directory = directory,
                                .files = b / a},
                  a, 0);
    else if (sscanf(line, "requests %d", &a) == 1)
      time_requests(a);
    else
      fail(line, EINVAL);
    fprintf(answers, "done\n");
    fflush(answers);
  }
  return 0;
}
