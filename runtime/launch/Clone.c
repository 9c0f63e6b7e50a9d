//===- Clone.c - Threads and children as they are made --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between the kernel's making a thread or a child and the tables' knowing of
// it, no signal may come: nobody could tell whose it is, and a handler that
// waits for children would meet one that is nobody's yet. So signals are
// blocked meanwhile, in the caller and in what it makes.
//
// A forked child has a copy of the caller's stack, so the runtime makes the
// call itself. All others return on another stack, or on one that is then
// used twice; the trampoline makes their call and em_after_clone comes behind
// it, in the caller and in the new one.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

_Static_assert(offsetof(struct em_frame, kept) + sizeof(uint64_t) ==
                   sizeof(struct em_frame),
               "mask_on");

struct request {
  uint64_t flags;
  uintptr_t stack; /* the new one's stack pointer; 0: the caller's */
};

/* struct clone_args, as far as it is read. */
struct clone_args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size;
};

static struct request request_of(const struct em_frame *f) {
  struct request r = {0, 0};
  if (f->nr == SYS_clone) {
    r = (struct request){f->args[0], f->args[1]};
  } else if (f->nr == SYS_clone3) {
    struct clone_args a;
    /* What is not there the kernel will find out. */
    if (em_read(&a, (const void *)f->args[0], sizeof(a)) == 0)
      r = (struct request){a.flags, a.stack ? a.stack + a.stack_size : 0};
  } else if (f->nr == SYS_vfork) {
    r.flags = CLONE_VM | CLONE_VFORK;
  }
  return r;
}

/* Where who begins on the stack finds the mask of who has made it: in the frame
   of its own hook, which is not there yet. A child in vfork has its parent's
   stack, and the same frame. It could not look into the parent's tables: it may
   be killed at any instruction, and would hold a lock for ever. */
static uint64_t *mask_on(uintptr_t stack) {
  enum { RED_ZONE = 128 };
  return (uint64_t *)(stack - RED_ZONE) - 1;
}

static void add_child(struct instance *i, int pid) {
  if (em_alone())
    return;
  em_add_child(i, pid);
  em_child_added(i);
}

/* A child may send its parent a signal before anybody knows whose it is: who
   asks (Route.c) waits while the number is not 0. */
static void end_fork(void) {
  enum { ALL = 0x7fffffff };
  atomic_fetch_sub(&em.forking, 1);
  /* Nobody waiting is the normal case. */
  (void)em_syscall(SYS_futex, &em.forking, FUTEX_WAKE_PRIVATE, ALL);
}

static void fork_here(struct instance *i, struct em_frame *f, uint64_t flags) {
  uint64_t mask = em_block_signals();
  bool counts = !em_alone();
  if (counts)
    atomic_fetch_add(&em.forking, 1);
  /* The child has a copy of what the kernel does on signals, and a later one of
     what it was told to do. */
  em_lock(&em.signal_lock);
  f->nr = em_syscall6(f->nr, f->args[0], f->args[1], f->args[2], f->args[3],
                      f->args[4], f->args[5]);
  em_notice_fork(i);
  if (f->nr)
    em_unlock(&em.signal_lock);
  bool is_added = counts && f->nr > 0 && !(flags & CLONE_PARENT);
  if (is_added)
    em_add_child(i, f->nr);
  if (counts && f->nr)
    end_fork();
  if (is_added)
    em_child_added(i);
  em_set_mask(mask);
}

bool em_clone_here(struct instance *i, struct em_frame *f) {
  struct request r = request_of(f);
  if (!(r.flags & CLONE_THREAD) && !em_alone())
    em_become_parent(i);
  if (!(r.flags & CLONE_VM) && !r.stack) {
    fork_here(i, f, r.flags);
    return true;
  }
  struct task *t = em_task(em_calling_thread(i));
  t->mask = em_block_signals();
  if (r.flags & CLONE_THREAD) {
    if (!em_announce_thread(i))
      em_leave(i, 0);
    if (atomic_load(&i->threads) == 2 && !em_alone() &&
        em_may_give_back(atomic_load(&i->minds)))
      em_hold_pending(i);
  }
  t->pending = r.flags & CLONE_THREAD ? EM_THREAD : EM_PROCESS;
  t->vfork = r.flags & CLONE_VFORK;
  if (t->pending == EM_PROCESS && r.flags & CLONE_VM)
    atomic_fetch_add(&em.memory_sharers, 1);
  *mask_on(r.stack ? r.stack : em_frame_stack(f)) = t->mask;
  return false;
}

static void begin_child(struct instance *i, const struct em_frame *f, int tid) {
  em_task(tid)->memory_of = i->number + 1;
  em_set_mask(f->kept);
}

static void begin_thread(struct instance *i, const struct em_frame *f,
                         int tid) {
  em_add_thread(i, tid);
  if (atomic_load(&i->state) != EM_RUNNING)
    em_leave(i, 0);
  em_give_alt_stack();
  em_set_mask(f->kept);
}

static void go_on(struct instance *i, const struct em_frame *f,
                  struct task *t) {
  bool thread = t->pending == EM_THREAD;
  t->pending = EM_NOTHING;
  if (thread && f->nr < 0)
    em_withdraw_thread(i);
  if (!thread && (t->vfork || f->nr < 0))
    atomic_fetch_sub(&em.memory_sharers, 1);
  if (!thread && f->nr > 0) {
    /* Its entry says all the time whose child it is. */
    add_child(i, f->nr);
    if (t->vfork)
      em_task(f->nr)->memory_of = 0;
  }
  em_set_mask(t->mask);
}

void em_after_clone(struct instance *i, const struct em_frame *f, int tid) {
  if (!tid) {
    em_notice_fork(i);
    em_set_mask(f->kept);
    return;
  }
  struct task *t = em_task(tid);
  if (t->pending == EM_THREAD || t->pending == EM_PROCESS)
    go_on(i, f, t);
  else if (em_own_process())
    begin_thread(i, f, tid);
  else
    begin_child(i, f, tid);
}
