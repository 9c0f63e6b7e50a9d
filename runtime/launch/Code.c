//===- Code.c - Functions by their addresses, out of files ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Code.h"
#include "HooksABI.h"

bool em_fetch(struct em_window *w, uint64_t offset, void *to, size_t size) {
  if (w->fd < 0 || size > w->size || offset > w->size - size)
    return false;
  if (size > w->have || offset < w->at || offset - w->at > w->have - size) {
    long got = em_syscall(SYS_pread64, w->fd, w->bytes, sizeof(w->bytes),
                          w->start + offset);
    w->at = offset;
    w->have = got > 0 ? got : 0;
  }
  if (size > w->have)
    return false;
  char *t = to;
  for (size_t n = 0; n != size; ++n)
    t[n] = w->bytes[offset - w->at + n];
  return true;
}

void em_show(struct em_window *w, long fd, uint64_t start, uint64_t size) {
  w->fd = fd;
  w->start = start;
  w->size = size;
  w->at = 0;
  w->have = 0;
}

/* What is read of an ELF file: offsets in its headers, and its records. */
enum {
  E_PHOFF = 32,
  E_SHOFF = 40,
  E_PHNUM = 56,
  E_SHNUM = 60,
  PT_LOAD = 1,
  PT_DYNAMIC = 2,
  SHT_SYMTAB = 2,
  STT_FUNC = 2,
  STT_GNU_IFUNC = 10,
};

struct header {
  uint32_t type, flags;
  uint64_t offset, address, physical, file_size, memory_size, alignment;
};
struct section {
  uint32_t name, type;
  uint64_t flags, address, offset, size;
  uint32_t link, info;
  uint64_t alignment, entry_size;
};
struct symbol {
  uint32_t name;
  uint8_t info, other;
  uint16_t section;
  uint64_t value, size;
};
struct dynamic {
  uint64_t tag, value;
};
_Static_assert(sizeof(struct header) == 56, "Elf64_Phdr");
_Static_assert(sizeof(struct section) == 64, "Elf64_Shdr");
_Static_assert(sizeof(struct symbol) == 24, "Elf64_Sym");

/* Leaves an empty one when the strings do not hold a name that can be shown. */
static void read_name(struct em_window *w, const struct em_symbols *s,
                      uint32_t name, char *to, size_t size) {
  size_t n = 0;
  if (s->strings <= w->size)
    while (n != size - 1 && name + n < s->strings_size &&
           em_fetch(w, s->strings + name + n, to + n, 1) && to[n])
      if ((unsigned char)to[n++] <= ' ') {
        n = 0;
        break;
      }
  to[n] = 0;
}

bool em_find_function(struct em_window *w, const struct em_symbols *s,
                      uint64_t address, struct em_function *f) {
  struct symbol y;
  for (uint64_t at = 0; s->size - at >= sizeof(y); at += sizeof(y)) {
    if (!em_fetch(w, s->offset + at, &y, sizeof(y)))
      return false;
    int type = y.info & 15;
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !y.section ||
        address < y.value || address - y.value >= y.size)
      continue;
    f->offset = address - y.value;
    read_name(w, s, y.name, f->name, sizeof(f->name));
    return f->name[0];
  }
  return false;
}

/* The headers of a file: an array. */
struct table {
  uint64_t offset;
  uint16_t count;
};

static struct table read_table(struct em_window *w, int offset, int count) {
  struct table t;
  if (!em_fetch(w, offset, &t.offset, sizeof(t.offset)) ||
      !em_fetch(w, count, &t.count, sizeof(t.count)))
    t.count = 0;
  return t;
}

static bool section_at(struct em_window *w, const struct table *t, uint32_t n,
                       struct section *s) {
  return n < t->count && t->offset < INT64_MAX &&
         em_fetch(w, t->offset + n * sizeof(*s), s, sizeof(*s));
}

bool em_find_symtab(struct em_window *w, struct em_symbols *s) {
  struct table sections = read_table(w, E_SHOFF, E_SHNUM);
  struct section table, strings;
  for (uint32_t n = 0; section_at(w, &sections, n, &table); ++n) {
    if (table.type != SHT_SYMTAB ||
        !section_at(w, &sections, table.link, &strings))
      continue;
    *s = (struct em_symbols){table.offset, table.size, strings.offset,
                             strings.size};
    return true;
  }
  return false;
}

static bool header_at(struct em_window *w, uint32_t n, struct header *h) {
  struct table t = read_table(w, E_PHOFF, E_PHNUM);
  return n < t.count && t.offset < INT64_MAX &&
         em_fetch(w, t.offset + n * sizeof(*h), h, sizeof(*h));
}

uint64_t em_address_in_file(struct em_window *w, uint64_t offset) {
  struct header h;
  for (uint32_t n = 0; header_at(w, n, &h); ++n)
    if (h.type == PT_LOAD && offset >= h.offset &&
        offset - h.offset < h.file_size)
      return h.address + (offset - h.offset);
  return 0;
}

static uint64_t offset_of(struct em_window *w, uint64_t address) {
  struct header h;
  for (uint32_t n = 0; header_at(w, n, &h); ++n)
    if (h.type == PT_LOAD && address >= h.address &&
        address - h.address < h.file_size)
      return h.offset + (address - h.address);
  return 0;
}

/* Of the entry with this tag in the dynamic section; 0: none. */
static uint64_t dynamic_value(struct em_window *w, uint64_t tag) {
  struct header h;
  struct dynamic d;
  for (uint32_t n = 0; header_at(w, n, &h); ++n) {
    if (h.type != PT_DYNAMIC)
      continue;
    for (uint64_t at = 0; h.file_size - at >= sizeof(d); at += sizeof(d)) {
      if (!em_fetch(w, h.offset + at, &d, sizeof(d)) || !d.tag)
        return 0;
      if (d.tag == tag)
        return d.value;
    }
  }
  return 0;
}

/* The number of dynamic symbols is nowhere written down; their table ends where
   another begins, at the latest. */
static uint64_t end_of_symbols(struct em_window *w, uint64_t start) {
  static const uint32_t tags[] = {
      4,          /* DT_HASH */
      5,          /* DT_STRTAB */
      7,          /* DT_RELA */
      23,         /* DT_JMPREL */
      36,         /* DT_RELR */
      0x6ffffef5, /* DT_GNU_HASH */
      0x6ffffff0, /* DT_VERSYM */
      0x6ffffffc, /* DT_VERDEF */
      0x6ffffffe, /* DT_VERNEED */
  };
  uint64_t end = UINT64_MAX;
  for (size_t n = 0; n != sizeof(tags) / sizeof(*tags); ++n) {
    uint64_t table = dynamic_value(w, tags[n]);
    if (table > start && table < end)
      end = table;
  }
  return end;
}

bool em_find_dynsym(struct em_window *w, struct em_symbols *s) {
  enum { DT_STRTAB = 5, DT_SYMTAB = 6, DT_STRSZ = 10 };
  uint64_t start = dynamic_value(w, DT_SYMTAB);
  *s = (struct em_symbols){
      offset_of(w, start), end_of_symbols(w, start) - start,
      offset_of(w, dynamic_value(w, DT_STRTAB)), dynamic_value(w, DT_STRSZ)};
  return s->offset && s->strings;
}

uint64_t em_site_in_file(struct em_window *w, uint64_t hooks, uint64_t into) {
  struct em_hooks h;
  struct em_trampoline t;
  if (!em_fetch(w, hooks, &h, sizeof(h)))
    return 0;
  for (uint64_t n = 0; n != h.count; ++n) {
    if (!em_fetch(w, hooks + sizeof(h) + n * sizeof(t), &t, sizeof(t)))
      return 0;
    if (into >= t.offset && into - t.offset < t.size)
      return t.site;
  }
  return 0;
}
