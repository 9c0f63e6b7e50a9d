//===- Capabilities.c - What a second exec would lose ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A process that is not root's keeps in an exec only its ambient capabilities,
// and the helper may need the others. They become ambient, and the helper makes
// all as it was before it executes the target.
//
//===----------------------------------------------------------------------===//

#include "Capabilities.h"
#include "Child.h"

static uint64_t whole(uint32_t low, uint32_t high) {
  return low | (uint64_t)high << 32;
}

static uint64_t ambient_of(uint64_t permitted) {
  uint64_t set = 0;
  for (int cap = 0; cap != 64; ++cap)
    if ((permitted >> cap & 1) &&
        es_call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap) == 1)
      set |= (uint64_t)1 << cap;
  return set;
}

static bool raise_ambient(uint64_t set) {
  for (int cap = 0; cap != 64; ++cap)
    if ((set >> cap & 1) &&
        es_call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap) < 0)
      return false;
  return true;
}

bool es_keep_capabilities(bool is_root, char *restore) {
  *restore = 0;
  struct cap_header header = {CAPABILITY_VERSION, 0};
  struct cap_half caps[2];
  if (es_call(capget, &header, caps) < 0)
    return true;
  uint64_t permitted = whole(caps[0].permitted, caps[1].permitted);
  uint64_t inheritable = whole(caps[0].inheritable, caps[1].inheritable);
  uint64_t effective = whole(caps[0].effective, caps[1].effective);
  uint64_t ambient = ambient_of(permitted);
  // Exec gives root all there are, whatever it has put away.
  bool gets_all =
      is_root && !(es_call(prctl, PR_GET_SECUREBITS, 0) & SECBIT_NOROOT);
  if (permitted == 0 && !gets_all)
    return true;
  *restore++ = ES_RESTORECAPS;
  restore = es_put_number(restore, inheritable);
  *restore++ = ',';
  restore = es_put_number(restore, ambient);
  *restore++ = ',';
  es_put_number(restore, effective);
  if (gets_all || ambient == permitted)
    return true;
  for (int n = 0; n != 2; ++n)
    caps[n].inheritable |= caps[n].permitted;
  return es_call(capset, &header, caps) == 0 && raise_ambient(permitted);
}
