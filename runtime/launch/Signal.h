//===- Signal.h - What dispositions and dispatch share --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SIGNAL_H
#define ELFMERGE_SIGNAL_H

#include "Runtime.h"

#pragma GCC visibility push(hidden)

enum {
  SIGHUP = 1,
  SIGINT = 2,
  SIGQUIT = 3,
  SIGILL = 4,
  SIGTRAP = 5,
  SIGABRT = 6,
  SIGBUS = 7,
  SIGFPE = 8,
  SIGKILL = 9,
  SIGSEGV = 11,
  SIGPIPE = 13,
  SIGALRM = 14,
  SIGTERM = 15,
  SIGCHLD = 17,
  SIGCONT = 18,
  SIGSTOP = 19,
  SIGTSTP = 20,
  SIGTTIN = 21,
  SIGTTOU = 22,
  SIGURG = 23,
  SIGXCPU = 24,
  SIGXFSZ = 25,
  SIGVTALRM = 26,
  SIGPROF = 27,
  SIGWINCH = 28,
  SIGIO = 29,
  SIGSYS = 31,

  /* The first real-time signal of the kernel; libcs keep some. */
  SIGRTMIN = 32,

  SA_NOCLDSTOP = 1,
  SA_NOCLDWAIT = 2,
  SA_SIGINFO = 4,
  SA_EXPOSE_TAGBITS = 0x800,
  SA_RESTORER = 0x04000000,
  SA_ONSTACK = 0x08000000,
  SA_RESTART = 0x10000000,
  SA_NODEFER = 0x40000000,
  SA_RESETHAND = (int)0x80000000,

  SI_USER = 0,
  SI_QUEUE = -1,
  SI_TIMER = -2,
  SI_TKILL = -6,
  SI_KERNEL = 0x80,
};

#define SET(signal) (UINT64_C(1) << ((signal) - 1))
static const uint64_t em_faults = SET(SIGILL) | SET(SIGTRAP) | SET(SIGBUS) |
                                  SET(SIGFPE) | SET(SIGSEGV) | SET(SIGSYS);
static const uint64_t em_harmless =
    SET(SIGCHLD) | SET(SIGCONT) | SET(SIGURG) | SET(SIGWINCH);
static const uint64_t em_stops =
    SET(SIGSTOP) | SET(SIGTSTP) | SET(SIGTTIN) | SET(SIGTTOU);
/* What the kernel leaves out of every mask. */
static const uint64_t em_unblockable = SET(SIGKILL) | SET(SIGSTOP);
/* What the kernel makes of a mask with all signals. */
static const uint64_t em_all_blocked = ~em_unblockable;
/* The kernel discards some of these for others. */
static const uint64_t em_jobs =
    SET(SIGCONT) | SET(SIGTSTP) | SET(SIGTTIN) | SET(SIGTTOU);
/* With these a process is asked to end. */
static const uint64_t em_endings =
    SET(SIGHUP) | SET(SIGINT) | SET(SIGQUIT) | SET(SIGTERM);
/* Their default action is to end the process with a core. */
static const uint64_t em_crashes =
    SET(SIGILL) | SET(SIGTRAP) | SET(SIGBUS) | SET(SIGFPE) | SET(SIGSEGV) |
    SET(SIGSYS) | SET(SIGABRT) | SET(SIGQUIT) | SET(SIGXCPU) | SET(SIGXFSZ);
/* The kernel sends them on behalf of something a program has asked for. */
static const uint64_t em_requested =
    SET(SIGALRM) | SET(SIGVTALRM) | SET(SIGPROF) | SET(SIGIO);

/* What the runtime reads and writes of a siginfo_t. */
struct siginfo {
  int signo, error, code, pad;
  int pid, uid;
  uint64_t rest[13];
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");

/* em.installed: the flags of the dispatcher, or one of these. */
#define INSTALLED_DEFAULT UINT64_C(0)
#define INSTALLED_IGNORE UINT64_C(1)
#define INSTALLED_CHANGING UINT64_C(2)
#define INSTALLED_DISPATCHER (UINT64_C(1) << 63)

static const struct em_sigaction em_ignoring = {
    .handler = (void (*)(int, void *, void *))1,
};
static inline bool em_is_default(const struct em_sigaction *a) {
  return (uintptr_t)a->handler == 0;
}
static inline bool em_is_ignored(const struct em_sigaction *a) {
  return a->handler == em_ignoring.handler;
}

/* Is the default action of the signal to end the process? */
static inline bool em_is_fatal(int signal) {
  return !(SET(signal) & (em_harmless | em_stops));
}

static inline long em_kernel_action(int signal,
                                    const struct em_sigaction *action,
                                    struct em_sigaction *old) {
  return em_syscall(SYS_rt_sigaction, signal, action, old, 8);
}

static inline long em_send(int tid, int signal, struct siginfo *info) {
  return em_syscall(SYS_rt_tgsigqueueinfo, em.pid, tid, signal, info);
}
/** To be called before the signal is sent to the thread alone. Where too many
    wait, the kernel sends a standard signal without what says whose it is
    (em_has_lost_info). It is then the thread's if it ever was sent one: which
    of those sent it has had, nobody can tell. */
static inline void em_note_sent(int tid, int signal) {
  _Atomic uint64_t *was_sent = &em_task(tid)->was_sent;
  if (!(atomic_load(was_sent) & SET(signal)))
    atomic_fetch_or(was_sent, SET(signal));
}
static inline bool em_has_lost_info(const struct siginfo *info) {
  return info->code == SI_USER && !info->pid && !info->uid;
}

/* Actions.c: what instances do on their signals. None of these takes a lock
   that a handler could come back to. */

struct em_sigaction em_action_of(const struct instance *instance, int signal);
/** What it was is in *\p before. */
void em_set_action(struct instance *instance, int signal,
                   const struct em_sigaction *action,
                   struct em_sigaction *before);
/** The action as it is to be carried out: one with SA_RESETHAND becomes the
    default, and of several threads one gets it. */
struct em_sigaction em_take_action(struct instance *instance, int signal);
/** All are the default. When no thread of the instance runs. */
void em_reset_actions(struct instance *instance);

enum em_action_kind { EM_DEFAULT, EM_IGNORED, EM_HANDLED };
static inline enum em_action_kind em_kind_of_action(const struct instance *i,
                                                    int signal) {
  return atomic_load(&i->actions.current[signal]) & 3;
}

/** Does the kernel discard the status of this one's children? */
static inline bool em_is_discarding(const struct instance *i) {
  struct em_sigaction a = em_action_of(i, SIGCHLD);
  return em_is_ignored(&a) || (a.flags & SA_NOCLDWAIT);
}

/* Signal.c: dispositions */

void em_init_signals(void);
/** When the instances exist: the kernel's actions are theirs from now on. */
void em_take_over_signals(void);
/** Gives \p instance the dispositions the image was started with. */
void em_inherit_signals(struct instance *instance);
long em_rt_sigaction(struct instance *instance, int signal,
                     const struct em_sigaction *action,
                     struct em_sigaction *old, size_t size);
/** In a child that shares the memory of \p instance. */
long em_rt_sigaction_in_child(struct instance *instance, int signal,
                              const struct em_sigaction *action,
                              struct em_sigaction *old, size_t size);
/** Before a child that is to exec keeps what the instance ignores ignored. */
void em_ignore_for_exec(struct instance *instance);
/** In the process itself, whose exec has failed: undoes that. */
void em_undo_ignore(struct instance *instance);
/** Tells a thread EM_CODE_STOP, to leave, EM_CODE_PAUSE or EM_CODE_RETURN. 0 or
 * -errno. */
long em_tell_thread(int tid, int code);
/** The dispositions of an instance that has ended no longer count. */
void em_forget_signals(void);
/** In a forked child: hands the signals back to the kernel. */
void em_release_signals(struct instance *instance);

/** Takes up the disposition of \p signal that follows from all instances'.
    With em.signal_lock held. 0 or -errno. */
long em_install(int signal);

/** The signals in \p set matter to \p instance even without a handler: it
    blocks them, or waits for them. */
void em_mind(struct instance *instance, uint64_t set);
/** Before \p instance has its first child: what that sends it is to end it
    alone, and not, as the kernel would have it, the process. */
void em_become_parent(struct instance *instance);

/* AltStack.c: on which stack signals are handled */

/** A signal as the kernel calls its handler, and where that returns. hook.S
    makes it. */
struct em_signal {
  void *context;
  void *info;
  long number;
  void *frame;
  uint64_t mask; /* out: of the program's handler */
};
/** What sigaltstack takes: stack_t. */
struct em_stack {
  uintptr_t base;
  int flags;
  uint64_t size;
};

/** Where crashes end their instance only: gives the calling thread a stack of
    the runtime's to find out on that its own has no room left. */
void em_give_alt_stack(void);
/** Takes it back from a thread that leaves; the kernel no longer uses it. */
void em_take_alt_stack(struct task *thread);
/** In a forked child: the program's own is the kernel's again. */
void em_restore_alt_stack(void);
/** sigaltstack, as em_wait. */
bool em_sigaltstack(struct em_frame *frame);

/** Has the handler on \p thread, called as *\p signal says, run on the stack on
    which the program expects it: its alternate one if \p on_alt_stack, else the
    one that was interrupted. False: there is no room. */
bool em_choose_stack(const struct task *thread, struct em_signal *signal,
                     bool on_alt_stack);

/* Dispatch.c: whose signal is it? */

/** The handler to call in place of the dispatcher, with *\p signal as it then
    is; null: none. */
void *em_dispatch(struct em_signal *signal);
/** kill() and sigqueue() of the own process; \p info may be null. */
long em_kill_self(struct instance *instance, int signal, const void *info);
/** kill() of a process group that the own process belongs to. */
long em_kill_group(struct instance *instance, int pid, int signal);
/** Of the process's id: the instance's first thread, 0 when that has left. Any
    other id is that thread's. */
int em_thread_meant(const struct instance *instance, int id);
/** tkill and tgkill, as em_wait. */
bool em_kill_thread(struct instance *instance, struct em_frame *frame);
/** rt_tgsigqueueinfo, as em_wait. */
bool em_queue_to_thread(struct instance *instance, struct em_frame *frame);
/** Was the signal sent to the thread that got it? What a process queues to
    itself as a whole does not come this way (em_kill_self). */
bool em_is_to_thread(int signal, const struct siginfo *info);
/** Leaves a signal to the process to the launcher: one thread after the other
    finds out whose signals are. */
void em_hand_over(int signal, const struct siginfo *info);

/* Route.c: signals to the process */

/** A signal that was sent to the process reaches the instances it is for. With
    all signals blocked, on any thread. */
void em_route(int signal, const struct siginfo *info);

/** What em_route does for one instance. */
void em_route_to(struct instance *instance, int signal,
                 const struct siginfo *info);
/** To the program in place of \p instance. False: there is none. */
bool em_send_to_replacement(const struct instance *instance, int signal,
                            const struct siginfo *info);

/* Children.c: SIGCHLD */

/** The kernel has told of the child of some instance. As em_route. */
void em_child_changed(const struct siginfo *info);
/** A child may have ended before anybody knew whose it is. */
void em_child_added(struct instance *instance);
/** A wait of the calling thread has told the program \p info of a child, and
    \p taken that from the kernel. */
void em_told_by_wait(struct instance *instance, const struct siginfo *info,
                     bool taken);
/** Threads that wait for any child look at all of them again. */
void em_wake_waiters(struct instance *instance);

/* ThreadStatus.c: what /proc says of a thread */

/** The signals that thread \p tid blocks, and those that wait for it; false:
    not to be known. */
bool em_mask_of(int tid, uint64_t *mask);
bool em_pending_of(int tid, uint64_t *set);
/** How long is a thread that was asked to leave worth waiting for? */
enum em_patience {
  EM_NO_PATIENCE,     /* it sleeps, and has the runtime's signal blocked */
  EM_SOME_PATIENCE,   /* it runs, or would, and has it blocked just now */
  EM_ENDLESS_PATIENCE /* it leaves when it runs next */
};
enum em_patience em_patience_with(int tid);

/* Jobs.c: signals of em_jobs */

/** Sends the signal to \p thread of \p instance, or, if that is 0, to the
    instance as a whole. Instead of em_pass_on, em_send. */
void em_send_job(struct instance *instance, int thread,
                 const struct siginfo *info);
/** The same with em.held_lock held, and not to the calling thread unless that
    blocks the signal. */
void em_give_job(struct instance *instance, int thread,
                 const struct siginfo *info);
/** The instance is sent \p signal, even if it does nothing with it. */
void em_drop_opposites(struct instance *instance, int signal);
/** The calling thread has got one that was passed on. False: it was discarded
    since. */
bool em_take_job(struct instance *instance, int signal);
/** One of \p set that waits for the calling thread; 0: none. */
int em_take_waiting_job(struct instance *instance, uint64_t set,
                        struct siginfo *info);
/** Those that wait for the calling thread. */
uint64_t em_job_set(struct instance *instance);
/** Has the calling thread, which does not block them, handle them. */
void em_carry_jobs(struct instance *instance, uint64_t set);
/** What waited in the kernel for the calling thread was taken out there. */
void em_unsend_job(struct instance *instance, int signal);
/** In the launcher: tries again. False: there is more to do. */
bool em_retry_jobs(void);
/** With em.held_lock held (em_drop_held). */
void em_drop_jobs(const struct instance *instance);

/* SignalFile.c: signalfd */

/** signalfd: a descriptor, or -errno when it is to be the kernel's. */
long em_make_signal_file(struct instance *instance, int fd, uint64_t set,
                         long flags);
/** With em.held_lock held. Shows the signal to who reads the instance's
    signalfd. False: nobody can, now. */
bool em_write_signal(struct instance *instance, const struct siginfo *info);
/** With em.held_lock held. Is there one of timer \p id to be read? */
bool em_has_unread_timer(struct instance *instance, int id);
/** The signals that are there to be read. */
uint64_t em_unread_set(struct instance *instance);
/** In a forked child: they are the kernel's. */
void em_restore_signal_files(struct instance *instance);

/* Crash.c */

/** One line on standard error: where \p instance crashed by \p signal. The
    \p address of the fault is told of SIGSEGV and SIGBUS, unless it is
    EM_NO_ADDRESS: that of a signal that was sent, or that the processor did not
    tell. For signal handlers; wants 2 KiB of stack. */
void em_report_crash(const struct instance *instance, int signal,
                     uintptr_t address, uintptr_t pc);

/* Masks.c */

/** rt_sigprocmask, rt_sigsuspend, rt_sigtimedwait, rt_sigpending and signalfd,
    as em_wait. */
bool em_mask_call(struct instance *instance, struct em_frame *frame);
/** CLOCK_MONOTONIC. */
struct timespec em_now(void);

/* Held.c: signals to an instance as a whole */

/** Bytes of em.held. */
size_t em_held_size(void);
/** Sends the signal to a thread of \p instance that takes it, or holds it until
    there is one. */
void em_pass_on(struct instance *instance, int signal,
                const struct siginfo *info);
/** Like em_pass_on, for what em_timer_target says. */
void em_pass_on_timer(struct instance *instance, int signal,
                      const struct siginfo *info);
/** Like em_pass_on, for a signal whose default action is to do nothing: it is
    kept if the first thread blocks it, or waits for it. */
void em_pass_on_blocked(struct instance *instance, int signal,
                        const struct siginfo *info);
/** Before \p instance first handles \p signal: it does not see what would have
    been discarded before. */
void em_drop_undecided(struct instance *instance, int signal);
/** Nothing of what waited for \p instance is for its next life. */
void em_drop_held(struct instance *instance);
/** Shows the signal, which is for thread \p tid, to who reads the instance's
    signalfd, if the thread has it blocked. False: it is to be sent. */
bool em_show_blocked(struct instance *instance, int tid,
                     const struct siginfo *info);
/** Leaves the choice of a thread to the launcher. */
void em_hold(struct instance *instance, int signal, const struct siginfo *info);
/** The same for what a thread was sent, in front of what is held of the signal,
    but behind what came with the same \p round, which is not 0. */
void em_hold_again(struct instance *instance, int signal,
                   const struct siginfo *info, uint32_t round);
/** A thread that does not block the signal; the first one if that cannot be
    known. 0: there is none. */
int em_find_thread(struct instance *instance, int signal);
/** Is there a thread that does not block the signal? */
bool em_finds_taker(struct instance *instance, int signal);
/** The first signal of \p set that is held for \p instance; 0: none. */
int em_take_held(struct instance *instance, uint64_t set, struct siginfo *info);
/** Sends to the calling thread what is held and in \p set. */
void em_claim_held(struct instance *instance, uint64_t set);
uint64_t em_held_set(struct instance *instance);
/** In the launcher: tries again. */
void em_retry_held(void);
/** Has back what a thread was sent and blocks by now. False: there is more to
    do. */
bool em_retry_sent(void);

/* Pending.c: what waits in the kernel for the calling thread */

/** Those of \p all pending signals that are not the process's: who will get
    these is not known yet. */
uint64_t em_own_pending(uint64_t all);
/** Forgets what waits of the signal for the calling thread and its instance. */
void em_discard(struct instance *instance, int signal);
/** The calling thread, with all signals blocked, is to make the second thread
    of \p instance: what waits for the first as the whole is held from now on.
 */
void em_hold_pending(struct instance *instance);
/** The calling thread leaves, or takes none of \p set any more: what it was
    chosen for is for another one. */
void em_give_back(struct instance *instance, uint64_t set);
/** Is there perhaps something of \p set to give back, which the calling thread
    blocks? */
bool em_may_give_back(uint64_t set);
/** Shows what waits in the kernel for the calling thread to who reads the
    instance's signalfd. */
void em_show_pending(struct instance *instance, uint64_t set);

/** What is passed on is marked in the padding behind si_code, which the kernel
    keeps. The kernel lets a thread forge any code for itself, and some for
    others; where it does not, the code is a private one, and the padding holds
    the original. */
enum {
  EM_MARK = 0x454d5244,
  EM_MARK_THREAD = 0x454d5254, /* it was queued to the thread that gets it */
};
static inline struct siginfo em_routed(const struct siginfo *info, bool self) {
  struct siginfo routed = *info;
  if (self || (info->code < 0 && info->code != SI_TKILL)) {
    routed.pad = EM_MARK;
  } else {
    routed.pad = info->code;
    routed.code = EM_CODE_ROUTED;
  }
  return routed;
}
static inline bool em_is_queued_to_thread(const struct siginfo *info) {
  return info->pad == EM_MARK_THREAD;
}
static inline bool em_is_routed(const struct siginfo *info) {
  return info->code == EM_CODE_ROUTED || info->pad == EM_MARK ||
         em_is_queued_to_thread(info);
}
static inline void em_restore_code(struct siginfo *info) {
  if (info->pad != EM_MARK && !em_is_queued_to_thread(info))
    info->code = info->pad;
  info->pad = 0;
}

#pragma GCC visibility pop

#endif /* ELFMERGE_SIGNAL_H */
