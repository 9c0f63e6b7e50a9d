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

#include "Runtime.h"

enum {
  CLONE_VM = 0x100,
  CLONE_FS = 0x200,
  CLONE_FILES = 0x400,
  CLONE_SIGHAND = 0x800,
  CLONE_THREAD = 0x10000,
  CLONE_SYSVSEM = 0x40000,
  PR_SET_NAME = 15,
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAKE_PRIVATE = 129,
};

bool em_alone(void) { return em.instance_count == 1 || !em.launcher; }

bool em_shares(uint32_t flag) { return em_alone() || (em.image->flags & flag); }

bool em_own_process(void) { return em_syscall(SYS_getpid, 0) == em.pid; }

_Noreturn void em_exit_process(int status) {
  for (;;)
    (void)em_syscall(SYS_exit_group, status);
}

static void trace(const struct instance *i, const char *what, long number) {
  if (!em.trace)
    return;
  char text[64] = "";
  em_append(text, sizeof(text), what);
  em_append_number(text, sizeof(text), number);
  em_message(i->name, text, 0);
}

/* The instance's first thread, with all signals blocked. */
static _Noreturn void begin(void *argument) {
  struct instance *i = argument;
  int tid = em_syscall(SYS_gettid, 0);
  i->first_thread = tid;
  em_add_thread(i, tid);
  if (!em_shares(EM_SHARE_FDS))
    em_close_inherited();
  /* The name is for people; a kernel that refuses it changes nothing. */
  (void)em_syscall(SYS_prctl, PR_SET_NAME, i->name);
  const struct em_spec *spec = em_spec_at(i->spec);
  if (spec->cwd_off != EM_NONE) {
    long error = em_syscall(SYS_chdir, em_string(spec->cwd_off));
    if (error < 0)
      em_fail(i->name, em_string(spec->cwd_off), error);
  }
  trace(i, "started, thread ", tid);
  em_set_mask(em.initial_mask);
  em_jump(i->entry, i->stack);
}

void em_start_instance(struct instance *i) {
  unsigned long flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  if (em_shares(EM_SHARE_FDS))
    flags |= CLONE_FILES;
  if (em_shares(EM_SHARE_CWD))
    flags |= CLONE_FS;
  atomic_store(&i->threads, 1);
  atomic_store(&i->state, EM_RUNNING);
  /* What begin() needs lies below the program's initial stack, which is used
     only when begin() is done. */
  long tid = em_clone(flags, (char *)i->stack - 128, begin, i);
  if (tid < 0)
    em_fail(i->name, "cannot start a thread", tid);
}

_Noreturn void em_run_instance(struct instance *i) {
  atomic_store(&i->threads, 1);
  atomic_store(&i->state, EM_RUNNING);
  begin(i);
}

static int process_status(const struct instance *last) {
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

/* Once per instance, in state EM_ENDING. */
static void finish(struct instance *i) {
  /* A forked child is no instance that the image started. */
  if (em.launcher)
    trace(i, "ended, status ", i->status);
  em.last_status = i->status;
  atomic_store(&i->state, EM_ENDED);
  if (atomic_fetch_sub(&em.running, 1) == 1)
    em_exit_process(process_status(i));
  em_forget_signals();
}

/* Asks all other threads to leave and waits until they have. A thread that is
   just starting, or that has all signals blocked for a moment, as libcs do
   while they make or end a thread, is asked again. One that keeps the
   runtime's signal blocked for good is left behind; it ends with the
   process. */
void em_stop_others(struct instance *i) {
  static const int64_t pause[2] = {0, 5 * 1000 * 1000};
  int self = em_syscall(SYS_gettid, 0);
  for (int round = 0; round != 400; ++round) {
    uint32_t left = atomic_load(&i->threads);
    if (left <= 1)
      return;
    uint64_t mask = em_acquire(&i->lock);
    for (int tid = i->thread_list; tid; tid = em_task(tid)->next)
      if (tid != self)
        /* A thread that has gone is no thread to stop. */
        (void)em_stop_thread(i, tid);
    em_release(&i->lock, mask);
    /* Comes back when a thread leaves, or to ask again. */
    (void)em_syscall(SYS_futex, &i->threads, FUTEX_WAIT_PRIVATE, left, pause);
  }
  em_message(i->name, "a thread does not let itself be stopped", 0);
}

void em_begin_end(struct instance *i) {
  em_block_signals();
  uint32_t running = EM_RUNNING;
  if (!atomic_compare_exchange_strong(&i->state, &running, EM_ENDING))
    em_leave(i, 0);
}

_Noreturn void em_end_instance(struct instance *i, int status) {
  em_begin_end(i);
  i->status = status & 0xff;
  /* What is left of the last instance ends with the process. */
  if (atomic_load(&em.running) != 1)
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
  int tid = em_syscall(SYS_gettid, 0);
  uint64_t mask = em_acquire(&i->lock);
  if (tid == i->first_thread)
    i->first_status = status & 0xff;
  em_remove_thread(i, tid);
  bool last = atomic_load(&i->threads) == 0;
  em_release(&i->lock, mask);
  /* Nobody waiting is the normal case. */
  (void)em_syscall(SYS_futex, &i->threads, FUTEX_WAKE_PRIVATE, 1);
  uint32_t running = EM_RUNNING;
  if (last && atomic_compare_exchange_strong(&i->state, &running, EM_ENDING)) {
    /* As the kernel: a process whose last thread exits has the status of its
       first one. */
    i->status = i->first_status;
    finish(i);
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
  em.signal_lock.word = 0;
  /* Ids of threads and children that this process does not have. */
  enum { MADV_DONTNEED = 4 };
  long error = em_syscall(SYS_madvise, em.tasks,
                          EM_MAX_TASK * sizeof(struct task), MADV_DONTNEED);
  if (error < 0)
    em_fail(i->name, "cannot forget the parent's threads", error);
  i->exit_lock = 0;
  i->lock.word = 0;
  i->thread_list = 0;
  i->child_list = 0;
  i->threaded = false;
  i->first_thread = em.pid;
  i->first_status = 0;
  atomic_store(&i->state, EM_RUNNING);
  atomic_store(&i->threads, 1);
  em_add_thread(i, em.pid);
  em_release_signals(i);
}
