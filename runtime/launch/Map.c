//===- Map.c - Instances that the kernel has not mapped, and slots --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel maps the instances whose program headers fit into 64 KiB. All
// others are mapped here from the image file, by the same table of segments
// and to the same effect: private mappings of the same contents. An instance
// that is started again has them mapped anew at the same addresses, whoever
// mapped them first.
//
//===----------------------------------------------------------------------===//

#include "Space.h"

/* Is the open file the one that this process was mapped from? */
static bool is_image(int fd) {
  struct em_image in_file;
  uint64_t at = (const char *)em.image - (const char *)em.base;
  return em_syscall(SYS_pread64, fd, &in_file, sizeof(in_file), at) ==
             sizeof(in_file) &&
         in_file.magic == em.image->magic && in_file.size == em.image->size &&
         in_file.span == em.image->span &&
         in_file.content_file_offset == em.image->content_file_offset;
}

long em_open_image(void) {
  const char *const names[] = {"/proc/self/exe", em.image_path};
  long error = -EM_ENOENT;
  for (int n = 0; n != 2; ++n) {
    if (!names[n])
      continue;
    long fd = em_syscall(SYS_openat, AT_FDCWD, names[n], O_CLOEXEC, 0);
    if (em_failed(fd)) {
      error = fd;
      continue;
    }
    if (is_image(fd))
      return fd;
    error = -EM_ENOENT;
    (void)em_syscall(SYS_close, fd);
  }
  return error;
}

static void need_image(void) {
  if (em.image_fd >= 0)
    return;
  long fd = em_open_image();
  if (fd < 0)
    em_fail(em.image_path ? em.image_path : "image",
            "cannot open the image file", fd);
  em.image_fd = fd;
}

static long map_segment(const struct em_segment *s, uintptr_t bias) {
  int prot = (s->flags & 4 ? PROT_READ : 0) | (s->flags & 2 ? PROT_WRITE : 0) |
             (s->flags & 1 ? PROT_EXEC : 0);
  uintptr_t at = bias + s->address;
  uintptr_t file_pages = em_round_up(s->file_size);
  uintptr_t all_pages = em_round_up(s->memory_size);
  if (file_pages) {
    long r = em_syscall6(SYS_mmap, at, file_pages, prot,
                         MAP_PRIVATE | MAP_FIXED, em.image_fd,
                         em.image->content_file_offset + s->content_offset);
    if (em_failed(r))
      return r;
    /* Dynamic linkers take the rest of the page behind .bss for zeros. */
    if (s->memory_size > s->file_size && (s->flags & 2))
      for (uintptr_t a = at + s->file_size; a != at + file_pages; ++a)
        *(char *)a = 0;
  }
  if (all_pages == file_pages)
    return 0;
  return em_syscall6(SYS_mmap, at + file_pages, all_pages - file_pages, prot,
                     MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
}

static long map_segments(const struct em_blob *b, uintptr_t bias) {
  const struct em_segment *s = em_table(em.image->segment_off);
  s += b->first_segment;
  for (uint32_t n = 0; n != b->segment_count; ++n) {
    long r = map_segment(s + n, bias);
    if (em_failed(r))
      return r;
  }
  return 0;
}

/* Maps a blob anywhere; returns its bias. */
static uintptr_t map_blob(const struct em_blob *b, const char *who) {
  need_image();
  uintptr_t first = b->first_page & ~(b->alignment - 1);
  uintptr_t size = b->end - first;
  uintptr_t slack = b->alignment > EM_PAGE ? b->alignment : 0;
  long at = em_syscall6(SYS_mmap, 0, size + slack, 0,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (em_failed(at))
    em_fail(who, "cannot reserve address space for the program", at);
  uintptr_t aligned = ((uintptr_t)at + slack) & ~(b->alignment - 1);
  uintptr_t bias = aligned - first;
  long error = map_segments(b, bias);
  if (error)
    em_fail(who, "cannot map the program", error);
  return bias;
}

/* The kernel's bias, unless it left the blob out or did not honour its
   alignment (it does from Linux 6.10 on). */
static uintptr_t bias_of(const struct em_blob *b, uint64_t base,
                         const char *who) {
  if (base != EM_NO_ADDRESS && !((em.base + base) & (b->alignment - 1)))
    return em.base + base;
  return map_blob(b, who);
}

long em_fill_slot(void *page, struct instance *instance, uint64_t role) {
  struct em_slot *slot = page;
  slot->enter = (uintptr_t)em_hook_enter;
  slot->after = (uintptr_t)em_hook_after;
  slot->instance = (uintptr_t)instance;
  slot->cpuid = (uintptr_t)em_hook_cpuid;
  slot->role = role;
  return em_syscall(SYS_mprotect, page, EM_PAGE, PROT_READ);
}

static long fill_blob_slot(const struct em_blob *b, uintptr_t bias,
                           struct instance *i, uint64_t role) {
  if (b->slot == EM_NO_ADDRESS)
    return 0;
  return em_fill_slot((void *)(bias + b->slot), i, role);
}

static long fill_slots(struct instance *i, const struct em_program *p) {
  long error =
      fill_blob_slot(em_blob_at(p->blob), i->program, i, EM_ROLE_PROGRAM);
  if (error || p->interpreter == EM_NONE)
    return error;
  return fill_blob_slot(em_blob_at(p->interpreter), i->interpreter, i,
                        EM_ROLE_INTERPRETER);
}

void em_map_instance(struct instance *i) {
  const struct em_instance *plan = em_plan_of(i);
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  const struct em_blob *main = em_blob_at(p->blob);
  i->program = bias_of(main, plan->base, i->name);
  i->entry = i->program + main->entry;
  if (p->interpreter != EM_NONE) {
    const struct em_blob *interpreter = em_blob_at(p->interpreter);
    i->interpreter = bias_of(interpreter, plan->interpreter_base, i->name);
    i->entry = i->interpreter + interpreter->entry;
  }
  long error = fill_slots(i, p);
  if (error < 0)
    em_fail(i->name, "cannot protect the slot", error);
}

void em_close_image(void) {
  if (em.image_fd >= 0)
    (void)em_syscall(SYS_close, em.image_fd);
  em.image_fd = -1;
}

long em_map_anew(struct instance *i) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  long fd = em_open_image();
  if (fd < 0)
    return fd;
  em.image_fd = fd;
  long error = map_segments(em_blob_at(p->blob), i->program);
  if (!error && p->interpreter != EM_NONE)
    error = map_segments(em_blob_at(p->interpreter), i->interpreter);
  em_close_image();
  return error ? error : fill_slots(i, p);
}

static void give_back(const struct em_blob *b, uintptr_t bias) {
  const struct em_segment *s = em_table(em.image->segment_off);
  s += b->first_segment;
  for (uint32_t n = 0; n != b->segment_count; ++n) {
    if (!(s[n].flags & 2))
      continue;
    uintptr_t at = bias + s[n].address;
    uintptr_t size = em_round_up(s[n].memory_size);
    /* What is locked is kept. Where the program has unmapped something, there
       is nothing to give back. */
    (void)em_syscall(SYS_munlock, at, size);
    (void)em_syscall(SYS_madvise, at, size, MADV_DONTNEED);
  }
}

void em_give_blobs_back(struct instance *i) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  give_back(em_blob_at(p->blob), i->program);
  if (p->interpreter != EM_NONE)
    give_back(em_blob_at(p->interpreter), i->interpreter);
}
