//===- drop-privileges.c - A command with less than root has -------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   drop-privileges ACCOUNT COMMAND [ARG...]
//
// Runs the command as that user and its groups, with an empty capability
// bounding set, no way to get privileges again, a small environment, limits,
// and no descriptors but 0, 1 and 2. It is started by the helper: no process
// that has the user's id and this one's memory exists at any time.
//
//===----------------------------------------------------------------------===//

#include <elfmerge/spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void describe_job(elfspawn_t *request, const char *account,
                         char **arguments) {
  static char *environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
  elfspawn_set_file(request, arguments[0], "/usr/bin:/bin");
  elfspawn_set_arguments(request, arguments);
  elfspawn_set_environment(request, environment);
  elfspawn_add_chdir(request, "/");
  elfspawn_add_umask(request, 077);
  elfspawn_set_limit(request, RLIMIT_NOFILE, 64, 64);
  elfspawn_set_limit(request, RLIMIT_CPU, 10, 10); // Seconds.
  elfspawn_set_limit(request, RLIMIT_CORE, 0, 0);
  elfspawn_set_bounding(request, 0);
  elfspawn_set_account(request, account);
  elfspawn_set_no_new_privileges(request, true);
  elfspawn_set_policy(request, ELFSPAWN_HELPER); // Or not at all.
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: drop-privileges ACCOUNT COMMAND [ARG...]\n");
    return 2;
  }
  if (geteuid() != 0) {
    fprintf(stderr, "drop-privileges: only root has something to drop\n");
    return 77;
  }
  elfspawn_t *request = elfspawn_create();
  if (!request) {
    perror("drop-privileges");
    return 1;
  }
  describe_job(request, argv[1], argv + 2);

  struct elfspawn_child child;
  struct elfspawn_error error;
  int status, result = elfspawn_start(request, &child, &error);
  elfspawn_free(request);
  if (result) {
    char text[200];
    fprintf(stderr, "drop-privileges: %s\n",
            elfspawn_describe(&error, text, sizeof(text)));
    return 127;
  }
  if (elfspawn_wait(&child, -1, &status) != 0)
    return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
