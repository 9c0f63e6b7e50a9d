//===- cgroup.c - A command in a cgroup from the start -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   cgroup [MOUNT]
//
// Makes a cgroup below its own one, has a command tell in which cgroup it is,
// and removes the cgroup again. MOUNT is where cgroups of version 2 are
// mounted, by default /sys/fs/cgroup. The status is 77 where there are none or
// none may be made.
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include <elfmerge/spawn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The cgroup of this process, as /proc tells it: a line "0::/path". */
static bool own_cgroup(char *path, size_t size) {
  bool found = false;
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file)
    return false;
  char line[PATH_MAX];
  while (!found && fgets(line, sizeof(line), file)) {
    line[strcspn(line, "\n")] = 0;
    found = strncmp(line, "0::", 3) == 0;
    if (found)
      snprintf(path, size, "%s", line + 3);
  }
  fclose(file);
  return found;
}

/* Runs the command in the cgroup of this descriptor. */
static int run_in(int fd) {
  elfspawn_t *request = elfspawn_create();
  if (!request)
    return ENOMEM;
  elfspawn_set_path(request, "/bin/cat");
  elfspawn_set_arguments(request, (char *[]){"cat", "/proc/self/cgroup", NULL});
  elfspawn_set_cgroup(request, fd);
  struct elfspawn_child child;
  struct elfspawn_error error;
  int status, result = elfspawn_start(request, &child, &error);
  elfspawn_free(request);
  if (result) {
    char text[200];
    fprintf(stderr, "cgroup: %s\n",
            elfspawn_describe(&error, text, sizeof(text)));
    return result;
  }
  result = elfspawn_wait(&child, -1, &status);
  if (!result)
    printf("%s\n", child.details & ELFSPAWN_BY_CLONE3 ? "started by clone3"
                                                      : "started by clone");
  return result ? result : status;
}

int main(int argc, char **argv) {
  const char *mount = argc > 1 ? argv[1] : "/sys/fs/cgroup";
  char own[PATH_MAX], path[2 * PATH_MAX];
  struct statfs s;
  if (statfs(mount, &s) != 0 || s.f_type != CGROUP2_SUPER_MAGIC ||
      !own_cgroup(own, sizeof(own))) {
    fprintf(stderr, "cgroup: %s: no cgroups of version 2\n", mount);
    return 77;
  }
  snprintf(path, sizeof(path), "%s%s/elfspawn.%d", mount, own, (int)getpid());
  if (mkdir(path, 0755) != 0) {
    fprintf(stderr, "cgroup: %s: %s\n", path, strerror(errno));
    return 77;
  }
  fflush(stdout);
  int result = 1, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    perror(path);
  else {
    result = run_in(fd) != 0;
    close(fd);
  }
  if (rmdir(path) != 0) {
    perror(path);
    result = 1;
  }
  return result;
}
