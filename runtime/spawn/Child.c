//===- Child.c - Between clone and exec -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs in a child that has, as a rule, its parent's memory and at first its
// parent's table of descriptors. Nothing of libc is called and nothing of the
// parent's is written to except struct es_child; all signals are blocked.
//
// The table is made private by the very call that closes what is not needed, so
// that neither the number of open files nor those of other threads matter: a
// file that is being written is not kept open here, which would make its
// execution fail (ETXTBSY).
//
//===----------------------------------------------------------------------===//

#include "Child.h"

char *es_put_number(char *at, uint64_t value) {
  int shift = 60;
  while (shift > 0 && !(value >> shift & 15))
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    *at++ = "0123456789abcdef"[value >> shift & 15];
  *at = 0;
  return at;
}

static _Noreturn void leave(const struct es_child *c, enum es_state state) {
  c->result->state = state;
  for (;;)
    es_call(exit_group, 127);
}

static _Noreturn void fail(const struct es_child *c, struct es_record failure) {
  c->result->failure = failure;
  if (c->report.fd >= 0)
    es_call(write, c->report.fd, &failure, sizeof(failure));
  leave(c, ES_FAILED);
}

/* Closes what is above and makes the table this process's own. */
static void make_table_private(struct es_child *c, int highest) {
  long result = -ES_ENOSYS;
  if (highest >= 0)
    result = es_call(close_range, highest + 1U, ~0U,
                     c->shares_table ? ES_CLOSE_RANGE_UNSHARE : 0);
  if (result == 0)
    c->closed_above = highest;
  if (result == 0 || !c->shares_table)
    return;
  if (es_call(unshare, ES_CLONE_FILES) < 0)
    leave(c, ES_NO_TABLE);
  c->result->copied_table = true;
}

static char *put_path(char *at, const char *name, unsigned number) {
  char digits[10];
  int count = 0;
  while (*name)
    *at++ = *name++;
  do
    digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count)
    *at++ = digits[--count];
  *at = 0;
  return at;
}

struct es_statx {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, pad;
  uint64_t inode;
  uint64_t size, blocks, attributes_mask, times[8];
  uint32_t is_device_major, is_device_minor;
  uint32_t device_major, device_minor;
  uint64_t more[14];
};
_Static_assert(sizeof(struct es_statx) == 256, "the kernel's size");

/* Whether a descriptor is that file: 0, or a negative errno: EBADF, if it is
   none or another one. */
static long check_file(const struct es_descriptor *d, long fd) {
  enum { STATX_INO = 0x100 };
  struct es_statx s;
  long result = es_call(statx, fd, "", ES_AT_EMPTY_PATH, STATX_INO, &s);
  if (result < 0)
    return result;
  bool same = s.inode == d->identity.inode &&
              s.device_major == d->identity.device_major &&
              s.device_minor == d->identity.device_minor;
  return same ? 0 : -ES_EBADF;
}

/* The thread that waits for this child has the descriptor still. */
static void open_anew(const struct es_child *c, struct es_descriptor *d,
                      int flags) {
  if (d->fd < 0)
    return;
  char path[64];
  char *at = put_path(path, "/proc/", (unsigned)c->parent_thread);
  put_path(at, "/fd/", (unsigned)d->fd);
  long fd = es_call(openat, ES_AT_FDCWD, path, flags | ES_O_CLOEXEC);
  if (fd < 0 || check_file(d, fd) != 0)
    leave(c, ES_NO_DESCRIPTORS);
  if (fd <= 2) {
    long above = es_call(fcntl, fd, ES_F_DUPFD_CLOEXEC, 3);
    es_call(close, fd);
    if (above < 0)
      leave(c, ES_NO_DESCRIPTORS);
    fd = above;
  }
  d->fd = (int)fd;
}

static bool is_needed(const struct es_child *c, int fd) {
  for (size_t n = 0; n != c->needed_count; ++n)
    if (c->needed[n] == fd)
      return true;
  return false;
}

/* The library's lowest descriptor that is not below \p from. */
static int next_own(const struct es_child *c, int from) {
  const struct es_descriptor *own[] = {&c->report, &c->image, &c->streams[0],
                                       &c->streams[1], &c->streams[2]};
  int next = INT32_MAX;
  for (int n = 0; n != 5; ++n)
    if (own[n]->fd >= from && own[n]->fd < next)
      next = own[n]->fd;
  return next;
}

/* Closes what is below the highest descriptor and not needed: nobody's file
   that is being written stays open here. */
static void close_gaps(const struct es_child *c) {
  size_t n = 0;
  for (int first = 3; first < c->highest;) {
    while (n != c->needed_count && c->needed[n] < first)
      ++n;
    int kept = next_own(c, first);
    if (n != c->needed_count && c->needed[n] < kept)
      kept = c->needed[n];
    if (kept > first)
      es_call(close_range, first, kept - 1, 0);
    if (kept >= c->highest)
      return;
    first = kept + 1;
  }
}

/* In a process with many open files the library's descriptors have high
   numbers, and keeping them would mean to copy a large table. */
static void settle_table(struct es_child *c) {
  if (!c->opens_anew || !c->shares_table) {
    make_table_private(c, c->highest);
    if (c->highest >= 0)
      close_gaps(c);
    return;
  }
  make_table_private(c, c->highest_needed);
  open_anew(c, &c->report, ES_O_WRONLY);
  open_anew(c, &c->image, 0);
  open_anew(c, &c->streams[0], 0);
  open_anew(c, &c->streams[1], ES_O_WRONLY);
  open_anew(c, &c->streams[2], ES_O_WRONLY);
}

/* Where the kernel does not do it in clone. */
static void reset_handlers(void) {
  enum { SIGNALS = 64 };
  for (int signal = 1; signal <= SIGNALS; ++signal) {
    uintptr_t action[8] = {0};
    static const uintptr_t fallback[8];
    if (es_call(rt_sigaction, signal, 0, action, sizeof(uint64_t)) == 0 &&
        action[0] > 1)
      es_call(rt_sigaction, signal, fallback, 0, sizeof(uint64_t));
  }
}

static bool is_named(const struct es_child *c, int fd) {
  for (size_t n = 0; n != c->named_count; ++n)
    if (c->named[n] == fd)
      return true;
  return false;
}

/* To a request that reads a descriptor which only the library has opened, it is
   not open. */
static void hide(const struct es_child *c, int fd) {
  if (fd >= 0 && is_needed(c, fd))
    es_call(close, fd);
}

static void hide_image(const struct es_child *c) {
  if (c->hidden.fd >= 0 && is_needed(c, c->hidden.fd) &&
      check_file(&c->hidden, c->hidden.fd) == 0)
    es_call(close, c->hidden.fd);
}

/* The report must not stand where the request will put something. */
static void move_report(struct es_child *c) {
  if (!is_named(c, c->report.fd))
    return;
  int to = 3;
  while (is_named(c, to) || next_own(c, to) == to ||
         es_call(fcntl, to, ES_F_GETFD) >= 0)
    ++to;
  long result = es_call(dup3, c->report.fd, to, ES_O_CLOEXEC);
  if (result < 0)
    fail(c, (struct es_record){ES_NO_PREPARATION, 0, ES_EMFILE});
  es_call(close, c->report.fd);
  c->report.fd = to;
}

static bool set_cloexec(int fd, int flag) {
  return es_call(fcntl, fd, ES_F_SETFD, flag) >= 0;
}

/* Leaves a descriptor open in the exec of the helper, which is told to make it
   close-on-exec again. */
static char *keep_open(int fd, const char *list, char *at) {
  set_cloexec(fd, 0);
  if (at != list)
    *at++ = ',';
  return es_put_number(at, (unsigned)fd);
}

/* Of those that the request reads, the helper's file is none. */
static void keep_needed(struct es_child *c) {
  char *at = c->cloexec;
  *at++ = ES_CLOEXEC;
  *at = 0;
  const char *list = at;
  for (size_t n = 0; n != c->needed_count; ++n) {
    long flags = es_call(fcntl, c->needed[n], ES_F_GETFD);
    if (c->needed[n] != c->image.fd && flags >= 0 && (flags & ES_FD_CLOEXEC))
      at = keep_open(c->needed[n], list, at);
  }
  for (int n = 0; n != 3; ++n)
    if (c->streams[n].fd >= 0)
      at = keep_open(c->streams[n].fd, list, at);
  set_cloexec(c->report.fd, 0);
  c->strings[ES_SLOT_CLOEXEC] = c->cloexec;
}

static void put_header(struct es_child *c) {
  char *at = es_put_number(c->header, (unsigned)c->report.fd);
  *at++ = ',';
  at = es_put_number(at, (unsigned)c->parent);
  *at++ = ',';
  at = es_put_number(at, c->flags);
  *at++ = ',';
  es_put_number(at, c->mask);
  c->strings[ES_SLOT_HEADER] = c->header;
}

/* What is close-on-exec a binfmt interpreter cannot open; /proc is for who
   refuses execveat, and a file for who refuses what is in memory. */
static long execute_image(struct es_child *c) {
  long result = es_call(execveat, c->image.fd, "", c->strings, c->environment,
                        ES_AT_EMPTY_PATH);
  set_cloexec(c->image.fd, 0);
  if (result == -ES_ENOENT)
    result = es_call(execveat, c->image.fd, "", c->strings, c->environment,
                     ES_AT_EMPTY_PATH);
  char path[32];
  put_path(path, "/proc/self/fd/", (unsigned)c->image.fd);
  c->result->by_proc = true;
  long by_proc = es_call(execve, path, c->strings, c->environment);
  c->result->by_proc = false;
  set_cloexec(c->image.fd, ES_FD_CLOEXEC);
  if (by_proc != -ES_ENOENT)
    result = by_proc;
  if (!c->helper_file)
    return result;
  c->result->by_file = true;
  result = es_call(execve, c->helper_file, c->strings, c->environment);
  c->result->by_file = false;
  return result;
}

static void run_helper(struct es_child *c) {
  int error = (int)-check_file(&c->image, c->image.fd);
  if (error == ES_EBADF)
    leave(c, ES_NO_IMAGE);
  keep_needed(c);
  *c->restorecaps = 0;
  if (error == 0 && !es_keep_capabilities(c->is_root, c->restorecaps))
    error = ES_EPERM;
  if (*c->restorecaps)
    c->strings[ES_SLOT_RESTORECAPS] = c->restorecaps;
  put_header(c);
  if (error == 0)
    error = (int)-execute_image(c);
  c->result->image_error = error;
  if (!c->may_go_direct)
    fail(c, (struct es_record){ES_NO_HELPER, 0, error});
  struct es_record record = {ES_WENT_DIRECT, 0, error};
  es_call(write, c->report.fd, &record, sizeof(record));
  set_cloexec(c->report.fd, ES_FD_CLOEXEC);
}

static void put_streams(struct es_child *c) {
  for (int n = 0; n != 3; ++n) {
    if (c->streams[n].fd < 0)
      continue;
    char *at = c->stream_strings[n];
    *at++ = ES_DUP;
    at = es_put_number(at, (unsigned)c->streams[n].fd);
    *at++ = ',';
    es_put_number(at, (unsigned)n);
    c->strings[ES_SLOT_STREAMS + n] = c->stream_strings[n];
  }
}

void es_child_main(void *argument) {
  struct es_child child = *(const struct es_child *)argument, *c = &child;
  c->result->state = ES_RUNNING;
  c->closed_above = -1;
  settle_table(c);
  hide(c, *c->pidfd);
  hide(c, c->report_reader);
  if (c->report.fd >= 0)
    move_report(c);
  put_streams(c);
  if (c->image.fd >= 0)
    run_helper(c);
  hide_image(c);
  if (c->has_handlers)
    reset_handlers();
  struct es_run run = {.strings = c->strings,
                       .environment = c->environment,
                       .report = c->report.fd,
                       .parent = c->parent,
                       .flags = c->flags,
                       .mask = c->mask,
                       .closed_above = c->closed_above};
  struct es_record failure;
  es_carry_out(&run, &failure);
  fail(c, failure);
}
