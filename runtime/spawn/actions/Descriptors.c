//===- Descriptors.c - Operations on descriptors --------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"

static long set_cloexec(int fd, int flag) {
  return es_call(fcntl, fd, ES_F_SETFD, flag);
}

/* Moves a descriptor of ours to just that number, and leaves it open in exec.
 */
static long place(int from, int to) {
  if (from == to)
    return set_cloexec(to, 0);
  long result = es_call(dup3, from, to, 0);
  es_call(close, from); // Linux has closed it whatever it says.
  return result < 0 ? result : 0;
}

static long open_path(const char *path, int flags, int mode) {
  return es_call(openat, ES_AT_FDCWD, path,
                 flags | ES_O_CLOEXEC | ES_O_LARGEFILE, mode);
}

/* What was closed before the operations began is not all closed any more. */
static void has_opened(struct es_run *run, int fd) {
  if (run->closed_above >= 0 && fd > run->closed_above)
    run->closed_above = fd;
}

long es_do_open(struct es_run *run, const char *at) {
  int to = es_int(&at), flags = es_int(&at), mode = es_int(&at);
  has_opened(run, to);
  long fd = open_path(es_path(at), flags, mode);
  return fd < 0 ? fd : place((int)fd, to);
}

long es_do_dup(struct es_run *run, const char *at) {
  int from = es_int(&at), to = es_int(&at);
  has_opened(run, to);
  if (from == to)
    return set_cloexec(to, 0);
  long result = es_call(dup3, from, to, 0);
  return result < 0 ? result : 0;
}

/* Whether a name of /proc/self/fd is a descriptor, and which. */
static bool read_decimal(const char *name, unsigned *value) {
  *value = 0;
  if (!*name)
    return false;
  for (; *name; ++name) {
    if (*name < '0' || *name > '9')
      return false;
    *value = *value * 10 + (unsigned)(*name - '0');
  }
  return true;
}

struct entry {
  uint64_t inode, offset;
  unsigned short size;
  unsigned char type;
  char name[];
};

/* Closes what is open in a range, found in the directory that lists it. */
static long close_listed(unsigned first, unsigned last) {
  long directory = open_path("/proc/self/fd", 0, 0);
  if (directory < 0)
    return directory;
  _Alignas(8) char buffer[2048];
  long size;
  // Closing does not make the listing skip any: entries are found by number.
  while ((size = es_call(getdents64, directory, buffer, sizeof(buffer))) > 0)
    for (long at = 0; at < size;) {
      const struct entry *e = (const struct entry *)(buffer + at);
      unsigned fd;
      if (read_decimal(e->name, &fd) && fd >= first && fd <= last &&
          fd != (unsigned)directory)
        es_call(close, fd);
      at += e->size;
    }
  es_call(close, directory);
  return size;
}

/* Without close_range and /proc: one by one, as far as numbers can go. */
static long close_each(unsigned first, unsigned last) {
  enum { RLIMIT_NOFILE = 7, MOST = 1 << 20 };
  uint64_t limit[2];
  long result = es_call(prlimit64, 0, RLIMIT_NOFILE, 0, limit);
  if (result < 0)
    return result;
  if (limit[1] > MOST)
    limit[1] = MOST;
  for (unsigned fd = first; fd <= last && fd < limit[1]; ++fd)
    es_call(close, fd);
  return 0;
}

static long close_range(unsigned first, unsigned last) {
  if (first > last)
    return 0;
  if (es_call(close_range, first, last, 0) == 0)
    return 0;
  if (first == last) {
    es_call(close, first);
    return 0;
  }
  return close_listed(first, last) == 0 ? 0 : close_each(first, last);
}

long es_do_close(struct es_run *run, const char *at) {
  unsigned first = (unsigned)es_number(&at), last = (unsigned)es_number(&at);
  unsigned report = (unsigned)run->report;
  if (last == ~0U && run->closed_above >= 0 &&
      first > (unsigned)run->closed_above)
    return 0;
  if (run->report < 0 || report < first || report > last)
    return close_range(first, last);
  long result = report == first ? 0 : close_range(first, report - 1);
  return result < 0 || report == last ? result : close_range(report + 1, last);
}

long es_do_inherit(struct es_run *run, const char *at) {
  (void)run;
  while (*at) {
    long result = set_cloexec(es_int(&at), 0);
    if (result < 0)
      return result;
  }
  return 0;
}

long es_do_cloexec(struct es_run *run, const char *at) {
  (void)run;
  while (*at)
    set_cloexec(es_int(&at), ES_FD_CLOEXEC);
  return 0;
}

/* Files like those in /proc take a value in one piece or not at all. */
static long write_at_once(long fd, const char *text, size_t size) {
  if (fd < 0)
    return fd;
  long written = es_call(write, fd, text, size);
  es_call(close, fd);
  if (written >= 0 && (size_t)written != size)
    return -ES_EINVAL;
  return written < 0 ? written : 0;
}

static size_t length(const char *text) {
  size_t n = 0;
  while (text[n])
    ++n;
  return n;
}

long es_do_write(struct es_run *run, const char *at) {
  (void)run;
  size_t size = (size_t)es_number(&at);
  const char *text = es_path(at);
  char path[256];
  if (size >= sizeof(path) || size > length(text))
    return -ES_EINVAL;
  for (size_t n = 0; n != size; ++n)
    path[n] = text[n];
  path[size] = 0;
  return write_at_once(open_path(path, ES_O_WRONLY, 0), text + size,
                       length(text + size));
}

long es_do_oom_score(struct es_run *run, const char *at) {
  (void)run;
  return write_at_once(open_path("/proc/self/oom_score_adj", ES_O_WRONLY, 0),
                       at, length(at));
}

long es_do_cgroup(struct es_run *run, const char *at) {
  if (run->flags & ES_IN_CGROUP)
    return 0;
  return write_at_once(
      es_call(openat, es_int(&at), "cgroup.procs", ES_O_WRONLY | ES_O_CLOEXEC),
      "0", 1);
}
