//===- Attributes.c - What a request has one of ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Strings.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The string is the request's from now on; NULL with an error: ENOMEM. */
static int set(elfspawn_t *r, int attribute, char *string) {
  es_changes(r);
  free(r->attributes[attribute]);
  r->attributes[attribute] = string;
  return es_result(r, string ? 0 : ENOMEM);
}

static int unset(elfspawn_t *r, int attribute) {
  es_changes(r);
  free(r->attributes[attribute]);
  r->attributes[attribute] = NULL;
  return 0;
}

static int set_number(elfspawn_t *r, int attribute, char step, uint64_t value) {
  return set(r, attribute,
             es_format("%c%llx", step, (unsigned long long)value));
}

static int set_signed(elfspawn_t *r, int attribute, char step, int value) {
  return set(r, attribute,
             es_format("%c%s%x", step, value < 0 ? "-" : "",
                       value < 0 ? -(unsigned)value : (unsigned)value));
}

/* Those that are outside of 1 to 64 there are not. */
static uint64_t signal_bits(const sigset_t *signals) {
  uint64_t bits = 0;
  for (int signal = 1; signal <= 64; ++signal)
    if (sigismember(signals, signal) == 1)
      bits |= (uint64_t)1 << (signal - 1);
  return bits;
}

int elfspawn_set_cgroup(elfspawn_t *r, int fd) {
  if (fd < 0)
    return es_result(r, EBADF);
  r->cgroup = fd;
  return set_number(r, ES_ATTR_CGROUP, ES_CGROUP, (unsigned)fd);
}

int elfspawn_set_session(elfspawn_t *r, bool on) {
  if (!on)
    return unset(r, ES_ATTR_SESSION);
  return set(r, ES_ATTR_SESSION, es_format("%c", ES_SETSID));
}

int elfspawn_set_process_group(elfspawn_t *r, pid_t group) {
  return set_signed(r, ES_ATTR_GROUP_OF_PROCESSES, ES_SETPGID, group);
}

int elfspawn_set_default_signals(elfspawn_t *r, const sigset_t *signals) {
  if (!signals)
    return unset(r, ES_ATTR_SIGDEFAULT);
  return set_number(r, ES_ATTR_SIGDEFAULT, ES_SIGDEFAULT, signal_bits(signals));
}

int elfspawn_set_ignored_signals(elfspawn_t *r, const sigset_t *signals) {
  if (!signals)
    return unset(r, ES_ATTR_SIGIGNORE);
  return set_number(r, ES_ATTR_SIGIGNORE, ES_SIGIGNORE, signal_bits(signals));
}

int elfspawn_set_nice(elfspawn_t *r, int nice) {
  return set_signed(r, ES_ATTR_NICE, ES_NICE, nice);
}

int elfspawn_set_scheduler(elfspawn_t *r, int policy, int priority) {
  return set(
      r, ES_ATTR_SCHEDULER,
      es_format("%c%x,%x", ES_SCHEDULER, (unsigned)policy, (unsigned)priority));
}

int es_set_scheduler_priority(elfspawn_t *r, int priority) {
  return set_number(r, ES_ATTR_SCHEDPARAM, ES_SCHEDPARAM, (unsigned)priority);
}

int elfspawn_set_affinity(elfspawn_t *r, const void *mask, size_t size) {
  if (size == 0 || size > 1024)
    return es_result(r, EINVAL);
  char *string = malloc(1 + 3 * size);
  if (!string)
    return es_result(r, ENOMEM);
  char *at = string;
  *at++ = ES_AFFINITY;
  for (size_t n = 0; n != size; ++n) {
    if (n)
      *at++ = ',';
    at = es_put_number(at, ((const unsigned char *)mask)[n]);
  }
  return set(r, ES_ATTR_AFFINITY, string);
}

int elfspawn_set_io_priority(elfspawn_t *r, int io_class, int level) {
  if (io_class < 0 || io_class > 3 || level < 0 || level > 7)
    return es_result(r, EINVAL);
  return set_number(r, ES_ATTR_IOPRIO, ES_IOPRIO,
                    (unsigned)(io_class << 13 | level));
}

int elfspawn_set_oom_score(elfspawn_t *r, int score) {
  return set(r, ES_ATTR_OOM_SCORE, es_format("%c%d", ES_OOM_SCORE, score));
}

int es_set_reset_ids(elfspawn_t *r, bool on) {
  if (!on)
    return unset(r, ES_ATTR_RESETIDS);
  r->changes_credentials = true;
  return set(r, ES_ATTR_RESETIDS, es_format("%c", ES_RESETIDS));
}

int elfspawn_set_limit(elfspawn_t *r, int resource, uint64_t soft,
                       uint64_t hard) {
  if (resource < 0 || ES_ATTR_LIMIT + resource > ES_ATTR_LIMIT_LAST)
    return es_result(r, EINVAL);
  return set(r, ES_ATTR_LIMIT + resource,
             es_format("%c%x,%llx,%llx", ES_RLIMIT, (unsigned)resource,
                       (unsigned long long)soft, (unsigned long long)hard));
}

int elfspawn_set_secure_bits(elfspawn_t *r, unsigned bits) {
  r->changes_credentials = true;
  return set_number(r, ES_ATTR_SECUREBITS, ES_SECUREBITS, bits);
}

int elfspawn_set_bounding(elfspawn_t *r, uint64_t capabilities) {
  r->changes_credentials = true;
  return set_number(r, ES_ATTR_BOUNDING, ES_BOUNDING, capabilities);
}

int elfspawn_set_groups(elfspawn_t *r, const gid_t *groups, size_t count) {
  r->changes_credentials = true;
  if (count > 65536)
    return es_result(r, EINVAL);
  char *string = malloc(2 + 9 * count);
  if (!string)
    return es_result(r, ENOMEM);
  char *at = string;
  *at++ = ES_SETGROUPS;
  *at = 0;
  for (size_t n = 0; n != count; ++n) {
    if (n)
      *at++ = ',';
    at = es_put_number(at, groups[n]);
  }
  r->groups = count;
  return set(r, ES_ATTR_GROUPS, string);
}

static int set_ids(elfspawn_t *r, int attribute, char step, unsigned id) {
  r->changes_credentials = true;
  if (id == (unsigned)-1) // To the kernel: leave it as it is.
    return es_result(r, EINVAL);
  return set(r, attribute, es_format("%c%x,%x,%x", step, id, id, id));
}

int elfspawn_set_group(elfspawn_t *r, gid_t group) {
  return set_ids(r, ES_ATTR_GROUP, ES_SETGID, group);
}

int elfspawn_set_user(elfspawn_t *r, uid_t user) {
  return set_ids(r, ES_ATTR_USER, ES_SETUID, user);
}

static int set_groups_of(elfspawn_t *r, const char *name, gid_t group) {
  const int most = 65536;
  for (int room = 64; room <= 2 * most;) {
    gid_t *groups = malloc((size_t)room * sizeof(*groups));
    if (!groups)
      return es_result(r, ENOMEM);
    int count = room;
    if (getgrouplist(name, group, groups, &count) >= 0) {
      int error = elfspawn_set_groups(r, groups, (size_t)count);
      free(groups);
      return error;
    }
    free(groups);
    room = count > room ? count : 2 * room; // musl does not say how many.
  }
  return es_result(r, EINVAL);
}

/* An account's ids, to be added to by its groups. */
static int find_account(const char *name, uid_t *user, gid_t *group) {
  struct passwd entry, *found = NULL;
  char *buffer = NULL;
  int error = ERANGE;
  for (size_t size = 1024; error == ERANGE; size *= 2) {
    free(buffer);
    buffer = malloc(size);
    error = buffer ? getpwnam_r(name, &entry, buffer, size, &found) : ENOMEM;
  }
  if (!error && !found)
    error = ENOENT;
  if (!error) {
    *user = entry.pw_uid;
    *group = entry.pw_gid;
  }
  free(buffer);
  return error;
}

int elfspawn_set_account(elfspawn_t *r, const char *name) {
  uid_t user = 0;
  gid_t group = 0;
  int before = errno;
  int error = es_result(r, find_account(name, &user, &group));
  if (!error)
    error = set_groups_of(r, name, group);
  if (!error)
    error = elfspawn_set_group(r, group);
  if (!error)
    error = elfspawn_set_user(r, user);
  errno = before;
  return error;
}

/* Sets of capabilities that a change of the user id would empty. */
static int set_after_user(elfspawn_t *r, int attribute, char step,
                          uint64_t set_) {
  r->changes_credentials = true;
  int error = set(r, ES_ATTR_KEEPCAPS, es_format("%c", ES_KEEPCAPS));
  return error ? error : set_number(r, attribute, step, set_);
}

int elfspawn_set_inheritable(elfspawn_t *r, uint64_t capabilities) {
  return set_after_user(r, ES_ATTR_INHERITABLE, ES_INHERITABLE, capabilities);
}

int elfspawn_set_ambient(elfspawn_t *r, uint64_t capabilities) {
  return set_after_user(r, ES_ATTR_AMBIENT, ES_AMBIENT, capabilities);
}

int elfspawn_set_no_new_privileges(elfspawn_t *r, bool on) {
  if (!on)
    return unset(r, ES_ATTR_NONEWPRIVS);
  r->changes_credentials = true;
  return set(r, ES_ATTR_NONEWPRIVS, es_format("%c", ES_NONEWPRIVS));
}

int elfspawn_set_parent_death_signal(elfspawn_t *r, int signal) {
  if (signal < 0 || signal > 64)
    return es_result(r, EINVAL);
  if (!signal)
    return unset(r, ES_ATTR_PDEATHSIG);
  return set_number(r, ES_ATTR_PDEATHSIG, ES_PDEATHSIG, (unsigned)signal);
}

int elfspawn_set_close_others(elfspawn_t *r, bool on) {
  es_changes(r);
  r->keep_others = !on;
  return 0;
}

int elfspawn_set_signal_mask(elfspawn_t *r, const sigset_t *mask) {
  if (!mask)
    return unset(r, ES_ATTR_SIGMASK);
  return set_number(r, ES_ATTR_SIGMASK, ES_SIGMASK, signal_bits(mask));
}

//===------------------------------ Starting ------------------------------===//

int elfspawn_set_policy(elfspawn_t *r, enum elfspawn_policy policy) {
  if ((unsigned)policy > ELFSPAWN_NO_FORK)
    return es_result(r, EINVAL);
  r->policy = policy;
  return 0;
}

int elfspawn_set_pidfd(elfspawn_t *r, bool on) {
  r->no_pidfd = !on;
  return 0;
}

int elfspawn_set_timeout(elfspawn_t *r, int milliseconds) {
  if (milliseconds < -1)
    return es_result(r, EINVAL);
  r->timeout = milliseconds;
  return 0;
}
