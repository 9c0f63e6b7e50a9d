//===- Libraries.c - What an instance's dynamic linker asks for -----------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dynamic linker opens a library, reads its headers, looks at its identity
// and maps it. So each embedded library has a file in memory that holds the
// headers and has an identity, and no more: when it is mapped, the image file
// is mapped in its place, at the library's contents. Nothing is copied, and
// all instances of all processes share the text. The library's slot is the
// exception: it is memory that is filled in.
//
// The file is made once, in the launcher's descriptor table. An instance opens
// it anew through the launcher's /proc: it needs a file offset of its own.
// Without /proc, in a forked child, which has no launcher, and where nobody
// else would share it or everybody would see its descriptor, the instance makes
// one of its own. If the image file cannot be opened, the file in memory holds
// the whole library.
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Space.h"

enum {
  MFD_CLOEXEC = 1,
  MFD_ALLOW_SEALING = 2,
  MFD_NOEXEC_SEAL = 8,
  F_ADD_SEALS = 1033,
  F_SEAL_ALL = 15,
  PT_NOTE = 4,
  HEAD = 16384, /* bytes; what is read of a file without asking further */
};

static const char *bytes_of(const struct em_library *l) {
  return (const char *)em.base + l->address;
}

/* Writes a part of the library to its file, at the same offset. */
static long write_part(int fd, const struct em_library *l, uint64_t offset,
                       uint64_t size) {
  if (offset > l->size || size > l->size - offset)
    return -EM_EINVAL;
  while (size) {
    long n = em_syscall(SYS_pwrite64, fd, bytes_of(l) + offset, size, offset);
    if (n == -EM_EINTR)
      continue;
    if (n < 0)
      return n;
    offset += n;
    size -= n;
  }
  return 0;
}

/* The start of the file, the program headers, and the notes, in which dynamic
   linkers look for the operating system's version. */
static long write_headers(int fd, const struct em_library *l) {
  const char *file = bytes_of(l);
  uint64_t table = *(const uint64_t *)(file + 32); /* e_phoff */
  uint16_t count = *(const uint16_t *)(file + 56); /* e_phnum */
  enum { ENTRY = 56 };
  long error = write_part(fd, l, 0, l->size < HEAD ? l->size : HEAD);
  if (!error)
    error = write_part(fd, l, table, (uint64_t)count * ENTRY);
  for (uint16_t n = 0; n != count && !error; ++n) {
    const char *header = file + table + n * ENTRY;
    if (*(const uint32_t *)header == PT_NOTE)
      error = write_part(fd, l, *(const uint64_t *)(header + 8),
                         *(const uint64_t *)(header + 32));
  }
  return error;
}

static long fill(int fd, const struct em_library *l,
                 struct library_file *file) {
  long image = em_open_image();
  file->whole = image < 0;
  long error;
  if (file->whole) {
    error = write_part(fd, l, 0, l->size);
  } else {
    (void)em_syscall(SYS_close, image);
    error = write_headers(fd, l);
    if (!error)
      error = em_syscall(SYS_ftruncate, fd, l->size);
  }
  if (!error)
    error = em_syscall(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_ALL);
  struct em_stat stat;
  if (!error)
    error = em_syscall(SYS_fstat, fd, &stat);
  if (!error) {
    file->device = stat.device;
    file->inode = stat.inode;
  }
  return error;
}

long em_make_memory_file(const char *name) {
  long fd = em_syscall(SYS_memfd_create, name,
                       MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd == -EM_EINVAL) /* before Linux 6.3 */
    fd = em_syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd;
}

/* A new descriptor, or -errno. */
static long make_file(uint32_t library, struct library_file *file) {
  const struct em_library *l = em_library_at(library);
  long fd = em_make_memory_file(em_string(l->name_off));
  if (fd < 0)
    return fd;
  file->library = library;
  long error = fill(fd, l, file);
  if (error) {
    (void)em_syscall(SYS_close, fd);
    return error;
  }
  return fd;
}

void em_open_libraries(const struct em_spec *spec) {
  if (em_shares(EM_SHARE_FDS))
    return;
  const struct em_program *p = em_program_at(spec->program);
  const struct em_library_name *names = em_table(em.image->library_name_off);
  for (uint32_t n = 0; n != p->library_count; ++n) {
    uint32_t library = names[p->first_library + n].library;
    if (em.library_fds[library] >= 0)
      continue;
    long fd = make_file(library, &em.library_files[library]);
    if (fd < 0)
      em_fail(em_string(em_library_at(library)->name_off),
              "cannot make a file of the library in memory", fd);
    em.library_fds[library] = fd;
  }
}

void em_close_inherited(void) {
  for (uint32_t n = 0; n != em.image->library_count; ++n)
    if (em.library_fds[n] >= 0)
      (void)em_syscall(SYS_close, em.library_fds[n]);
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

static bool is_same(const struct library_file *f, const struct em_stat *stat) {
  return f->inode && f->inode == stat->inode && f->device == stat->device;
}

/* The launcher's file of the library, anew, or negative. In process mode /proc
   has to be that of our process id namespace: a number may mean another process
   elsewhere. */
static long open_anew(uint32_t library) {
  if (!em.launcher || em.library_fds[library] < 0)
    return -EM_ENOENT;
  char link[64] = "/proc/";
  if (em_in_processes())
    em_append_number(link, sizeof(link), em.pid);
  else
    em_append(link, sizeof(link), "self");
  em_append(link, sizeof(link), "/fd/");
  em_append_number(link, sizeof(link), em.library_fds[library]);
  long fd = em_syscall(SYS_openat, AT_FDCWD, link, O_CLOEXEC, 0);
  struct em_stat stat;
  if (fd < 0 || (em_syscall(SYS_fstat, fd, &stat) == 0 &&
                 is_same(&em.library_files[library], &stat)))
    return fd;
  (void)em_syscall(SYS_close, fd);
  return -EM_ENOENT;
}

bool em_open_library(struct instance *i, const char *path, long *result) {
  uint32_t library = find(i, path);
  if (library == EM_NONE)
    return false;
  *result = open_anew(library);
  if (*result >= 0)
    return true;
  /* Dynamic linkers load one library after the other, so the file is among the
     last ones when it is mapped. */
  unsigned slots = sizeof(i->own_files) / sizeof(*i->own_files);
  *result = make_file(library, &i->own_files[i->own_file_count++ % slots]);
  return true;
}

/* The library that the descriptor stands for, or null. */
static const struct library_file *file_of(const struct instance *i, int fd) {
  struct em_stat stat;
  if (fd < 0 || em_syscall(SYS_fstat, fd, &stat) < 0)
    return NULL;
  for (size_t n = 0; n != sizeof(i->own_files) / sizeof(*i->own_files); ++n)
    if (is_same(&i->own_files[n], &stat))
      return &i->own_files[n];
  for (uint32_t n = 0; n != em.image->library_count; ++n)
    if (is_same(&em.library_files[n], &stat))
      return &em.library_files[n];
  return NULL;
}

/* A dynamic linker loads no library twice: it compares device and inode. All
   files of one library have one identity. */
bool em_stat_library(struct instance *i, int fd, struct em_stat *stat) {
  const struct library_file *f = file_of(i, fd);
  if (!f || em_syscall(SYS_fstat, fd, stat) < 0)
    return false;
  stat->inode = ~(uint64_t)f->library;
  return true;
}

static long map_slot(struct instance *i, long address) {
  long result = em_syscall6(SYS_mmap, address, EM_PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  if (em_failed(result))
    return result;
  long error = em_fill_slot((void *)address, i, EM_ROLE_PROGRAM);
  return error < 0 ? error : result;
}

/* mmap(address, length, prot, flags, fd, offset) */
bool em_map_library(struct instance *i, const long *args, long *result) {
  const struct library_file *f = file_of(i, (int)args[4]);
  if (!f)
    return false;
  const struct em_library *l = em_library_at(f->library);
  if (args[1] == EM_PAGE && args[2] & PROT_WRITE && args[3] & MAP_FIXED &&
      (uint64_t)args[5] == l->slot_offset) {
    *result = map_slot(i, args[0]);
    return true;
  }
  if (f->whole)
    return false;
  long image = em_open_image();
  *result = image;
  if (image < 0)
    return true;
  *result =
      em_syscall6(SYS_mmap, args[0], args[1], args[2], args[3], image,
                  args[5] + em.image->content_file_offset + l->content_offset);
  (void)em_syscall(SYS_close, image);
  return true;
}
