//===- Credentials.c - Operations on ids and capabilities -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Actions.h"
#include "Capabilities.h"

enum {
  PR_SET_PDEATHSIG = 1,
  PR_SET_KEEPCAPS = 8,
  PR_SET_NO_NEW_PRIVS = 38,
};

long es_do_setgroups(struct es_run *run, const char *at) {
  (void)run;
  size_t count = *at != 0;
  for (const char *p = at; *p; ++p)
    count += *p == ',';
  uint32_t groups[count + 1];
  count = 0;
  while (*at)
    groups[count++] = (uint32_t)es_number(&at);
  return es_call(setgroups, count, groups);
}

long es_do_setgid(struct es_run *run, const char *at) {
  (void)run;
  int real = es_int(&at), effective = es_int(&at), saved = es_int(&at);
  return es_call(setresgid, real, effective, saved);
}

long es_do_setuid(struct es_run *run, const char *at) {
  (void)run;
  int real = es_int(&at), effective = es_int(&at), saved = es_int(&at);
  return es_call(setresuid, real, effective, saved);
}

long es_do_resetids(struct es_run *run, const char *at) {
  (void)run;
  (void)at;
  long result = es_call(setresgid, -1, es_call(getgid, 0), -1);
  return result < 0 ? result : es_call(setresuid, -1, es_call(getuid, 0), -1);
}

long es_do_keepcaps(struct es_run *run, const char *at) {
  (void)run;
  (void)at;
  return es_call(prctl, PR_SET_KEEPCAPS, 1);
}

long es_do_securebits(struct es_run *run, const char *at) {
  (void)run;
  return es_call(prctl, PR_SET_SECUREBITS, es_number(&at));
}

/* The kernel knows as many capabilities as it can be asked about. */
long es_do_bounding(struct es_run *run, const char *at) {
  (void)run;
  uint64_t keep = es_number(&at);
  for (int cap = 0; cap != 64; ++cap) {
    long has = es_call(prctl, PR_CAPBSET_READ, cap);
    if (has < 0)
      break;
    if (has == 0 || (keep >> cap & 1))
      continue;
    long result = es_call(prctl, PR_CAPBSET_DROP, cap);
    if (result < 0)
      return result;
  }
  return 0;
}

/* Adds to the inheritable set or replaces it. */
static long set_inheritable(uint64_t set, bool add) {
  struct cap_header header = {CAPABILITY_VERSION, 0};
  struct cap_half caps[2];
  long result = es_call(capget, &header, caps);
  if (result < 0)
    return result;
  for (int n = 0; n != 2; ++n) {
    uint32_t half = (uint32_t)(set >> 32 * n);
    caps[n].inheritable = add ? caps[n].inheritable | half : half;
  }
  return es_call(capset, &header, caps);
}

static long set_ambient(uint64_t set) {
  long result = es_call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  for (int cap = 0; cap != 64 && result >= 0; ++cap)
    if (set >> cap & 1)
      result = es_call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
  return result;
}

long es_do_inheritable(struct es_run *run, const char *at) {
  (void)run;
  return set_inheritable(es_number(&at), false);
}

long es_do_ambient(struct es_run *run, const char *at) {
  (void)run;
  uint64_t set = es_number(&at);
  long result = set_inheritable(set, true);
  return result < 0 ? result : set_ambient(set);
}

long es_do_restorecaps(struct es_run *run, const char *at) {
  (void)run;
  uint64_t inheritable = es_number(&at), ambient = es_number(&at);
  uint64_t effective = es_number(&at);
  long result = set_ambient(ambient);
  struct cap_header header = {CAPABILITY_VERSION, 0};
  struct cap_half caps[2];
  if (result >= 0)
    result = es_call(capget, &header, caps);
  if (result < 0)
    return result;
  bool same = true;
  for (int n = 0; n != 2; ++n) {
    struct cap_half wanted = caps[n];
    wanted.inheritable = (uint32_t)(inheritable >> 32 * n);
    wanted.effective &= (uint32_t)(effective >> 32 * n);
    same &= wanted.inheritable == caps[n].inheritable &&
            wanted.effective == caps[n].effective;
    caps[n] = wanted;
  }
  return same ? 0 : es_call(capset, &header, caps);
}

long es_do_nonewprivs(struct es_run *run, const char *at) {
  (void)run;
  (void)at;
  return es_call(prctl, PR_SET_NO_NEW_PRIVS, 1);
}

/* A parent that died before this call sends no signal any more. One in another
   process id namespace is 0 here, dead or alive. */
long es_do_pdeathsig(struct es_run *run, const char *at) {
  long result = es_call(prctl, PR_SET_PDEATHSIG, es_int(&at));
  if (result < 0)
    return result;
  int parent = (int)es_call(getppid, 0);
  return parent == 0 || parent == run->parent ? 0 : -ES_ESRCH;
}
