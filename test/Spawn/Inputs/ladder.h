// Starts after something was taken away: by which route, with which details, and
// whether the target has just what it should have.
#include <stdatomic.h>
#include "check.h"
#include <signal.h>

static char *target;

static bool has_proc(void) { return access("/proc/self/status", R_OK) == 0; }

/* One with something of each kind, whose target tells all about itself. A
   descriptor that nobody asked for is open, and so is a close-on-exec one that
   is to be inherited. */
static elfspawn_t *make_request(int policy, int file, int out) {
  elfspawn_t *r = elfspawn_create();
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  sigaddset(&mask, 40);
  elfspawn_set_path(r, target);
  elfspawn_set_arguments(
      r, (char *[]){"target", "fds=0,1,2,5,7,70", "eof", "here=null", "say=yes",
                    "env", has_proc() ? "cat=/proc/self/status" : NULL, NULL});
  elfspawn_set_policy(r, (enum elfspawn_policy)policy);
  elfspawn_add_open(r, 0, "/dev/null", O_RDONLY, 0);
  elfspawn_add_chdir(r, "/dev");
  elfspawn_add_dup(r, file, 5);
  elfspawn_add_inherit(r, file);
  elfspawn_add_output(r, out);
  elfspawn_add_open(r, 70, "/dev/zero", O_RDONLY, 0);
  elfspawn_set_environment(r, (char *[]){"A=first", "B=", NULL});
  elfspawn_set_variable(r, "C", "third");
  elfspawn_set_signal_mask(r, &mask);
  return r;
}

static const char *detail_names(unsigned details) {
  static const char *const names[] = {"clone3", "fork", "copied", "proc",
                                      "file"};
  static char text[64];
  text[0] = 0;
  for (int n = 0; n != 5; ++n)
    if (details >> n & 1)
      strcat(strcat(text, " "), names[n]);
  return text;
}

static char *read_all(int fd) {
  static char text[16384];
  size_t have = 0;
  ssize_t size;
  while ((size = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
    have += (size_t)size;
  text[have] = 0;
  return text;
}

/* Prints how a request with this policy was started, or why not. */
static void show(int policy) {
  struct elfspawn_child child;
  struct elfspawn_error e;
  int ends[2], status;
  const char *name = policy_name((enum elfspawn_policy)policy);
  CHECK_EQUAL(dup2(1, 9), 9); // Nobody asked for it.
  CHECK_EQUAL(dup3(0, 7, O_CLOEXEC), 7);
  CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
  fflush(stdout);
  elfspawn_t *r = make_request(policy, 7, ends[1]);
  int before = has_proc() ? count_descriptors() : 0;
  int error = elfspawn_start(r, &child, &e);
  close(ends[1]);
  if (error) {
    CHECK_EQUAL(e.error, error);
    printf("%s: step %c, %s", name, e.step, strerror(error));
  } else {
    char *text = read_all(ends[0]);
    CHECK_EQUAL(elfspawn_wait(&child, -1, &status), 0);
    if (status)
      FAIL("%s: status %#x", name, (unsigned)status);
    if (strncmp(text, "yes\nA=first\nB=\nC=third\n", 23) != 0)
      FAIL("%s: environment: %s", name, text);
    if (has_proc() && !strstr(text, "SigBlk:\t0000008000000800\n"))
      FAIL("%s: mask: %s", name, text);
    printf("%s: %s%s", name, child.route == ELFSPAWN_ROUTE_HELPER ? "helper" : "direct",
           detail_names(child.details));
  }
  CHECK(!has_children());
  close(ends[0]);
  close(7);
  close(9);
  static int settled;
  if (has_proc()) {
    // The helper in memory is made once.
    int more = count_descriptors() + 4 - before;
    CHECK(more == 0 || (more == 1 && !settled));
    settled |= more;
  }
  elfspawn_free(r);
}

/* All policies on one line, which begins with a title. What was found out by the
   first is known to the others, so there are two orders. */
static void show_all(const char *title, bool reversed) {
  static const int order[] = {ELFSPAWN_AUTO, ELFSPAWN_HELPER, ELFSPAWN_DIRECT,
                              ELFSPAWN_NO_FORK};
  for (int i = 0; i != 4; ++i) {
    printf(i ? "; " : "%s: ", title);
    show(order[reversed ? 3 - i : i]);
  }
  puts("");
}

static void set_up(char **argv) {
  target = argv[1];
  close_range(3, ~0U, 0);
}
