//===- Libraries.c - What an instance's dynamic linker asks for --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each embedded library has one memfd in the launcher's descriptor table,
// sealed, so that all instances share its text. An instance opens it anew
// through /proc/self, which is the launcher: dynamic linkers read, so they
// need a file offset of their own. Without /proc, in a forked child, which has
// no launcher, and where nobody else would share it, the instance gets a memfd
// of its own.
//
// The library's slot is a page of that file. When the dynamic linker maps it,
// it gets memory that is filled in instead.
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

enum {
  MFD_CLOEXEC = 1,
  MFD_ALLOW_SEALING = 2,
  MFD_NOEXEC_SEAL = 8,
  F_ADD_SEALS = 1033,
  F_SEAL_ALL = 15,
  AT_FDCWD = -100,
  O_CLOEXEC = 02000000,
  PROT_READ = 1,
  PROT_WRITE = 2,
  MAP_PRIVATE = 2,
  MAP_FIXED = 0x10,
  MAP_ANONYMOUS = 0x20,
};

static long make_memfd(const struct em_library *l) {
  const char *name = em_string(l->name_off);
  long fd = em_syscall(SYS_memfd_create, name,
                       MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd == -EM_EINVAL) /* before Linux 6.3 */
    fd = em_syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return fd;
  const char *from = (const char *)em.base + l->address;
  for (uint64_t done = 0; done != l->size;) {
    long n = em_syscall(SYS_write, fd, from + done, l->size - done);
    if (n == -EM_EINTR)
      continue;
    if (n < 0) {
      (void)em_syscall(SYS_close, fd);
      return n;
    }
    done += n;
  }
  /* Reading starts at the beginning when the instance keeps this one. */
  long error = em_syscall(SYS_lseek, fd, 0, 0);
  if (error >= 0)
    error = em_syscall(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_ALL);
  if (error < 0) {
    (void)em_syscall(SYS_close, fd);
    return error;
  }
  return fd;
}

void em_open_libraries(const struct em_spec *spec) {
  if (em_alone())
    return;
  const struct em_program *p = em_program_at(spec->program);
  const struct em_library_name *names = em_table(em.image->library_name_off);
  for (uint32_t n = 0; n != p->library_count; ++n) {
    uint32_t library = names[p->first_library + n].library;
    if (em.library_fds[library] >= 0)
      continue;
    long fd = make_memfd(em_library_at(library));
    if (fd < 0)
      em_fail(em_string(em_library_at(library)->name_off),
              "cannot copy the library to memory", fd);
    em.library_fds[library] = fd;
  }
}

void em_close_inherited(void) {
  for (uint32_t n = 0; n != em.image->library_count; ++n)
    if (em.library_fds[n] >= 0)
      (void)em_syscall(SYS_close, em.library_fds[n]);
  if (em.image_fd >= 0)
    (void)em_syscall(SYS_close, em.image_fd);
}

/* The library that \p i means by \p path; EM_NONE: none of the image's. */
static uint32_t find(const struct instance *i, const char *path) {
  const struct em_program *p = em_program_at(em_spec_at(i->spec)->program);
  const struct em_library_name *names = em_table(em.image->library_name_off);
  const char *name = em_last_component(path);
  for (uint32_t n = 0; n != p->library_count; ++n)
    if (em_equal(name, em_string(names[p->first_library + n].name_off)))
      return names[p->first_library + n].library;
  return EM_NONE;
}

bool em_open_library(struct instance *i, const char *path, long *result) {
  uint32_t library = find(i, path);
  if (library == EM_NONE)
    return false;
  long fd = -1;
  if (em.launcher && em.library_fds[library] >= 0) {
    char link[48] = "/proc/self/fd/";
    em_append_number(link, sizeof(link), em.library_fds[library]);
    fd = em_syscall(SYS_openat, AT_FDCWD, link, O_CLOEXEC, 0);
  }
  if (fd < 0)
    fd = make_memfd(em_library_at(library));
  if (fd >= 0) {
    i->library_fd = fd;
    i->library = library;
  }
  *result = fd;
  return true;
}

/* mmap(address, length, prot, flags, fd, offset) */
bool em_map_slot(struct instance *i, const long *args, long *result) {
  if (args[4] < 0 || (int)args[4] != i->library_fd || args[1] != EM_PAGE ||
      !(args[2] & PROT_WRITE) || !(args[3] & MAP_FIXED) ||
      (uint64_t)args[5] != em_library_at(i->library)->slot_offset)
    return false;
  *result = em_syscall6(SYS_mmap, args[0], EM_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  if (*result < 0 && *result >= -4095)
    return true;
  long error = em_fill_slot((void *)args[0], i, EM_ROLE_PROGRAM);
  if (error < 0)
    *result = error;
  return true;
}
