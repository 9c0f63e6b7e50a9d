//===- Space.h - What an instance has in memory, and the end of it --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How it comes, how it is given back, and what is made of it anew.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SPACE_H
#define ELFMERGE_SPACE_H

#include "Runtime.h"

#pragma GCC visibility push(hidden)

/* Map.c: address space of instances */

/** Maps what the kernel did not and fills in the slots. */
void em_map_instance(struct instance *instance);
/** Fills in the slot at \p page and makes it read-only. 0 or -errno. */
long em_fill_slot(void *page, struct instance *instance, uint64_t role);
/** A new descriptor of the image file, or -errno. */
long em_open_image(void);
/** Closes the one that mapping needed. */
void em_close_image(void);
/** Maps the contents of an instance's blobs again, at the same addresses. 0 or
    -errno. */
long em_map_anew(struct instance *instance);
/** Gives what the instance wrote to its blobs back. Their addresses stay. */
void em_give_blobs_back(struct instance *instance);

/* Mappings.c: everything else that an instance has in memory */

/** Does it matter which addresses an instance has mapped? */
bool em_tracks_mappings(void);
static inline bool em_is_mapping_call(long nr) {
  return nr == SYS_mmap || nr == SYS_munmap || nr == SYS_mremap ||
         nr == SYS_shmat || nr == SYS_shmdt;
}
/** One of those. True: the frame holds the result; false: to be executed in
    place. */
bool em_mapping_call(struct instance *instance, struct em_frame *frame);
/** What the runtime has mapped for \p instance. */
void em_add_mapping(struct instance *instance, uintptr_t start, size_t size);
/** When the instance has no thread left. */
void em_unmap_all(struct instance *instance);

/* Stack.c */

/** Maps the stack and lays out what the program finds on it. 0 or -errno. */
long em_build_stack(struct instance *instance);

/* Break.c */
long em_brk(struct instance *instance, uintptr_t address);

/* Reclaim.c: after the end of an instance */

/** Would \p instance, which ends with its status, be started again? */
bool em_restarts(const struct instance *instance);
/** Gives back what \p instance had. It has no thread left. */
void em_reclaim(struct instance *instance);
/** Makes a reclaimed instance what it was before its first start. 0 or
    -errno. */
long em_renew(struct instance *instance);
/** A child has ended: it may be nobody's. */
void em_notice_orphans(void);
/** Gives back and starts again what has ended. False: some threads are not gone
    yet. */
bool em_settle_all(void);
void em_look_after_orphans(void);

#pragma GCC visibility pop

#endif /* ELFMERGE_SPACE_H */
