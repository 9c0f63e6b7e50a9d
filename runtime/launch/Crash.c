//===- Crash.c - One line about a crash -----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs in a signal handler, on a small stack and perhaps on several threads at
// once. Where something is missing or wrong the line tells less.
//
// Code has a name by one of two tables: the image's .symtab has the programs'
// and interpreters' functions, at image addresses, and a library's .dynsym its
// own. Code in a trampoline counts as the instruction that gave way to it.
//
//===----------------------------------------------------------------------===//

#include "Code.h"
#include "Signal.h"
#include "Space.h"

enum {
  LINE_SIZE = 512,
};

static void append_hex(char *line, uint64_t number) {
  char digits[19];
  char *d = digits + sizeof(digits);
  *--d = 0;
  do
    *--d = "0123456789abcdef"[number % 16];
  while (number /= 16);
  *--d = 'x';
  *--d = '0';
  em_append(line, LINE_SIZE, d);
}

/* ", in WHERE+0xOFFSET" */
static void append_place(char *line, const char *where, uint64_t offset) {
  em_append(line, LINE_SIZE, ", in ");
  em_append(line, LINE_SIZE, where);
  em_append(line, LINE_SIZE, "+");
  append_hex(line, offset);
}

/* Removes ".NAME.K" from the end. */
static void cut_suffix(char *name, const struct em_instance *plan) {
  char suffix[EM_NAME_MAX + 16] = ".";
  em_append(suffix, sizeof(suffix),
            em_string(em_spec_at(plan->spec)->name_off));
  em_append(suffix, sizeof(suffix), ".");
  em_append_number(suffix, sizeof(suffix), plan->index);
  size_t all = em_length(name), end = em_length(suffix);
  if (all > end && em_equal(name + all - end, suffix))
    name[all - end] = 0;
}

/* The blob address of code in a trampoline is its site's. */
static uint64_t in_blob(struct em_window *w, const struct em_blob *b,
                        uint64_t address) {
  if (b->slot == EM_NO_ADDRESS || address < b->slot + EM_PAGE)
    return address;
  const struct em_segment *s = em_table(em.image->segment_off);
  s += b->first_segment;
  for (uint32_t n = 0; n != b->segment_count; ++n, ++s)
    if (s->address == b->slot + EM_PAGE) {
      uint64_t site =
          em_site_in_file(w, em.image->content_file_offset + s->content_offset,
                          address - s->address);
      return site ? site : address;
    }
  return address;
}

/* The function of a program or interpreter at a blob address, in the instance
   that \p plan says. */
static bool name_in(struct em_window *w, const struct em_symbols *s,
                    const struct em_instance *plan, bool interpreter,
                    uint64_t address, struct em_function *f) {
  uint64_t base = interpreter ? plan->interpreter_base : plan->base;
  if (base == EM_NO_ADDRESS || !em_find_function(w, s, base + address, f))
    return false;
  cut_suffix(f->name, plan);
  return true;
}

/* The first instance of a program: of many only that may have symbols. */
static const struct em_instance *first_of(uint32_t program) {
  const struct em_instance *plan = em_table(em.image->instance_off);
  while (em_spec_at(plan->spec)->program != program)
    ++plan;
  return plan;
}

/* Is \p pc in the program or the interpreter of \p i? */
static bool append_blob(char *line, struct em_window *w,
                        const struct em_symbols *s, struct em_function *f,
                        const struct instance *i, uintptr_t pc) {
  uint32_t program = em_spec_at(i->spec)->program;
  const struct em_program *p = em_program_at(program);
  const struct em_blob *b = em_blob_at(p->blob);
  uint64_t address = pc - i->program;
  bool interpreter = address < b->first_page || address >= b->end;
  if (interpreter) {
    if (p->interpreter == EM_NONE)
      return false;
    b = em_blob_at(p->interpreter);
    address = pc - i->interpreter;
    if (address < b->first_page || address >= b->end)
      return false;
  }
  address = in_blob(w, b, address);
  if (name_in(w, s, em_plan_of(i), interpreter, address, f) ||
      name_in(w, s, first_of(program), interpreter, address, f))
    append_place(line, f->name, f->offset);
  else
    append_place(line, interpreter ? "the interpreter" : "the program",
                 address);
  return true;
}

/* A line of /proc/self/maps. */
struct mapping {
  uint64_t start, end, offset, device, inode;
  char name[64]; /* last component of the path, perhaps cut */
};

/* Reads digits and the character behind them. */
static uint64_t read_number(struct em_window *w, uint64_t *at, unsigned base) {
  uint64_t number = 0;
  for (char c; em_fetch(w, *at, &c, 1);) {
    ++*at;
    bool decimal = c >= '0' && c <= '9';
    if (!decimal && (base == 10 || c < 'a' || c > 'f'))
      break;
    number = number * base + (decimal ? c - '0' : c - 'a' + 10);
  }
  return number;
}

static bool next_mapping(struct em_window *w, uint64_t *at, struct mapping *m) {
  char c;
  m->start = read_number(w, at, 16);
  m->end = read_number(w, at, 16);
  *at += 5; /* rwxp and a blank */
  m->offset = read_number(w, at, 16);
  m->device = read_number(w, at, 16) << 32;
  m->device |= read_number(w, at, 16);
  m->inode = read_number(w, at, 10);
  size_t n = 0;
  for (; em_fetch(w, *at, &c, 1) && c != '\n'; ++*at)
    if (c == '/' || (c == ' ' && !n))
      n = 0;
    else if (n != sizeof(m->name) - 1)
      m->name[n++] = c;
  m->name[n] = 0;
  return em_fetch(w, (*at)++, &c, 1);
}

/* The mapping that holds \p pc. Sets *in_image when it is of the image file,
   as the image table's is. */
static bool find_mapping(struct em_window *w, uintptr_t pc, struct mapping *m,
                         bool *in_image) {
  uint64_t device = 0, inode = 0, at = 0;
  uintptr_t table = (uintptr_t)em.image;
  bool found = false;
  struct mapping each;
  while (!(found && inode) && next_mapping(w, &at, &each)) {
    if (table >= each.start && table < each.end) {
      device = each.device;
      inode = each.inode;
    }
    if (pc >= each.start && pc < each.end) {
      *m = each;
      found = true;
    }
  }
  *in_image = found && inode && m->inode == inode && m->device == device;
  return found;
}

/* \p offset is that in the library's file. */
static void append_library(char *line, struct em_window *w, long image,
                           struct em_function *f, const struct em_library *l,
                           uint64_t offset) {
  em_show(w, image, em.image->content_file_offset + l->content_offset, l->size);
  uint64_t hooks = l->slot_offset + EM_PAGE;
  uint64_t address = l->slot_offset != EM_NO_ADDRESS && offset >= hooks
                         ? em_site_in_file(w, hooks, offset - hooks)
                         : em_address_in_file(w, offset);
  const char *name = em_string(l->name_off);
  struct em_symbols s;
  if (!address || !em_find_dynsym(w, &s) ||
      !em_find_function(w, &s, address, f)) {
    append_place(line, name, address ? address : offset);
    return;
  }
  append_place(line, f->name, f->offset);
  em_append(line, LINE_SIZE, " (");
  em_append(line, LINE_SIZE, name);
  em_append(line, LINE_SIZE, ")");
}

/* Is \p pc in a file that is mapped? */
static bool append_mapping(char *line, struct em_window *w, long image,
                           struct em_function *f, uintptr_t pc) {
  long maps = em_syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_CLOEXEC);
  if (maps < 0)
    return false;
  struct mapping m;
  bool in_image;
  em_show(w, maps, 0, INT64_MAX);
  bool found = find_mapping(w, pc, &m, &in_image);
  (void)em_syscall(SYS_close, maps);
  if (!found || !m.name[0])
    return false;
  uint64_t offset = m.offset + (pc - m.start);
  if (!in_image) {
    append_place(line, m.name, offset);
    return true;
  }
  for (uint32_t n = 0; n != em.image->library_count; ++n) {
    const struct em_library *l = em_library_at(n);
    uint64_t start = em.image->content_file_offset + l->content_offset;
    if (offset >= start && offset - start < l->size) {
      append_library(line, w, image, f, l, offset - start);
      return true;
    }
  }
  return false;
}

/* Is \p pc in the runtime? Or in another instance, whose suffix is shown. */
static bool append_image(char *line, struct em_window *w,
                         const struct em_symbols *s, struct em_function *f,
                         uintptr_t pc) {
  if (pc - em.base >= em.image->span ||
      !em_find_function(w, s, pc - em.base, f))
    return false;
  append_place(line, f->name, f->offset);
  return true;
}

static void append_code(char *line, const struct instance *i, uintptr_t pc) {
  struct em_window w;
  struct em_symbols s;
  struct em_function f;
  long image = em_open_image();
  em_show(&w, image, 0, INT64_MAX);
  if (!em_find_symtab(&w, &s))
    s.size = 0;
  if (!append_blob(line, &w, &s, &f, i, pc) &&
      !append_image(line, &w, &s, &f, pc) &&
      !append_mapping(line, &w, image, &f, pc)) {
    em_append(line, LINE_SIZE, ", at pc ");
    append_hex(line, pc);
  }
  if (image >= 0)
    (void)em_syscall(SYS_close, image);
}

static void append_signal(char *line, int signal) {
  static const struct {
    uint8_t signal;
    char name[8];
  } names[] = {
      {3, "SIGQUIT"},  {4, "SIGILL"},  {5, "SIGTRAP"},  {6, "SIGABRT"},
      {7, "SIGBUS"},   {8, "SIGFPE"},  {11, "SIGSEGV"}, {24, "SIGXCPU"},
      {25, "SIGXFSZ"}, {31, "SIGSYS"},
  };
  for (size_t n = 0; n != sizeof(names) / sizeof(*names); ++n)
    if (names[n].signal == signal) {
      em_append(line, LINE_SIZE, names[n].name);
      return;
    }
  em_append(line, LINE_SIZE, "signal ");
  em_append_number(line, LINE_SIZE, signal);
}

/* A pipe that can be written to has room for a line. */
static bool takes_line(void) {
  enum { POLLOUT = 4 };
  static const int64_t at_once[2] = {0, 0};
  struct {
    int fd;
    short events, found;
  } file = {2, POLLOUT, 0};
  return em_syscall(SYS_ppoll, &file, 1, at_once, 0, 0) != 0;
}

void em_report_crash(const struct instance *i, int signal, uintptr_t address,
                     uintptr_t pc) {
  char line[LINE_SIZE] = "elfmerge: ";
  em_append(line, LINE_SIZE, i->name);
  em_append(line, LINE_SIZE, ": ");
  append_signal(line, signal);
  if ((signal == SIGSEGV || signal == SIGBUS) && address != EM_NO_ADDRESS) {
    em_append(line, LINE_SIZE, " at address ");
    append_hex(line, address);
  }
  append_code(line, i, pc);
  line[LINE_SIZE - 2] = 0;
  em_append(line, LINE_SIZE, "\n");
  /* Nobody is left to tell when standard error does not take it, or would only
     when somebody reads: the instance is to end now. */
  if (takes_line())
    (void)em_syscall(SYS_write, 2, line, em_length(line));
}
