//===- Run.c - Starting and waiting in one call ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t deadline(int milliseconds) {
  return milliseconds < 0 ? -1 : es_now() + milliseconds;
}

static int left(int64_t end) {
  if (end < 0)
    return -1;
  int64_t now = es_now();
  return end > now ? (int)(end - now) : 0;
}

//===------------------------------- Waiting ------------------------------===//

/* Where there are no pidfds the end is looked for from time to time. */
static int wait_for_end(struct elfspawn_child *child, int64_t end) {
  enum { INTERVAL = 10 };
  struct pollfd p = {child->pidfd, POLLIN, 0};
  int wait = left(end);
  if (child->pidfd < 0 && (wait < 0 || wait > INTERVAL))
    wait = INTERVAL;
  int ready = poll(&p, child->pidfd >= 0, wait);
  if (ready > 0 && (p.revents & POLLNVAL)) // Somebody has closed it.
    child->pidfd = -1;
  return ready < 0 && errno != EINTR ? errno : 0;
}

int es_waitid(pid_t pid, int pidfd, siginfo_t *info, int options) {
  enum { BY_PIDFD = 3 };
  int result = -1;
  errno = EINVAL;
  if (pidfd >= 0)
    result = waitid((idtype_t)BY_PIDFD, (id_t)pidfd, info, options);
  // Before 5.4; or somebody has closed what is not his.
  if (result != 0 && (errno == EINVAL || errno == EBADF))
    result = waitid(P_PID, (id_t)pid, info, options);
  return result;
}

static int status_of(const siginfo_t *info) {
  if (info->si_code == CLD_EXITED)
    return info->si_status << 8;
  return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

int elfspawn_wait(struct elfspawn_child *child, int milliseconds, int *status) {
  int64_t end = deadline(milliseconds);
  int saved = errno, error = 0;
  siginfo_t info = {0};
  while (!error) {
    int result = es_waitid(child->pid, child->pidfd, &info,
                           WEXITED | (end < 0 ? 0 : WNOHANG));
    if (result == 0 && info.si_pid)
      break;
    if (result != 0 && errno != EINTR)
      error = errno;
    else if (result == 0 && left(end) == 0)
      error = ETIMEDOUT;
    else if (result == 0)
      error = wait_for_end(child, end);
  }
  errno = saved;
  if (error && error != ECHILD)
    return error;
  if (!error && status)
    *status = status_of(&info);
  if (child->pidfd >= 0)
    close(child->pidfd);
  child->pidfd = -1;
  return error;
}

//===------------------------------ Capturing -----------------------------===//

/* One stream on its way into memory. */
struct capture {
  int ends[2];
  char *data;
  size_t size, room, limit;
  bool truncated;
};

static void close_end(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

static int open_capture(struct capture *c, bool wanted, size_t limit) {
  *c = (struct capture){.ends = {-1, -1}, .limit = limit ? limit : SIZE_MAX};
  if (!wanted)
    return 0;
  c->data = calloc(1, 1);
  if (!c->data)
    return ENOMEM;
  if (pipe2(c->ends, O_CLOEXEC) != 0) {
    c->ends[0] = c->ends[1] = -1;
    return errno;
  }
  for (int n = 0; n != 2; ++n)
    if ((c->ends[n] = es_above_streams(c->ends[n])) < 0)
      return errno;
  return fcntl(c->ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

static void close_capture(struct capture *c) {
  close_end(&c->ends[0]);
  close_end(&c->ends[1]);
}

/* Room for more, and for the zero byte behind it. */
static int make_room(struct capture *c, size_t more) {
  size_t needed = c->size + more + 1;
  if (needed <= c->room)
    return 0;
  size_t room = c->room ? 2 * c->room : 4096;
  while (room < needed)
    room *= 2;
  char *data = realloc(c->data, room);
  if (!data)
    return ENOMEM;
  c->data = data;
  c->room = room;
  return 0;
}

/* Takes what is there, or drops it if there is enough. An end of file closes
   the capture. */
static int take(struct capture *c) {
  enum { PIECE = 4096 };
  char dropped[512];
  size_t wanted = c->limit - c->size < PIECE ? c->limit - c->size : PIECE;
  bool drops = wanted == 0;
  int error = make_room(c, wanted);
  if (error)
    return error;
  ssize_t size = drops ? read(c->ends[0], dropped, sizeof(dropped))
                       : read(c->ends[0], c->data + c->size, wanted);
  if (size < 0)
    return errno == EINTR || errno == EAGAIN ? 0 : errno;
  if (size == 0) {
    close_end(&c->ends[0]);
    return 0;
  }
  c->truncated |= drops;
  c->size += drops ? 0 : (size_t)size;
  c->data[c->size] = 0;
  return 0;
}

static bool is_open(const struct capture captures[2]) {
  return captures[0].ends[0] >= 0 || captures[1].ends[0] >= 0;
}

/* Takes what is there now, and not what somebody adds meanwhile. ETIMEDOUT: it
   was not all. */
static int take_rest(struct capture captures[2]) {
  enum { LEAST = 512 }; // what take reads at once, if it is there
  for (int n = 0; n != 2; ++n) {
    struct capture *c = &captures[n];
    int size = 0, error = 0;
    if (c->ends[0] >= 0 && ioctl(c->ends[0], FIONREAD, &size) != 0)
      return errno;
    // Once more than there is data for: the end of the file.
    for (int taken = 0; taken <= size && c->ends[0] >= 0; taken += LEAST)
      if ((error = take(c)) != 0)
        return error;
  }
  return is_open(captures) ? ETIMEDOUT : 0;
}

static int take_all(struct capture captures[2], int64_t end) {
  while (is_open(captures)) {
    struct pollfd p[2] = {{captures[0].ends[0], POLLIN, 0},
                          {captures[1].ends[0], POLLIN, 0}};
    int wait = left(end);
    // Whoever writes without a pause does not put the deadline off.
    if (wait == 0)
      return take_rest(captures);
    int ready = poll(p, 2, wait);
    if (ready < 0 && errno != EINTR)
      return errno;
    for (int n = 0; ready > 0 && n != 2; ++n) {
      int error = p[n].revents ? take(&captures[n]) : 0;
      if (error)
        return error;
    }
  }
  return 0;
}

//===-------------------------------- Running -----------------------------===//

void es_kill(pid_t pid, int pidfd) {
  if (pidfd >= 0 &&
      (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0 ||
       errno == ESRCH)) // The number may be another process's by now.
    return;
  kill(pid, SIGKILL);
}

static void kill_child(const struct elfspawn_child *child, bool group) {
  if (group)
    kill(-child->pid, SIGKILL);
  es_kill(child->pid, child->pidfd);
}

/* Takes what comes and waits; at the deadline, or when there is no memory, the
   child is ended first. */
static int follow(struct elfspawn_run *run, struct elfspawn_child *child,
                  struct capture captures[2], int64_t end) {
  int error = take_all(captures, end);
  if (!error)
    error = elfspawn_wait(child, left(end), &run->status);
  if (error == ECHILD) {
    run->status = -1;
    return 0;
  }
  if (!error)
    return 0;
  run->timed_out = error == ETIMEDOUT;
  kill_child(child, run->kill_group);
  int waited = elfspawn_wait(child, -1, &run->status);
  if (!run->timed_out)
    return error;
  if (waited == ECHILD)
    run->status = -1;
  // What was written before the end is in the pipes.
  take_rest(captures);
  return waited == ECHILD ? 0 : waited;
}

static bool has_own_group(const elfspawn_t *r) {
  const char *group = r->attributes[ES_ATTR_GROUP_OF_PROCESSES];
  return r->attributes[ES_ATTR_SESSION] || (group && group[1] == '0');
}

static int start_captured(const elfspawn_t *r, struct elfspawn_run *run,
                          struct elfspawn_child *child,
                          struct capture captures[2],
                          struct elfspawn_error *error) {
  if (run->kill_group && !has_own_group(r)) {
    *error = (struct elfspawn_error){EINVAL, ELFSPAWN_STEP_REQUEST, -1, 0};
    return EINVAL;
  }
  int failed = open_capture(&captures[0], run->capture_output, run->limit);
  if (!failed)
    failed = open_capture(&captures[1], run->capture_error && !run->merge,
                          run->limit);
  if (failed) {
    *error = (struct elfspawn_error){failed, ELFSPAWN_STEP_PREPARE, -1, 0};
    return failed;
  }
  int streams[3] = {-1, captures[0].ends[1], captures[1].ends[1]};
  if (run->merge)
    streams[2] = streams[1];
  failed = es_start(r, streams, child, error);
  close_end(&captures[0].ends[1]);
  close_end(&captures[1].ends[1]);
  return failed;
}

int elfspawn_run(const elfspawn_t *r, struct elfspawn_run *run,
                 struct elfspawn_error *error) {
  struct elfspawn_error ignored;
  struct elfspawn_child child;
  struct capture captures[2] = {{.ends = {-1, -1}}, {.ends = {-1, -1}}};
  int saved = errno, cancellation;
  if (!error)
    error = &ignored;
  int64_t end = run->deadline > 0 ? deadline(run->deadline) : -1;
  run->timed_out = run->truncated = false;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
  int failed = start_captured(r, run, &child, captures, error);
  if (!failed) {
    failed = follow(run, &child, captures, end);
    *error = (struct elfspawn_error){
        failed, failed ? ELFSPAWN_STEP_WAIT : ELFSPAWN_STEP_NONE, -1, 0};
  }
  pthread_setcancelstate(cancellation, NULL);
  close_capture(&captures[0]);
  close_capture(&captures[1]);
  if (failed)
    for (int n = 0; n != 2; ++n) {
      free(captures[n].data);
      captures[n] = (struct capture){.ends = {-1, -1}};
    }
  run->output = captures[0].data;
  run->output_size = captures[0].size;
  run->error_output = captures[1].data;
  run->error_size = captures[1].size;
  run->truncated = captures[0].truncated || captures[1].truncated;
  errno = saved;
  return failed;
}
