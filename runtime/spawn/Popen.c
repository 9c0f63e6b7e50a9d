//===- Popen.c - popen, pclose and system ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Commands of the shell's. Its arguments are those of POSIX.1-2024: the "--" is
// for commands that begin with a dash.
//
//===----------------------------------------------------------------------===//

#include "Posix.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_command(elfspawn_t *request, const char *command, bool inherit) {
  char *const arguments[] = {"sh", "-c", "--", (char *)command, NULL};
  int error = elfspawn_set_path(request, "/bin/sh");
  if (!error)
    error = elfspawn_set_arguments(request, arguments);
  if (!error)
    error = elfspawn_set_close_others(request, !inherit);
  if (!error)
    error = elfspawn_set_pidfd(request, false);
  return error;
}

/* No cancellation point, unlike close. */
static void close_quietly(int fd) {
  int state, before = errno;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  if (fd >= 0)
    close(fd);
  pthread_setcancelstate(state, NULL);
  errno = before;
}

//===--------------------------- popen and pclose -------------------------===//

/* A stream that popen returned. Its file tells whether the descriptor is still
   the stream's, which is not so after an fclose. */
struct stream {
  FILE *file;
  pid_t pid;
  int fd;
  dev_t device;
  ino_t inode;
  struct stream *next;
};

static struct {
  pthread_mutex_t lock;
  struct stream *first;
} streams = {PTHREAD_MUTEX_INITIALIZER, NULL};

static bool is_open(const struct stream *stream) {
  struct stat found;
  return fstat(stream->fd, &found) == 0 && found.st_dev == stream->device &&
         found.st_ino == stream->inode;
}

/* The lock is held. */
static struct stream *take_stream(FILE *file) {
  for (struct stream **at = &streams.first; *at; at = &(*at)->next)
    if ((*at)->file == file) {
      struct stream *found = *at;
      *at = found->next;
      return found;
    }
  return NULL;
}

/* The lock is held. A file that was closed by fclose may have left its address
   to this one. */
static void put_stream(struct stream *stream) {
  free(take_stream(stream->file));
  stream->next = streams.first;
  streams.first = stream;
}

/* The lock is held. POSIX has the streams of earlier calls closed in the child.
 */
static int close_streams(elfspawn_t *request, int except) {
  int error = 0;
  for (struct stream *s = streams.first; s && !error; s = s->next)
    if (s->fd != except && is_open(s))
      error = elfspawn_add_close(request, s->fd);
  return error;
}

struct mode {
  bool read, write, cloexec;
};

static bool parse_mode(const char *text, struct mode *mode) {
  *mode = (struct mode){false, false, false};
  for (; *text; ++text)
    switch (*text) {
    case 'r':
      mode->read = true;
      break;
    case 'w':
      mode->write = true;
      break;
    case 'e':
      mode->cloexec = true;
      break;
    default:
      return false;
    }
  return mode->read != mode->write;
}

/* Starts the shell with one end of the pipe. The lock is held if descriptors
   are inherited: no other popen may make one inheritable between the look at
   the list and the start. */
static int start_shell(const char *command, const struct mode *mode, int end,
                       bool inherit, pid_t *pid) {
  int place = mode->read ? 1 : 0;
  int in_place[3] = {-1, -1, -1};
  in_place[place] = end;
  struct elfspawn_child child;
  elfspawn_t *request = elfspawn_create();
  if (!request)
    return ENOMEM;
  int error = set_command(request, command, inherit);
  if (!error && inherit)
    error = close_streams(request, place);
  if (!error)
    error = es_start(request, in_place, &child, NULL);
  elfspawn_free(request);
  if (error)
    return error;
  close_quietly(child.pidfd);
  *pid = child.pid;
  return 0;
}

static int start_stream(struct stream *stream, const char *command,
                        const struct mode *mode, int end, bool inherit) {
  int error;
  if (inherit) {
    pthread_mutex_lock(&streams.lock);
    error = start_shell(command, mode, end, true, &stream->pid);
  } else {
    error = start_shell(command, mode, end, false, &stream->pid);
    pthread_mutex_lock(&streams.lock);
  }
  if (!error) {
    if (!mode->cloexec)
      fcntl(stream->fd, F_SETFD, 0);
    put_stream(stream);
  }
  pthread_mutex_unlock(&streams.lock);
  return error;
}

/* Makes the pipe and the stream of its one end; *end is the other one, above 2
   as es_start wants it. */
static int open_stream(struct stream *stream, const struct mode *mode,
                       int *end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return errno;
  stream->fd = ends[mode->read ? 0 : 1];
  *end = es_above_streams(ends[mode->read ? 1 : 0]);
  struct stat found;
  if (*end >= 0 && fstat(stream->fd, &found) == 0)
    stream->file = fdopen(stream->fd, mode->read ? "r" : "w");
  if (!stream->file) {
    int error = errno;
    close_quietly(stream->fd);
    close_quietly(*end);
    return error;
  }
  stream->device = found.st_dev;
  stream->inode = found.st_ino;
  return 0;
}

static void fclose_quietly(FILE *file) {
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  fclose(file);
  pthread_setcancelstate(state, NULL);
}

FILE *es_popen(const char *command, const char *text, bool inherit) {
  struct mode mode;
  int before = errno, end = -1, error = EINVAL;
  struct stream *stream = NULL;
  if (parse_mode(text, &mode)) {
    stream = calloc(1, sizeof(*stream));
    error = stream ? open_stream(stream, &mode, &end) : ENOMEM;
  }
  if (!error) {
    error = start_stream(stream, command, &mode, end, inherit);
    close_quietly(end);
    if (error)
      fclose_quietly(stream->file);
  }
  if (error) {
    free(stream);
    errno = error;
    return NULL;
  }
  errno = before;
  return stream->file;
}

/* The end of the shell. Whoever cancels a thread that waits here gives the
   child to whoever waits for all children. */
static int wait_for(pid_t pid, int *status) {
  pid_t result;
  do
    result = waitpid(pid, status, 0);
  while (result < 0 && errno == EINTR);
  return result == pid ? 0 : -1;
}

int es_pclose(FILE *file, bool any) {
  pthread_mutex_lock(&streams.lock);
  struct stream *stream = take_stream(file);
  pthread_mutex_unlock(&streams.lock);
  if (!stream && any)
    return fclose(file);
  if (!stream) {
    errno = ECHILD;
    return -1;
  }
  pid_t pid = stream->pid;
  free(stream);
  int state, status, error = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  if (fclose(file) != 0)
    error = errno;
  pthread_setcancelstate(state, NULL);
  if (wait_for(pid, &status) != 0)
    return -1;
  if (status == 0 && error) { // What was written last did not get there.
    errno = error;
    return -1;
  }
  return status;
}

//===-------------------------------- system ------------------------------===//

/* SIGINT and SIGQUIT are ignored while any thread is in system. */
static struct {
  pthread_mutex_t lock;
  unsigned users;
  struct sigaction interrupt, quit; ///< as they were before the first one
} ignored = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Ignores the two; *handled is those that were not ignored before. */
static void begin_ignoring(sigset_t *handled) {
  struct sigaction ignore;
  memset(&ignore, 0, sizeof(ignore));
  ignore.sa_handler = SIG_IGN;
  sigemptyset(handled);
  pthread_mutex_lock(&ignored.lock);
  if (ignored.users++ == 0) {
    sigaction(SIGINT, &ignore, &ignored.interrupt);
    sigaction(SIGQUIT, &ignore, &ignored.quit);
  }
  if (ignored.interrupt.sa_handler != SIG_IGN)
    sigaddset(handled, SIGINT);
  if (ignored.quit.sa_handler != SIG_IGN)
    sigaddset(handled, SIGQUIT);
  pthread_mutex_unlock(&ignored.lock);
}

static void end_ignoring(void) {
  pthread_mutex_lock(&ignored.lock);
  if (--ignored.users == 0) {
    sigaction(SIGINT, &ignored.interrupt, NULL);
    sigaction(SIGQUIT, &ignored.quit, NULL);
  }
  pthread_mutex_unlock(&ignored.lock);
}

struct waiting {
  struct elfspawn_child child;
  sigset_t mask; ///< the thread's own
  int status;    ///< as system returns it
};

/* The thread was cancelled while it waited. */
static void abandon(void *argument) {
  struct waiting *waiting = argument;
  kill(waiting->child.pid, SIGKILL);
  wait_for(waiting->child.pid, &waiting->status);
  close_quietly(waiting->child.pidfd);
  end_ignoring();
  pthread_sigmask(SIG_SETMASK, &waiting->mask, NULL);
}

/* Returns 0 or an errno value. A cancellation point. */
static int wait_for_command(struct waiting *waiting) {
  volatile int error = 0; // The cleanup handler is behind a setjmp.
  pthread_cleanup_push(abandon, waiting);
  if (wait_for(waiting->child.pid, &waiting->status) != 0) {
    error = errno;
    waiting->status = -1;
  }
  pthread_cleanup_pop(0);
  close_quietly(waiting->child.pidfd);
  return error;
}

/* Starts the shell with the signals as they were before system. */
static int start_command(const char *command, bool inherit,
                         const sigset_t *handled, struct waiting *waiting,
                         struct elfspawn_error *failure) {
  static const int none[3] = {-1, -1, -1};
  *failure = (struct elfspawn_error){.action = -1};
  elfspawn_t *request = elfspawn_create();
  if (!request)
    return ENOMEM;
  int error = set_command(request, command, inherit);
  if (!error)
    error = elfspawn_set_default_signals(request, handled);
  if (!error)
    error = elfspawn_set_signal_mask(request, &waiting->mask);
  if (!error)
    error = es_start(request, none, &waiting->child, failure);
  elfspawn_free(request);
  return error;
}

int es_system(const char *command, bool inherit) {
  if (!command) // Is there a shell?
    return es_system("exit 0", inherit) == 0;
  struct waiting waiting = {.status = -1};
  struct elfspawn_error failure;
  sigset_t handled, child_signal;
  int before = errno;

  begin_ignoring(&handled);
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child_signal, &waiting.mask);
  int error = start_command(command, inherit, &handled, &waiting, &failure);
  if (!error) {
    error = wait_for_command(&waiting);
  } else if (failure.step == ELFSPAWN_STEP_EXECUTE) {
    waiting.status = 127 << 8; // As if the shell had run and exited so.
    error = 0;
  }
  end_ignoring();
  pthread_sigmask(SIG_SETMASK, &waiting.mask, NULL);
  errno = error ? error : before;
  return waiting.status;
}

//===---------------------------- Public functions ------------------------===//

FILE *elfspawn_popen(const char *command, const char *mode) {
  return es_popen(command, mode, false);
}

int elfspawn_pclose(FILE *file) { return es_pclose(file, false); }

int elfspawn_system(const char *command) { return es_system(command, false); }
