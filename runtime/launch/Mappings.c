//===- Mappings.c - The addresses that an instance has mapped -------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instance that ends gives back what it had, so while it runs it is known
// which addresses are its: what it mapped, its initial stack and the reserve
// of its heap break. Its blobs are not among them; their addresses stay its
// for good.
//
// A range is in the set only while it is mapped, or another instance could be
// given the same addresses and lose them. So what unmaps takes it out first and
// holds the lock, while mmap and shmat, which may wait for a file, take it when
// they are done: nobody else knows yet what they return.
//
// An instance that is a process can be killed at any instruction. What it has
// just taken out, or not put in yet, then stays mapped, and so does everything
// if it was about to change the set.
//
// Where there is no memory for the set, a range is left out and stays mapped.
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Space.h"

enum {
  MREMAP_MAYMOVE = 1,
  MREMAP_DONTUNMAP = 4,
  IPC_STAT = 2,
  FIRST_ROOM = EM_PAGE, /* bytes */
};

bool em_tracks_mappings(void) {
  return em.image->flags & EM_RECLAIM && !em_alone();
}

/* The set: sorted, without overlaps. With the lock held. */

/* The first range that ends behind \p at. */
static size_t find(const struct mappings *m, uintptr_t at) {
  size_t low = 0, high = m->count;
  while (low != high) {
    size_t middle = low + (high - low) / 2;
    if (m->ranges[middle].end > at)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static bool grow(struct mappings *m) {
  size_t size = m->room * sizeof(struct range);
  long at =
      size ? em_syscall(SYS_mremap, m->ranges, size, 2 * size, MREMAP_MAYMOVE)
           : em_syscall(SYS_mmap, 0, FIRST_ROOM, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (em_failed(at))
    return false;
  m->ranges = (struct range *)at;
  m->room = (size ? 2 * size : FIRST_ROOM) / sizeof(struct range);
  return true;
}

static void insert(struct mappings *m, size_t n, struct range range) {
  if (m->count == m->room && !grow(m))
    return;
  for (size_t k = m->count++; k != n; --k)
    m->ranges[k] = m->ranges[k - 1];
  m->ranges[n] = range;
}

static void erase(struct mappings *m, size_t first, size_t end) {
  size_t gone = end - first;
  if (!gone)
    return;
  m->count -= gone;
  for (size_t n = first; n != m->count; ++n)
    m->ranges[n] = m->ranges[n + gone];
}

static void cut_range(struct mappings *m, uintptr_t start, uintptr_t end) {
  size_t n = find(m, start);
  if (start >= end || n == m->count || m->ranges[n].start >= end)
    return;
  struct range first = m->ranges[n];
  if (first.start < start) {
    m->ranges[n++].end = start;
    if (first.end > end) {
      insert(m, n, (struct range){end, first.end, first.attached});
      return;
    }
  }
  size_t behind = n;
  while (behind != m->count && m->ranges[behind].end <= end)
    ++behind;
  erase(m, n, behind);
  if (n != m->count && m->ranges[n].start < end)
    m->ranges[n].start = end;
}

/* What shmat made stays a range of its own: shmdt names no size. */
static void add_range(struct mappings *m, struct range range) {
  cut_range(m, range.start, range.end);
  size_t n = find(m, range.start);
  bool joins = !range.attached;
  if (joins && n != m->count && m->ranges[n].start == range.end &&
      !m->ranges[n].attached) {
    range.end = m->ranges[n].end;
    m->ranges[n].start = range.start;
    if (n && m->ranges[n - 1].end == range.start &&
        !m->ranges[n - 1].attached) {
      m->ranges[n - 1].end = range.end;
      erase(m, n, n + 1);
    }
  } else if (joins && n && m->ranges[n - 1].end == range.start &&
             !m->ranges[n - 1].attached) {
    m->ranges[n - 1].end = range.end;
  } else {
    insert(m, n, range);
  }
}

static bool holds(const struct mappings *m, const struct range *r) {
  size_t n = find(m, r->start);
  return n != m->count && m->ranges[n].start <= r->start &&
         m->ranges[n].end >= r->end && !m->ranges[n].attached;
}

/* From here on only these change it. */

static void cut(struct mappings *m, uintptr_t start, uintptr_t end) {
  atomic_store(&m->changes, true);
  cut_range(m, start, end);
  atomic_store(&m->changes, false);
}

static void add(struct mappings *m, struct range range) {
  atomic_store(&m->changes, true);
  add_range(m, range);
  atomic_store(&m->changes, false);
}

/* Blobs */

static bool meets(const struct em_blob *b, uintptr_t bias, uintptr_t start,
                  uintptr_t end) {
  return start < bias + b->end && end > bias + b->first_page;
}

static void cut_blob(struct mappings *m, const struct em_blob *b,
                     uintptr_t bias, const struct range *range) {
  if (!meets(b, bias, range->start, range->end))
    return;
  const struct em_segment *s = em_table(em.image->segment_off);
  s += b->first_segment;
  for (uint32_t n = 0; n != b->segment_count; ++n)
    cut(m, bias + s[n].address,
        em_round_up(bias + s[n].address + s[n].memory_size));
}

static bool meets_blobs(const struct instance *i, uintptr_t start,
                        uintptr_t end) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  return meets(em_blob_at(p->blob), i->program, start, end) ||
         (p->interpreter != EM_NONE &&
          meets(em_blob_at(p->interpreter), i->interpreter, start, end));
}

/* With all signals blocked. */
static void record(struct instance *i, struct range range) {
  struct mappings *m = &i->mappings;
  em_lock(&m->lock);
  add(m, range);
  if (meets_blobs(i, range.start, range.end)) {
    const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
    cut_blob(m, em_blob_at(p->blob), i->program, &range);
    if (p->interpreter != EM_NONE)
      cut_blob(m, em_blob_at(p->interpreter), i->interpreter, &range);
  }
  em_unlock(&m->lock);
}

void em_add_mapping(struct instance *i, uintptr_t start, size_t size) {
  if (!em_tracks_mappings())
    return;
  uint64_t mask = em_block_signals();
  record(i, (struct range){start, start + em_round_up(size), false});
  em_set_mask(mask);
}

/* The calls. With all signals blocked, so that a thread that is stopped has
   done both, the call and what it means for the set. */

static long map(struct instance *i, const struct em_frame *f) {
  const long *a = f->args;
  long at;
  if (f->slot->role != EM_ROLE_INTERPRETER || !em_map_library(i, a, &at))
    at = em_syscall6(SYS_mmap, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (!em_failed(at))
    record(i, (struct range){at, at + em_round_up(a[1]), false});
  return at;
}

static long unmap(struct instance *i, uintptr_t start, size_t size) {
  struct mappings *m = &i->mappings;
  uintptr_t end = start + em_round_up(size);
  long result;
  em_lock(&m->lock);
  if (end > start && meets_blobs(i, start, end)) {
    /* Nobody else is to be given what belongs to a blob. */
    result = em_syscall6(
        SYS_mmap, start, size, PROT_NONE,
        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!em_failed(result))
      result = 0;
  } else {
    /* What then cannot be unmapped, as a process may have so many mappings
       only, stays. */
    if (start % EM_PAGE == 0)
      cut(m, start, end);
    result = em_syscall(SYS_munmap, start, size);
  }
  em_unlock(&m->lock);
  return result;
}

/* mremap(old, old_size, new_size, flags, new) */
static long remap(struct instance *i, const long *a) {
  struct mappings *m = &i->mappings;
  struct range old = {a[0], a[0] + em_round_up(a[1]), false};
  em_lock(&m->lock);
  bool leaves = !(a[3] & MREMAP_DONTUNMAP);
  bool taken_out = leaves && old.end > old.start && holds(m, &old);
  if (taken_out)
    cut(m, old.start, old.end);
  long at = em_syscall(SYS_mremap, a[0], a[1], a[2], a[3], a[4]);
  if (em_failed(at) && taken_out)
    add(m, old);
  else if (!em_failed(at) && leaves && !taken_out)
    cut(m, old.start, old.end);
  em_unlock(&m->lock);
  if (!em_failed(at))
    record(i, (struct range){at, at + em_round_up(a[2]), false});
  return at;
}

static long attach(struct instance *i, const long *a) {
  long at = em_syscall(SYS_shmat, a[0], a[1], a[2]);
  uint64_t about[14]; /* struct shmid_ds */
  enum { SIZE = 6 };  /* shm_segsz, behind struct ipc_perm */
  if (!em_failed(at) && em_syscall(SYS_shmctl, a[0], IPC_STAT, about) >= 0)
    record(i, (struct range){at, at + em_round_up(about[SIZE]), true});
  return at;
}

static long detach(struct instance *i, uintptr_t start) {
  struct mappings *m = &i->mappings;
  struct range attached = {0, 0, true};
  em_lock(&m->lock);
  size_t n = find(m, start);
  if (n != m->count && m->ranges[n].start == start && m->ranges[n].attached)
    attached = m->ranges[n];
  cut(m, attached.start, attached.end);
  long result = em_syscall(SYS_shmdt, start);
  if (result < 0 && attached.end)
    add(m, attached);
  em_unlock(&m->lock);
  return result;
}

/* A detached thread of musl's unmaps the stack that it runs on and exits. So
   that call is made in place, and nothing may be left to do behind it. */
static bool unmaps_itself(struct instance *i, const long *a) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  uintptr_t start = a[0], end = start + em_round_up(a[1]);
  if (here < start || here >= end)
    return false;
  em_lock(&i->mappings.lock);
  cut(&i->mappings, start, end);
  em_unlock(&i->mappings.lock);
  return true;
}

static bool call(struct instance *i, struct em_frame *f) {
  switch (f->nr) {
  case SYS_mmap:
    f->nr = map(i, f);
    return true;
  case SYS_munmap:
    if (unmaps_itself(i, f->args))
      return false;
    f->nr = unmap(i, f->args[0], f->args[1]);
    return true;
  case SYS_mremap:
    f->nr = remap(i, f->args);
    return true;
  case SYS_shmat:
    f->nr = attach(i, f->args);
    return true;
  default:
    f->nr = detach(i, f->args[0]);
    return true;
  }
}

bool em_mapping_call(struct instance *i, struct em_frame *f) {
  if (!em_tracks_mappings()) {
    long result;
    if (f->nr != SYS_mmap || f->slot->role != EM_ROLE_INTERPRETER ||
        !em_map_library(i, f->args, &result))
      return false;
    f->nr = result;
    return true;
  }
  uint64_t mask = em_block_signals();
  bool done = call(i, f);
  em_set_mask(mask);
  return done;
}

/* With no thread of the instance left. */
void em_unmap_all(struct instance *i) {
  struct mappings *m = &i->mappings;
  for (size_t n = 0; n != m->count && !atomic_load(&m->changes); ++n) {
    const struct range *r = &m->ranges[n];
    long error = em_syscall(SYS_munmap, r->start, r->end - r->start);
    if (error < 0)
      em_message(i->name, "cannot give memory back", error);
  }
  if (m->room && !atomic_load(&m->changes))
    (void)em_syscall(SYS_munmap, m->ranges, m->room * sizeof(struct range));
  m->ranges = NULL;
  m->count = m->room = 0;
  atomic_store(&m->changes, false);
}
