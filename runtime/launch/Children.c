//===- Children.c - What an instance is told of its children --------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel keeps one SIGCHLD for the process, however many children of
// however many instances change before it is delivered, and what it says may be
// long past when some thread comes to route it. So it is taken for a hint to
// look at all children. What is to be seen of a child is told once, until a
// wait takes it away; what a wait takes before anybody has seen it is told by
// the thread that waits, as POSIX wants the signal before the wait comes back.
//
// task::told is the si_code of what is still to be seen, or of a child's end,
// if that has been told, else 0.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"

enum { ALL = 0x7fffffff };

static bool is_end(int code) { return code <= CLD_DUMPED; }

static void tell(struct instance *i, const struct siginfo *info) {
  if (is_end(info->code) || !(em_action_of(i, SIGCHLD).flags & SA_NOCLDSTOP))
    em_route_to(i, SIGCHLD, info);
}

void em_wake_waiters(struct instance *i) {
  atomic_fetch_add(&i->child_events, 1);
  /* Nobody waiting is the normal case. */
  (void)em_syscall(SYS_futex, &i->child_events, FUTEX_WAKE_PRIVATE, ALL);
}

/* Is there something to be seen of a child that has not been told? Of the first
   such child in \p info: one signal tells of all, as it does natively. */
EM_RARE static bool find_news(struct instance *i, struct siginfo *info) {
  bool found = false;
  uint64_t mask = em_acquire(&i->lock);
  bool discard = em_is_discarding(i);
  for (int pid = i->child_list, next; pid; pid = next) {
    struct task *t = em_task(pid);
    next = t->next;
    struct siginfo about = {0};
    long r = em_syscall(SYS_waitid, P_PID, pid, &about,
                        WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT, 0);
    if (r < 0 || about.pid != pid)
      continue;
    if (discard && is_end(about.code)) {
      /* It cannot change any more, so this does not fail. */
      (void)em_syscall(SYS_waitid, P_PID, pid, 0, WEXITED | WNOHANG, 0);
      em_unlist_child(i, pid);
    }
    if (about.code != t->told && !found) {
      found = true;
      *info = about;
    }
    t->told = about.code;
  }
  em_release(&i->lock, mask);
  return found;
}

/* Nobody is to think that the program has been told before it has. What tells
   needs more of a stack than programs that manage theirs leave. */
static void tell_by(void (*function)(void *), struct instance *i,
                    void *argument) {
  uint64_t mask = em_block_unseen();
  em_lock(&i->child_lock);
  em_call_on(em_child_stack(i), function, argument);
  em_unlock(&i->child_lock);
  em_unblock(mask);
}

static void tell_news(void *instance) {
  struct instance *i = instance;
  struct siginfo about;
  if (!find_news(i, &about))
    return;
  tell(i, &about);
  em_wake_waiters(i);
}

/* What the kernel's signal, or a wait, says of a child. */
struct word {
  struct instance *instance;
  const struct siginfo *info;
  bool taken;
};

/* A wait that does not say which child it was for (waitid without a place for
   that) leaves this to the kernel's signal; a child that is there still, and
   not told of, has the id anew. */
static void tell_of_end(void *word) {
  const struct word *w = word;
  struct task *t = em_task(w->info->pid);
  if ((t->told && is_end(t->told)) ||
      em_syscall(SYS_kill, w->info->pid, 0) != -EM_ESRCH)
    return;
  t->told = w->info->code;
  tell(w->instance, w->info);
}

void em_child_changed(const struct siginfo *info) {
  /* A child that somebody traces need not be anybody's. */
  struct instance *parent = em_parent_or_former(info->pid);
  em_notice_orphans();
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) != EM_RUNNING)
      continue;
    tell_by(tell_news, i, i);
    if (i == parent && is_end(info->code)) {
      struct word word = {i, info, false};
      tell_by(tell_of_end, i, &word);
    }
    if (i == parent || !parent)
      em_wake_waiters(i);
  }
}

void em_child_added(struct instance *i) { tell_by(tell_news, i, i); }

static void tell_of_wait(void *word) {
  const struct word *w = word;
  const struct siginfo *info = w->info;
  struct task *t = em_task(info->pid);
  bool told = t->told == info->code;
  t->told = w->taken && !is_end(info->code) ? 0 : info->code;
  if (!told) {
    tell(w->instance, info);
    em_wake_waiters(w->instance);
  }
  /* It may have stopped again before this was known to be taken, and looked
     like what had been told. */
  if (w->taken && !is_end(info->code))
    tell_news(w->instance);
}

void em_told_by_wait(struct instance *i, const struct siginfo *info,
                     bool taken) {
  struct word word = {i, info, taken};
  tell_by(tell_of_wait, i, &word);
}
