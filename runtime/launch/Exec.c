//===- Exec.c - A program in place of an instance -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// exec would end every instance of the process. So the new program runs as a
// child, with the instance's descriptors and directory, and its status becomes
// the instance's. The child is started as libelfspawn starts a request without
// actions: directly. It ends when the thread that waits for it does, as that is
// when the process does.
//
// While exec is under way, signals to the instance wait for the thread that
// calls it. When it has succeeded they are the new program's, as natively.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Timers.h"

enum {
  ALL = 0x7fffffff,
  EXEC_STACK = 16384,
  PR_SET_PDEATHSIG = 1,
};

struct exec {
  struct instance *instance;
  const struct em_frame *frame;
  uint64_t mask; /* of the thread that calls exec */
  long error;    /* of the exec, from the child */
  struct em_itimerval itimers[EM_ITIMERS];
};

static void exec_child(void *argument) {
  struct exec *e = argument;
  em_ignore_for_exec(e->instance);
  em_inherit_itimers(e->itimers, NULL);
  /* Without it the program lives on when the process is killed. */
  (void)em_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  /* That may have been before. In another process id namespace it cannot be
     told. */
  long parent = em_syscall(SYS_getppid, 0);
  if (parent && parent != em.pid)
    em_exit_process(EM_FAILED);
  em_set_mask(e->mask);
  const long *a = e->frame->args;
  e->error = em_syscall(e->frame->nr, a[0], a[1], a[2], a[3], a[4]);
  em_exit_process(EM_FAILED);
}

/* In place of the process. Comes back with an error, and then the signals that
   the instance ignores are everybody's again, and its timers its own alone. */
static long replace_process(struct instance *i, const struct em_frame *f) {
  const long *a = f->args;
  struct em_itimerval itimers[EM_ITIMERS], before[EM_ITIMERS];
  em_get_itimers(i, itimers);
  em_ignore_for_exec(i);
  em_inherit_itimers(itimers, before);
  long error = em_syscall(f->nr, a[0], a[1], a[2], a[3], a[4]);
  em_disinherit_itimers(itimers, before);
  em_undo_ignore(i);
  return error;
}

static int wait_for_status(int pid) {
  int status = 0;
  long r;
  do
    r = em_syscall(SYS_wait4, pid, &status, 0, 0);
  while (r == -EM_EINTR);
  if (r < 0)
    return EM_FAILED;
  return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

/* Natively the other threads are gone before the program begins. Here nobody
   knows before whether it will; so they wait, and go on if it does not. One
   that cannot be had within a fifth of a second is stopped a little later. */
static void pause_others(struct instance *i) {
  enum { ROUNDS = 40 };
  static const int64_t round[2] = {0, 5 * 1000 * 1000};
  int self = em_syscall(SYS_gettid, 0);
  uint32_t asked = 0, busy = 0;
  if (atomic_load(&i->threads) == 1)
    return;
  atomic_store(&i->pauses, 1);
  uint64_t mask = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid; tid = em_task(tid)->next) {
    if (tid == self)
      continue;
    bool in_vfork = em_task(tid)->pending == EM_PROCESS && em_task(tid)->vfork;
    if (!in_vfork && em_tell_thread(tid, EM_CODE_PAUSE) == 0)
      ++asked;
    else
      ++busy;
  }
  em_release(&i->lock, mask);
  for (int n = 0; n != ROUNDS; ++n) {
    uint32_t paused = atomic_load(&i->paused);
    if (paused >= asked || paused + busy + 1 >= atomic_load(&i->threads))
      return;
    (void)em_syscall(SYS_futex, &i->paused, FUTEX_WAIT_PRIVATE, paused, round);
  }
}

static void end_pause(struct instance *i) {
  if (atomic_exchange(&i->pauses, 0))
    /* They may not have come to wait. */
    (void)em_syscall(SYS_futex, &i->pauses, FUTEX_WAKE_PRIVATE, ALL);
}

void em_pause(struct instance *i) {
  if (!atomic_load(&i->pauses))
    return;
  atomic_fetch_add(&i->paused, 1);
  /* Who executes may have given up waiting for it. */
  (void)em_syscall(SYS_futex, &i->paused, FUTEX_WAKE_PRIVATE, 1);
  while (atomic_load(&i->pauses))
    /* However it comes back, it looks again. */
    (void)em_syscall(SYS_futex, &i->pauses, FUTEX_WAIT_PRIVATE, 1, 0);
  atomic_fetch_sub(&i->paused, 1);
  if (atomic_load(&i->state) != EM_RUNNING)
    em_leave(i, 0);
}

/* Of several threads that call it at once one replaces the instance; the others
   leave then, or go on if that has failed. Returns the caller's mask. */
static uint64_t begin_exec(struct instance *i, const struct em_frame *frame) {
  uint64_t mask = em_block_unseen();
  while (atomic_exchange(&i->executes, 1))
    em_sleep(frame, &i->executes, 1, NULL, mask);
  return mask;
}

static long give_up(struct instance *i, uint64_t mask, long error) {
  end_pause(i);
  atomic_store(&i->executes, 0);
  /* Nobody waiting is the normal case. One that was woken may have come back
     for a handler's sake, and not try again. */
  (void)em_syscall(SYS_futex, &i->executes, FUTEX_WAKE_PRIVATE, ALL);
  em_unblock(mask);
  return error;
}

/* Is a signal that the calling thread has taken one for the new program, as it
   then is in *info? What else waits for the process is others' too. */
static bool survives_exec(struct instance *i, struct siginfo *info) {
  int signal = info->signo;
  struct instance *owner;
  if (em_is_routed(info)) {
    em_restore_code(info);
    if ((SET(signal) & em_jobs && !em_take_job(i, signal)) ||
        !em_timer_arrives(info, true))
      return false;
  } else if (info->code == SI_TIMER && em_timer_target(info, &owner)) {
    if (owner && owner != i)
      em_pass_on_timer(owner, signal, info);
    if (owner != i)
      return false;
  } else if (!em_is_to_thread(signal, info)) {
    em_hand_over(signal, info);
    return false;
  }
  /* Timers end with exec, children are the image's, and libcs' own signals
     mean a thread. */
  return info->code != SI_TIMER && signal != SIGCHLD && signal != EM_SIGNAL &&
         signal != EM_SIGNAL - 1;
}

/* With all signals blocked. What is being routed to the instance comes to the
   calling thread first. */
static void hand_on_signals(struct instance *i) {
  static const int64_t at_once[2] = {0, 0};
  static const uint64_t every = ~UINT64_C(0);
  struct siginfo info;
  long signal;
  em_wait_for_launcher();
  while ((signal = em_syscall(SYS_rt_sigtimedwait, &every, &info, at_once, 8)) >
         0)
    if (survives_exec(i, &info))
      em_send_to_replacement(i, signal, &info);
  while ((signal = em_take_held(i, every, &info)))
    if (info.code != SI_TIMER && signal != SIGCHLD)
      em_send_to_replacement(i, signal, &info);
}

long em_exec(struct instance *i, const struct em_frame *frame, bool *in_place) {
  if (em.launcher && em.image->exec_rule == EM_EXEC_DENY)
    return -EM_EPERM;
  if (em_alone()) {
    *in_place = true;
    return 0;
  }
  if (em.image->exec_rule == EM_EXEC_REPLACE)
    return replace_process(i, frame);
  /* What is ignored by all would leave no status; what ends all by default
     would leave the program. */
  em_mind(i, ~UINT64_C(0));
  struct exec e = {i, frame, begin_exec(i, frame), 0, {0}};
  em_get_itimers(i, e.itimers);
  /* The caller's own stack may be of the smallest size. */
  long stack = em_syscall6(SYS_mmap, 0, EXEC_STACK, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (em_failed(stack))
    return give_up(i, e.mask, stack);
  pause_others(i);
  long pid = em_clone(CLONE_VM | CLONE_VFORK | SIGCHLD,
                      (char *)stack + EXEC_STACK, exec_child, &e);
  /* Unmapping what was just mapped as a whole does not fail. */
  (void)em_syscall(SYS_munmap, stack, EXEC_STACK);
  if (pid < 0 || e.error) {
    if (pid > 0)
      wait_for_status(pid);
    return give_up(i, e.mask, pid < 0 ? pid : e.error);
  }
  i->replaced_by = pid;
  bool has_won = em_begins_end(i);
  end_pause(i);
  if (!has_won) {
    i->replaced_by = 0;
    (void)em_syscall(SYS_kill, pid, SIGKILL);
    wait_for_status(pid);
    em_leave(i, 0);
  }
  em_stop_others(i);
  hand_on_signals(i);
  em_forget_timers(i);
  /* The instance's descriptors are the new program's now. */
  if (!em_shares(EM_SHARE_FDS))
    (void)em_syscall(SYS_close_range, 0, ~0u, 0);
  /* Once it is reaped its id may be another's, whom no signal is meant for. */
  while (em_syscall(SYS_waitid, P_PID, pid, 0, WEXITED | WNOWAIT, 0) ==
         -EM_EINTR)
    ;
  i->replaced_by = 0;
  atomic_store(&i->executes, 0);
  em_end_replaced(i, wait_for_status(pid));
}
