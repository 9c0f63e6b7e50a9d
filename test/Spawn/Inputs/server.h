// A server with many threads that starts programs all the time, while others of
// its threads do what makes fork dangerous.
#include "check.h"
#include <sched.h>

enum { THREADS = 64 };

/* The kinds of start, one after another in every thread: the policies, and
   ELFSPAWN_AUTO with nothing to open, which goes direct. */
enum { KINDS = 4, NOTHING_TO_OPEN = 3 };

static const char *target, *log_path, *directory;
static int log_file, starts;
static atomic_int ended, started, routes[2];
static atomic_bool over;

//===-------------------- What makes a fork dangerous ---------------------===//

/* Held by a thread of its own as long as there is something to start: a fork
   would wait for it for ever. */
static pthread_mutex_t forbidden = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) { pthread_mutex_lock(&forbidden); }
static void after_fork(void) { pthread_mutex_unlock(&forbidden); }

static void *hold_lock(void *unused) {
  pthread_mutex_lock(&forbidden);
  while (!over)
    usleep(1000);
  pthread_mutex_unlock(&forbidden);
  return unused;
}

/* Descriptors without close-on-exec that come and go: no child may have one. */
static void *open_and_close(void *unused) {
  int copies[16];
  while (!over) {
    for (int n = 0; n != 16; ++n)
      copies[n] = n % 2 ? dup(0) : open("/dev/zero", O_RDWR);
    sched_yield();
    for (int n = 0; n != 16; ++n)
      close(copies[n]);
    usleep(200);
  }
  return unused;
}

static void *allocate(void *unused) {
  unsigned seed = 1;
  void *blocks[64] = {0};
  while (!over) {
    for (int n = 0; n != 64; ++n) {
      free(blocks[n]);
      blocks[n] = malloc((size_t)rand_r(&seed) % 5000);
    }
    usleep(200);
  }
  for (int n = 0; n != 64; ++n)
    free(blocks[n]);
  return unused;
}

//===------------------------------ A thread ------------------------------===//

/* The same as a server has it: a pipe for what it says, a log, no input, its
   own directory. 0 to 5, of which 5 is a descriptor that was asked for. */
static elfspawn_t *make_request(int kind, int out, const char *token) {
  elfspawn_t *r = elfspawn_create();
  char say[32];
  char *arguments[] = {"target", "fds=0,1,2,5", "eof", "here=mark",
                       say,      "log=line",    NULL};
  CHECK(r);
  snprintf(say, sizeof(say), "say=%s", token);
  elfspawn_set_path(r, target);
  elfspawn_set_arguments(r, arguments);
  if (kind == NOTHING_TO_OPEN) {
    elfspawn_add_error_output(r, log_file);
  } else {
    elfspawn_set_policy(r, (enum elfspawn_policy)kind);
    elfspawn_add_open(r, 0, "/dev/null", O_RDONLY, 0);
    elfspawn_add_open(r, 2, log_path, O_WRONLY | O_APPEND, 0);
  }
  elfspawn_add_output(r, out);
  elfspawn_add_dup(r, 0, 5);
  elfspawn_add_chdir(r, directory);
  elfspawn_set_variable(r, "TOKEN", token);
  return r;
}

static void start_one(int kind, const char *token) {
  int ends[2], status;
  struct elfspawn_child child;
  struct elfspawn_error error;
  char said[64] = "", wanted[64];
  static const char *const kinds[] = {"auto", "helper", "direct",
                                      "auto, nothing to open"};
  CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
  elfspawn_t *r = make_request(kind, ends[1], token);
  if (elfspawn_start(r, &child, &error) != 0) {
    show_error(kinds[kind], &error);
    _exit(1);
  }
  ++started;
  ++routes[child.route];
  close(ends[1]);
  // Its end comes, so nobody else has the pipe for long.
  size_t have = 0;
  ssize_t size;
  while ((size = read(ends[0], said + have, sizeof(said) - 1 - have)) > 0)
    have += (size_t)size;
  close(ends[0]);
  CHECK_EQUAL(elfspawn_wait(&child, -1, &status), 0);
  snprintf(wanted, sizeof(wanted), "%s\n", token);
  if (status != 0 || strcmp(said, wanted) != 0)
    FAIL("%s: status %#x, said '%s', not '%s'",
         kinds[kind], status, said, wanted);
  elfspawn_free(r);
}

static void *serve(void *number) {
  char token[32];
  for (int n = 0; n != starts; ++n) {
    snprintf(token, sizeof(token), "%ld.%d", (long)number, n);
    start_one((int)(((long)number + n) % KINDS), token);
  }
  ++ended;
  return NULL;
}

//===------------------------------- Rounds -------------------------------===//

static void one_round(void *(*const others[])(void *), int count) {
  pthread_t threads[THREADS], more[8];
  over = false;
  for (int n = 0; n != count; ++n)
    CHECK_EQUAL(pthread_create(&more[n], NULL, others[n], NULL), 0);
  for (long n = 0; n != THREADS; ++n)
    CHECK_EQUAL(pthread_create(&threads[n], NULL, serve, (void *)n), 0);
  for (int n = 0; n != THREADS; ++n)
    pthread_join(threads[n], NULL);
  over = true;
  for (int n = 0; n != count; ++n)
    pthread_join(more[n], NULL);
}

/* server <target> <log> <directory> <starts of each thread> */
static void set_up(char **argv) {
  target = argv[1];
  log_path = argv[2];
  directory = argv[3];
  starts = atoi(argv[4]);
  close_range(3, ~0U, 0);
  CHECK_EQUAL(close(0), 0);
  CHECK_EQUAL(open("/dev/null", O_RDONLY), 0);
  log_file = open(log_path, O_WRONLY | O_APPEND); // Not close-on-exec.
  CHECK(log_file > 2);
  pthread_atfork(before_fork, after_fork, after_fork);
}
