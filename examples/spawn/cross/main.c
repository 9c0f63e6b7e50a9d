//===- main.c - A helper for AArch64 inside a program for AArch64 --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   cross FILE
//
// Writes the helper that is embedded in this program to a file, which can then
// be executed. A program that spawns would write it to a memfd.
//
//===----------------------------------------------------------------------===//

#include "aarch64_helper.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: cross FILE\n");
    return 2;
  }
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (fd < 0) {
    perror(argv[1]);
    return 1;
  }
  ssize_t written = write(fd, aarch64_helper, aarch64_helper_size);
  if (written != (ssize_t)aarch64_helper_size || close(fd) != 0) {
    perror(argv[1]);
    unlink(argv[1]);
    return 1;
  }
  printf("%s: %zu bytes\n", argv[1], aarch64_helper_size);
  return 0;
}
