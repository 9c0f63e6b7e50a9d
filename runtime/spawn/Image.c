//===- Image.c - The helper in memory -------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file for the process, made when it is first needed. An application may
// close all its descriptors, and the number may then be another file's; the
// child looks before it executes it, and the image is made anew.
//
//===----------------------------------------------------------------------===//

#include "Spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* What elfhelper made, at its build. */
extern const unsigned char elfspawn_helper[] ES_HIDDEN;
extern const unsigned char elfspawn_helper_end[] ES_HIDDEN;

enum { ES_MFD_EXEC = 0x10, ES_SEAL_EXEC = 0x20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  struct es_descriptor file; ///< fd 0: none
  bool is_file;
  char *path; ///< elfspawn_set_helper_file
} image;

int es_above_streams(int fd) {
  if (fd < 0 || fd > 2)
    return fd;
  int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  int error = errno;
  close(fd);
  errno = error;
  return above;
}

static size_t helper_size(void) {
  return (size_t)(elfspawn_helper_end - elfspawn_helper);
}

/* Where vm.memfd_noexec is set, only the flag makes a file that can be
   executed; kernels before 6.3 do not know it. */
static int create_memory(void) {
  const char *name = "elfspawn-helper";
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | ES_MFD_EXEC);
  if (fd < 0 && errno == EINVAL)
    fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return es_above_streams(fd);
}

int es_write_all(int fd, const void *data, size_t size) {
  sigset_t too_large, before, pending;
  sigemptyset(&too_large);
  sigaddset(&too_large, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &too_large, &before);
  sigpending(&pending);
  int error = 0;
  for (const char *at = data; size != 0 && !error;) {
    ssize_t written = write(fd, at, size);
    error = written < 0 && errno != EINTR ? errno : 0;
    at += written > 0 ? written : 0;
    size -= written > 0 ? (size_t)written : 0;
  }
  if (error == EFBIG && sigismember(&pending, SIGXFSZ) == 0)
    sigtimedwait(&too_large, NULL, &(struct timespec){0, 0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

static bool fill(int fd) {
  errno = es_write_all(fd, elfspawn_helper, helper_size());
  if (errno)
    return false;
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  return fchmod(fd, 0555) == 0 &&
         (fcntl(fd, F_ADD_SEALS, seals | ES_SEAL_EXEC) == 0 ||
          fcntl(fd, F_ADD_SEALS, seals) == 0);
}

/* Opens a helper's file if it has the bytes that it should have. */
static int open_file(const char *path) {
  int fd = es_above_streams(open(path, O_RDONLY | O_CLOEXEC));
  if (fd < 0)
    return -errno;
  unsigned char bytes[512];
  size_t at = 0;
  ssize_t size;
  bool is_equal = true;
  while (is_equal && (size = read(fd, bytes, sizeof(bytes))) > 0) {
    is_equal = at + (size_t)size <= helper_size() &&
               memcmp(bytes, elfspawn_helper + at, (size_t)size) == 0;
    at += (size_t)size;
  }
  if (is_equal && at == helper_size())
    return fd;
  close(fd);
  return -ENOEXEC;
}

int es_identify(struct es_descriptor *d) {
  struct stat s;
  if (fstat(d->fd, &s) != 0)
    return errno;
  d->identity =
      (struct es_identity){major(s.st_dev), minor(s.st_dev), s.st_ino};
  return 0;
}

/* Leaves a descriptor in image.file, or returns an errno value. */
static int make_image(void) {
  struct es_descriptor made = {.fd = create_memory()};
  int error = made.fd < 0 ? errno : 0;
  if (!error && !fill(made.fd)) {
    error = errno;
    close(made.fd);
  }
  image.is_file = error != 0;
  if (error && image.path) {
    made.fd = open_file(image.path);
    error = made.fd < 0 ? -made.fd : 0;
  }
  if (error)
    return error;
  error = es_identify(&made);
  if (error)
    close(made.fd);
  else
    image.file = made;
  return error;
}

struct es_descriptor es_own_image(void) {
  pthread_mutex_lock(&lock);
  struct es_descriptor own = image.file;
  pthread_mutex_unlock(&lock);
  own.fd = own.fd ? own.fd : -1;
  return own;
}

int es_image(struct es_descriptor *result, bool *is_file, const char **path) {
  pthread_mutex_lock(&lock);
  int error = image.file.fd ? 0 : make_image();
  *result = image.file;
  *is_file = image.is_file;
  *path = image.path;
  pthread_mutex_unlock(&lock);
  return error;
}

static bool is_same(const struct es_identity *a, const struct es_identity *b) {
  return a->inode == b->inode && a->device_major == b->device_major &&
         a->device_minor == b->device_minor;
}

/* The number belongs to somebody else: it is not closed. */
void es_drop_image(const struct es_descriptor *lost) {
  pthread_mutex_lock(&lock);
  // Another thread may have made a new one, and it may have got the number.
  if (image.file.fd == lost->fd &&
      is_same(&image.file.identity, &lost->identity))
    image.file.fd = 0;
  pthread_mutex_unlock(&lock);
}

/* The lock is held. A file of an earlier path is not used any more. */
static void forget_file(void) {
  struct es_descriptor now = image.file;
  if (!image.is_file || !now.fd)
    return;
  if (es_identify(&now) == 0 && is_same(&now.identity, &image.file.identity))
    close(now.fd);
  image.file.fd = 0;
}

static int set_helper_file(const char *path) {
  int fd = path ? open_file(path) : 0;
  if (fd < 0)
    return -fd;
  if (path)
    close(fd);
  char *copy = path ? strdup(path) : NULL;
  if (path && !copy)
    return ENOMEM;
  pthread_mutex_lock(&lock);
  forget_file();
  free(image.path);
  image.path = copy;
  pthread_mutex_unlock(&lock);
  return 0;
}

int elfspawn_set_helper_file(const char *path) {
  int before = errno, cancellation;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
  int error = set_helper_file(path);
  pthread_setcancelstate(cancellation, NULL);
  errno = before;
  return error;
}
