//===- Instance.c - Life and death of an instance -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instance ends when one of its threads makes exit_group, or the last one
// exits: the thread that ends it stops the others, records the status and
// leaves. The last instance to end ends the process.
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Signal.h"
#include "Space.h"
#include "Timers.h"

enum {
  PR_SET_NAME = 15,
};

bool em_alone(void) { return em.sole || !em.launcher; }

bool em_shares(uint32_t flag) { return em_alone() || (em.image->flags & flag); }

bool em_own_process(void) {
  return !atomic_load(&em.memory_sharers) ||
         em_syscall(SYS_getpid, 0) == em.pid;
}

_Noreturn void em_exit_process(int status) {
  for (;;)
    (void)em_syscall(SYS_exit_group, status);
}

void em_trace(const struct instance *i, const char *what, long number) {
  if (em.trace)
    em_message_number(i->name, what, number);
}

/* At its first start the whole image fails; later, the instance does. */
static _Noreturn void fail(struct instance *i, const char *what, long error) {
  if (!i->restarts)
    em_fail(i->name, what, error);
  em_message(i->name, what, error);
  em_end_instance(i, EM_FAILED);
}

void em_settle(struct instance *i) {
  if (!em_shares(EM_SHARE_FDS))
    em_close_inherited();
  /* The name is for people; a kernel that refuses it changes nothing. */
  (void)em_syscall(SYS_prctl, PR_SET_NAME, i->name);
  const struct em_spec *spec = em_spec_at(i->spec);
  if (spec->cwd_off != EM_NONE) {
    long error = em_syscall(SYS_chdir, em_string(spec->cwd_off));
    if (error < 0)
      fail(i, em_string(spec->cwd_off), error);
  }
}

/* The instance's first thread, with all signals blocked. */
static _Noreturn void begin(struct instance *i) {
  em_settle(i);
  em_trace(i, i->restarts ? "restarted, thread " : "started, thread ",
           i->first_thread);
  em_give_alt_stack();
  em_set_mask(em.initial_mask);
  em_jump(i->entry, i->stack);
}

/* The launcher adds the thread, so that no signal that it passes on comes too
   early; the lock keeps the thread waiting until it has. */
static _Noreturn void begin_on_thread(void *argument) {
  struct instance *i = argument;
  em_release(&i->lock, em_acquire(&i->lock));
  begin(i);
}

long em_start_instance(struct instance *i) {
  unsigned long flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  if (em_shares(EM_SHARE_FDS))
    flags |= CLONE_FILES;
  if (em_shares(EM_SHARE_CWD))
    flags |= CLONE_FS;
  uint64_t mask = em_acquire(&i->lock);
  /* What begin() needs lies below the program's initial stack, which is used
     only when begin() is done. */
  long tid = em_clone(flags, (char *)i->stack - 128, begin_on_thread, i);
  if (tid > 0) {
    em_forget_child(tid);
    em_link_thread(i, tid);
    i->first_thread = tid;
    atomic_store(&i->threads, 1);
    atomic_store(&i->state, EM_RUNNING);
  }
  em_release(&i->lock, mask);
  return tid < 0 ? tid : 0;
}

_Noreturn void em_run_instance(struct instance *i) {
  i->first_thread = em_syscall(SYS_gettid, 0);
  atomic_store(&i->threads, 1);
  atomic_store(&i->state, EM_RUNNING);
  em_add_thread(i, i->first_thread);
  begin(i);
}

int em_process_status(const struct instance *last) {
  if (em_alone())
    return last->status;
  uint32_t rule = em.image->exit_rule;
  if (rule == EM_EXIT_FIRST)
    return em_instance_at(0)->status;
  if (rule == EM_EXIT_LAST)
    return em.last_status;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    const struct instance *i = em_instance_at(n);
    if (rule == EM_EXIT_SPEC &&
        !em_equal(em_string(em_spec_at(i->spec)->name_off),
                  em_string(em_spec_at(em.image->exit_spec)->name_off)))
      continue;
    if (i->status)
      return i->status;
  }
  return 0;
}

void em_count_end(struct instance *i) {
  if (atomic_fetch_sub(&em.running, 1) == 1)
    em_exit_process(em_process_status(i));
}

/* Once each time the instance ends, in state EM_ENDING. */
static void finish(struct instance *i) {
  /* A forked child is no instance that the image started. */
  if (em.launcher)
    em_trace(i, "ended, status ", i->status);
  em.last_status = i->status;
  em_forget_timers(i);
  i->restart_due = em_restarts(i);
  atomic_store(&i->state, EM_ENDED);
  if (!i->restart_due)
    em_count_end(i);
  em_forget_signals();
  em_call_launcher();
}

static bool is_in_vfork(const struct task *t) {
  return t->pending == EM_PROCESS && t->vfork;
}

/* Asks all threads but the caller to leave, those that have been asked only if
   it is to be again. How many are in vfork? */
static uint32_t ask_others(struct instance *i, int self, bool again) {
  uint32_t in_vfork = 0;
  uint64_t mask = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid; tid = em_task(tid)->next) {
    struct task *t = em_task(tid);
    if (tid == self)
      continue;
    in_vfork += is_in_vfork(t);
    /* A thread that has gone is no thread to stop. */
    if (again || !t->is_asked)
      t->is_asked = em_tell_thread(tid, EM_CODE_STOP) == 0;
  }
  em_release(&i->lock, mask);
  return in_vfork;
}

static enum em_patience patience_with_others(struct instance *i, int self) {
  enum em_patience most = EM_NO_PATIENCE;
  uint32_t begun = 0;
  uint64_t mask = em_acquire(&i->lock);
  for (int tid = i->thread_list; tid; tid = em_task(tid)->next) {
    enum em_patience p = tid == self ? EM_NO_PATIENCE : em_patience_with(tid);
    most = p > most ? p : most;
    ++begun;
  }
  if (begun < atomic_load(&i->threads) && most == EM_NO_PATIENCE)
    most = EM_SOME_PATIENCE;
  em_release(&i->lock, mask);
  return most;
}

/* Asks all other threads to leave and waits until they have. One that has taken
   that for something else is asked again, but ever less often: what is asked of
   very many that do not get to run waits in the kernel, which keeps a bounded
   number of signals for all processes of a user. One in vfork leaves when its
   child lets it, however long that is; natively it would be killed. One that
   keeps the runtime's signal blocked for good is left behind; it ends with the
   process. Where very many threads are to run, none of an instance's may for
   some time, which is no sign of that. */
void em_stop_others(struct instance *i) {
  static const int64_t pause[2] = {0, 5 * 1000 * 1000};
  enum { ROUNDS = 400, MORE_ROUNDS = 10 * ROUNDS, EVER_LESS = 8 };
  int self = em_syscall(SYS_gettid, 0);
  uint32_t before = 0;
  unsigned next = EVER_LESS;
  for (unsigned round = 0, turn = 0;; ++round, ++turn) {
    uint32_t left = atomic_load(&i->threads);
    bool again = turn == next;
    if (again)
      next *= EVER_LESS;
    if (left <= 1 || left == 1 + ask_others(i, self, again))
      return;
    if (left != before)
      round = 0;
    before = left;
    if (round && round % ROUNDS == 0) {
      enum em_patience patience = patience_with_others(i, self);
      if (patience == EM_NO_PATIENCE ||
          (patience == EM_SOME_PATIENCE && round >= MORE_ROUNDS))
        break;
    }
    /* Comes back when a thread leaves, or to look again. */
    (void)em_syscall(SYS_futex, &i->threads, FUTEX_WAIT_PRIVATE, left, pause);
  }
  em_message(i->name, "a thread does not let itself be stopped", 0);
}

bool em_begins_end(struct instance *i) {
  em_block_signals();
  uint32_t running = EM_RUNNING;
  return atomic_compare_exchange_strong(&i->state, &running, EM_ENDING);
}

_Noreturn void em_end_instance(struct instance *i, int status) {
  if (!em_begins_end(i))
    em_leave(i, 0);
  em_end_begun(i, status);
}

_Noreturn void em_end_begun(struct instance *i, int status) {
  i->status = status & 0xff;
  /* What is left of the last instance ends with the process. */
  if (atomic_load(&em.running) != 1 || em_restarts(i))
    em_stop_others(i);
  finish(i);
  em_leave(i, status);
}

_Noreturn void em_end_replaced(struct instance *i, int status) {
  i->status = status & 0xff;
  finish(i);
  em_leave(i, status);
}

void em_thread_exit(struct instance *i, int status) {
  em_notice_fork(i);
  if (!em_own_process())
    return;
  int tid = em_calling_thread(i);
  uint64_t expired = 0;
  em_lock(&i->lock);
  if (tid == i->first_thread) {
    i->first_status = status & 0xff;
    expired = em_timers_of_others(i);
  }
  em_remove_thread(i, tid);
  bool last = atomic_load(&i->threads) == 0;
  em_unlock(&i->lock);
  if (expired)
    em_send_expired(i, expired);
  /* Only who ends the instance waits for its threads (em_stop_others). */
  if (atomic_load(&i->state) != EM_RUNNING)
    (void)em_syscall(SYS_futex, &i->threads, FUTEX_WAKE_PRIVATE, 1);
  if (!last && atomic_load(&i->passed_on) &&
      atomic_load(&i->state) == EM_RUNNING)
    em_give_back(i, ~UINT64_C(0));
  uint32_t running = EM_RUNNING;
  if (last && atomic_compare_exchange_strong(&i->state, &running, EM_ENDING)) {
    /* As the kernel: a process whose last thread exits has the status of its
       first one. */
    i->status = i->first_status;
    finish(i);
  }
  /* It was in vfork when the instance ended, and has made a child since. */
  if (last && atomic_load(&i->state) == EM_ENDED && i->child_list) {
    em_orphan_children(i);
    em_call_launcher();
  }
}

void em_notice_fork(struct instance *i) {
  if (atomic_load(em.alive))
    return;
  atomic_store(em.alive, 1);
  em.pid = em_syscall(SYS_getpid, 0);
  em.launcher = 0;
  em.image_fd = -1;
  atomic_store(&em.running, 1);
  em.signal_lock.word = em.held_lock.word = em.alt_stack_lock.word = 0;
  em.status_lock.word = 0;
  atomic_store(&em.lock_waiters, 0);
  em.leaving_lock.word = em.orphan_lock.word = i->actions.lock.word = 0;
  em.orphans = 0;
  atomic_store(&em.held_count, 0);
  i->exit_lock = 0;
  i->exits_in_place = 1;
  i->pauses = i->paused = 0;
  i->lock.word = i->child_lock.word = 0;
  i->thread_list = 0;
  i->child_list = 0;
  atomic_store(&em.memory_sharers, 0);
  atomic_store(&em.forking, 0);
  i->leaving = i->leaving_last = 0;
  i->threaded = false;
  i->first_thread = em.pid;
  i->first_status = 0;
  atomic_store(&i->state, EM_RUNNING);
  atomic_store(&i->threads, 1);
  em_link_thread(i, em.pid);
  em_lose_timers(i);
  em_restore_signal_files(i);
  em_release_signals(i);
  em_restore_alt_stack();
}
