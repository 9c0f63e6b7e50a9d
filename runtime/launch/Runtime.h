//===- Runtime.h - The runtime of an image, from the inside ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The runtime is freestanding: no libc, no thread-local storage, no
/// relocations, no vector register. It runs on the threads of programs that
/// have a libc of their own, at any instruction at which such a libc may make
/// a system call, so it never touches what is theirs.
///
/// Locks are held with all signals blocked: a signal handler of a program may
/// make hooked calls.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_H
#define ELFMERGE_RUNTIME_H

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
  EM_CODE_CARRIED = -0x4551, /* si_code: another signal (Jobs.c) */
  EM_CODE_HANDED = -0x4550,  /* si_code: to the launcher, as EM_CODE_ROUTED */
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

/* For what few calls need: a hooked call runs on the program's stack, and a
   language may guarantee no more than some hundred bytes there. */
#define EM_RARE __attribute__((noinline))

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
  uint32_t pending; /* em_pending: what it does in place */
  int status;       /* of a child that it waits for and does not ask for it */
  uint64_t mask;    /* to give back behind a clone in place */
  _Atomic bool mask_counts; /* while the runtime blocks all, and not for long */
  struct alt_stack *alt_stack; /* null: none of the runtime's */
  /* The call that the runtime sleeps in for it (em_sleep). */
  const struct em_frame *_Atomic sleeping;
  _Atomic uint64_t awaits; /* signals, in rt_sigtimedwait */
  /* Signals that were sent to this thread alone and may not have come. */
  _Atomic uint64_t expects;
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

/** Is it -errno, and neither a number nor an address? */
static inline bool em_failed(long result) {
  return result < 0 && result >= -4095;
}
/** To whole pages. */
static inline uintptr_t em_round_up(uintptr_t size) {
  return (size + EM_PAGE - 1) & -(uintptr_t)EM_PAGE;
}

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

/* Text.c: strings and messages */

/* The compiler makes calls to these of its own accord. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int c, size_t n);
size_t em_length(const char *s);
bool em_equal(const char *a, const char *b);
/** Where \p text has \p part first, or null. */
const char *em_find(const char *text, const char *part);
const char *em_last_component(const char *path);
/** Appends to the NUL-terminated \p buffer of \p size bytes, and cuts. */
void em_append(char *buffer, size_t size, const char *text);
void em_append_number(char *buffer, size_t size, long number);
/** em_message, with a number behind \p what. */
void em_message_number(const char *who, const char *what, long number);
/** One line on standard error: "elfmerge: WHO: WHAT" and, when \p error is a
    negative errno, ": REASON". */
void em_message(const char *who, const char *what, long error);
/** em_message, then the process ends with EM_FAILED. */
_Noreturn void em_fail(const char *who, const char *what, long error);

/* Lock.c */

/** With all signals blocked. */
void em_lock(struct em_lock *lock);
void em_unlock(struct em_lock *lock);
/** Blocks all signals, then takes the lock. Returns the mask to give back. */
uint64_t em_acquire(struct em_lock *lock);
void em_release(struct em_lock *lock, uint64_t mask);
uint64_t em_block_signals(void);
/** With all signals blocked. */
void em_set_mask(uint64_t mask);

/* Instance.c: life and death */

/** 0 or -errno. */
long em_start_instance(struct instance *instance);
/** Runs an instance that is alone on the calling thread. */
_Noreturn void em_run_instance(struct instance *instance);
/** Ends \p instance from one of its threads. */
_Noreturn void em_end_instance(struct instance *instance, int status);
/** The parts of that. False: another thread has begun. */
bool em_begins_end(struct instance *instance);
_Noreturn void em_end_begun(struct instance *instance, int status);
/** For an instance that a child replaces: from the first on no thread but the
    calling one goes on. */
void em_stop_others(struct instance *instance);
_Noreturn void em_end_replaced(struct instance *instance, int status);
/** \p instance runs no more: when none does, the process ends. */
void em_count_end(struct instance *instance);
/** Called by em_leave on the exit stack, with all signals blocked. */
void em_thread_exit(struct instance *instance, int status);
/** False in a child that shares the memory of its parent, after vfork. */
bool em_own_process(void);
/** Is there no other instance in this process, and never was? */
bool em_alone(void);
/** Do instances share descriptors (EM_SHARE_FDS), directory (EM_SHARE_CWD)?
    One that is alone has the process's. */
bool em_shares(uint32_t flag);
/** Makes the copied state that of a process with one instance, if this is a
    forked child that has not done so. */
void em_notice_fork(struct instance *instance);
_Noreturn void em_exit_process(int status);
/** In what a new instance runs on: its descriptors, name and directory. */
void em_settle(struct instance *instance);
/** Tells of \p instance, if somebody wants to know. */
void em_trace(const struct instance *instance, const char *what, long number);
/** The image's status, when \p last was the last instance to end. */
int em_process_status(const struct instance *last);

/* ProcessMode.c: instances that are processes */

static inline bool em_in_processes(void) {
  return em.image->flags & EM_PROCESS_MODE && !em_alone();
}
/** Starts all instances and is their parent until the last one has ended. */
_Noreturn void em_run_processes(void);

/* Tasks.c: threads and children */

/** With all signals blocked. False: the instance is ending and the thread has
    to leave. */
bool em_announce_thread(struct instance *instance);
void em_withdraw_thread(struct instance *instance);
/** With all signals blocked. */
void em_add_thread(struct instance *instance, int tid);
/** With the lock held. */
void em_link_thread(struct instance *instance, int tid);
void em_remove_thread(struct instance *instance, int tid);
struct task *em_task(int id);
/** Has the kernel let go of all threads of \p instance? Known only when
    em_tracks_mappings(). */
bool em_threads_gone(struct instance *instance);
void em_add_child(struct instance *instance, int pid);
void em_remove_child(struct instance *instance, int pid);
/** The same with the lock held. */
void em_unlist_child(struct instance *instance, int pid);
/** The calling thread's id, in a hooked call of \p instance. */
int em_calling_thread(const struct instance *instance);
/** The instance of a thread; null: the launcher's or unknown. */
struct instance *em_instance_of(const struct task *thread);
/** The instance whose child \p pid is; null: unknown. */
struct instance *em_parent_of(int pid);
/** The same, also of a child that was reaped, while the id is not used anew. */
struct instance *em_parent_or_former(int pid);
/** What is known of \p pid is about one that had the id before. */
void em_forget_child(int pid);
/** The children of \p instance, which has ended, are nobody's. */
void em_orphan_children(struct instance *instance);
void em_forget_orphan(int pid);
/** Reaps nobody's children, as far as they have ended. */
void em_reap_orphans(void);
/** In the launcher: reaps those of its own that no instance has made. */
void em_reap_adopted(void);

/* Launcher.c */

/** There is something to do for em_launch. On any thread. */
void em_call_launcher(void);
/** The launcher takes a signal, and returns to \p context. */
void em_count_signal(int signal, void *context);
/** Comes back when the launcher is done with the signals that it has, or after
   a second: one that has no end must not keep the caller. With no lock held. */
void em_wait_for_launcher(void);
/** What the launcher does when the instances have been started. */
_Noreturn void em_launch(void);

/** Blocks all signals of the calling thread for a short time. Who chooses a
    thread for a signal takes it for one that still has its mask, which is
    returned, and to be given to em_unblock. */
uint64_t em_block_unseen(void);
void em_unblock(uint64_t mask);

/** Sleeps, for the hooked call of \p frame, while *\p word is \p seen, and no
    longer than \p limit, if there is one. A handler that runs meanwhile ends
    the call or has it begin anew, as it would with a call of the kernel's; so
    the caller must have nothing to lose. Signals are blocked (em_block_unseen)
    but for the sleep, during which \p mask says which are. */
void em_sleep(const struct em_frame *frame, _Atomic uint32_t *word,
              uint32_t seen, const struct timespec *limit, uint64_t mask);
/** The frame of \p thread, which calls this, if it is in em_sleep; it is no
    longer. */
const struct em_frame *em_take_sleeping(struct task *thread);

/* Clone.c */

/** clone, clone3, fork and vfork. True: the frame holds the result; false: the
    call is to be executed in place, and em_after_clone comes behind it. */
bool em_clone_here(struct instance *instance, struct em_frame *frame);
/** \p tid is the calling thread's; 0: in a forked child. */
void em_after_clone(struct instance *instance, const struct em_frame *frame,
                    int tid);

/* Memory.c: what programs point to, which may not be there */

/** Copies from or to memory of the program. 0 or -EFAULT. */
long em_read(void *to, const void *from, size_t size);
long em_write(void *to, const void *from, size_t size);
/** The length of a string, at most \p max; or -EFAULT. */
long em_read_length(const char *string, size_t max);

/* Wait.c */

/** wait4 and waitid. True: the frame holds the result; false: the call, as the
    frame now has it, is to be executed in place. */
bool em_wait(struct instance *instance, struct em_frame *frame);
/** After a wait that was executed in place. */
void em_after_wait(struct instance *instance, struct task *thread,
                   struct em_frame *frame, uint32_t pending);
/** A handler of the program's interrupts \p thread, which is perhaps in a call
    for which em_after_wait is to come: it will not come, and need not. */
void em_interrupt_wait(struct instance *instance, struct task *thread,
                       void *context);

/* Exec.c */

/** Comes back only with an error, or in a child to have the call executed in
    place: then *in_place is true. */
long em_exec(struct instance *instance, const struct em_frame *frame,
             bool *in_place);

/** With all signals blocked: waits while another thread executes a program. */
void em_pause(struct instance *instance);

/* Hooks.c */

/** Where the program's own code would be when a thread is at \p pc, in a
    trampoline: at the system call, in front of it or behind it, if the thread
    can go on there; else \p pc. A call that em_after is to come behind begins
    anew there. */
uintptr_t em_site_of(const struct instance *instance, uintptr_t pc);

/* hook.S calls these */

int em_hook(struct em_frame *frame);
int em_after(struct em_frame *frame);

#define em_syscall(nr, ...) EM_SYSCALL_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define EM_SYSCALL_(nr, a, b, c, d, e, f, ...)                                 \
  em_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),       \
              (long)(f))

#pragma GCC visibility pop

#endif /* ELFMERGE_RUNTIME_H */
