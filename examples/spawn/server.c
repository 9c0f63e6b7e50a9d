//===- server.c - Jobs that 64 threads start -----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   server DIRECTORY [JOBS]
//
// A job reads a number from a pipe, answers with its square through another
// pipe, and keeps a log, DIRECTORY/N.log, which the child itself opens. All
// threads start jobs at the same time; no job gets another one's descriptors,
// else an end of file would come late and a log would count them.
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include <elfmerge/spawn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64 };

static const char *directory;
static int job_count = 256;
static atomic_int next_job, right_answers;

static void complain(int job, const struct elfspawn_error *error) {
  char text[200];
  fprintf(stderr, "job %d: %s\n", job,
          elfspawn_describe(error, text, sizeof(text)));
}

/* Starts a job with these two descriptors as its standard streams. */
static int start_job(int job, int input, int output,
                     struct elfspawn_child *child) {
  char *arguments[] = {"sh", "-c",
                       "read n; echo $((n * n)); ls /proc/self/fd | wc -l >&2",
                       NULL};
  char log[4096];
  sigset_t defaults;
  struct elfspawn_error error;
  elfspawn_t *request = elfspawn_create();
  if (!request)
    return ENOMEM;
  snprintf(log, sizeof(log), "%s/%d.log", directory, job);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  // What goes wrong here is remembered, and elfspawn_start says it.
  elfspawn_set_path(request, "/bin/sh");
  elfspawn_set_arguments(request, arguments);
  elfspawn_set_default_signals(request, &defaults);
  elfspawn_add_dup(request, input, 0);
  elfspawn_add_output(request, output);
  elfspawn_add_open(request, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  int result = elfspawn_start(request, child, &error);
  if (result)
    complain(job, &error);
  elfspawn_free(request);
  return result;
}

/* Sends the number and reads the answer. */
static long converse(int job, int to, int from) {
  char text[32] = "";
  size_t size = 0;
  ssize_t got;
  dprintf(to, "%d\n", job);
  close(to);
  while ((got = read(from, text + size, sizeof(text) - 1 - size)) > 0)
    size += (size_t)got;
  return strtol(text, NULL, 10);
}

static void run_job(int job) {
  int to[2], from[2], status;
  struct elfspawn_child child;
  if (pipe2(to, O_CLOEXEC) != 0) {
    perror("pipe2");
    return;
  }
  if (pipe2(from, O_CLOEXEC) != 0) {
    perror("pipe2");
    close(to[0]), close(to[1]);
    return;
  }
  int result = start_job(job, to[0], from[1], &child);
  close(to[0]), close(from[1]);
  if (result) {
    close(to[1]), close(from[0]);
    return;
  }
  long answer = converse(job, to[1], from[0]);
  close(from[0]);
  result = elfspawn_wait(&child, -1, &status);
  if (result)
    fprintf(stderr, "job %d: %s\n", job, strerror(result));
  else if (status == 0 && answer == (long)job * job)
    ++right_answers;
}

static void *worker(void *unused) {
  for (int job; (job = next_job++) < job_count;)
    run_job(job);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int started = 0;
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: server DIRECTORY [JOBS]\n");
    return 2;
  }
  directory = argv[1];
  if (argc == 3)
    job_count = atoi(argv[2]);
  signal(SIGPIPE, SIG_IGN); // A job may end before it has read.
  while (started != THREADS &&
         pthread_create(&threads[started], NULL, worker, NULL) == 0)
    ++started;
  for (int n = 0; n != started; ++n)
    pthread_join(threads[n], NULL);
  printf("%d threads, %d jobs, %d right answers\n", started, job_count,
         right_answers);
  return started != THREADS || right_answers != job_count;
}
