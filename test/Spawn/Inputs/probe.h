// What a child has: a program that includes this and calls probe first runs
// itself with the argument "probe" to see it.
#include "names.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char self[4096];

static void probe_descriptors(void) {
  for (int fd = 0; fd < 64; ++fd) {
    char name[64], path[4096], *last;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
      continue;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = 0;
    last = strrchr(path, '/');
    // Of pipes and the like only that they are none of the named files.
    printf(" %d=%s,%s", fd, last && fd > 2 ? last + 1 : "?",
           (flags & O_ACCMODE) == O_RDONLY   ? "r"
           : (flags & O_ACCMODE) == O_WRONLY ? "w"
                                             : "rw");
    if (flags & O_APPEND)
      printf("a");
  }
}

static void probe_status(void) {
  char line[256];
  FILE *file = fopen("/proc/self/status", "re");
  // glibc has its own two, 32 and 33, ignored in the child; nobody can tell.
  while (file && fgets(line, sizeof(line), file))
    if (!strncmp(line, "Sig", 3) && strncmp(line, "SigQ", 4))
      printf(" %.3s %016llx", line + 3,
             strtoull(line + 8, NULL, 16) & ~0x180000000ULL);
  if (file)
    fclose(file);
}

/* probe: descriptors and directory; probe-process: everything else. */
static void probe(int argc, char **argv) {
  ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
  self[size < 0 ? 0 : size] = 0;
  if (argc < 2 || strncmp(argv[1], "probe", 5))
    return;
  if (!strcmp(argv[1], "probe")) {
    char path[4096];
    printf("  child: fds");
    probe_descriptors();
    if (getcwd(path, sizeof(path)))
      printf(" in %s", strrchr(path, '/') + 1);
    mode_t mask = umask(0);
    printf(" umask %o\n", (unsigned)mask);
  } else {
    struct sched_param parameter = {0};
    sched_getparam(0, &parameter);
    uid_t r, e, s;
    gid_t gr, ge, gs;
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("  child: leader %d session %d same-group %d policy %d,%d nice %d",
           getpgrp() == getpid(), getsid(0) == getpid(),
           getpgrp() == getpgid(getppid()), sched_getscheduler(0),
           parameter.sched_priority, getpriority(PRIO_PROCESS, 0));
    printf(" uid %d,%d,%d gid %d,%d,%d", r, e, s, gr, ge, gs);
    probe_status();
    printf(" parent %d\n", argc > 2 && atoi(argv[2]) == getppid());
  }
  fflush(stdout);
  _exit(0);
}

/* Waits and tells, the same for every outcome. */
static void outcome(const char *what, int result, pid_t pid) {
  if (result != 0) {
    printf("%s: %s, pid %s\n", what, strerrorname_np(result),
           pid == -7 ? "as it was" : "changed");
  } else {
    int status = 0;
    pid_t waited = waitpid(pid, &status, 0);
    printf("%s: started, waited %d, status %#x\n", what, waited == pid, status);
  }
  fflush(stdout);
}
