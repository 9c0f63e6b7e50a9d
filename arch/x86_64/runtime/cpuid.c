//===- cpuid.c - The processor is asked once ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In a virtual machine cpuid traps to the hypervisor, for more than a
// microsecond each; starting glibc once takes some seventy. What does not
// depend on the moment or on the processor that answers is kept for all
// instances. Leaves that name the processor (1, 0xb, 0x1f, 0x8000001e) or are
// unknown are asked anew.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum { CAPACITY = 96 };

struct answer {
  uint32_t leaf, subleaf;
  uint32_t registers[4];
  _Atomic uint32_t valid;
};

static struct answer answers[CAPACITY];
static _Atomic uint32_t used;

void em_cpuid(uint32_t registers[4]);

static void ask(uint32_t leaf, uint32_t subleaf, uint32_t r[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                   : "0"(leaf), "2"(subleaf));
}

static bool has_subleaves(uint32_t leaf) {
  return leaf == 4 || leaf == 7 || leaf == 0xd || leaf == 0x14 ||
         leaf == 0x8000001d;
}

static bool is_constant(uint32_t leaf) {
  return has_subleaves(leaf) || leaf == 0 || leaf == 2 || leaf == 0x19 ||
         (leaf >= 0x80000000 && leaf <= 0x80000008);
}

void em_cpuid(uint32_t r[4]) {
  uint32_t leaf = r[0], subleaf = r[2];
  if (!is_constant(leaf)) {
    ask(leaf, subleaf, r);
    return;
  }
  if (!has_subleaves(leaf))
    subleaf = 0;
  uint32_t count = atomic_load(&used);
  for (uint32_t n = 0; n < count && n < CAPACITY; ++n) {
    struct answer *a = &answers[n];
    if (atomic_load(&a->valid) && a->leaf == leaf && a->subleaf == subleaf) {
      for (int k = 0; k != 4; ++k)
        r[k] = a->registers[k];
      return;
    }
  }
  ask(leaf, subleaf, r);
  uint32_t n =
      atomic_load(&used) < CAPACITY ? atomic_fetch_add(&used, 1) : CAPACITY;
  if (n >= CAPACITY)
    return;
  answers[n].leaf = leaf;
  answers[n].subleaf = subleaf;
  for (int k = 0; k != 4; ++k)
    answers[n].registers[k] = r[k];
  atomic_store(&answers[n].valid, 1);
}
