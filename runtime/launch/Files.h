//===- Files.h - Files that are not what they are natively ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Libraries that an image serves to dynamic linkers, and what a program reads
/// of its process.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_FILES_H
#define ELFMERGE_FILES_H

#include "Runtime.h"

#pragma GCC visibility push(hidden)

/* Libraries.c */

/** Makes a memfd of every library that \p spec needs. */
void em_open_libraries(const struct em_spec *spec);
/** A new descriptor of an empty file that can be sealed, or -errno. */
long em_make_memory_file(const char *name);
/** In a new instance: closes what it inherited from the launcher. */
void em_close_inherited(void);
/** The interpreter's open, openat, fstat and mmap. True: the result
    is valid, or stat is filled in; false: the call is none of ours. */
bool em_open_library(struct instance *instance, const char *path, long *result);
bool em_stat_library(struct instance *instance, int fd, struct em_stat *stat);
bool em_map_library(struct instance *instance, const long *args, long *result);

/* Path.c */

enum { EM_OWN_PATH = 360 };
enum em_path {
  EM_PATH_PLAIN,
  EM_PATH_LED, /* through the process, to what instances have for themselves */
  EM_PATH_ARGUMENTS, /* /proc/self/cmdline */
  EM_PATH_ENVIRONMENT,
};
/** May \p path, which may not be there, be one that em_own_path leads? */
bool em_is_special(const char *path);
/** What \p path, which may not be there, is to \p instance. If it is led, \p
    own is where. */
enum em_path em_own_path(const struct instance *instance, const char *path,
                         char own[EM_OWN_PATH]);

/* Proc.c */

/** Is \p fd a pidfd of the own process, or its folder in /proc? */
bool em_is_own_pidfd(int fd);

/** Opens a file with the instance's arguments or environment. A descriptor or
    -errno; -EINVAL when it is not to be opened for reading. */
long em_open_proc(struct instance *instance, enum em_path what, long flags);

#pragma GCC visibility pop

#endif /* ELFMERGE_FILES_H */
