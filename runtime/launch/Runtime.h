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

#include "State.h"

#pragma GCC visibility push(hidden)

/* For what few calls need: a hooked call runs on the program's stack, and a
   language may guarantee no more than some hundred bytes there. */
#define EM_RARE __attribute__((noinline))

/** Is it -errno, and neither a number nor an address? */
static inline bool em_failed(long result) {
  return result < 0 && result >= -4095;
}
/** To whole pages. */
static inline uintptr_t em_round_up(uintptr_t size) {
  return (size + EM_PAGE - 1) & -(uintptr_t)EM_PAGE;
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
/** The launcher takes a signal, one of \p set, which is what to block if they
    come too fast, and returns to \p context. */
void em_count_signals(uint64_t set, void *context);
/** Comes back when the launcher is done with the signals that it has, or after
   a second: one that has no end must not keep the caller. With no lock held. */
void em_wait_for_launcher(void);
/** What the launcher does when the instances have been started. */
_Noreturn void em_launch(void);

/* Tasks.c: masks and sleep of the calling thread */

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
