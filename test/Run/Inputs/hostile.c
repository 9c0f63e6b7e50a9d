//===- hostile.c - A neighbour that does what it should not ---------------===//
//
// Usage: hostile SEED STOP REPORT [ACT...]
//
// Does everything (or, to find out what disturbs whom, only the acts named)
// that acts on a whole process, in an order that follows from SEED, until the
// file STOP is there; then writes the number of its rounds to REPORT. What
// reaches others natively too (a signal to the process group, SIGSTOP, limits)
// it leaves out.
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t state;
static atomic_int handled;
static char alternate[65536];

static unsigned any(unsigned below) {
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS ||
                            signal == SIGILL || signal == SIGFPE))
    _exit(70);
  ++handled;
}

static int is_blockable(int signal) {
  return signal != SIGKILL && signal != SIGSTOP &&
         (signal < 32 || signal >= SIGRTMIN);
}

static void handle_all(void) {
  int flags = SA_SIGINFO | (any(2) ? SA_RESTART : 0) |
              (any(2) ? SA_ONSTACK : 0) | (any(2) ? SA_NODEFER : 0);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags};
    if (any(2))
      sigfillset(&action.sa_mask);
    if (is_blockable(signal))
      sigaction(signal, &action, NULL);
  }
}
static void ignore_all(void) {
  for (int signal = 1; signal <= SIGRTMAX; ++signal)
    if (is_blockable(signal) && signal != SIGCHLD)
      (void)!sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN},
                       NULL);
}
static int a_signal(void) {
  int signal;
  do
    signal = 1 + any(SIGRTMAX);
  while (!is_blockable(signal));
  return signal;
}
static void send_to_itself(void) {
  for (int n = 0; n != 10; ++n) {
    int signal = a_signal();
    switch (any(4)) {
    case 0:
      kill(getpid(), signal);
      break;
    case 1:
      raise(signal);
      break;
    case 2:
      sigqueue(getpid(), signal, (union sigval){.sival_int = n});
      break;
    default:
      pthread_kill(pthread_self(), signal);
      break;
    }
  }
}
static void block_and_drain(void) {
  sigset_t all, before, pending;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  send_to_itself();
  sigpending(&pending);
  int fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo one;
  (void)!read(fd, &one, sizeof one);
  close(fd);
  while (sigtimedwait(&all, NULL, &(struct timespec){0, 0}) > 0)
    ;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}
static void fork_some(void) {
  for (unsigned n = any(5); n != 0; --n) {
    pid_t pid = any(2) ? fork() : vfork();
    if (pid == 0) {
      if (any(2))
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
      _exit(n);
    }
  }
}
static void wait_for_any(void) {
  int status;
  if (any(2))
    while (waitpid(-1, &status, WNOHANG) > 0)
      ;
  else
    while (wait(&status) > 0 || errno == EINTR)
      ;
}
static void exhaust_heap(void) {
  enum { PIECE = 1 << 20, PIECES = 200 };
  static char *pieces[PIECES];
  for (int n = 0; n != PIECES; ++n)
    if ((pieces[n] = malloc(any(2) ? PIECE : PIECE / 16)))
      memset(pieces[n], n, 64);
  for (int n = 0; n != PIECES; ++n)
    free(pieces[n]);
  if (sbrk(PIECE) != (void *)-1)
    (void)!sbrk(-PIECE);
}
static void move_away(void) {
  (void)!chdir(any(2) ? "/" : "/tmp");
  umask(any(512));
}
static void close_all(void) {
  if (any(2))
    syscall(SYS_close_range, 0, ~0U, 0);
  else
    for (int fd = 0; fd != 200; ++fd)
      close(fd);
}
static void replace_standard(void) {
  int ends[2];
  if (pipe(ends))
    return;
  for (int fd = 0; fd != 3; ++fd)
    dup2(ends[fd != 0], fd);
  for (int end = 0; end != 2; ++end)
    if (ends[end] > 2)
      close(ends[end]);
}
static void break_pipe(void) {
  int ends[2];
  if (pipe(ends))
    return;
  close(ends[0]);
  (void)!write(ends[1], "x", 1);
  close(ends[1]);
}
static void *block_all(void *arg) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  for (int n = 0; n != 100; ++n)
    sched_yield();
  return arg;
}
static void *sleep_a_little(void *arg) {
  nanosleep(&(struct timespec){0, 2000000}, NULL);
  return arg;
}
static void make_threads(void) {
  pthread_t threads[4];
  pthread_attr_t detached;
  int made = 0;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (int n = 0; n != 4; ++n)
    if (any(2))
      made += !pthread_create(&threads[made], NULL,
                              n % 2 ? block_all : sleep_a_little, NULL);
    else
      pthread_create(&threads[made], &detached, sleep_a_little, NULL);
  pthread_attr_destroy(&detached);
  if (any(2) && made)
    pthread_cancel(threads[0]);
  for (int n = 0; n != made; ++n)
    pthread_join(threads[n], NULL);
}
static void set_timers(void) {
  struct itimerval soon = {{0, 0}, {0, 1000 + any(5000)}};
  setitimer(any(2) ? ITIMER_REAL : ITIMER_PROF, &soon, NULL);
  if (any(2))
    alarm(1);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                           .sigev_signo = SIGRTMIN + 3};
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer))
    return;
  struct itimerspec again = {{0, 500000}, {0, 500000}};
  timer_settime(timer, 0, &again, NULL);
  nanosleep(&(struct timespec){0, 2000000}, NULL);
  timer_delete(timer);
}
static void set_alternate(void) {
  stack_t on = {.ss_sp = alternate, .ss_size = sizeof alternate},
          off = {.ss_flags = SS_DISABLE};
  sigaltstack(any(3) ? &on : &off, NULL);
}
static void execute_nonsense(void) {
  static char *const none[] = {NULL}, *const arguments[] = {"x", NULL};
  static const char *const paths[] = {"/nonexistent", "/etc/passwd", "/",
                                      "/dev/null", ""};
  const char *path = paths[any(5)];
  if (any(2)) {
    execve(path, arguments, none);
    return;
  }
  pid_t pid = vfork();
  if (pid == 0) {
    execve(path, arguments, none);
    _exit(1);
  }
}

static const struct {
  const char *name;
  void (*act)(void);
} acts[] = {
    {"send", send_to_itself},   {"drain", block_and_drain},
    {"fork", fork_some},        {"wait", wait_for_any},
    {"heap", exhaust_heap},     {"move", move_away},
    {"close", close_all},       {"pipe", break_pipe},
    {"timers", set_timers},     {"stack", set_alternate},
    {"exec", execute_nonsense}, {"threads", make_threads},
    {"dup", replace_standard},  {"handle", handle_all},
    {"ignore", ignore_all},
};

static int is_among(const char *name, char **names) {
  for (; *names; ++names)
    if (!strcmp(name, *names))
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  state = atoi(argv[1]);
  handle_all();
  time_t last = time(NULL) + 60;
  long rounds = 0;
  while (access(argv[2], F_OK) && time(NULL) < last) {
    unsigned n = any(sizeof acts / sizeof *acts);
    if (argc == 4 || is_among(acts[n].name, argv + 4))
      acts[n].act();
    ++rounds;
  }
  while (wait(NULL) > 0 || errno == EINTR)
    ;
  umask(022);
  close_all();
  int fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dprintf(fd, "%ld\n", rounds);
  _exit(0);
}
