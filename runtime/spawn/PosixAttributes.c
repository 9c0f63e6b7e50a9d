//===- PosixAttributes.c - posix_spawnattr_* ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Posix.h"
#include <errno.h>
#include <string.h>

static es_posix_attributes *ours(posix_spawnattr_t *attributes) {
  return (es_posix_attributes *)attributes;
}

static const es_posix_attributes *seen(const posix_spawnattr_t *attributes) {
  return (const es_posix_attributes *)attributes;
}

int elfspawn_posix_spawnattr_init(posix_spawnattr_t *attributes) {
  memset(attributes, 0, sizeof(*attributes));
  return 0;
}

int elfspawn_posix_spawnattr_destroy(posix_spawnattr_t *attributes) {
  (void)attributes;
  return 0;
}

int elfspawn_posix_spawnattr_getflags(
    const posix_spawnattr_t *__restrict attributes, short *__restrict flags) {
  *flags = seen(attributes)->flags;
  return 0;
}

int elfspawn_posix_spawnattr_setflags(posix_spawnattr_t *attributes,
                                      short flags) {
  enum {
    ALL = POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSCHEDPARAM |
          POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSID | POSIX_SPAWN_USEVFORK |
          POSIX_SPAWN_SETCGROUP
  };
  if (flags & ~ALL)
    return EINVAL;
  ours(attributes)->flags = flags;
  return 0;
}

int elfspawn_posix_spawnattr_getpgroup(
    const posix_spawnattr_t *__restrict attributes, pid_t *__restrict group) {
  *group = seen(attributes)->group;
  return 0;
}

int elfspawn_posix_spawnattr_setpgroup(posix_spawnattr_t *attributes,
                                       pid_t group) {
  ours(attributes)->group = group;
  return 0;
}

int elfspawn_posix_spawnattr_getsigdefault(
    const posix_spawnattr_t *__restrict attributes, sigset_t *__restrict set) {
  *set = seen(attributes)->default_signals;
  return 0;
}

int elfspawn_posix_spawnattr_setsigdefault(
    posix_spawnattr_t *__restrict attributes, const sigset_t *__restrict set) {
  ours(attributes)->default_signals = *set;
  return 0;
}

int elfspawn_posix_spawnattr_getsigmask(
    const posix_spawnattr_t *__restrict attributes, sigset_t *__restrict set) {
  *set = seen(attributes)->mask;
  return 0;
}

int elfspawn_posix_spawnattr_setsigmask(
    posix_spawnattr_t *__restrict attributes, const sigset_t *__restrict set) {
  ours(attributes)->mask = *set;
  return 0;
}

int elfspawn_posix_spawnattr_getschedpolicy(
    const posix_spawnattr_t *__restrict attributes, int *__restrict policy) {
  *policy = seen(attributes)->policy;
  return 0;
}

int elfspawn_posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes,
                                            int policy) {
  if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR)
    return EINVAL;
  ours(attributes)->policy = policy;
  return 0;
}

int elfspawn_posix_spawnattr_getschedparam(
    const posix_spawnattr_t *__restrict attributes,
    struct sched_param *__restrict parameters) {
  memset(parameters, 0, sizeof(*parameters));
  parameters->sched_priority = seen(attributes)->priority;
  return 0;
}

int elfspawn_posix_spawnattr_setschedparam(
    posix_spawnattr_t *__restrict attributes,
    const struct sched_param *__restrict parameters) {
  ours(attributes)->priority = parameters->sched_priority;
  return 0;
}

int elfspawn_posix_spawnattr_getcgroup_np(
    const posix_spawnattr_t *__restrict attributes, int *__restrict fd) {
  *fd = seen(attributes)->cgroup;
  return 0;
}

int elfspawn_posix_spawnattr_setcgroup_np(posix_spawnattr_t *attributes,
                                          int fd) {
  ours(attributes)->cgroup = fd;
  return 0;
}

/* SETSCHEDULER has the parameters set too, and SETSCHEDPARAM nothing to add. */
static int put_scheduler(elfspawn_t *request, const es_posix_attributes *set) {
  if (set->flags & POSIX_SPAWN_SETSCHEDULER)
    return elfspawn_set_scheduler(request, set->policy, set->priority);
  if (set->flags & POSIX_SPAWN_SETSCHEDPARAM)
    return es_set_scheduler_priority(request, set->priority);
  return 0;
}

int es_posix_put_attributes(elfspawn_t *request,
                            const posix_spawnattr_t *attributes) {
  const es_posix_attributes *set = seen(attributes);
  int error = put_scheduler(request, set);
  if (!error && set->flags & POSIX_SPAWN_SETCGROUP)
    error = elfspawn_set_cgroup(request, set->cgroup);
  if (!error && set->flags & POSIX_SPAWN_SETSID)
    error = elfspawn_set_session(request, true);
  if (!error && set->flags & POSIX_SPAWN_SETPGROUP)
    error = elfspawn_set_process_group(request, set->group);
  if (!error && set->flags & POSIX_SPAWN_SETSIGDEF)
    error = elfspawn_set_default_signals(request, &set->default_signals);
  if (!error && set->flags & POSIX_SPAWN_SETSIGMASK)
    error = elfspawn_set_signal_mask(request, &set->mask);
  if (!error && set->flags & POSIX_SPAWN_RESETIDS)
    error = es_set_reset_ids(request, true);
  return error;
}
