//===- Map.c - Instances that the kernel has not mapped, and slots --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel maps the instances whose program headers fit into 64 KiB. All
// others are mapped here from the image file, by the same table of segments
// and to the same effect: private mappings of the same contents.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum {
  PROT_READ = 1,
  PROT_WRITE = 2,
  PROT_EXEC = 4,
  MAP_PRIVATE = 2,
  MAP_FIXED = 0x10,
  MAP_ANONYMOUS = 0x20,
  MAP_NORESERVE = 0x4000,
  AT_FDCWD = -100,
  O_CLOEXEC = 02000000,
};

static bool failed(long result) { return result < 0 && result >= -4095; }

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
    if (failed(fd)) {
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
  uintptr_t file_pages = (s->file_size + EM_PAGE - 1) & -(uintptr_t)EM_PAGE;
  uintptr_t all_pages = (s->memory_size + EM_PAGE - 1) & -(uintptr_t)EM_PAGE;
  if (file_pages) {
    long r = em_syscall6(SYS_mmap, at, file_pages, prot,
                         MAP_PRIVATE | MAP_FIXED, em.image_fd,
                         em.image->content_file_offset + s->content_offset);
    if (failed(r))
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

/* Maps a blob anywhere; returns its bias. */
static uintptr_t map_blob(const struct em_blob *b, const char *who) {
  need_image();
  uintptr_t first = b->first_page & ~(b->alignment - 1);
  uintptr_t size = b->end - first;
  uintptr_t slack = b->alignment > EM_PAGE ? b->alignment : 0;
  long at = em_syscall6(SYS_mmap, 0, size + slack, 0,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(at))
    em_fail(who, "cannot reserve address space for the program", at);
  uintptr_t aligned = ((uintptr_t)at + slack) & ~(b->alignment - 1);
  uintptr_t bias = aligned - first;
  const struct em_segment *s = em_table(em.image->segment_off);
  s += b->first_segment;
  for (uint32_t n = 0; n != b->segment_count; ++n) {
    long r = map_segment(s + n, bias);
    if (failed(r))
      em_fail(who, "cannot map the program", r);
  }
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

static void fill_blob_slot(const struct em_blob *b, uintptr_t bias,
                           struct instance *i, uint64_t role) {
  if (b->slot == EM_NO_ADDRESS)
    return;
  long error = em_fill_slot((void *)(bias + b->slot), i, role);
  if (error < 0)
    em_fail(i->name, "cannot protect the slot", error);
}

void em_map_instance(struct instance *i) {
  const struct em_instance *plan = em_plan_of(i);
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  const struct em_blob *main = em_blob_at(p->blob);
  i->program = bias_of(main, plan->base, i->name);
  i->entry = i->program + main->entry;
  fill_blob_slot(main, i->program, i, EM_ROLE_PROGRAM);
  if (p->interpreter == EM_NONE)
    return;
  const struct em_blob *interpreter = em_blob_at(p->interpreter);
  i->interpreter = bias_of(interpreter, plan->interpreter_base, i->name);
  i->entry = i->interpreter + interpreter->entry;
  fill_blob_slot(interpreter, i->interpreter, i, EM_ROLE_INTERPRETER);
}
