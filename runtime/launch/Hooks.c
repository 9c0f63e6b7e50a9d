//===- Hooks.c - The system calls that act on the whole process -----------===//
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

#include "HooksABI.h"
#include "Runtime.h"

/* Where the thread goes on, in bytes in front of where the call returns. */
enum {
  RETURN = 0,                       /* the result is in the frame */
  IN_PLACE = EM_PLAIN_SIZE,         /* the trampoline makes the call */
  IN_PLACE_AND_AFTER = EM_RAW_SIZE, /* it does, then em_after is called */
};

static struct instance *instance_of(const struct em_frame *f) {
  return (struct instance *)f->slot->instance;
}

enum { CLONE_THREAD = 0x10000, AT_EMPTY_PATH = 0x1000 };

static bool makes_thread(const struct em_frame *f) {
  if (f->nr == SYS_clone)
    return f->args[0] & CLONE_THREAD;
  /* struct clone_args begins with the flags. */
  return f->nr == SYS_clone3 && f->args[0] &&
         *(const uint64_t *)f->args[0] & CLONE_THREAD;
}

static int before_clone(struct em_frame *f) {
  bool thread = makes_thread(f);
  if (thread && !em_announce_thread(instance_of(f)))
    em_leave(instance_of(f), 0);
  em_task(em_syscall(SYS_gettid, 0))->pending = thread ? EM_THREAD : EM_PROCESS;
  return IN_PLACE_AND_AFTER;
}

/* In the caller, and in what it has made. */
int em_after(struct em_frame *f) {
  struct instance *i = instance_of(f);
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
  uint32_t pending = t->pending;
  t->pending = EM_NOTHING;
  if (f->nr < 0 && pending == EM_THREAD)
    em_withdraw_thread(i);
  if (f->nr > 0 && pending == EM_PROCESS && !em_alone()) {
    em_add_child(i, f->nr);
    em_child_added(i);
  }
  if (pending >= EM_WAIT)
    em_after_wait(i, f, pending);
  return RETURN;
}

static int in_vforked_child(struct em_frame *f) {
  switch (f->nr) {
  case SYS_brk:
    f->nr = em_brk(instance_of(f), f->args[0]);
    return RETURN;
  case SYS_rt_sigaction:
    f->nr = em_rt_sigaction(instance_of(f), f->args[0],
                            (const struct em_sigaction *)f->args[1],
                            (struct em_sigaction *)f->args[2], f->args[3]);
    return RETURN;
  case SYS_execve:
  case SYS_execveat:
    em_ignore_for_exec(instance_of(f));
    return IN_PLACE;
  default:
    return IN_PLACE;
  }
}

static int exec(struct em_frame *f) {
  bool in_place = false;
  long error = em_exec(instance_of(f), f, &in_place);
  if (in_place)
    return IN_PLACE;
  f->nr = error;
  return RETURN;
}

static int stat_library(struct em_frame *f, struct em_stat *stat) {
  if (!em_stat_library(instance_of(f), (int)f->args[0], stat))
    return IN_PLACE;
  f->nr = 0;
  return RETURN;
}

/* Executes in place what is an ordinary file's. */
static int with_path(struct em_frame *f, int argument) {
  const char *path = (const char *)f->args[argument];
  struct instance *i = instance_of(f);
  long result;
  if (!path)
    return IN_PLACE;
  if (f->slot->role == EM_ROLE_INTERPRETER) {
    if ((f->nr == SYS_openat || f->nr == SYS_open) &&
        em_open_library(i, path, &result)) {
      f->nr = result;
      return RETURN;
    }
    if (f->nr == SYS_newfstatat && !*path && f->args[3] & AT_EMPTY_PATH)
      return stat_library(f, (struct em_stat *)f->args[2]);
  }
  char own[EM_OWN_PATH];
  if (!em_own_path(path, own))
    return IN_PLACE;
  long args[6];
  for (int n = 0; n != 6; ++n)
    args[n] = f->args[n];
  args[argument] = (long)own;
  f->nr =
      em_syscall6(f->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
  return RETURN;
}

static int map_library(struct em_frame *f) {
  long result;
  if (!em_map_library(instance_of(f), f->args, &result))
    return IN_PLACE;
  f->nr = result;
  return RETURN;
}

int em_hook(struct em_frame *f) {
  struct instance *i = instance_of(f);
  em_notice_fork(i);
  /* These are frequent and most of them mean neither process nor library. */
  int path = em_path_argument(f->nr);
  if (path >= 0)
    return with_path(f, path);
  if (f->nr == SYS_fstat)
    return stat_library(f, (struct em_stat *)f->args[1]);
  if (f->nr == SYS_mmap)
    return map_library(f);
  if (!em_own_process())
    return in_vforked_child(f);
  switch (f->nr) {
  case SYS_brk:
    f->nr = em_brk(i, f->args[0]);
    return RETURN;
  case SYS_rt_sigaction:
    f->nr =
        em_rt_sigaction(i, f->args[0], (const struct em_sigaction *)f->args[1],
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
  case SYS_waitid:
    return em_wait(i, f) ? RETURN : IN_PLACE_AND_AFTER;
  case SYS_kill:
    if ((int)f->args[0] != em.pid)
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1], NULL);
    return RETURN;
  case SYS_rt_sigqueueinfo:
    if ((int)f->args[0] != em.pid || !f->args[2])
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1], (const void *)f->args[2]);
    return RETURN;
  case SYS_tgkill:
    em_before_thread_kill(i, f->args[1], f->args[2]);
    return IN_PLACE;
  case SYS_tkill:
    em_before_thread_kill(i, f->args[0], f->args[1]);
    return IN_PLACE;
  }
  return IN_PLACE;
}

/* In the trampolines of the blob whose slot is at \p slot. */
static uintptr_t site_in(const struct em_blob *b, uintptr_t bias,
                         uintptr_t pc) {
  if (b->slot == EM_NO_ADDRESS || pc < bias + b->slot + EM_PAGE ||
      pc >= bias + b->end)
    return pc;
  uintptr_t text = bias + b->slot + EM_PAGE;
  const struct em_hooks *h = (const struct em_hooks *)text;
  const struct em_trampoline *t = (const struct em_trampoline *)(h + 1);
  for (uint64_t n = 0; n != h->count; ++n, ++t) {
    uintptr_t start = text + t->offset;
    if (pc < start || pc - start >= t->size)
      continue;
    uintptr_t back = start + t->back;
    bool at_call = t->kind == EM_SITE_SYSCALL &&
                   (pc == back - EM_PLAIN_SIZE || pc == back - EM_RAW_SIZE);
    return at_call && t->site == t->patch_start ? bias + t->site : pc;
  }
  return pc;
}

uintptr_t em_site_of(const struct instance *i, uintptr_t pc) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  uintptr_t site = site_in(em_blob_at(p->blob), i->program, pc);
  if (site == pc && p->interpreter != EM_NONE)
    site = site_in(em_blob_at(p->interpreter), i->interpreter, pc);
  return site;
}
