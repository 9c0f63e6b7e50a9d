//===- SignalFile.c - signalfd of instances -------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A signalfd reads in the kernel, and takes what was sent to the process before
// the launcher can: what is for all instances, or for another one's child,
// whoever reads first would have. So what signalfd gives an instance beside
// others is a pipe, open at both ends. A signal that no thread of the instance
// takes, and that a signalfd was made for, is written there, as the kernel
// would show it, si_code included.
//
// A forked child is a process of its own, and gets the kernel's.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

enum {
  O_RDWR = 2,
  O_NONBLOCK = 04000,
  F_GETFD = 1,
  F_GETFL = 3,
  FIONREAD = 0x541b,
  FIRST_QUEUED = 32, /* from here on each one that was sent waits */
};

/* struct signalfd_siginfo */
struct record {
  uint32_t signo;
  int error, code;
  uint32_t pid, uid;
  int fd;
  uint32_t thread, band, overrun, trap;
  int status, value;
  uint64_t pointer, user_time, system_time, address;
  uint16_t address_lsb, pad2;
  int system_call;
  uint64_t call_address;
  uint32_t architecture;
  uint8_t pad[28];
};
_Static_assert(sizeof(struct record) == 128, "struct signalfd_siginfo");

static bool is_of_child(const struct siginfo *info) {
  return info->signo == SIGCHLD && info->code > 0;
}

static bool is_of_file(const struct siginfo *info) {
  enum { SI_SIGIO = -5 };
  return info->code == SI_SIGIO ||
         (info->signo == SIGIO && info->code > 0 && info->code != SI_KERNEL);
}

static struct record record_of(const struct siginfo *info) {
  struct record r = {
      .signo = info->signo, .error = info->error, .code = info->code};
  if (is_of_file(info)) {
    r.band = info->pid;
    r.fd = info->rest[0];
    return r;
  }
  r.pid = info->pid;
  r.uid = info->uid;
  if (info->code == SI_TIMER) {
    r.thread = info->pid;
    r.overrun = info->uid;
    r.pid = r.uid = 0;
  }
  if (is_of_child(info)) {
    r.status = info->rest[0];
    r.user_time = info->rest[1];
    r.system_time = info->rest[2];
  } else if (info->code < 0 && info->code != SI_TKILL) {
    r.value = info->rest[0];
    r.pointer = info->rest[0];
  }
  return r;
}

static bool is_file(const struct em_stat *s, const struct signal_file *file) {
  return s->device == file->device && s->inode == file->inode;
}

/* Another descriptor of the file, or -errno: it is not there any more. */
static long open_file(const struct instance *i, const struct signal_file *f) {
  char path[64] = "/proc/self/task/";
  struct em_stat stat;
  em_append_number(path, sizeof(path), i->thread_list);
  em_append(path, sizeof(path), "/fd/");
  em_append_number(path, sizeof(path), f->fd);
  long fd = em_syscall(SYS_newfstatat, AT_FDCWD, path, &stat, 0);
  if (fd < 0)
    return fd;
  /* To open some other file might do something. */
  if (!is_file(&stat, f))
    return -EM_ENOENT;
  fd = em_syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC,
                  0);
  /* The program may have closed it just now, and opened that one. */
  if (fd < 0 || (em_syscall(SYS_fstat, fd, &stat) == 0 && is_file(&stat, f)))
    return fd;
  (void)em_syscall(SYS_close, fd);
  return -EM_ENOENT;
}

static void count_set(struct instance *i) {
  i->signalfd = 0;
  for (unsigned n = 0; n != i->signal_file_count; ++n)
    i->signalfd |= i->signal_files[n].set;
}

static void forget(struct instance *i, unsigned n) {
  i->signal_files[n] = i->signal_files[--i->signal_file_count];
  count_set(i);
}

/* How many of the last ones that were written to the file are there. */
static uint32_t unread_count(int fd) {
  int bytes = 0;
  if (em_syscall(SYS_ioctl, fd, FIONREAD, &bytes) < 0)
    return 0;
  uint32_t count = bytes / sizeof(struct record);
  return count < EM_SIGNAL_FILE_ROOM ? count : EM_SIGNAL_FILE_ROOM;
}

/* Which signals are in the file and were not read. */
static uint64_t unread(const struct signal_file *f, int fd) {
  uint64_t set = 0;
  for (uint32_t n = unread_count(fd); n; --n)
    set |= SET(f->written[(f->write_count - n) % EM_SIGNAL_FILE_ROOM]);
  return set;
}

/* A timer's id can be 0. */
static int timer_of(const struct siginfo *info) {
  return info->code == SI_TIMER ? info->pid + 1 : 0;
}

static bool has_timer(const struct signal_file *f, int fd, int timer) {
  for (uint32_t n = unread_count(fd); n; --n)
    if (f->timers[(f->write_count - n) % EM_SIGNAL_FILE_ROOM] == timer)
      return true;
  return false;
}

static bool write_to(struct signal_file *f, int fd,
                     const struct siginfo *info) {
  if (info->signo < FIRST_QUEUED && unread(f, fd) & SET(info->signo))
    return true;
  struct siginfo arrived = *info;
  if (!em_timer_arrives(&arrived, false))
    return true;
  struct record r = record_of(&arrived);
  if (em_syscall(SYS_write, fd, &r, sizeof(r)) != sizeof(r))
    return false;
  uint32_t place = f->write_count++ % EM_SIGNAL_FILE_ROOM;
  f->written[place] = info->signo;
  f->timers[place] = timer_of(info);
  return true;
}

EM_RARE bool em_write_signal(struct instance *i, const struct siginfo *info) {
  for (unsigned n = 0; n < i->signal_file_count;) {
    struct signal_file *f = &i->signal_files[n];
    if (!(f->set & SET(info->signo))) {
      ++n;
      continue;
    }
    long fd = open_file(i, f);
    if (fd < 0) {
      forget(i, n);
      continue;
    }
    bool written = write_to(f, fd, info);
    (void)em_syscall(SYS_close, fd);
    return written;
  }
  return false;
}

EM_RARE bool em_has_unread_timer(struct instance *i, int id) {
  for (unsigned n = 0; n != i->signal_file_count; ++n) {
    long fd = open_file(i, &i->signal_files[n]);
    if (fd < 0)
      continue;
    bool has = has_timer(&i->signal_files[n], fd, id + 1);
    (void)em_syscall(SYS_close, fd);
    if (has)
      return true;
  }
  return false;
}

EM_RARE uint64_t em_unread_set(struct instance *i) {
  uint64_t set = 0;
  uint64_t mask = em_acquire(&em.held_lock);
  for (unsigned n = 0; n < i->signal_file_count; ++n) {
    long fd = open_file(i, &i->signal_files[n]);
    if (fd < 0)
      continue;
    set |= unread(&i->signal_files[n], fd);
    (void)em_syscall(SYS_close, fd);
  }
  em_release(&em.held_lock, mask);
  return set;
}

/* Puts \p with in the place of \p fd, and closes it. */
static long replace(int with, int fd, long flags) {
  long error = em_syscall(SYS_dup3, with, fd, flags & O_CLOEXEC);
  (void)em_syscall(SYS_close, with);
  return error;
}

/* A pipe that is open at both ends: the lowest descriptor that was free. */
static long make_pipe(long flags) {
  int ends[2];
  long error = em_syscall(SYS_pipe2, ends, O_CLOEXEC);
  if (error < 0)
    return error;
  char link[48] = "/proc/thread-self/fd/";
  em_append_number(link, sizeof(link), ends[0]);
  long both = em_syscall(SYS_openat, AT_FDCWD, link,
                         O_RDWR | O_CLOEXEC | (flags & O_NONBLOCK), 0);
  (void)em_syscall(SYS_close, ends[1]);
  error = both < 0 ? both : replace(both, ends[0], flags);
  if (error >= 0)
    return ends[0];
  (void)em_syscall(SYS_close, ends[0]);
  return error;
}

static struct signal_file *find(struct instance *i, const struct em_stat *s) {
  for (unsigned n = 0; n != i->signal_file_count; ++n)
    if (is_file(s, &i->signal_files[n]))
      return &i->signal_files[n];
  return NULL;
}

/* A new file, or -errno. */
static long add(struct instance *i, uint64_t set, long flags) {
  struct em_stat stat;
  long fd = make_pipe(flags);
  if (fd < 0)
    return fd;
  if (em_syscall(SYS_fstat, fd, &stat) < 0) {
    (void)em_syscall(SYS_close, fd);
    return -EM_ENOENT;
  }
  struct signal_file *f = &i->signal_files[i->signal_file_count++];
  f->fd = fd;
  f->set = set;
  f->device = stat.device;
  f->inode = stat.inode;
  f->write_count = 0;
  count_set(i);
  return fd;
}

static bool change(struct instance *i, int fd, uint64_t set) {
  struct em_stat stat;
  if (em_syscall(SYS_fstat, fd, &stat) < 0)
    return false;
  uint64_t mask = em_acquire(&em.held_lock);
  struct signal_file *f = find(i, &stat);
  if (f) {
    f->set = set;
    count_set(i);
  }
  em_release(&em.held_lock, mask);
  return f;
}

/* Those that were closed make room. */
static void forget_closed(struct instance *i) {
  for (unsigned n = i->signal_file_count; n--;) {
    long fd = open_file(i, &i->signal_files[n]);
    if (fd < 0)
      forget(i, n);
    else
      (void)em_syscall(SYS_close, fd);
  }
}

long em_make_signal_file(struct instance *i, int fd, uint64_t set, long flags) {
  if (flags & ~(long)(O_NONBLOCK | O_CLOEXEC))
    return -EM_EINVAL;
  if (fd != -1)
    return change(i, fd, set) ? fd : -EM_EINVAL;
  uint64_t mask = em_acquire(&em.held_lock);
  forget_closed(i);
  long made =
      i->signal_file_count == EM_SIGNAL_FILES ? -EM_EINVAL : add(i, set, flags);
  em_release(&em.held_lock, mask);
  return made;
}

void em_restore_signal_files(struct instance *i) {
  for (unsigned n = 0; n != i->signal_file_count; ++n) {
    const struct signal_file *f = &i->signal_files[n];
    struct em_stat stat;
    if (em_syscall(SYS_fstat, f->fd, &stat) < 0 || !is_file(&stat, f))
      continue;
    long blocking = em_syscall(SYS_fcntl, f->fd, F_GETFL, 0) & O_NONBLOCK;
    bool closes = em_syscall(SYS_fcntl, f->fd, F_GETFD, 0) & 1;
    long fd = em_syscall(SYS_signalfd4, -1, &f->set, sizeof(f->set),
                         blocking | O_CLOEXEC);
    if (fd >= 0)
      /* Where it cannot be, it stays the parent's. */
      (void)replace(fd, f->fd, closes ? O_CLOEXEC : 0);
  }
  i->signal_file_count = 0;
  i->signalfd = 0;
}
