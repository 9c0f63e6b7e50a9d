//===- Reclaim.c - After the end of an instance ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The launcher looks after instances that have ended. Children they left are
// the process's from then on. If the image reclaims, their memory is given
// back, but not before the kernel has let go of their last thread: a thread
// that exits still has the kernel write to its memory. An instance that is to
// restart is then made as it was before its first start, and started.
//
//===----------------------------------------------------------------------===//

#include "Signal.h"
#include "Space.h"

bool em_restarts(const struct instance *i) {
  const struct em_spec *spec = em_spec_at(i->spec);
  if (em_alone() || atomic_load(&em.stopping) ||
      spec->restart == EM_RESTART_NO ||
      (spec->restart == EM_RESTART_ON_FAILURE && i->status == 0))
    return false;
  return spec->restart_max == EM_NONE || i->restarts < spec->restart_max;
}

/* Also those that the first process of a process id namespace is given. */
static bool has_orphans(void) {
  return em.pid == 1 || __atomic_load_n(&em.orphans, __ATOMIC_RELAXED);
}

void em_notice_orphans(void) {
  if (has_orphans())
    em_call_launcher();
}

/* Whether there are orphans decides what becomes of the signal. */
static void install_sigchld(void) {
  uint64_t mask = em_acquire(&em.signal_lock);
  long error = em_install(SIGCHLD);
  em_release(&em.signal_lock, mask);
  if (error < 0)
    em_message("runtime", "cannot wait for children that were left", error);
}

void em_look_after_orphans(void) {
  if (!has_orphans())
    return;
  install_sigchld();
  em_reap_orphans();
  if (em.pid == 1)
    em_reap_adopted();
  if (!has_orphans())
    install_sigchld();
}

void em_reclaim(struct instance *i) {
  em_unmap_all(i);
  em_give_blobs_back(i);
}

/* The dispositions are the image's again, and count again. */
static void renew_signals(struct instance *i) {
  uint64_t mask = em_acquire(&em.signal_lock);
  atomic_store(&i->minds, 0);
  atomic_store(&i->minds_installed, 0);
  atomic_store(&i->awaits, 0);
  i->signal_file_count = 0;
  i->signalfd = 0;
  em_inherit_signals(i);
  atomic_store(&i->state, EM_READY);
  for (int s = 1; s <= EM_SIGNALS; ++s) {
    long error = s == SIGKILL || s == SIGSTOP ? 0 : em_install(s);
    if (error < 0)
      em_message(i->name, "cannot install a signal handler", error);
  }
  em_release(&em.signal_lock, mask);
}

long em_renew(struct instance *i) {
  long error = em_map_anew(i);
  if (error < 0)
    return error;
  error = em_build_stack(i);
  if (error < 0)
    return error;
  i->first_thread = 0;
  i->first_status = 0;
  i->threaded = false;
  i->break_start = i->break_committed = i->break_end = 0;
  atomic_store(&i->break_now, 0);
  i->replaced_by = 0;
  atomic_store(&i->executes, 0);
  i->pauses = i->paused = 0;
  i->own_file_count = 0;
  for (size_t n = 0; n != sizeof(i->own_files) / sizeof(*i->own_files); ++n)
    i->own_files[n] = (struct library_file){0};
  /* A process has its own from its start. */
  if (!em_in_processes()) {
    em_drop_held(i);
    renew_signals(i);
  }
  return 0;
}

static void restart(struct instance *i) {
  /* Somebody may have asked the process to end meanwhile. */
  if (!em_restarts(i)) {
    i->restart_due = false;
    em_count_end(i);
    return;
  }
  ++i->restarts;
  i->settled = false;
  long error = em_renew(i);
  if (!error)
    error = em_start_instance(i);
  if (error < 0) {
    em_message(i->name, "cannot be started again", error);
    em_reclaim(i);
    i->settled = true;
    i->restart_due = false;
    atomic_store(&i->state, EM_ENDED);
    em_count_end(i);
  }
}

/* False: its threads are not all gone yet. */
static bool settle(struct instance *i) {
  em_orphan_children(i);
  if (em_tracks_mappings()) {
    if (!em_threads_gone(i))
      return false;
    em_reclaim(i);
  }
  i->settled = true;
  if (i->restart_due)
    restart(i);
  return true;
}

bool em_settle_all(void) {
  bool all = true;
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    struct instance *i = em_instance_at(n);
    if (atomic_load(&i->state) == EM_ENDED && !i->settled && !settle(i))
      all = false;
  }
  return all;
}
