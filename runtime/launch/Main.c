//===- Main.c - The launcher ----------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The image's first thread starts every instance and then sleeps: it is the
// thread-group leader, whose descriptors and /proc/self are the image's, and
// takes the signals that instances share. The process ends when the last
// instance does.
//
// With --mode=process it is another process than its instances
// (ProcessMode.c).
//
// An instance that is alone runs on the first thread itself. It is then a
// process like any other.
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "Signal.h"
#include "Space.h"

#pragma GCC visibility push(hidden)
extern const struct em_image elfmerge_image;
extern const char __ehdr_start[];
#pragma GCC visibility pop

struct runtime em;

_Noreturn void em_main(uintptr_t *stack);

enum {
  MADV_NOHUGEPAGE = 15,
  MADV_WIPEONFORK = 18,
  HUGE_PAGE = 1 << 21,
  RLIMIT_STACK = 3,
  AT_NULL = 0,
  AT_SECURE = 23,
  AT_EXECFN = 31,
  AT_MINSIGSTKSZ = 51,
};

/* Memory that is there, page by page, when it is touched. */
static void *reserve(size_t size) {
  long at = em_syscall6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (em_failed(at))
    em_fail("runtime", "cannot allocate memory", at);
  /* A kernel without huge pages knows nothing to advise against. */
  if (size > HUGE_PAGE)
    (void)em_syscall(SYS_madvise, at, size, MADV_NOHUGEPAGE);
  return (void *)at;
}

/* Zero again in a forked child. */
static void *reserve_wiped(size_t size) {
  void *at = reserve(size);
  long error = em_syscall(SYS_madvise, at, size, MADV_WIPEONFORK);
  if (error < 0)
    em_fail("runtime", "cannot have memory wiped on fork", error);
  return at;
}

static uint64_t auxiliary(const uint64_t *auxv, uint64_t type) {
  for (; auxv[0] != AT_NULL; auxv += 2)
    if (auxv[0] == type)
      return auxv[1];
  return 0;
}

static const char *variable(char **envp, const char *name) {
  for (; *envp; ++envp) {
    const char *e = *envp, *n = name;
    while (*n && *e == *n)
      ++e, ++n;
    if (!*n && *e == '=')
      return e + 1;
  }
  return NULL;
}

static uint64_t stack_limit(void) {
  static const uint64_t unlimited = UINT64_C(64) << 20;
  uint64_t limit[2];
  long error = em_syscall(SYS_prlimit64, 0, RLIMIT_STACK, 0, limit);
  if (error < 0)
    em_fail("runtime", "cannot read the stack limit", error);
  return limit[0] > (UINT64_C(1) << 32) ? unlimited : limit[0];
}

static void init(void) {
  const struct em_start *start = &em.start;
  em.image = &elfmerge_image;
  em.base = (uintptr_t)__ehdr_start;
  em.image_fd = -1;
  if (em.image->magic != EM_IMAGE_MAGIC || em.image->version != EM_ABI_VERSION)
    em_fail("runtime", "the image table is of another version", 0);
  em.image_path = (const char *)auxiliary(start->auxv, AT_EXECFN);
  const char *trace = variable(start->envp, "ELFMERGE_TRACE");
  em.trace =
      !auxiliary(start->auxv, AT_SECURE) && trace && em_equal(trace, "1");
  em.initial_mask = em_block_signals();
  em.stack_limit = stack_limit();
  em.signal_frame = auxiliary(start->auxv, AT_MINSIGSTKSZ);
  em.pid = em_syscall(SYS_getpid, 0);
  em.launcher = em.pid;
  em.alive = reserve_wiped(EM_PAGE);
  *em.alive = 1;
  em.held = reserve(em_held_size());
  em.tasks = reserve_wiped(EM_MAX_TASK * sizeof(struct task));
  em.library_fds = reserve((em.image->library_count + 1) * sizeof(int));
  em.library_files =
      reserve((em.image->library_count + 1) * sizeof(struct library_file));
  for (uint32_t n = 0; n != em.image->library_count; ++n)
    em.library_fds[n] = -1;
}

static void create(struct instance *i, uint32_t number) {
  i->number = number;
  const struct em_instance *plan = em_plan_of(i);
  i->spec = plan->spec;
  i->exit_stack = (char *)i + em.instance_stride;
  em_append(i->name, sizeof(i->name) - 12,
            em_string(em_spec_at(i->spec)->name_off));
  em_append(i->name, sizeof(i->name), ".");
  em_append_number(i->name, sizeof(i->name), plan->index);
  i->exits_in_place = em_in_processes() || em.sole;
  if (!em_alone())
    em_inherit_signals(i);
}

/* The image's own arguments, cut at ";". */
struct groups {
  char **next;
  char **end;
};

static unsigned take(struct groups *g, char ***first) {
  *first = g->next;
  unsigned count = 0;
  for (; g->next != g->end && !em_equal(*g->next, ";"); ++g->next)
    ++count;
  if (g->next != g->end)
    ++g->next;
  return count;
}

/* The spec whose name the image was called by; EM_NONE: all of them. */
static uint32_t called_spec(const char *argv0) {
  if (argv0)
    for (uint32_t n = 0; n != em.image->spec_count; ++n)
      if (em_equal(em_last_component(argv0),
                   em_string(em_spec_at(n)->name_off)))
        return n;
  return EM_NONE;
}

/* Is it NAME.K? */
static bool is_instance_of(const char *instance, const struct em_spec *spec) {
  const char *name = em_string(spec->name_off);
  while (*name && *name == *instance)
    ++name, ++instance;
  return !*name && *instance == '.';
}

/* A program that starts itself anew, by /proc/self/exe, passes on all of its
   arguments. How many of them are those that the image has for it? */
static unsigned repeated(const struct em_spec *spec, char **more,
                         unsigned count) {
  const char *caller = variable(em.start.envp, "ELFMERGE_INSTANCE");
  const uint32_t *own = em_table(spec->argv_off);
  if (!caller || !is_instance_of(caller, spec) || count + 1 < spec->argc)
    return 0;
  for (uint32_t n = 1; n < spec->argc; ++n)
    if (!em_equal(em_string(own[n]), more[n - 1]))
      return 0;
  return spec->argc - 1;
}

static void prepare(uint32_t only) {
  char **args = em.start.argv;
  if (*args)
    ++args;
  struct groups g = {args, args};
  while (*g.end)
    ++g.end;
  uint32_t first = only == EM_NONE ? 0 : only;
  uint32_t end = only == EM_NONE ? em.image->spec_count : only + 1;
  for (uint32_t n = first; n != end; ++n) {
    const struct em_spec *spec = em_spec_at(n);
    char **more = g.next;
    unsigned count = g.end - g.next;
    unsigned again = 0;
    if (only == EM_NONE)
      count = take(&g, &more);
    else
      again = repeated(spec, more, count);
    em_open_libraries(spec);
    for (uint32_t k = 0; k != spec->instance_count; ++k) {
      uint32_t number = spec->first_instance + k;
      struct instance *i = em_instance_at(number - em.first_number);
      create(i, number);
      i->more_args = more + again;
      i->more_count = count - again;
      em_map_instance(i);
      long error = em_build_stack(i);
      if (error < 0)
        em_fail(i->name, "cannot make a stack", error);
    }
  }
  if (only == EM_NONE && g.next != g.end)
    em_fail("arguments", "found more groups than the image has programs", 0);
  em_close_image();
}

static void allocate(uint32_t only) {
  em.instance_count = em.image->instance_count;
  if (only != EM_NONE) {
    em.first_number = em_spec_at(only)->first_instance;
    em.instance_count = em_spec_at(only)->instance_count;
  }
  /* One that restarts, or whose crash is to be told, needs a launcher. */
  em.sole = em.instance_count == 1 && !(em.image->flags & EM_ISOLATE) &&
            em_spec_at(only == EM_NONE ? 0 : only)->restart == EM_RESTART_NO;
  atomic_store(&em.running, em.instance_count);
  em.instance_stride = (sizeof(struct instance) + EM_CHILD_STACK_SIZE +
                        EM_EXIT_STACK_SIZE + 63) &
                       -(size_t)64;
  em.instances = reserve(em.instance_count * em.instance_stride);
}

_Noreturn void em_main(uintptr_t *stack) {
  em.start.argv = (char **)(stack + 1);
  em.start.envp = em.start.argv + stack[0] + 1;
  char **e = em.start.envp;
  while (*e)
    ++e;
  em.start.auxv = (uint64_t *)(e + 1);

  init();
  uint32_t only = called_spec(em.start.argv[0]);
  allocate(only);
  if (!em_alone())
    em_init_signals();
  prepare(only);
  if (em_alone())
    em_run_instance(em_instance_at(0));
  if (em_in_processes())
    em_run_processes();
  em_take_over_signals();
  for (uint32_t n = 0; n != em.instance_count; ++n) {
    long error = em_start_instance(em_instance_at(n));
    if (error < 0)
      em_fail(em_instance_at(n)->name, "cannot start a thread", error);
  }
  em_launch();
}
