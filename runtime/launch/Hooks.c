//===- Hooks.c - The system calls that act on the whole process --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a trampoline comes to instead of the kernel. A call either is carried
// out here, or is executed in place: by the trampoline, with the program's own
// registers and stack, as if there were no hook.
//
// A vforked child shares its parent's memory and is a process of its own: what
// it does must not change the parent's tables, so its calls are executed in
// place.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum { RETURN, IN_PLACE };
enum { CLONE_THREAD = 0x10000 };

static bool makes_thread(const struct em_frame *f) {
  if (f->nr == SYS_clone)
    return f->args[0] & CLONE_THREAD;
  /* struct clone_args begins with the flags. */
  return f->nr == SYS_clone3 && f->args[0] &&
         *(const uint64_t *)f->args[0] & CLONE_THREAD;
}

static int before_clone(struct em_frame *f) {
  bool thread = makes_thread(f);
  if (thread && !em_announce_thread(f->instance))
    em_leave(f->instance, 0);
  em_task(em_syscall(SYS_gettid, 0))->pending = thread ? EM_THREAD : EM_PROCESS;
  return IN_PLACE;
}

/* In the caller, and in what it has made. */
int em_after(struct em_frame *f) {
  struct instance *i = f->instance;
  if (!atomic_load(em.alive)) {
    em_notice_fork(i);
    return RETURN;
  }
  if (!em_own_process())
    return RETURN;
  int tid = em_syscall(SYS_gettid, 0);
  struct task *t = em_task(tid);
  if (!t->thread_of) {
    em_add_thread(i, tid);
    if (atomic_load(&i->state) != EM_RUNNING)
      em_leave(i, 0);
    return RETURN;
  }
  if (f->nr < 0 && t->pending == EM_THREAD)
    em_withdraw_thread(i);
  if (f->nr > 0 && t->pending == EM_PROCESS)
    em_add_child(i, f->nr);
  t->pending = EM_NOTHING;
  return RETURN;
}

static int in_vforked_child(struct em_frame *f) {
  switch (f->nr) {
  case SYS_brk:
    f->nr = em_brk(f->instance, f->args[0]);
    return RETURN;
  case SYS_rt_sigaction:
    f->nr = em_rt_sigaction(f->instance, f->args[0],
                            (const struct em_sigaction *)f->args[1],
                            (struct em_sigaction *)f->args[2], f->args[3]);
    return RETURN;
  case SYS_execve:
  case SYS_execveat:
    em_ignore_for_exec(f->instance);
    return IN_PLACE;
  default:
    return IN_PLACE;
  }
}

static int exec(struct em_frame *f) {
  bool in_place = false;
  long error = em_exec(f->instance, f, &in_place);
  if (in_place)
    return IN_PLACE;
  f->nr = error;
  return RETURN;
}

/* Executes in place what the interpreter does not mean for us. */
static int open_library(struct em_frame *f, long path) {
  long result;
  if (!path || !em_open_library(f->instance, (const char *)path, &result))
    return IN_PLACE;
  f->nr = result;
  return RETURN;
}

static int map_slot(struct em_frame *f) {
  long result;
  if (!em_map_slot(f->instance, f->args, &result))
    return IN_PLACE;
  f->nr = result;
  return RETURN;
}

int em_hook(struct em_frame *f) {
  struct instance *i = f->instance;
  em_notice_fork(i);
  /* The interpreter's calls are frequent and know no process. */
  switch (f->nr) {
  case SYS_open:
    return open_library(f, f->args[0]);
  case SYS_openat:
    return open_library(f, f->args[1]);
  case SYS_mmap:
    return map_slot(f);
  }
  if (!em_own_process())
    return in_vforked_child(f);
  switch (f->nr) {
  case SYS_brk:
    f->nr = em_brk(i, f->args[0]);
    return RETURN;
  case SYS_rt_sigaction:
    f->nr = em_rt_sigaction(i, f->args[0],
                            (const struct em_sigaction *)f->args[1],
                            (struct em_sigaction *)f->args[2], f->args[3]);
    return RETURN;
  case SYS_clone:
  case SYS_clone3:
  case SYS_fork:
  case SYS_vfork:
    return before_clone(f);
  case SYS_exit_group:
    em_end_instance(i, f->args[0]);
  case SYS_execve:
  case SYS_execveat:
    return exec(f);
  }
  if (em_alone())
    return IN_PLACE;
  switch (f->nr) {
  case SYS_wait4:
    f->nr = em_wait4(i, f->args);
    return RETURN;
  case SYS_waitid:
    f->nr = em_waitid(i, f->args);
    return RETURN;
  case SYS_kill:
    if ((int)f->args[0] != em.pid)
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1]);
    return RETURN;
  }
  return IN_PLACE;
}
