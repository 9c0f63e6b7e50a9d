//===- Stack.c - The initial stack of an instance -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lays out what the kernel lays out for a new process, from the top down:
//
//   strings: file name, environment, arguments; random bytes
//   auxiliary vector, environment pointers, argument pointers, argc
//
// Arguments and environment stand next to each other, arguments first, as
// programs that rewrite their title rely on.
//
//===----------------------------------------------------------------------===//

#include "Space.h"

enum {
  AT_NULL = 0,
  AT_EXECFD = 2,
  AT_PHDR = 3,
  AT_PHNUM = 5,
  AT_BASE = 7,
  AT_ENTRY = 9,
  AT_RANDOM = 25,
  AT_EXECFN = 31,
};

static const char instance_variable[] = "ELFMERGE_INSTANCE=";

/* Everything that is counted before there is a place for it. */
struct layout {
  const struct em_spec *spec;
  const struct em_start *start;
  char *const *more_args;
  unsigned more_count;
  unsigned argc, envc, auxc;
  size_t bytes; /* of all strings */
  /* Where strings go while they are copied. */
  char *next;
};

static bool same_variable(const char *a, const char *b) {
  while (*a && *a != '=' && *a == *b)
    ++a, ++b;
  return (*a == '=' || !*a) && (*b == '=' || !*b);
}

/* The spec's last word on a variable counts; the image's own environment
   counts where the spec says nothing. */
static const char *variable_of_spec(const struct em_spec *spec, unsigned n) {
  const uint32_t *env = em_table(spec->env_off);
  const char *v = em_string(env[n]);
  for (unsigned later = n + 1; later != spec->env_count; ++later)
    if (same_variable(v, em_string(env[later])))
      return NULL;
  return v;
}

static bool is_overridden(const struct em_spec *spec, const char *variable) {
  const uint32_t *env = em_table(spec->env_off);
  for (unsigned n = 0; n != spec->env_count; ++n)
    if (same_variable(variable, em_string(env[n])))
      return true;
  return same_variable(variable, instance_variable);
}

static void count(struct layout *l, const struct instance *i) {
  const uint32_t *argv = em_table(l->spec->argv_off);
  l->argc = l->spec->argc + l->more_count;
  for (unsigned n = 0; n != l->spec->argc; ++n)
    l->bytes += em_length(em_string(argv[n])) + 1;
  for (unsigned n = 0; n != l->more_count; ++n)
    l->bytes += em_length(l->more_args[n]) + 1;
  for (char **e = l->start->envp; *e; ++e)
    if (!is_overridden(l->spec, *e)) {
      ++l->envc;
      l->bytes += em_length(*e) + 1;
    }
  for (unsigned n = 0; n != l->spec->env_count; ++n)
    if (variable_of_spec(l->spec, n)) {
      ++l->envc;
      l->bytes += em_length(variable_of_spec(l->spec, n)) + 1;
    }
  ++l->envc;
  l->bytes += sizeof(instance_variable) + em_length(i->name);
  l->bytes += em_length(em_string(argv[0])) + 1; /* AT_EXECFN */
  for (uint64_t *a = l->start->auxv; a[0] != AT_NULL; a += 2)
    ++l->auxc;
  ++l->auxc;
}

static char *put(struct layout *l, const char *text) {
  char *at = l->next;
  while ((*l->next++ = *text++))
    ;
  return at;
}

static char *put_instance_variable(struct layout *l, const struct instance *i) {
  char *at = put(l, instance_variable);
  --l->next;
  put(l, i->name);
  return at;
}

static uint64_t phdr_address(const struct instance *i,
                             const struct em_blob *b) {
  if (b->phdr == EM_NO_ADDRESS)
    return (uintptr_t)em_table(b->phdr_copy_off);
  return i->program + b->phdr;
}

static uint64_t *put_auxv(const struct layout *l, const struct instance *i,
                          uint64_t *to, const char *file_name,
                          const void *random) {
  const struct em_blob *b = em_blob_at(em_program_at(l->spec->program)->blob);
  for (uint64_t *a = l->start->auxv; a[0] != AT_NULL; a += 2) {
    uint64_t value = a[1];
    switch (a[0]) {
    case AT_EXECFD: /* the image's file */
      continue;
    case AT_PHDR:
      value = phdr_address(i, b);
      break;
    case AT_PHNUM:
      value = b->phdr_count;
      break;
    case AT_BASE:
      value = i->interpreter;
      break;
    case AT_ENTRY:
      value = i->program + b->entry;
      break;
    case AT_RANDOM:
      value = (uintptr_t)random;
      break;
    case AT_EXECFN:
      value = (uintptr_t)file_name;
      break;
    }
    *to++ = a[0];
    *to++ = value;
  }
  *to++ = AT_NULL;
  *to++ = 0;
  return to;
}

static long fill_random(char *to) {
  long got = em_syscall(SYS_getrandom, to, 16, 0);
  if (got >= 0 && got != 16)
    return -EM_EAGAIN;
  return got;
}

/* What is put on a new stack counts, as natively: a libc takes the limit for
   the size of the stack, and languages know by that what is an overflow. The
   kernel allows arguments and environment to be a quarter of it. */
static size_t stack_size(const struct em_spec *spec, size_t used) {
  if (!spec->stack_size && used <= em.stack_limit / 4)
    return em.stack_limit & -(size_t)EM_PAGE;
  size_t size = spec->stack_size ? spec->stack_size : em.stack_limit;
  return em_round_up(size + used);
}

/* The upper end, or -errno. The end of the stack cannot be accessed. */
static long map_stack(struct instance *i, const struct em_spec *spec,
                      size_t used) {
  size_t size = stack_size(spec, used);
  long at = em_syscall6(SYS_mmap, 0, EM_PAGE + size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                        -1, 0);
  if (em_failed(at))
    return at;
  em_add_mapping(i, at, EM_PAGE + size);
  long error = em_syscall(SYS_mprotect, at, EM_PAGE, 0);
  return error < 0 ? error : at + EM_PAGE + (long)size;
}

long em_build_stack(struct instance *i) {
  const struct em_start *start = &em.start;
  struct layout l = {.spec = em_spec_at(i->spec),
                     .start = start,
                     .more_args = i->more_args,
                     .more_count = i->more_count};
  count(&l, i);
  size_t words = 1 + l.argc + 1 + l.envc + 1 + 2 * l.auxc;
  size_t strings = (l.bytes + 8 + 15) & -(size_t)16; /* 8: zeros at the end */
  size_t vectors = (words * 8 + 15) & -(size_t)16;   /* rsp is aligned to 16 */
  long top = map_stack(i, l.spec, strings + 16 + vectors);
  if (em_failed(top))
    return top;

  char *random = (char *)top - strings - 16;
  long error = fill_random(random);
  if (error < 0)
    return error;
  l.next = random + 16;
  uint64_t *p = (uint64_t *)(random - vectors);
  i->stack = p;

  const uint32_t *argv = em_table(l.spec->argv_off);
  i->arguments = l.next;
  *p++ = l.argc;
  for (unsigned n = 0; n != l.spec->argc; ++n)
    *p++ = (uintptr_t)put(&l, em_string(argv[n]));
  for (unsigned n = 0; n != l.more_count; ++n)
    *p++ = (uintptr_t)put(&l, l.more_args[n]);
  *p++ = 0;
  i->environment = l.next;
  for (char **e = start->envp; *e; ++e)
    if (!is_overridden(l.spec, *e))
      *p++ = (uintptr_t)put(&l, *e);
  for (unsigned n = 0; n != l.spec->env_count; ++n)
    if (variable_of_spec(l.spec, n))
      *p++ = (uintptr_t)put(&l, variable_of_spec(l.spec, n));
  *p++ = (uintptr_t)put_instance_variable(&l, i);
  i->environment_end = l.next;
  *p++ = 0;
  put_auxv(&l, i, p, put(&l, em_string(argv[0])), random);
  return 0;
}
