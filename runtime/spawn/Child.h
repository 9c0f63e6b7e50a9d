//===- Child.h - The parent and its child, before an exec -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_CHILD_H
#define ELFMERGE_RUNTIME_SPAWN_CHILD_H

#include "Actions.h"

/** Which file a descriptor is. */
struct es_identity {
  uint32_t device_major, device_minor;
  uint64_t inode;
};

enum es_state {
  ES_NOT_RUN, ///< or the child has a copy of the memory
  ES_RUNNING,
  /** The table of descriptors is shared and cannot be made private. */
  ES_NO_TABLE,
  /** The library's descriptors could not be opened anew. */
  ES_NO_DESCRIPTORS,
  /** The helper's descriptor is another file. */
  ES_NO_IMAGE,
  ES_FAILED,
};

/** Strings that differ from start to start. */
enum es_slot {
  ES_SLOT_HEADER = 1,
  ES_SLOT_CLOEXEC,
  ES_SLOT_RESTORECAPS,
  ES_SLOT_STREAMS,
  ES_SLOT_END = ES_SLOT_STREAMS + 3,
};

/** A descriptor of the library's: the number is -1 if there is none. */
struct es_descriptor {
  int fd;
  struct es_identity identity;
};

/** What the child tells. The parent sees it if memory is shared. */
struct es_result {
  volatile enum es_state state;
  struct es_record failure;
  int image_error; ///< why the helper was not executed
  bool by_proc, by_file, copied_table;
};

/** What the child is told. It works on a copy. */
struct es_child {
  struct es_result *result;
  char **strings; ///< this child's own, with room in the slots
  char **environment;
  const int *needed, *named;
  size_t needed_count, named_count;
  /** The library's own: in place of 0, 1 and 2; the report; the helper's file,
      without which the child goes direct. */
  struct es_descriptor streams[3], report, image;
  /** More of its own, which no action may find: the helper's file, used or not,
      the other end of the report, and the child's pidfd. */
  struct es_descriptor hidden;
  int report_reader;
  const int *pidfd;
  const char *helper_file; ///< a null pointer if there is none
  /** The highest descriptor that has to be kept of the parent's, without the
      library's own and with them; -1: all are kept. */
  int highest_needed, highest;
  int closed_above; ///< found out by the child
  int parent, parent_thread;
  unsigned flags; ///< es_flag
  uint64_t mask;
  bool shares_table, opens_anew, has_handlers, may_go_direct, is_root;
  char *header, *cloexec, *restorecaps; ///< room for the slots' strings
  char stream_strings[3][16];
};

/** Steps of the library's own. */
enum { ES_NO_PREPARATION = '1', ES_NO_HELPER = '3' };

/** What is reserved for es_child's header and restorecaps. */
enum { ES_HEADER_ROOM = 64 };

/** The child. Ends in an exec or in exit_group. */
ES_HIDDEN void es_child_main(void *child);

/** Has the capabilities that this process has outlive the exec of a program
   that is not root's. Puts into \p restore, which has ES_HEADER_ROOM bytes, the
    operation that takes that back, or nothing. False: it cannot be done, and
    what was done of it has to be taken back. */
ES_HIDDEN bool es_keep_capabilities(bool is_root, char *restore);

/** Puts a number in a request's form, and a zero byte, which it returns. */
ES_HIDDEN char *es_put_number(char *at, uint64_t value);

/** arch/<name>/spawn/clone.S. */
ES_HIDDEN long es_clone(long nr, const long args[5], void (*function)(void *),
                        void *argument);

#endif // ELFMERGE_RUNTIME_SPAWN_CHILD_H
