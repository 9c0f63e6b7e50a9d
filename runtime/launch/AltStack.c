//===- AltStack.c - On which stack signals are handled --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel handles a signal on the thread's alternate stack or not, for the
// whole process alike, while each instance may have it otherwise; so its frame
// is moved where the program that handles the signal expects it.
//
// Where a crash ends its instance only, a thread that has used up its stack
// needs another one for the dispatcher. It has one of the runtime's then, and
// the program's alternate stack is known to the runtime alone.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"

/* Stands at the start of the runtime's stack of a thread. */
struct alt_stack {
  struct alt_stack *next;
  struct em_stack program; /* size 0: none */
};

enum {
  ROOM = 12288, /* for the dispatcher */
  SS_ONSTACK = 1,
  SS_DISABLE = 2,
  SS_AUTODISARM = (int)0x80000000,
  MINSIGSTKSZ = 2048,
};

static size_t whole_size(void) { return em_round_up(em.signal_frame + ROOM); }

static struct task *calling_task(void) {
  return em_task(em_syscall(SYS_gettid, 0));
}

static bool is_within(const struct em_stack *s, uintptr_t address) {
  return address > s->base && address - s->base <= s->size;
}

static struct em_stack whole(const struct alt_stack *a) {
  return (struct em_stack){(uintptr_t)(a + 1), 0, whole_size() - sizeof(*a)};
}

static struct alt_stack *reuse(void) {
  uint64_t mask = em_acquire(&em.alt_stack_lock);
  struct alt_stack *a = em.alt_stacks;
  if (a)
    em.alt_stacks = a->next;
  em_release(&em.alt_stack_lock, mask);
  return a;
}

void em_give_alt_stack(void) {
  if (!(em.image->flags & EM_ISOLATE) || em_alone())
    return;
  struct alt_stack *a = reuse();
  if (!a) {
    long at = em_syscall6(SYS_mmap, 0, whole_size(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* Without it all but an overflow of the stack is found out. */
    if (em_failed(at))
      return;
    a = (struct alt_stack *)at;
  }
  a->program = (struct em_stack){0, 0, 0};
  struct em_stack stack = whole(a);
  if (em_syscall(SYS_sigaltstack, &stack, 0) == 0)
    calling_task()->alt_stack = a;
}

void em_take_alt_stack(struct task *t) {
  struct alt_stack *a = t->alt_stack;
  if (!a)
    return;
  t->alt_stack = NULL;
  uint64_t mask = em_acquire(&em.alt_stack_lock);
  a->next = em.alt_stacks;
  em.alt_stacks = a;
  em_release(&em.alt_stack_lock, mask);
}

/* The record of the caller was its parent's, so it goes by what the kernel
   has. */
void em_restore_alt_stack(void) {
  struct em_stack now;
  if (!(em.image->flags & EM_ISOLATE) ||
      em_syscall(SYS_sigaltstack, 0, &now) < 0 ||
      now.size != whole_size() - sizeof(struct alt_stack))
    return;
  const struct alt_stack *a = (const struct alt_stack *)now.base - 1;
  struct em_stack program = a->program;
  if (!program.size)
    program.flags = SS_DISABLE;
  (void)em_syscall(SYS_sigaltstack, &program, 0);
}

static long set_program(struct alt_stack *a, const struct em_stack *s) {
  int mode = s->flags & ~SS_AUTODISARM;
  if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
    return -EM_EINVAL;
  if (mode == SS_DISABLE) {
    a->program = (struct em_stack){0, 0, 0};
    return 0;
  }
  uint64_t least = em.signal_frame ? em.signal_frame : MINSIGSTKSZ;
  if (s->size < least)
    return -EM_ENOMEM;
  a->program = *s;
  return 0;
}

bool em_sigaltstack(struct em_frame *f) {
  struct alt_stack *a =
      em.image->flags & EM_ISOLATE ? calling_task()->alt_stack : NULL;
  if (!a)
    return false;
  struct em_stack before = a->program;
  bool in_use = before.size && is_within(&before, em_frame_stack(f));
  before.flags &= SS_AUTODISARM;
  before.flags |= in_use ? SS_ONSTACK : before.size ? 0 : SS_DISABLE;
  struct em_stack wanted;
  f->nr = 0;
  if (f->args[0])
    f->nr = em_read(&wanted, (const void *)f->args[0], sizeof(wanted));
  if (f->args[0] && !f->nr)
    f->nr = in_use ? -EM_EPERM : set_program(a, &wanted);
  if (f->args[1] && !f->nr)
    f->nr = em_write((void *)f->args[1], &before, sizeof(before));
  return true;
}

bool em_choose_stack(const struct task *t, struct em_signal *s,
                     bool on_alt_stack) {
  enum { RED_ZONE = 128 };
  struct em_stack kernels = *em_context_alt_stack(s->context);
  const struct alt_stack *a = em_alone() ? NULL : t->alt_stack;
  struct em_stack programs = a ? a->program : kernels;
  uintptr_t interrupted = em_context_stack(s->context);
  uintptr_t frame = (uintptr_t)s->frame;
  bool was_on_it = programs.size && is_within(&programs, interrupted);
  uintptr_t top = programs.base + programs.size;
  if (on_alt_stack && programs.size && !was_on_it)
    return is_within(&programs, frame) || em_move_frame(s, programs.base, top);
  /* Where the red zone of what was interrupted leaves the stack, the kernel
     takes the thread for one on another stack, and begins at the top, over
     frames that are in use. */
  if (was_on_it && is_within(&programs, frame) && frame > interrupted &&
      !(programs.flags & SS_AUTODISARM))
    return false;
  bool moved = kernels.size && is_within(&kernels, frame) &&
               !is_within(&kernels, interrupted);
  uintptr_t bottom = was_on_it ? programs.base : 0;
  return !moved || em_move_frame(s, bottom, interrupted - RED_ZONE);
}
