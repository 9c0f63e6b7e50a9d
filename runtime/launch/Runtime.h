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
  EM_CODE_STOP = -0x454d,   /* si_code: end this thread */
  EM_CODE_ROUTED = -0x454e, /* si_code: si_errno holds the original one */
  EM_CODE_MASK = -0x454f,   /* si_code: to the launcher, set your mask */
  EM_EXIT_STACK_SIZE = 16384,
  EM_FAILED = 127, /* exit status when the runtime cannot go on */
};

/* Linux's numbers, the same on every architecture. */
enum {
  EM_ENOENT = 2,
  EM_ESRCH = 3,
  EM_EINTR = 4,
  EM_ECHILD = 10,
  EM_EAGAIN = 11,
  EM_ENOMEM = 12,
  EM_EINVAL = 22,
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

enum em_state { EM_READY, EM_RUNNING, EM_ENDING, EM_ENDED };

/** What one instance of a program has for itself. */
struct instance {
  /* hook.S knows these two. */
  _Atomic uint32_t exit_lock;
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
  void *stack; /* initial stack pointer */

  struct em_lock lock;      /* for all below */
  _Atomic uint32_t threads; /* alive, and announced by a clone to come */
  int first_thread;         /* tid */
  int thread_list;          /* tid of the first in the list, 0: none */
  bool threaded;            /* ever had a second thread */
  int child_list;           /* pid of the first in the list, 0: none */

  uintptr_t break_start, break_now, break_committed, break_end;

  /* Files of libraries that nobody else has, those opened last. */
  struct library_file own_files[4];
  unsigned own_file_count; /* ever */

  struct em_sigaction actions[EM_SIGNALS + 1];
};

_Static_assert(offsetof(struct instance, exit_lock) == 0, "hook.S");
_Static_assert(offsetof(struct instance, exit_stack) == 8, "hook.S");

/** A thread or a child process of an instance, by its id. An id is never both
    at a time. */
struct task {
  uint32_t thread_of; /* instance number + 1; 0: not a thread of ours */
  uint32_t child_of;  /* instance number + 1; 0: not a child of ours */
  int next, prev;     /* in the instance's list */
  bool told;          /* em_ended_child has told of this child's end */
  uint32_t pending;   /* em_pending: what the thread does in place */
};

enum em_pending {
  EM_NOTHING,
  EM_THREAD,
  EM_PROCESS,
  EM_WAIT,  /* for a child */
  EM_WAIT4, /* likewise, with __WNOTHREAD added to wait4's options */
  EM_WAITID,
};

/** The state of the process. A forked child has a copy that holds one instance
    (em_after_fork). */
struct runtime {
  const struct em_image *image;
  uintptr_t base; /* load address of the image */
  int pid;
  int launcher;            /* tid; 0 in a forked child, which has none */
  _Atomic uint32_t *alive; /* on a page that fork wipes: 0 in a new child */
  const char *image_path;  /* AT_EXECFN; may be null */
  uint32_t first_number;   /* of the instances that were started */
  uint32_t instance_count; /* likewise */
  _Atomic uint32_t running;
  int last_status; /* of the instance that ended last */
  struct instance *instances;
  size_t instance_stride;
  struct task *tasks;
  bool trace;
  int image_fd;     /* while instances are prepared; -1: not open */
  int *library_fds; /* in the launcher's table, by library; -1: none */
  struct library_file *library_files; /* of those */
  uint64_t initial_mask;
  uint64_t stack_limit; /* RLIMIT_STACK, bytes */

  struct em_lock signal_lock;
  /* By signal: what the kernel has been told (Signal.c). */
  uint64_t installed[EM_SIGNALS + 1];
};

extern struct runtime em;

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

/* Text.c: strings and messages */

size_t em_length(const char *s);
bool em_equal(const char *a, const char *b);
const char *em_last_component(const char *path);
/** Appends to the NUL-terminated \p buffer of \p size bytes, and cuts. */
void em_append(char *buffer, size_t size, const char *text);
void em_append_number(char *buffer, size_t size, long number);
/** One line on standard error: "elfmerge: WHO: WHAT" and, when \p error is a
    negative errno, ": REASON". */
void em_message(const char *who, const char *what, long error);
/** em_message, then the process ends with EM_FAILED. */
_Noreturn void em_fail(const char *who, const char *what, long error);

/* Lock.c */

/** Blocks all signals, then takes the lock. Returns the mask to give back. */
uint64_t em_acquire(struct em_lock *lock);
void em_release(struct em_lock *lock, uint64_t mask);
uint64_t em_block_signals(void);
void em_set_mask(uint64_t mask);

/* Map.c: address space of instances */

/** Maps what the kernel did not and fills in the slots. */
void em_map_instance(struct instance *instance);
/** Fills in the slot at \p page and makes it read-only. 0 or -errno. */
long em_fill_slot(void *page, struct instance *instance, uint64_t role);
/** A new descriptor of the image file, or -errno. */
long em_open_image(void);

/* Stack.c */

/** What of an image's own start an instance inherits. */
struct em_start {
  char **argv; /* the image's */
  char **envp;
  uint64_t *auxv;
};

void em_build_stack(struct instance *instance, const struct em_start *start,
                    char *const *more_args, unsigned more_count);

/* Instance.c: life and death */

void em_start_instance(struct instance *instance);
/** Runs an instance that is alone on the calling thread. */
_Noreturn void em_run_instance(struct instance *instance);
/** Ends \p instance from one of its threads. */
_Noreturn void em_end_instance(struct instance *instance, int status);
/** The parts of that for an instance that a child replaces: from the first on
    no thread but the calling one goes on. */
void em_begin_end(struct instance *instance);
void em_stop_others(struct instance *instance);
_Noreturn void em_end_replaced(struct instance *instance, int status);
/** Called by em_leave on the exit stack. */
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

/* Tasks.c: threads and children */

/** False: the instance is ending and the thread has to leave. */
bool em_announce_thread(struct instance *instance);
void em_withdraw_thread(struct instance *instance);
void em_add_thread(struct instance *instance, int tid);
/** With the lock held. */
void em_remove_thread(struct instance *instance, int tid);
struct task *em_task(int id);
void em_add_child(struct instance *instance, int pid);
void em_remove_child(struct instance *instance, int pid);
/** The instance of the calling thread; null: the launcher's or unknown. */
struct instance *em_self(void);
/** The instance whose child \p pid is; null: unknown. */
struct instance *em_parent_of(int pid);

/* Break.c */
long em_brk(struct instance *instance, uintptr_t address);

/* Libraries.c */

/** Makes a memfd of every library that \p spec needs. */
void em_open_libraries(const struct em_spec *spec);
/** In a new instance: closes what it inherited from the launcher. */
void em_close_inherited(void);
/** The interpreter's open, openat, fstat and mmap. True: *result is valid, or
 *stat is filled in; false: the call is none of ours. */
bool em_open_library(struct instance *instance, const char *path, long *result);
bool em_stat_library(struct instance *instance, int fd, struct em_stat *stat);
bool em_map_library(struct instance *instance, const long *args, long *result);

/* Path.c */

enum { EM_OWN_PATH = 320 };
/** False unless \p path leads through the process to what instances have for
    themselves; \p own then leads to the calling thread's. */
bool em_own_path(const char *path, char own[EM_OWN_PATH]);

/* Process.c */

/** wait4 and waitid. True: the frame holds the result; false: the call, as the
    frame now has it, is to be executed in place. */
bool em_wait(struct instance *instance, struct em_frame *frame);
/** Is there a child that has ended and that this function has not told of? If
    so fills in the siginfo_t \p info; with \p discard nothing is kept of such
    children and the answer is false. */
bool em_ended_child(struct instance *instance, void *info, bool discard);
/** After a wait that was executed in place. */
void em_after_wait(struct instance *instance, struct em_frame *frame,
                   uint32_t pending);
/** Comes back only with an error, or in a child to have the call executed in
    place: then *in_place is true. */
long em_exec(struct instance *instance, const struct em_frame *frame,
             bool *in_place);

/* Signal.c */

void em_init_signals(void);
/** When the instances exist: takes the signal of the runtime. */
void em_own_signal(void);
/** Gives \p instance the dispositions the image was started with. */
void em_inherit_signals(struct instance *instance);
long em_rt_sigaction(struct instance *instance, int signal,
                     const struct em_sigaction *action,
                     struct em_sigaction *old, size_t size);
/** kill() and sigqueue() of the own process; \p info may be null. */
long em_kill_self(struct instance *instance, int signal, const void *info);
/** Before a signal to thread \p tid: where its default action is to end the
    process, ends the instance. Comes back otherwise. */
void em_before_thread_kill(struct instance *instance, int tid, int signal);
/** Before a child that is to exec keeps what the instance ignores ignored. */
void em_ignore_for_exec(struct instance *instance);
/** A child may have ended before anybody knew whose it is. */
void em_child_added(struct instance *instance);
/** Asks thread \p tid of \p instance to leave. 0 or -errno. */
long em_stop_thread(struct instance *instance, int tid);
/** Sleeps as the thread that takes the process's signals. */
_Noreturn void em_take_signals(void);
/** The dispositions of an instance that has ended no longer count. */
void em_forget_signals(void);
/** In a forked child: hands the signals back to the kernel. */
void em_release_signals(struct instance *instance);

/** Where the program's own code would be when a thread is at \p pc: at the
    system call that a trampoline makes for it, if the thread can go on there;
    else \p pc. */
uintptr_t em_site_of(const struct instance *instance, uintptr_t pc);

/* hook.S calls these */
void *em_dispatch(int signal, void *info, void *context, void **return_address);

int em_hook(struct em_frame *frame);
int em_after(struct em_frame *frame);

#define em_syscall(nr, ...) EM_SYSCALL_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define EM_SYSCALL_(nr, a, b, c, d, e, f, ...)                                 \
  em_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),       \
              (long)(f))

#endif /* ELFMERGE_RUNTIME_H */
