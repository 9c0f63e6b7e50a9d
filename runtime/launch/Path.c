//===- Path.c - Paths through the process ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// /proc/self is the process's first thread, the launcher. Where instances have
// descriptors and a directory of their own, a path that goes through it, or
// through /dev/fd, which leads there, would find the launcher's. Such a path
// is led through /proc/thread-self instead.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

static const char *after(const char *path, const char *prefix) {
  while (*prefix && *path == *prefix)
    ++path, ++prefix;
  return *prefix ? NULL : path;
}

static bool ends_component(const char *s) { return !*s || *s == '/'; }

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

static bool is_private(const char *rest) {
  static const char names[][8] = {"fd", "fdinfo", "cwd", "root"};
  for (size_t n = 0; n != sizeof(names) / sizeof(*names); ++n) {
    const char *end = after(rest, names[n]);
    if (end && ends_component(end))
      return true;
  }
  return false;
}

static bool join(char own[EM_OWN_PATH], const char *directory,
                 const char *rest) {
  if (em_length(directory) + em_length(rest) >= EM_OWN_PATH)
    return false;
  own[0] = 0;
  em_append(own, EM_OWN_PATH, directory);
  em_append(own, EM_OWN_PATH, rest);
  return true;
}

bool em_own_path(const char *path, char own[EM_OWN_PATH]) {
  if (path[0] != '/' || (path[1] != 'p' && path[1] != 'd') ||
      em_shares(EM_SHARE_FDS) || !em_own_process())
    return false;
  const char *rest = after_self(path);
  if (rest)
    return is_private(rest) && join(own, "/proc/thread-self/", rest);
  rest = after(path, "/dev/fd");
  if (rest && ends_component(rest))
    return join(own, "/proc/thread-self/fd", rest);
  static const char streams[][12] = {"/dev/stdin", "/dev/stdout",
                                     "/dev/stderr"};
  for (int n = 0; n != 3; ++n)
    if (em_equal(path, streams[n])) {
      char number[2] = {(char)('0' + n), 0};
      return join(own, "/proc/thread-self/fd/", number);
    }
  return false;
}
