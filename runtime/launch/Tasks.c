//===- Tasks.c - Who belongs to which instance ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Thread and process ids come from one space of at most 4 Mi numbers, so the
// table is indexed by id, and an entry is memory only once its page is used.
// Readers take no lock: a signal handler asks whose thread it runs on.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"
#include "Timers.h"

struct task *em_task(int id) {
  if (id <= 0 || id >= EM_MAX_TASK)
    em_fail("runtime", "thread id out of range", 0);
  return &em.tasks[id];
}

/* The oldest stands first; its prev is the last one. */
static void link(int *head, int id) {
  struct task *t = em_task(id);
  t->next = 0;
  if (*head) {
    struct task *first = em_task(*head);
    t->prev = first->prev;
    em_task(first->prev)->next = id;
    first->prev = id;
  } else {
    t->prev = id;
    *head = id;
  }
}

static void unlink(int *head, int id) {
  struct task *t = em_task(id);
  if (*head == id)
    *head = t->next;
  else
    em_task(t->prev)->next = t->next;
  if (t->next)
    em_task(t->next)->prev = t->prev;
  else if (*head)
    em_task(*head)->prev = t->prev;
  t->next = t->prev = 0;
}

bool em_announce_thread(struct instance *i) {
  em_lock(&i->lock);
  bool runs = atomic_load(&i->state) == EM_RUNNING;
  uint64_t expired = 0;
  if (runs) {
    atomic_fetch_add(&i->threads, 1);
    if (!i->threaded) {
      i->threaded = true;
      expired = em_timers_of_threads(i);
    }
  }
  em_unlock(&i->lock);
  if (expired)
    em_send_expired(i, expired);
  return runs;
}

void em_withdraw_thread(struct instance *i) {
  uint64_t mask = em_acquire(&i->lock);
  atomic_fetch_sub(&i->threads, 1);
  em_release(&i->lock, mask);
}

/* Threads that leave. The lock is one for all instances, and is taken while
   that of an instance is held: an id may be another instance's by now. */

static void unlink_leaving(struct instance *i, int tid) {
  struct task *t = em_task(tid);
  int *end = t->next ? &em_task(t->next)->prev : &i->leaving_last;
  *end = t->prev;
  int *start = t->prev ? &em_task(t->prev)->next : &i->leaving;
  *start = t->next;
  t->next = t->prev = 0;
  t->leaving_of = 0;
}

static bool has_gone(int tid) {
  return em_syscall(SYS_tgkill, em.pid, tid, 0) == -EM_ESRCH;
}

/* In the order in which they left; looks at two for each that is added, so
   that the list stays as short as the kernel is quick. */
static void add_leaving(struct instance *i, int tid) {
  em_lock(&em.leaving_lock);
  for (int n = 0; n != 2 && i->leaving && has_gone(i->leaving); ++n)
    unlink_leaving(i, i->leaving);
  struct task *t = em_task(tid);
  t->prev = i->leaving_last;
  t->next = 0;
  int *before = t->prev ? &em_task(t->prev)->next : &i->leaving;
  *before = tid;
  i->leaving_last = tid;
  t->leaving_of = i->number + 1;
  em_unlock(&em.leaving_lock);
}

/* The id is in use again, so who had it has gone. */
static void forget_leaving(int id) {
  if (!em_task(id)->leaving_of)
    return;
  em_lock(&em.leaving_lock);
  struct instance *i = em_by_number(em_task(id)->leaving_of);
  if (i)
    unlink_leaving(i, id);
  em_unlock(&em.leaving_lock);
}

bool em_threads_gone(struct instance *i) {
  uint64_t mask = em_acquire(&i->lock);
  em_lock(&em.leaving_lock);
  while (i->leaving && has_gone(i->leaving))
    unlink_leaving(i, i->leaving);
  bool gone = !i->leaving && atomic_load(&i->threads) == 0;
  em_unlock(&em.leaving_lock);
  em_release(&i->lock, mask);
  return gone;
}

/* An entry may be left of a child that has gone without being seen. */
void em_forget_child(int pid) {
  struct instance *before = em_parent_of(pid);
  if (before)
    em_remove_child(before, pid);
  em_forget_orphan(pid);
}

void em_link_thread(struct instance *i, int tid) {
  struct task *t = em_task(tid);
  forget_leaving(tid);
  t->memory_of = 0;
  t->pending = EM_NOTHING;
  t->mask_counts = false;
  t->awaits = 0;
  t->was_sent = 0;
  t->is_asked = false;
  link(&i->thread_list, tid);
  __atomic_store_n(&t->thread_of, i->number + 1, __ATOMIC_RELEASE);
}

void em_add_thread(struct instance *i, int tid) {
  em_forget_child(tid);
  em_lock(&i->lock);
  em_link_thread(i, tid);
  em_unlock(&i->lock);
}

void em_add_child(struct instance *i, int pid) {
  em_forget_child(pid);
  uint64_t mask = em_acquire(&i->lock);
  forget_leaving(pid);
  link(&i->child_list, pid);
  em_task(pid)->told = 0;
  em_task(pid)->was_child_of = 0;
  __atomic_store_n(&em_task(pid)->child_of, i->number + 1, __ATOMIC_RELEASE);
  em_release(&i->lock, mask);
}

void em_unlist_child(struct instance *i, int pid) {
  struct task *t = em_task(pid);
  if (t->child_of != i->number + 1)
    return;
  unlink(&i->child_list, pid);
  t->child_of = 0;
  t->was_child_of = i->number + 1;
  /* Another thread that waits for any child may have none left. */
  if (i->threaded)
    em_wake_waiters(i);
}

void em_remove_child(struct instance *i, int pid) {
  uint64_t mask = em_acquire(&i->lock);
  em_unlist_child(i, pid);
  em_release(&i->lock, mask);
}

/* A list of one is the caller, unless a child has its memory. A thread that is
   announced counts, but is in the list only when it has begun. */
int em_calling_thread(const struct instance *i) {
  bool is_known = atomic_load(&i->threads) == 1 && i->thread_list &&
                  !atomic_load(&em.memory_sharers);
  return is_known ? i->thread_list : (int)em_syscall(SYS_gettid, 0);
}

struct instance *em_instance_of(const struct task *t) {
  uint32_t thread_of = __atomic_load_n(&t->thread_of, __ATOMIC_ACQUIRE);
  return em_by_number(thread_of ? thread_of : t->memory_of);
}

/* The inner one of two changes nothing: it finds all blocked. */
uint64_t em_block_unseen(void) {
  uint64_t mask = em_block_signals();
  struct task *t = em_task(em_syscall(SYS_gettid, 0));
  if (mask != em_all_blocked) {
    t->mask = mask;
    atomic_store(&t->mask_counts, true);
  }
  return mask;
}

void em_unblock(uint64_t mask) {
  if (mask != em_all_blocked)
    atomic_store(&em_task(em_syscall(SYS_gettid, 0))->mask_counts, false);
  em_set_mask(mask);
}

void em_sleep(const struct em_frame *f, _Atomic uint32_t *word, uint32_t seen,
              const struct timespec *limit, uint64_t mask) {
  struct task *t = em_task(em_syscall(SYS_gettid, 0));
  atomic_store(&t->sleeping, f);
  em_unblock(mask);
  /* Why it comes back is for the caller to find out. */
  (void)em_syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, limit);
  (void)em_block_unseen(); /* they are what mask says */
  atomic_store(&t->sleeping, NULL);
}

const struct em_frame *em_take_sleeping(struct task *t) {
  return atomic_exchange(&t->sleeping, NULL);
}

struct instance *em_parent_or_former(int pid) {
  if (pid <= 0 || pid >= EM_MAX_TASK)
    return NULL;
  const struct task *t = em_task(pid);
  return em_by_number(t->child_of ? t->child_of : t->was_child_of);
}

struct instance *em_parent_of(int pid) {
  if (pid <= 0 || pid >= EM_MAX_TASK)
    return NULL;
  return em_by_number(
      __atomic_load_n(&em_task(pid)->child_of, __ATOMIC_ACQUIRE));
}

void em_remove_thread(struct instance *i, int tid) {
  struct task *t = em_task(tid);
  t->pending = EM_NOTHING;
  t->mask_counts = false;
  t->sleeping = NULL;
  em_take_alt_stack(t);
  unlink(&i->thread_list, tid);
  __atomic_store_n(&t->thread_of, 0, __ATOMIC_RELEASE);
  atomic_fetch_sub(&i->threads, 1);
  if (em_tracks_mappings())
    add_leaving(i, tid);
}

/* Orphans */

void em_orphan_children(struct instance *i) {
  uint64_t mask = em_acquire(&i->lock);
  em_lock(&em.orphan_lock);
  while (i->child_list) {
    int pid = i->child_list;
    unlink(&i->child_list, pid);
    link(&em.orphans, pid);
    __atomic_store_n(&em_task(pid)->child_of, EM_NOBODY, __ATOMIC_RELEASE);
  }
  em_unlock(&em.orphan_lock);
  em_release(&i->lock, mask);
}

/* With the lock of orphans held. */
static void unlink_orphan(int pid) {
  unlink(&em.orphans, pid);
  em_task(pid)->child_of = 0;
}

void em_forget_orphan(int pid) {
  if (em_task(pid)->child_of != EM_NOBODY)
    return;
  uint64_t mask = em_acquire(&em.orphan_lock);
  if (em_task(pid)->child_of == EM_NOBODY)
    unlink_orphan(pid);
  em_release(&em.orphan_lock, mask);
}

enum { WALL = 0x40000000 };

void em_reap_orphans(void) {
  uint64_t mask = em_acquire(&em.orphan_lock);
  for (int pid = em.orphans, next; pid; pid = next) {
    next = em_task(pid)->next;
    /* Reaped now, or a child no longer. */
    if (em_syscall(SYS_wait4, pid, 0, WNOHANG | WALL, 0) != 0) {
      /* What it has sent may be seen only now. */
      em_task(pid)->was_child_of = EM_NOBODY;
      unlink_orphan(pid);
    }
  }
  em_release(&em.orphan_lock, mask);
}

/* True: \p c ended the number in *value. */
static bool ends_number(char c, int *value, int *number) {
  if (c >= '0' && c <= '9') {
    *value = *value * 10 + (c - '0');
    return false;
  }
  *number = *value;
  *value = 0;
  return *number;
}

void em_reap_adopted(void) {
  char piece[256];
  int value = 0, pid;
  long file = em_syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/children",
                         O_CLOEXEC, 0);
  /* A kernel may not have it. */
  if (file < 0)
    return;
  for (long size;
       (size = em_syscall(SYS_read, file, piece, sizeof(piece))) > 0;)
    for (long n = 0; n != size; ++n)
      if (ends_number(piece[n], &value, &pid) && !em_task(pid)->child_of)
        /* Most have not ended. */
        (void)em_syscall(SYS_wait4, pid, 0, WNOHANG | WALL, 0);
  (void)em_syscall(SYS_close, file);
}
