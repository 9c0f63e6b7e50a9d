//===- Path.c - Paths through the process ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// /proc/self is the process's first thread, the launcher. Where instances have
// descriptors, a directory and perhaps namespaces of their own, a path that
// goes through it, or through /dev/fd, which leads there, would find the
// launcher's. Such a path is led through /proc/thread-self instead. A process's
// name and status are those of its first thread; so an instance's are those of
// its own first one.
//
// All else of /proc/self is left alone: most of it is the process's in truth
// (maps, limits, stat, whose first field is the process id), and exe is the
// image's file. A program that executes it again, with its own argv[0], runs
// that program alone: the image looks at argv[0].
//
// Only paths that say so in their own letters are led: not relative ones, nor
// those that leave what they enter ("/proc/self/fd/../cmdline").
//
//===----------------------------------------------------------------------===//

#include "Files.h"

static const char *after(const char *path, const char *prefix) {
  while (*prefix && *path == *prefix)
    ++path, ++prefix;
  return *prefix ? NULL : path;
}

/* Is it the name, or below a directory of that name? */
static bool is_in(const char *path, const char *name) {
  const char *rest = after(path, name);
  return rest && (!*rest || *rest == '/');
}

/* What is behind /proc/self/ or /proc/PID/, or null. */
static const char *after_self(const char *path) {
  const char *rest = after(path, "/proc/self/");
  if (rest)
    return rest;
  char own[32] = "/proc/";
  em_append_number(own, sizeof(own), em.pid);
  em_append(own, sizeof(own), "/");
  return after(path, own);
}

/* A thread may leave the namespaces that it was started in. */
static bool is_of_namespaces(const char *rest) {
  return is_in(rest, "ns") || is_in(rest, "net") || em_equal(rest, "mounts") ||
         em_equal(rest, "mountinfo");
}

static bool is_private(const char *rest) {
  if (is_in(rest, "fd") || is_in(rest, "fdinfo"))
    return !em_shares(EM_SHARE_FDS);
  if (is_in(rest, "cwd") || is_in(rest, "root"))
    return !em_shares(EM_SHARE_CWD);
  return is_of_namespaces(rest);
}

static bool is_of_first_thread(const char *rest) {
  return em_equal(rest, "comm") || em_equal(rest, "status");
}

static enum em_path join(char own[EM_OWN_PATH], const char *directory,
                         const char *rest) {
  if (em_length(directory) + em_length(rest) >= EM_OWN_PATH)
    return EM_PATH_PLAIN;
  own[0] = 0;
  em_append(own, EM_OWN_PATH, directory);
  em_append(own, EM_OWN_PATH, rest);
  return EM_PATH_LED;
}

static enum em_path join_first_thread(const struct instance *i,
                                      char own[EM_OWN_PATH], const char *rest) {
  if (em_task(i->first_thread)->thread_of != i->number + 1)
    return join(own, "/proc/thread-self/", rest);
  char directory[48] = "/proc/self/task/";
  em_append_number(directory, sizeof(directory), i->first_thread);
  em_append(directory, sizeof(directory), "/");
  return join(own, directory, rest);
}

static enum em_path lead(const struct instance *i, const char *path,
                         char own[EM_OWN_PATH]) {
  const char *rest = after_self(path);
  if (rest) {
    if (em_equal(rest, "cmdline"))
      return EM_PATH_ARGUMENTS;
    if (em_equal(rest, "environ"))
      return EM_PATH_ENVIRONMENT;
    if (is_of_first_thread(rest))
      return join_first_thread(i, own, rest);
    return is_private(rest) ? join(own, "/proc/thread-self/", rest)
                            : EM_PATH_PLAIN;
  }
  if (em_shares(EM_SHARE_FDS))
    return EM_PATH_PLAIN;
  if (is_in(path, "/dev/fd"))
    return join(own, "/proc/thread-self/fd", after(path, "/dev/fd"));
  static const char streams[][12] = {"/dev/stdin", "/dev/stdout",
                                     "/dev/stderr"};
  for (int n = 0; n != 3; ++n)
    if (em_equal(path, streams[n])) {
      char number[2] = {(char)('0' + n), 0};
      return join(own, "/proc/thread-self/fd/", number);
    }
  return EM_PATH_PLAIN;
}

bool em_is_special(const char *path) {
  static const char first[] = "/proc/", second[] = "/dev/";
  /* Without others nothing is to be led, and nothing may be read: there is no
     dispatcher then. A bad pointer is the kernel's to find. */
  if (em_alone() || em_in_processes())
    return false;
  for (int n = 0;; ++n) {
    char c;
    if (em_peek(&c, path + n, 1) < 0)
      return false;
    bool is_first = n < 6 && c == first[n];
    if (n == 5 && is_first)
      break;
    if (n == 4 && c == second[n])
      break;
    if (!is_first && !(n && n < 4 && c == second[n]))
      return false;
  }
  return em_own_process();
}

enum em_path em_own_path(const struct instance *i, const char *path,
                         char own[EM_OWN_PATH]) {
  /* Programs with small stacks make calls too, so there is one buffer: the path
     stands behind the room for what comes in front of its rest. */
  enum { ROOM = 48 };
  char *copy = own + ROOM;
  long length = em_peek_length(path, EM_OWN_PATH - ROOM);
  if (length < 0 || length == EM_OWN_PATH - ROOM ||
      em_peek(copy, path, length) < 0)
    return EM_PATH_PLAIN;
  copy[length] = 0;
  return lead(i, copy, own);
}
