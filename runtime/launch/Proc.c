//===- Proc.c - Arguments and environment, as /proc shows them ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A process has one command line and one environment, which the kernel reads
// in the memory of the image's start. What an instance opens instead is a file
// in memory with its own: what is in that memory now, as of the kernel, so
// that a program that rewrites its title finds it.
//
//===----------------------------------------------------------------------===//

#include "Files.h"

enum {
  O_ACCMODE = 3,
  O_NONBLOCK = 04000,
  O_DIRECTORY = 0200000,
  O_PATH = 010000000,
  F_ADD_SEALS = 1033,
  F_SEAL_ALL = 15,
};

struct text {
  const char *start;
  size_t size;
};

/* An end that was overwritten means that the program has put its title over
   its arguments, and on over its environment. */
static struct text arguments_of(const struct instance *i) {
  struct text t = {i->arguments, i->environment - i->arguments};
  char last = 0;
  if (!t.size || em_read(&last, i->environment - 1, 1) < 0 || !last)
    return t;
  size_t max = i->environment_end - i->arguments;
  long length = em_read_length(i->arguments, max);
  if (length >= 0)
    t.size = (size_t)length < max ? length + 1 : max;
  return t;
}

static long fill(int fd, const struct text *t) {
  long n = em_syscall(SYS_pwrite64, fd, t->start, t->size, 0);
  if (n < 0 || (size_t)n != t->size)
    return n < 0 ? n : -EM_EFAULT;
  return em_syscall(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_ALL);
}

/* Makes \p fd, the lowest that was free, one for reading only. */
static long reopen(int fd, long flags) {
  char link[48] = "/proc/thread-self/fd/";
  em_append_number(link, sizeof(link), fd);
  long again = em_syscall(SYS_open, link, O_CLOEXEC | (flags & O_NONBLOCK), 0);
  if (again < 0)
    return again;
  long error = em_syscall(SYS_dup3, again, fd, flags & O_CLOEXEC);
  (void)em_syscall(SYS_close, again);
  return error;
}

long em_open_proc(struct instance *i, enum em_path what, long flags) {
  if (flags & (O_ACCMODE | O_DIRECTORY | O_PATH))
    return -EM_EINVAL;
  bool arguments = what == EM_PATH_ARGUMENTS;
  struct text t = {i->environment, i->environment_end - i->environment};
  if (arguments)
    t = arguments_of(i);
  long fd = em_make_memory_file(arguments ? "cmdline" : "environ");
  if (fd < 0)
    return fd;
  long error = fill(fd, &t);
  if (error >= 0)
    error = reopen(fd, flags);
  if (error >= 0)
    return fd;
  (void)em_syscall(SYS_close, fd);
  return error;
}

/* Where the link leads; false: nowhere. */
static bool read_link(int fd, char text[64]) {
  char path[48] = "/proc/thread-self/fd/";
  em_append_number(path, sizeof(path), fd);
  long size = em_syscall(SYS_readlinkat, AT_FDCWD, path, text, 63);
  text[size < 0 ? 0 : size] = 0;
  return size > 0;
}

EM_RARE bool em_is_own_pidfd(int fd) {
  char link[64], own[32] = "/proc/", text[512], line[32] = "\nPid:\t";
  em_append_number(own, sizeof(own), em.pid);
  if (fd < 0 || !read_link(fd, link))
    return false;
  if (em_equal(link, own))
    return true;
  if (!em_equal(link, "anon_inode:[pidfd]"))
    return false;
  char path[48] = "/proc/thread-self/fdinfo/";
  em_append_number(path, sizeof(path), fd);
  long info = em_syscall(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0);
  if (info < 0)
    return false;
  long size = em_syscall(SYS_pread64, info, text, sizeof(text) - 1, 0);
  (void)em_syscall(SYS_close, info);
  text[size < 0 ? 0 : size] = 0;
  em_append_number(line, sizeof(line), em.pid);
  em_append(line, sizeof(line), "\n");
  return em_find(text, line);
}
