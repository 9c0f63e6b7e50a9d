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

#include "Runtime.h"

struct task *em_task(int id) {
  if (id <= 0 || id >= EM_MAX_TASK)
    em_fail("runtime", "thread id out of range", 0);
  return &em.tasks[id];
}

static void link(int *head, int id) {
  struct task *t = em_task(id);
  t->prev = 0;
  t->next = *head;
  if (*head)
    em_task(*head)->prev = id;
  *head = id;
}

static void unlink(int *head, int id) {
  struct task *t = em_task(id);
  if (t->prev)
    em_task(t->prev)->next = t->next;
  else
    *head = t->next;
  if (t->next)
    em_task(t->next)->prev = t->prev;
  t->next = t->prev = 0;
}

bool em_announce_thread(struct instance *i) {
  uint64_t mask = em_acquire(&i->lock);
  bool runs = atomic_load(&i->state) == EM_RUNNING;
  if (runs) {
    atomic_fetch_add(&i->threads, 1);
    i->threaded = true;
  }
  em_release(&i->lock, mask);
  return runs;
}

void em_withdraw_thread(struct instance *i) {
  uint64_t mask = em_acquire(&i->lock);
  atomic_fetch_sub(&i->threads, 1);
  em_release(&i->lock, mask);
}

void em_add_thread(struct instance *i, int tid) {
  uint64_t mask = em_acquire(&i->lock);
  struct task *t = em_task(tid);
  t->child_of = 0;
  t->pending = EM_NOTHING;
  link(&i->thread_list, tid);
  __atomic_store_n(&t->thread_of, i->number + 1, __ATOMIC_RELEASE);
  em_release(&i->lock, mask);
}

void em_add_child(struct instance *i, int pid) {
  /* An entry may be left of a child that has gone without being seen. */
  struct instance *before = em_parent_of(pid);
  if (before)
    em_remove_child(before, pid);
  uint64_t mask = em_acquire(&i->lock);
  link(&i->child_list, pid);
  em_task(pid)->told = false;
  __atomic_store_n(&em_task(pid)->child_of, i->number + 1, __ATOMIC_RELEASE);
  em_release(&i->lock, mask);
}

void em_remove_child(struct instance *i, int pid) {
  uint64_t mask = em_acquire(&i->lock);
  struct task *t = em_task(pid);
  if (t->child_of == i->number + 1) {
    unlink(&i->child_list, pid);
    t->child_of = 0;
  }
  em_release(&i->lock, mask);
}

static struct instance *by_number(uint32_t number_plus_1) {
  if (!number_plus_1)
    return NULL;
  return em_instance_at(number_plus_1 - 1 - em.first_number);
}

struct instance *em_self(void) {
  struct task *t = em_task(em_syscall(SYS_gettid, 0));
  return by_number(__atomic_load_n(&t->thread_of, __ATOMIC_ACQUIRE));
}

struct instance *em_parent_of(int pid) {
  if (pid <= 0 || pid >= EM_MAX_TASK)
    return NULL;
  return by_number(__atomic_load_n(&em_task(pid)->child_of, __ATOMIC_ACQUIRE));
}

void em_remove_thread(struct instance *i, int tid) {
  struct task *t = em_task(tid);
  unlink(&i->thread_list, tid);
  __atomic_store_n(&t->thread_of, 0, __ATOMIC_RELEASE);
  atomic_fetch_sub(&i->threads, 1);
}
