//===- overhead_threads.c - Threads, signals and programs -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include "overhead.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_THREADS = 4 };

static const char *program;
static pid_t pid;

//===------------------------------- Threads ------------------------------===//

struct team {
  void (*work)(long);
  long count;
  pthread_barrier_t start;
  struct times begin, taken[MAX_THREADS];
};

struct member {
  struct team *team;
  int number;
};

static void *play(void *argument) {
  struct member *m = argument;
  struct team *t = m->team;
  if (pthread_barrier_wait(&t->start) == PTHREAD_BARRIER_SERIAL_THREAD)
    t->begin = now();
  pthread_barrier_wait(&t->start);
  t->work(t->count);
  t->taken[m->number] = since(t->begin);
  return NULL;
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument) {
  errno = pthread_create(thread, NULL, body, argument);
  check(!errno, "pthread_create");
}

struct times time_of_threads(int threads, void (*work)(long), long count) {
  struct team t = {.work = work, .count = count};
  struct member members[MAX_THREADS];
  pthread_t ids[MAX_THREADS];
  pthread_barrier_init(&t.start, NULL, threads);
  for (int n = 0; n != threads; ++n) {
    members[n] = (struct member){&t, n};
    start(&ids[n], play, &members[n]);
  }
  struct times longest = {0};
  for (int n = 0; n != threads; ++n) {
    pthread_join(ids[n], NULL);
    if (t.taken[n].elapsed > longest.elapsed)
      longest = t.taken[n];
  }
  pthread_barrier_destroy(&t.start);
  return longest;
}

static void *do_nothing(void *argument) { return argument; }

static void do_create(long count) {
  while (count--) {
    pthread_t thread;
    start(&thread, do_nothing, NULL);
    pthread_join(thread, NULL);
  }
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;

static void do_mutex(long count) {
  static long shared;
  while (count--) {
    pthread_mutex_lock(&mutex);
    ++shared;
    pthread_mutex_unlock(&mutex);
  }
}

/* Each of two threads waits for the other one. */
static void do_condition(long count) {
  static int turn, players;
  pthread_mutex_lock(&mutex);
  int self = players++ % 2;
  while (count--) {
    while (turn != self)
      pthread_cond_wait(&turned, &mutex);
    turn = !self;
    pthread_cond_signal(&turned);
  }
  pthread_mutex_unlock(&mutex);
}

//===--------------------------- Signals, programs ------------------------===//

static sem_t answered;
static volatile sig_atomic_t handled;

static void on_signal(int signal) {
  (void)signal;
  ++handled;
}

static void on_question(int signal) {
  (void)signal;
  ++handled;
  sem_post(&answered);
}

static void do_kill(long count) {
  handled = 0;
  for (long n = 0; n != count; ++n)
    check(kill(pid, SIGUSR1) == 0, "kill");
  check(handled == count, "a signal was lost: kill");
}

static void do_sigqueue(long count) {
  handled = 0;
  for (long n = 0; n != count; ++n)
    check(sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 1}) == 0,
          "sigqueue");
  check(handled == count, "a signal was lost: sigqueue");
}

static void do_raise(long count) {
  handled = 0;
  for (long n = 0; n != count; ++n)
    check(raise(SIGUSR1) == 0, "raise");
  check(handled == count, "a signal was lost: raise");
}

static void block(int signal, sigset_t *before) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, before);
}

static void *answer(void *argument) {
  sigset_t before;
  block(SIGUSR2, &before);
  sem_post(&answered);
  while (handled < *(long *)argument)
    sigsuspend(&before);
  return NULL;
}

static struct times time_of_pthread_kill(long count) {
  pthread_t thread;
  handled = 0;
  start(&thread, answer, &count);
  sem_wait(&answered);
  struct times begin = now();
  for (long n = 0; n != count; ++n) {
    pthread_kill(thread, SIGUSR2);
    while (sem_wait(&answered))
      ;
  }
  struct times taken = since(begin);
  pthread_join(thread, NULL);
  return taken;
}

static void reap(pid_t child) {
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "a child failed");
}

static char *const arguments[] = {"overhead", "nothing", NULL};

static void do_fork(long count) {
  while (count--) {
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0)
      _exit(0);
    reap(child);
  }
}

static void do_fork_exec(long count) {
  while (count--) {
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
      execv(program, arguments);
      _exit(1);
    }
    reap(child);
  }
}

static void do_spawn(long count) {
  while (count--) {
    pid_t child;
    errno = posix_spawn(&child, program, NULL, NULL, arguments, environ);
    check(!errno, program);
    reap(child);
  }
}

const struct workload thread_workloads[] = {
    {"create", .work = do_create},
    {"mutex", .work = do_mutex, .threads = 2},
    {"condition", .work = do_condition, .threads = 2},
    {"kill", .work = do_kill},
    {"sigqueue", .work = do_sigqueue},
    {"raise", .work = do_raise},
    {"fork", .work = do_fork},
    {"fork-exec", .work = do_fork_exec},
    {"spawn", .work = do_spawn},
    {"pthread_kill", .measure = time_of_pthread_kill},
    {0},
};

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  check(sigaction(signal, &action, NULL) == 0, "sigaction");
}

void prepare_threads(const char *executed) {
  program = executed;
  pid = getpid();
  check(sem_init(&answered, 0, 0) == 0, "sem_init");
  handle(SIGUSR1, on_signal);
  handle(SIGUSR2, on_question);
  handle(SIGRTMIN, on_signal);
}
