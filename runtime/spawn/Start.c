//===- Start.c - From a request to a process ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a start does, and what it tries next where the system refuses, is a list
// of attempts: with the helper or without, by clone3, clone, or a clone that
// shares nothing. What was refused once is not tried again in this process.
//
//===----------------------------------------------------------------------===//

#include "Start.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

enum {
  STACK = 16 << 10,
  ATTEMPTS = 20,
};

struct es_refused es_refused;

static const struct es_encoded *encode(const elfspawn_t *r, int *error) {
  elfspawn_t *w = (elfspawn_t *)r; // The cache alone is written to.
  struct es_encoded *e = atomic_load(&w->encoded), *none = NULL;
  if (e)
    return e;
  *error = es_encode(r, &e);
  if (*error)
    return NULL;
  if (atomic_compare_exchange_strong(&w->encoded, &none, e))
    return e;
  es_free_encoded(e);
  return none;
}

//===----------------------------- Resources ------------------------------===//

static int make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return errno;
  for (int n = 0; n != 2; ++n) {
    ends[n] = es_above_streams(ends[n]);
    if (ends[n] < 0)
      return errno;
  }
  return 0;
}

/* Kernels before 6.3 do not know the flag; later ones may insist on it. */
static int create_input(void) {
  enum { ES_MFD_NOEXEC_SEAL = 8 };
  const char *name = "elfspawn-input";
  int fd = memfd_create(name, MFD_CLOEXEC | ES_MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL)
    fd = memfd_create(name, MFD_CLOEXEC);
  return es_above_streams(fd);
}

static int make_input(const elfspawn_t *r, int *fd) {
  *fd = create_input();
  if (*fd < 0)
    return errno;
  int error = es_write_all(*fd, r->input, r->input_size);
  return !error && lseek(*fd, 0, SEEK_SET) < 0 ? errno : error;
}

static void release(struct es_start *s) {
  es_close_if_open(s->pipe[0]);
  es_close_if_open(s->pipe[1]);
  es_close_if_open(s->input);
  if (s->request->variables.count)
    free(s->child.environment);
  free(s->strings);
  free(s->stack);
}

/* A null pointer in environ, as clearenv leaves it, is an empty environment. */
static char **environment_before(const elfspawn_t *r) {
  static char *nothing[] = {NULL};
  if (r->environment.items)
    return r->environment.items;
  return environ ? environ : nothing;
}

/* The room of one child: its stack, its copy of the strings, and what it writes
   into their slots. */
static int prepare(struct es_start *s, const int streams[3]) {
  const elfspawn_t *r = s->request;
  const struct es_encoded *e = s->e;
  struct es_child *c = &s->child;
  size_t pointers = (ES_SLOT_END + e->count) * sizeof(char *);
  s->stack_size = STACK + e->stack;
  s->stack = malloc(s->stack_size);
  s->strings = malloc(pointers + 2 * ES_HEADER_ROOM + e->most_cloexec);
  char **from = environment_before(r);
  c->environment = r->variables.count ? es_change_environment(r, from) : from;
  if (!s->stack || !s->strings || !c->environment)
    return ENOMEM;
  c->header = (char *)s->strings + pointers;
  c->restorecaps = c->header + ES_HEADER_ROOM;
  c->cloexec = c->restorecaps + ES_HEADER_ROOM;
  c->needed = e->needed;
  c->needed_count = e->needed_count;
  c->named = e->named;
  c->named_count = e->named_count;
  for (int n = 0; n != 3; ++n)
    c->streams[n].fd = streams[n];
  c->result = &s->result;
  c->pidfd = &s->pidfd;
  c->parent = getpid();
  if (!r->has_input)
    return 0;
  int error = make_input(r, &s->input);
  c->streams[0].fd = s->input;
  return error;
}

//===------------------------------ Attempts ------------------------------===//

/* A label for the next exec is meant for the target's. */
static bool has_exec_label(void) {
  static atomic_bool none;
  if (atomic_load(&none))
    return false;
  int fd = open("/proc/thread-self/attr/exec", O_RDONLY | O_CLOEXEC);
  char label;
  ssize_t size = fd < 0 ? -1 : read(fd, &label, 1);
  // That no security module has one is so for good.
  if (size < 0 && (errno == ENOENT || errno == EINVAL))
    atomic_store(&none, true);
  es_close_if_open(fd);
  return size > 0;
}

static bool wants_helper(const struct es_start *s) {
  const elfspawn_t *r = s->request;
  if (es_needs_helper(r))
    return true;
  if (r->policy == ELFSPAWN_DIRECT || atomic_load(&es_refused.helper))
    return false;
  return (r->may_block || r->changes_credentials) && !has_exec_label();
}

/* The saved and the file system's ids become the effective ones in an exec: a
   helper would open files, or fail to change its ids, as nobody asked for. */
static bool exec_keeps_ids(void) {
  uid_t user[3];
  gid_t group[3];
  const long no_change = -1;
  return getresuid(&user[0], &user[1], &user[2]) == 0 &&
         getresgid(&group[0], &group[1], &group[2]) == 0 &&
         user[2] == user[1] && group[2] == group[1] &&
         (uid_t)setfsuid((uid_t)no_change) == user[1] &&
         (gid_t)setfsgid((gid_t)no_change) == group[1];
}

static int choose_route(struct es_start *s, struct elfspawn_error *error) {
  struct es_child *c = &s->child;
  c->image.fd = -1;
  c->hidden = es_own_image();
  c->may_go_direct = !es_needs_helper(s->request);
  if (wants_helper(s)) {
    c->is_root = geteuid() == 0;
    int result = EPERM;
    if (exec_keeps_ids())
      result = es_image(&c->image, &s->is_file, &c->helper_file);
    if (result && !c->may_go_direct)
      return es_fail(error, ELFSPAWN_STEP_HELPER, result);
    if (result)
      c->image.fd = -1;
  }
  bool needs_pipe = c->image.fd >= 0 || !atomic_load(&es_memory_is_shared) ||
                    atomic_load(&es_refused.sharing);
  if (needs_pipe && s->pipe[0] < 0) {
    int result = make_pipe(s->pipe);
    // Without a descriptor left, a child that shares memory needs none.
    if ((result == EMFILE || result == ENFILE) && c->may_go_direct &&
        atomic_load(&es_memory_is_shared) &&
        !atomic_load(&es_refused.sharing)) {
      c->image.fd = -1;
      needs_pipe = false;
    } else if (result) {
      return es_fail(error, ELFSPAWN_STEP_PREPARE, result);
    }
  }
  c->report.fd = needs_pipe ? s->pipe[1] : -1;
  c->report_reader = s->pipe[0];
  return 0;
}

static int max(int a, int b) { return a > b ? a : b; }

/* The child opens the library's descriptors anew where that is cheaper than a
   copy of all that are below them. */
static void find_highest(struct es_start *s) {
  enum { MANY = 128 };
  struct es_child *c = &s->child;
  c->highest = c->highest_needed = -1;
  c->opens_anew = false;
  if (s->request->keep_others)
    return;
  struct es_descriptor *own[] = {&c->report, &c->image, &c->streams[0],
                                 &c->streams[1], &c->streams[2]};
  c->highest = c->highest_needed = s->e->highest;
  for (size_t n = 0; n != 5; ++n)
    c->highest = max(c->highest, own[n]->fd);
  if (c->highest - c->highest_needed < MANY ||
      atomic_load(&es_refused.opening_anew))
    return;
  c->opens_anew = true;
  c->parent_thread = (int)syscall(SYS_gettid);
  // The image is known; whether its number still means it is what is asked.
  for (size_t n = 0; n != 5; ++n)
    if (own[n] != &c->image && own[n]->fd >= 0 && es_identify(own[n]) != 0)
      c->opens_anew = false;
}

static int attempt(struct es_start *s, struct elfspawn_error *error) {
  static const char nothing[] = {ES_CLOEXEC, 0};
  struct es_child *c = &s->child;
  int result = choose_route(s, error);
  if (result)
    return result;
  c->strings = s->strings;
  c->strings[0] = (char *)ES_MAGIC;
  for (int slot = ES_SLOT_HEADER; slot != ES_SLOT_END; ++slot)
    c->strings[slot] = (char *)nothing;
  memcpy(c->strings + ES_SLOT_END, s->e->strings, s->e->count * sizeof(char *));
  find_highest(s);
  long pid = es_clone_child(s);
  if (s->lacks_report)
    return EAGAIN;
  if (pid < 0)
    return es_fail(error, ELFSPAWN_STEP_PROCESS, (int)-pid);
  s->pid = (pid_t)pid;
  return es_outcome(s, error);
}

static void fill_child(const struct es_start *s, struct elfspawn_child *child) {
  const struct es_child *c = &s->child;
  bool by_helper = c->image.fd >= 0 && s->result.image_error == 0;
  *child = (struct elfspawn_child){.pid = s->pid,
                                   .pidfd = s->pidfd,
                                   .route = by_helper ? ELFSPAWN_ROUTE_HELPER
                                                      : ELFSPAWN_ROUTE_DIRECT,
                                   .details = s->details};
  if (!by_helper)
    child->details &= ~(unsigned)ELFSPAWN_HELPER_FILE;
  if (s->result.by_proc)
    child->details |= ELFSPAWN_BY_PROC;
  if (s->result.by_file)
    child->details |= ELFSPAWN_HELPER_FILE;
  if (s->result.copied_table)
    child->details |= ELFSPAWN_TABLE_COPIED;
  if (child->pidfd < 0 && s->wants_pidfd)
    child->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
  child->pidfd = es_above_streams(child->pidfd);
}

static int run(struct es_start *s, const int streams[3],
               struct elfspawn_error *error) {
  const elfspawn_t *r = s->request;
  int result = r->error;
  if (!result && ((!r->paths.count && r->executable < 0) ||
                  (r->policy == ELFSPAWN_DIRECT && r->timeout >= 0)))
    result = EINVAL;
  if (result)
    return es_fail(error, ELFSPAWN_STEP_REQUEST, result);
  s->e = encode(r, &result);
  if (!result)
    result = prepare(s, streams);
  if (result)
    return es_fail(error, ELFSPAWN_STEP_PREPARE, result);
  s->end = r->timeout < 0 ? -1 : es_now() + r->timeout;
  // An attempt that says EAGAIN has found out what no later one tries again, or
  // it was robbed of its image, which whoever closes all descriptors may do
  // again.
  for (int n = 0; n != ATTEMPTS; ++n) {
    result = attempt(s, error);
    if (result != EAGAIN || error->step != ELFSPAWN_STEP_NONE)
      return result;
  }
  return es_fail(error, ELFSPAWN_STEP_HELPER, EBADF);
}

int es_start(const elfspawn_t *r, const int streams[3],
             struct elfspawn_child *child, struct elfspawn_error *error) {
  struct elfspawn_error ignored;
  if (!error)
    error = &ignored;
  *error = (struct elfspawn_error){0, ELFSPAWN_STEP_NONE, -1, 0};
  int saved_errno = errno, cancellation;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
  struct es_start s = {.request = r,
                       .pipe = {-1, -1},
                       .input = -1,
                       .pidfd = -1,
                       .wants_pidfd = child && !r->no_pidfd};
  int result = run(&s, streams, error);
  if (result == 0 && child)
    fill_child(&s, child);
  else if (result == 0)
    es_close_if_open(s.pidfd);
  release(&s);
  pthread_setcancelstate(cancellation, NULL);
  errno = saved_errno;
  return result;
}

int elfspawn_start(const elfspawn_t *r, struct elfspawn_child *child,
                   struct elfspawn_error *error) {
  return es_start(r, (const int[3]){-1, -1, -1}, child, error);
}
