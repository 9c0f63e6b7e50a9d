//===- Break.c - A heap break for every instance --------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each instance has a large range of addresses reserved, of which it gets as
// much memory as it asks brk for. Two C libraries on the kernel's one break
// would each believe that the other's memory is theirs. An instance that is the
// only one has the kernel's (Hooks.c).
//
//===----------------------------------------------------------------------===//

#include "Space.h"

enum {
  RLIMIT_AS = 9,
};

static const uintptr_t largest_reserve = (uintptr_t)16 << 30;
static const uintptr_t smallest_reserve = (uintptr_t)256 << 10;

/* Of the addresses that an RLIMIT_AS allows, all breaks together take an
   eighth. Without a reserve the break is 0 and never moves; C libraries take
   their memory from mmap when there is no more behind the break. */
static uintptr_t share_of_addresses(void) {
  uint64_t limit[2];
  if (em_syscall(SYS_prlimit64, 0, RLIMIT_AS, 0, limit) < 0 ||
      limit[0] / 8 / em.instance_count > largest_reserve)
    return largest_reserve;
  return limit[0] / 8 / em.instance_count & -(uintptr_t)EM_PAGE;
}

static void reserve(struct instance *i) {
  for (uintptr_t size = share_of_addresses(); size >= smallest_reserve;
       size = size / 2 & -(uintptr_t)EM_PAGE) {
    long at = em_syscall6(SYS_mmap, 0, size, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (em_failed(at))
      continue;
    i->break_start = i->break_committed = at;
    i->break_end = at + size;
    atomic_store(&i->break_now, at);
    em_add_mapping(i, at, size);
    return;
  }
}

static bool commit(struct instance *i, uintptr_t end) {
  if (end > i->break_committed) {
    if (em_syscall(SYS_mprotect, i->break_committed, end - i->break_committed,
                   PROT_READ | PROT_WRITE) < 0)
      return false;
  } else if (end < i->break_committed) {
    /* What is given back reads as zeros when it is asked for again. */
    if (em_syscall(SYS_madvise, end, i->break_committed - end, MADV_DONTNEED) <
            0 ||
        em_syscall(SYS_mprotect, end, i->break_committed - end, PROT_NONE) < 0)
      return false;
  }
  i->break_committed = end;
  return true;
}

long em_brk(struct instance *i, uintptr_t address) {
  long now = atomic_load(&i->break_now);
  if (!address && now)
    return now;
  uint64_t mask = em_acquire(&i->lock);
  if (!i->break_start)
    reserve(i);
  if (address >= i->break_start && address <= i->break_end &&
      commit(i, em_round_up(address)))
    /* As the kernel: what is behind it in its page stays. */
    atomic_store(&i->break_now, address);
  now = atomic_load(&i->break_now);
  em_release(&i->lock, mask);
  return now;
}
