//===- Strings.h - Memory of a request ------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_STRINGS_H
#define ELFMERGE_RUNTIME_SPAWN_STRINGS_H

#include "Spawn.h"

/** A new string as asprintf's, or NULL. */
ES_HIDDEN char *es_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/** Adds \p item, which is the list's from now on. ENOMEM: it is freed; so it is
    passed on if it is NULL. */
ES_HIDDEN int es_list_add(struct es_list *, char *item);
/** Replaces the list by a copy of strings that end with a null pointer. */
ES_HIDDEN int es_list_copy(struct es_list *, char *const strings[]);
/** Leaves the list empty. */
ES_HIDDEN void es_list_free(struct es_list *);

/** The request is not what was started before. */
ES_HIDDEN void es_changes(elfspawn_t *);
/** Returns the error, which the request remembers if it is the first one. */
ES_HIDDEN int es_result(elfspawn_t *, int error);

#endif // ELFMERGE_RUNTIME_SPAWN_STRINGS_H
