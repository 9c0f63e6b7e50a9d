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

#include "Files.h"
#include "HooksABI.h"
#include "Signal.h"
#include "Space.h"
#include "Timers.h"

/* Where the thread goes on, in bytes in front of where the call returns. */
enum {
  RETURN = 0,                       /* the result is in the frame */
  IN_PLACE = EM_PLAIN_SIZE,         /* the trampoline makes the call */
  IN_PLACE_AND_AFTER = EM_RAW_SIZE, /* it does, then em_after is called */
};

_Static_assert(IN_PLACE == 25, "hook.S");

static struct instance *instance_of(const struct em_frame *f) {
  return (struct instance *)f->slot->instance;
}

enum { AT_EMPTY_PATH = 0x1000 };

/* Where no other instance ever was, the kernel's break is this one's. */
static int set_break(struct em_frame *f) {
  if (em.sole)
    return IN_PLACE;
  f->nr = em_brk(instance_of(f), f->args[0]);
  return RETURN;
}

/* In the caller, and in what it has made. */
int em_after(struct em_frame *f) {
  struct instance *i = instance_of(f);
  if (em_in_processes() && atomic_load(em.alive)) {
    atomic_store(&i->state, EM_RUNNING); /* an exec has failed */
    return RETURN;
  }
  int tid = atomic_load(em.alive) ? em_calling_thread(i) : 0;
  struct task *t = tid ? em_task(tid) : NULL;
  if (t && t->pending >= EM_WAIT) {
    uint32_t pending = t->pending;
    t->pending = EM_NOTHING;
    em_after_wait(i, t, f, pending);
  } else {
    em_after_clone(i, f, tid);
  }
  return RETURN;
}

/* Of an instance that is a process, or a child that shares its memory. From its
   exec on an instance is not the launcher's own program (ProcessMode.c). */
static int in_process(struct em_frame *f) {
  struct instance *i = instance_of(f);
  switch (f->nr) {
  case SYS_brk:
    return set_break(f);
  case SYS_execve:
  case SYS_execveat:
    if (em_syscall(SYS_getpid, 0) != i->first_thread)
      return IN_PLACE;
    if (em.image->exec_rule == EM_EXEC_DENY) {
      f->nr = -EM_EPERM;
      return RETURN;
    }
    atomic_store(&i->state, EM_ENDING);
    return IN_PLACE_AND_AFTER;
  default:
    return IN_PLACE;
  }
}

/* Of the only instance, or of a forked child: what the kernel keeps for a
   process it keeps for this one. A child that shares its memory may execute
   programs whatever the rule. */
static int alone(struct em_frame *f) {
  switch (f->nr) {
  case SYS_brk:
    return set_break(f);
  case SYS_exit_group:
    if (em.trace && em.launcher && em_syscall(SYS_getpid, 0) == em.pid)
      em_trace(instance_of(f), "ended, status ", f->args[0] & 0xff);
    return IN_PLACE;
  case SYS_execve:
  case SYS_execveat:
    if (em.image->exec_rule != EM_EXEC_DENY || !em.launcher ||
        em_syscall(SYS_getpid, 0) != em.pid)
      return IN_PLACE;
    f->nr = -EM_EPERM;
    return RETURN;
  default:
    return IN_PLACE;
  }
}

EM_RARE static int in_vforked_child(struct em_frame *f) {
  switch (f->nr) {
  case SYS_brk:
    return set_break(f);
  case SYS_rt_sigaction:
    f->nr = em_rt_sigaction_in_child(
        instance_of(f), f->args[0], (const struct em_sigaction *)f->args[1],
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

EM_RARE static int exec(struct em_frame *f) {
  bool in_place = false;
  long error = em_exec(instance_of(f), f, &in_place);
  if (in_place)
    return IN_PLACE;
  f->nr = error;
  return RETURN;
}

EM_RARE static int stat_library(struct em_frame *f, struct em_stat *stat) {
  if (!em_stat_library(instance_of(f), (int)f->args[0], stat))
    return IN_PLACE;
  f->nr = 0;
  return RETURN;
}

/* The interpreter's: is it about an embedded library? Then the result is in
   the frame. */
EM_RARE static bool with_library(struct em_frame *f, const char *path) {
  enum { PATH_MAX = 4096 };
  bool opens = f->nr == SYS_openat || f->nr == SYS_open;
  bool looks = f->nr == SYS_newfstatat && f->args[3] & AT_EMPTY_PATH;
  if (!opens && !looks)
    return false;
  long length = em_read_length(path, PATH_MAX);
  if (length < 0 || length == PATH_MAX)
    return false;
  if (opens)
    return em_open_library(instance_of(f), path, &f->nr);
  return !length && stat_library(f, (struct em_stat *)f->args[2]) == RETURN;
}

/* Opens what there is no file of. False: the call is not to be for reading. */
static bool open_proc(struct em_frame *f, enum em_path what) {
  long flags;
  if (f->nr == SYS_open)
    flags = f->args[1];
  else if (f->nr == SYS_openat)
    flags = f->args[2];
  /* struct open_how begins with the flags. */
  else if (f->nr != SYS_openat2 ||
           em_read(&flags, (const void *)f->args[2], sizeof(flags)) < 0)
    return false;
  long fd = em_open_proc(instance_of(f), what, flags);
  if (fd < 0)
    return false;
  f->nr = fd;
  return true;
}

static void call_with(struct em_frame *f, int argument, long value) {
  long a[6];
  for (int n = 0; n != 6; ++n)
    a[n] = n == argument ? value : f->args[n];
  f->nr = em_syscall6(f->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

EM_RARE static int with_special_path(struct em_frame *f, int argument) {
  char own[EM_OWN_PATH];
  switch (em_own_path(instance_of(f), (const char *)f->args[argument], own)) {
  case EM_PATH_PLAIN:
    return IN_PLACE;
  case EM_PATH_LED:
    call_with(f, argument, (long)own);
    return RETURN;
  case EM_PATH_ARGUMENTS:
    return open_proc(f, EM_PATH_ARGUMENTS) ? RETURN : IN_PLACE;
  case EM_PATH_ENVIRONMENT:
    return open_proc(f, EM_PATH_ENVIRONMENT) ? RETURN : IN_PLACE;
  }
  return IN_PLACE;
}

EM_RARE static int with_special_paths(struct em_frame *f, int first,
                                      int second) {
  char own[2][EM_OWN_PATH];
  const char *path = (const char *)f->args[second];
  if (!em_is_special(path) ||
      em_own_path(instance_of(f), path, own[1]) != EM_PATH_LED)
    return with_special_path(f, first);
  path = (const char *)f->args[first];
  if (em_is_special(path) &&
      em_own_path(instance_of(f), path, own[0]) == EM_PATH_LED)
    path = own[0];
  const char *saved = (const char *)f->args[first];
  f->args[first] = (long)path;
  call_with(f, second, (long)own[1]);
  f->args[first] = (long)saved;
  return RETURN;
}

/* Executes in place what is an ordinary file's. */
static int with_path(struct em_frame *f, int argument) {
  const char *path = (const char *)f->args[argument];
  if (f->slot->role == EM_ROLE_INTERPRETER && with_library(f, path))
    return RETURN;
  int second = em_second_path_argument(f->nr);
  if (second >= 0 &&
      (em_is_special(path) || em_is_special((const char *)f->args[second])))
    return with_special_paths(f, argument, second);
  return em_is_special(path) ? with_special_path(f, argument) : IN_PLACE;
}

/* What else an id may be, these calls are told in front of it. */
static bool is_about_thread(const struct em_frame *f) {
  enum { PRIO_PROCESS = 0, IOPRIO_WHO_PROCESS = 1 };
  switch (f->nr) {
  case SYS_getpriority:
  case SYS_setpriority:
    return (int)f->args[0] == PRIO_PROCESS;
  case SYS_ioprio_get:
  case SYS_ioprio_set:
    return (int)f->args[0] == IOPRIO_WHO_PROCESS;
  default:
    return true;
  }
}

/* By the process's id a program means its first thread. To the kernel that is
   the launcher, and 0 the caller, who is asked when the first one has left. */
EM_RARE static int with_thread(struct em_frame *f) {
  int argument = em_thread_argument(f->nr);
  if (argument < 0 || (int)f->args[argument] != em.pid || !is_about_thread(f))
    return IN_PLACE;
  call_with(f, argument, em_thread_meant(instance_of(f), em.pid));
  return RETURN;
}

static bool is_own_group(int pid) {
  return !pid || (pid < -1 && em_syscall(SYS_getpgid, 0) == -pid);
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
  if (em_is_mapping_call(f->nr))
    return em_mapping_call(i, f) ? RETURN : IN_PLACE;
  if (em_in_processes())
    return in_process(f);
  if (em_alone())
    return alone(f);
  if (!em_own_process())
    return in_vforked_child(f);
  switch (f->nr) {
  case SYS_brk:
    return set_break(f);
  case SYS_rt_sigaction:
    f->nr =
        em_rt_sigaction(i, f->args[0], (const struct em_sigaction *)f->args[1],
                        (struct em_sigaction *)f->args[2], f->args[3]);
    return RETURN;
  case SYS_clone:
  case SYS_clone3:
  case SYS_fork:
  case SYS_vfork:
    return em_clone_here(i, f) ? RETURN : IN_PLACE_AND_AFTER;
  case SYS_exit_group:
    em_end_instance(i, f->args[0]);
  case SYS_execve:
  case SYS_execveat:
    return exec(f);
  case SYS_wait4:
  case SYS_waitid:
    return em_wait(i, f) ? RETURN : IN_PLACE_AND_AFTER;
  case SYS_kill:
    if (is_own_group(f->args[0])) {
      f->nr = em_kill_group(i, f->args[0], f->args[1]);
      return RETURN;
    }
    if ((int)f->args[0] != em.pid)
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1], NULL);
    return RETURN;
  case SYS_rt_sigqueueinfo:
    if ((int)f->args[0] != em.pid || !f->args[2])
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1], (const void *)f->args[2]);
    return RETURN;
  case SYS_pidfd_send_signal:
    if (!em_is_own_pidfd(f->args[0]) || f->args[3])
      return IN_PLACE;
    f->nr = em_kill_self(i, f->args[1], (const void *)f->args[2]);
    return RETURN;
  case SYS_alarm:
    f->nr = em_alarm(i, f->args[0]);
    return RETURN;
  case SYS_setitimer:
    f->nr = em_setitimer(i, f->args[0], (const struct em_itimerval *)f->args[1],
                         (struct em_itimerval *)f->args[2]);
    return RETURN;
  case SYS_getitimer:
    f->nr = em_getitimer(i, f->args[0], (struct em_itimerval *)f->args[1]);
    return RETURN;
  case SYS_timer_create:
    f->nr = em_timer_create(i, f->args[0], (const void *)f->args[1],
                            (int *)f->args[2]);
    return RETURN;
  case SYS_timer_delete:
    f->nr = em_timer_delete(i, f->args[0]);
    return RETURN;
  case SYS_timer_settime:
    f->nr = em_timer_settime(i, f->args[0], f->args[1],
                             (const void *)f->args[2], (void *)f->args[3]);
    return RETURN;
  case SYS_timer_getoverrun:
    f->nr = em_timer_getoverrun(i, f->args[0]);
    return RETURN;
  case SYS_tkill:
  case SYS_tgkill:
    return em_kill_thread(i, f) ? RETURN : IN_PLACE;
  case SYS_rt_tgsigqueueinfo:
    return em_queue_to_thread(i, f) ? RETURN : IN_PLACE;
  case SYS_sigaltstack:
    return em_sigaltstack(f) ? RETURN : IN_PLACE;
  default:
    return em_mask_call(i, f) ? RETURN : with_thread(f);
  }
}

/* Of a trampoline at \p start: see HooksABI.h. */
static uintptr_t site_for(const struct em_trampoline *t, uintptr_t start,
                          uintptr_t bias, uintptr_t pc) {
  enum { SYSCALL_SIZE = 2 };
  uintptr_t back = start + t->back;
  uintptr_t plain = back - EM_PLAIN_SIZE, raw = back - EM_RAW_SIZE;
  if (t->kind != EM_SITE_SYSCALL)
    return pc;
  if (t->patch_end > t->site)
    return t->site == t->patch_start && (pc == plain || pc == raw)
               ? bias + t->site
               : pc;
  if (pc == start)
    return bias + t->patch_start;
  if (pc == plain)
    return bias + t->site;
  if (pc == back)
    return bias + t->site + SYSCALL_SIZE;
  if (pc == raw || (pc >= start + t->check && pc < plain))
    return bias + t->patch_end - EM_JUMP_SIZE;
  return pc;
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
  for (uint64_t n = 0; n != h->count; ++n, ++t)
    if (pc >= text + t->offset && pc - text - t->offset < t->size)
      return site_for(t, text + t->offset, bias, pc);
  return pc;
}

uintptr_t em_site_of(const struct instance *i, uintptr_t pc) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  uintptr_t site = site_in(em_blob_at(p->blob), i->program, pc);
  if (site == pc && p->interpreter != EM_NONE)
    site = site_in(em_blob_at(p->interpreter), i->interpreter, pc);
  return site;
}
