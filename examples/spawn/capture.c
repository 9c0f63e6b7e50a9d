//===- capture.c - What a command writes, until a deadline ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   capture MILLISECONDS COMMAND [ARG...]
//
// Writes what the command wrote to its standard output, and its status or that
// it was too slow. It is ended together with all processes of its group. The
// status is the command's, 128 and its signal, or 124 after the deadline.
//
//===----------------------------------------------------------------------===//

#include <elfmerge/spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: capture MILLISECONDS COMMAND [ARG...]\n");
    return 2;
  }
  int deadline = atoi(argv[1]);
  elfspawn_t *request = elfspawn_create();
  if (!request) {
    perror("capture");
    return 1;
  }
  elfspawn_set_file(request, argv[2], NULL);
  elfspawn_set_arguments(request, argv + 2);
  elfspawn_set_input(request, "", 0);
  elfspawn_set_process_group(request, 0);
  // The deadline is for the command; that the command runs at all, as its file
  // may be on a disk that does not answer, is the timeout's.
  elfspawn_set_timeout(request, deadline > 0 ? deadline : -1);

  struct elfspawn_run run = {.deadline = deadline,
                             .limit = 1 << 20,
                             .capture_output = true,
                             .kill_group = true};
  struct elfspawn_error error;
  int result = elfspawn_run(request, &run, &error);
  elfspawn_free(request);
  if (result) {
    char text[200];
    fprintf(stderr, "capture: %s: %s\n", argv[2],
            elfspawn_describe(&error, text, sizeof(text)));
    return error.step == ELFSPAWN_STEP_TIMEOUT ? 124 : 127;
  }
  if (fwrite(run.output, 1, run.output_size, stdout) != run.output_size ||
      fflush(stdout) != 0)
    perror("capture");
  fprintf(stderr, "capture: %zu bytes%s\n", run.output_size,
          run.truncated ? ", the rest was dropped" : "");
  free(run.output);
  if (run.timed_out) {
    fprintf(stderr, "capture: killed after %d ms\n", deadline);
    return 124;
  }
  return WIFEXITED(run.status) ? WEXITSTATUS(run.status)
                               : 128 + WTERMSIG(run.status);
}
