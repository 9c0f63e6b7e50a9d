//===- State.h - What the runtime remembers -------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Of the process, of each instance, and of each thread and child: all that
/// files of the runtime share. What only one needs is in that one.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_STATE_H
#define ELFMERGE_STATE_H

/* A reference through a table of addresses would need relocations. */
#pragma GCC visibility push(hidden)

#include "Linux.h"
#include "arch.h"
#include "elfmerge/RuntimeABI.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  EM_PAGE = 4096,
  EM_SIGNALS = 64,
  EM_MAX_TASK = 1 << 22, /* PID_MAX_LIMIT of a 64-bit kernel */
  /* The signal with which the runtime speaks to a thread: no libc lets a
     program block it. */
  EM_SIGNAL = 33,
  EM_CODE_STOP = -0x454d,    /* si_code: end this thread */
  EM_CODE_ROUTED = -0x454e,  /* si_code: the original one is elsewhere */
  EM_CODE_PAUSE = -0x454f,   /* si_code: wait for an exec (Exec.c) */
  EM_CODE_HANDED = -0x4550,  /* si_code: to the launcher, as EM_CODE_ROUTED */
  EM_CODE_CARRIED = -0x4551, /* si_code: another signal (Jobs.c) */
  EM_CODE_END = -0x4552,     /* si_code: none follows (Pending.c) */
  EM_CODE_RETURN = -0x4553,  /* si_code: give back what you block (Held.c) */
  EM_EXIT_STACK_SIZE = 16384,
  EM_CHILD_STACK_SIZE = 8192,
  EM_FAILED = 127, /* exit status when the runtime cannot go on */
};

/* Linux's numbers, the same on every architecture. */
enum {
  EM_EPERM = 1,
  EM_ENOENT = 2,
  EM_ESRCH = 3,
  EM_EINTR = 4,
  EM_ECHILD = 10,
  EM_EAGAIN = 11,
  EM_ENOMEM = 12,
  EM_EFAULT = 14,
  EM_EINVAL = 22,
  EM_ETIMEDOUT = 110,
};

struct em_lock {
  _Atomic uint32_t word; /* 0 free, 1 held, 2 held and waited for */
};

/** A file that stands for an embedded library: what a dynamic linker reads of
    one, and the rest when the image file cannot be mapped in its place. */
struct library_file {
  uint64_t device, inode;
  uint32_t library;
  bool whole;
};

enum { EM_ITIMERS = 3 }; /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */

/** What stands for a signalfd. */
enum { EM_SIGNAL_FILES = 8, EM_SIGNAL_FILE_ROOM = 512 };
struct signal_file {
  uint64_t device, inode, set;
  int fd; /* in the instance's table */
  uint32_t write_count;
  uint8_t written[EM_SIGNAL_FILE_ROOM]; /* the signals, the last ones */
  int timers[EM_SIGNAL_FILE_ROOM];      /* whose they are; 0: no timer's */
};

enum em_state { EM_READY, EM_RUNNING, EM_ENDING, EM_ENDED };

/** Addresses of whole pages. */
struct range {
  uintptr_t start, end;
  bool attached; /* by shmat */
};

/** What an instance has mapped (Mappings.c). */
struct mappings {
  struct em_lock lock;
  struct range *ranges;
  size_t count, room;
  _Atomic bool changes; /* who changes it is not done */
};

enum {
  EM_ACTION_RECORDS = 2 * EM_SIGNALS,
  EM_ACTION_WORDS = sizeof(struct em_sigaction) / sizeof(uint64_t),
};

/** What an instance does on its signals (Actions.c). */
struct em_actions {
  /* By signal: version, record and kind. */
  _Atomic uint64_t current[EM_SIGNALS + 1];
  _Atomic uint64_t taken[EM_ACTION_RECORDS / 64]; /* set of records */
  struct em_lock lock;                            /* for the spare one */
  unsigned spare;
  struct em_action_record {
    _Atomic uint64_t words[EM_ACTION_WORDS];
  } records[EM_ACTION_RECORDS];
};

/** What one instance of a program has for itself. */
struct instance {
  /* hook.S knows these three. */
  _Atomic uint32_t exit_lock;
  uint32_t exits_in_place; /* its threads are the kernel's alone to count */
  void *exit_stack;

  uint32_t number; /* index into the image's instances */
  uint32_t spec;
  _Atomic uint32_t state;      /* em_state */
  int status;                  /* valid from EM_ENDING on: 0 to 255 */
  int first_status;            /* with which the first thread left, if it did */
  char name[EM_NAME_MAX + 12]; /* NAME.K */

  /* Load addresses: of blob address 0. */
  uintptr_t program, interpreter;
  uintptr_t entry;
  void *stack;            /* initial stack pointer */
  char *const *more_args; /* behind those of the spec */
  unsigned more_count;

  /* For the launcher, once the instance has ended. */
  bool restart_due;
  bool settled; /* there is nothing left to do */
  uint32_t restarts;

  struct em_lock lock;       /* for all below */
  _Atomic uint32_t threads;  /* alive, and announced by a clone to come */
  int first_thread;          /* tid; in process mode the instance's pid */
  bool stopped;              /* in process mode: by a signal */
  int thread_list;           /* tid of the first in the list, 0: none */
  bool threaded;             /* ever had a second thread */
  int child_list;            /* pid of the first in the list, 0: none */
  int leaving, leaving_last; /* tids, the oldest first, 0: none */
  struct mappings mappings;
  struct em_lock child_lock; /* for task::told, and the child stack */
  /* Counts what may end a wait for children. */
  _Atomic uint32_t child_events;
  _Atomic int replaced_by;   /* pid of the program in its place, 0: none */
  _Atomic uint32_t executes; /* a thread is about to be replaced so, or is */
  _Atomic uint32_t pauses;   /* the others wait for what comes of it */
  _Atomic uint32_t paused;   /* how many do */

  uintptr_t break_start, break_committed, break_end;
  _Atomic uintptr_t break_now;

  /* Files of libraries that nobody else has, those opened last. */
  struct library_file own_files[4];
  unsigned own_file_count; /* ever */

  /* Kernel timers (Timers.c): how many there are, and the ids, plus 1, of
     those that stand for the interval timers; 0: not made. */
  uint32_t timer_count;
  int itimers[EM_ITIMERS];

  /* On the initial stack: the strings of the arguments, and behind them those
     of the environment. */
  const char *arguments, *environment, *environment_end;

  struct em_actions actions;
  /* Signals that matter without a handler: that a thread blocks, or waits
     for. */
  _Atomic uint64_t minds, awaits;
  /* Those of minds, and is_parent, that the kernel has been told of. */
  _Atomic uint64_t minds_installed;
  _Atomic bool parent_installed;
  _Atomic uint64_t passed_on; /* signals that a thread was chosen for, ever */
  _Atomic bool is_parent;     /* it has, or had, a child */
  /* By signal: how often the launcher has begun to pass on one that the process
     sent itself, and has done so. */
  _Atomic uint32_t passing[EM_SIGNALS + 1], passed[EM_SIGNALS + 1];
  /* With em.held_lock held (SignalFile.c). */
  struct signal_file signal_files[EM_SIGNAL_FILES];
  unsigned signal_file_count;
  uint64_t signalfd; /* signals that one of them is for */
};

_Static_assert(offsetof(struct instance, exit_lock) == 0, "hook.S");
_Static_assert(offsetof(struct instance, exits_in_place) == 4, "hook.S");
_Static_assert(offsetof(struct instance, exit_stack) == 8, "hook.S");

/** A thread or a child process of an instance, by its id. An id is never both
    at a time. */
struct task {
  uint32_t thread_of;    /* instance number + 1; 0: not a thread of ours */
  uint32_t child_of;     /* instance number + 1; 0: not a child of ours */
  uint32_t was_child_of; /* likewise, until it was reaped */
  uint32_t leaving_of;   /* instance number + 1; 0: not a thread that leaves */
  uint32_t memory_of;    /* instance number + 1 of a child that shares memory */
  int next, prev;        /* in the instance's list */
  int told;              /* of a child, see Children.c */
  /* Of a thread */
  bool vfork;       /* it waits until its child has a memory of its own */
  bool is_asked;    /* to leave */
  uint32_t pending; /* em_pending: what it does in place */
  int status;       /* of a child that it waits for and does not ask for it */
  uint64_t mask;    /* to give back behind a clone in place */
  _Atomic bool mask_counts; /* while the runtime blocks all, and not for long */
  struct alt_stack *alt_stack; /* null: none of the runtime's */
  /* The call that the runtime sleeps in for it (em_sleep). */
  const struct em_frame *_Atomic sleeping;
  _Atomic uint64_t awaits; /* signals, in rt_sigtimedwait */
  /* Signals that some thread has sent to this one alone since it began. */
  _Atomic uint64_t was_sent;
};

/* task::child_of of a child that an ended instance left. */
#define EM_NOBODY UINT32_C(0xffffffff)

enum em_pending {
  EM_NOTHING,
  EM_THREAD,
  EM_PROCESS,
  EM_WAIT,  /* for a child, by wait4 */
  EM_WAIT4, /* likewise, with __WNOTHREAD added to the options */
  EM_WAITID_ONE,
  EM_WAITID, /* likewise */
};

/** What of an image's own start an instance inherits. */
struct em_start {
  char **argv; /* the image's */
  char **envp;
  uint64_t *auxv;
};

/** The state of the process. A forked child has a copy that holds one instance
    (em_after_fork). */
struct runtime {
  /* hook.S knows these two. */
  int pid;
  _Atomic uint32_t memory_sharers; /* children that share it, at most */

  const struct em_image *image;
  uintptr_t base; /* load address of the image */
  struct em_start start;
  int launcher;            /* tid; 0 in a forked child, which has none */
  _Atomic uint32_t *alive; /* on a page that fork wipes: 0 in a new child */
  const char *image_path;  /* AT_EXECFN; may be null */
  uint32_t first_number;   /* of the instances that were started */
  uint32_t instance_count; /* likewise */
  _Atomic uint32_t running;
  int last_status;         /* of the instance that ended last */
  bool sole;               /* one instance, on the first thread */
  _Atomic bool stopping;   /* the process was asked to end: no restarts */
  _Atomic uint32_t calls;  /* em_call_launcher */
  _Atomic uint32_t served; /* as many of them have been */
  volatile uint32_t signals_taken; /* by the launcher, since it last looked */
  volatile uint64_t floods;        /* those it has had too many of */
  struct em_lock leaving_lock;
  struct em_lock orphan_lock;
  int orphans; /* pid of the first child that an ended instance left, 0: none */
  struct instance *instances;
  size_t instance_stride;
  struct task *tasks; /* by id; wiped too */
  bool trace;
  int image_fd;     /* while instances are prepared; -1: not open */
  int *library_fds; /* in the launcher's table, by library; -1: none */
  struct library_file *library_files; /* of those */
  uint64_t initial_mask;
  uint64_t initial_ignored;      /* set of signals */
  _Atomic uint64_t ignored_once; /* by some instance, ever */
  uint64_t stack_limit;          /* RLIMIT_STACK, bytes */
  uint64_t signal_frame;         /* what the kernel puts on the stack, bytes */
  struct em_lock alt_stack_lock;
  struct alt_stack *alt_stacks; /* of threads that have gone */

  struct em_lock status_lock;    /* for what /proc says (ThreadStatus.c) */
  _Atomic uint32_t lock_waiters; /* threads that sleep for any em_lock */

  /* Signals that no thread of their instance takes yet (Held.c). */
  struct em_lock held_lock;
  struct held *held;
  _Atomic uint32_t held_count;

  /* Forks that have begun, whose children the tables may not have. */
  _Atomic uint32_t forking;

  struct em_lock signal_lock;
  /* By signal: what the kernel has been told (Signal.c). */
  _Atomic uint64_t installed[EM_SIGNALS + 1];
};

_Static_assert(offsetof(struct runtime, pid) == 0, "hook.S");
_Static_assert(offsetof(struct runtime, memory_sharers) == 4, "hook.S");

/* Hidden, or it would be reached through relocated memory. */
extern struct runtime em __attribute__((visibility("hidden")));

/* The image table */

static inline const void *em_table(uint32_t offset) {
  return (const char *)em.image + offset;
}
static inline const char *em_string(uint32_t offset) {
  return em_table(offset);
}
static inline const struct em_spec *em_spec_at(uint32_t n) {
  return (const struct em_spec *)em_table(em.image->spec_off) + n;
}
static inline const struct em_program *em_program_at(uint32_t n) {
  return (const struct em_program *)em_table(em.image->program_off) + n;
}
static inline const struct em_blob *em_blob_at(uint32_t n) {
  return (const struct em_blob *)em_table(em.image->blob_off) + n;
}
static inline const struct em_library *em_library_at(uint32_t n) {
  return (const struct em_library *)em_table(em.image->library_off) + n;
}
static inline const struct em_instance *em_plan_of(const struct instance *i) {
  return (const struct em_instance *)em_table(em.image->instance_off) +
         i->number;
}
/** The \p n-th instance that was started. */
static inline struct instance *em_instance_at(uint32_t n) {
  return (struct instance *)((char *)em.instances + n * em.instance_stride);
}
/** Where the stack of who holds instance::child_lock ends. */
static inline void *em_child_stack(const struct instance *i) {
  return (char *)i->exit_stack - EM_EXIT_STACK_SIZE;
}
/** The instance that a table names so; null: none. */
static inline struct instance *em_by_number(uint32_t number_plus_1) {
  if (!number_plus_1 || number_plus_1 == EM_NOBODY)
    return NULL;
  return em_instance_at(number_plus_1 - 1 - em.first_number);
}

#pragma GCC visibility pop

#endif /* ELFMERGE_STATE_H */
