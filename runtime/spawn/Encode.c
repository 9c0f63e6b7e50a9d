//===- Encode.c - A request in the order in which it is carried out -------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Spawn.h"
#include "Strings.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is being made, and how far it is. */
struct encoder {
  const elfspawn_t *request;
  struct es_encoded *e;
  size_t room;
  bool failed;
};

static void put_for(struct encoder *n, char *string, int action) {
  struct es_encoded *e = n->e;
  if (!string || e->count == n->room) {
    n->failed = true;
    free(string);
    return;
  }
  e->action_of[e->count] = action;
  e->strings[e->count++] = string;
}

static void put(struct encoder *n, char *string) { put_for(n, string, -1); }

static int compare(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return x < y ? -1 : x > y;
}

static size_t sort_unique(int *numbers, size_t count) {
  size_t kept = 0;
  qsort(numbers, count, sizeof(*numbers), compare);
  for (size_t n = 0; n != count; ++n)
    if (kept == 0 || numbers[kept - 1] != numbers[n])
      numbers[kept++] = numbers[n];
  return kept;
}

/* Which of the parent's descriptors are read, and which numbers are spoken of.
 */
static void find_descriptors(struct encoder *n) {
  const elfspawn_t *r = n->request;
  struct es_encoded *e = n->e;
  for (int fd = 0; fd != 3; ++fd)
    e->named[e->named_count++] = fd;
  int others[] = {r->cgroup, r->executable};
  for (size_t i = 0; i != 2; ++i)
    if (others[i] >= 0)
      e->needed[e->needed_count++] = others[i];
  for (size_t i = 0; i != r->action_count; ++i) {
    if (r->actions[i].source >= 0)
      e->needed[e->needed_count++] = r->actions[i].source;
    if (r->actions[i].target >= 0)
      e->named[e->named_count++] = r->actions[i].target;
  }
  e->needed_count = sort_unique(e->needed, e->needed_count);
  memcpy(e->named + e->named_count, e->needed,
         e->needed_count * sizeof(*e->needed));
  e->named_count = sort_unique(e->named, e->named_count + e->needed_count);
  e->highest = 2;
  if (e->needed_count && e->needed[e->needed_count - 1] > 2)
    e->highest = e->needed[e->needed_count - 1];
  e->most_cloexec = 2 + 9 * (e->needed_count + 3); // with the streams
}

/* Closes what the target is not to have: all that no action made or left open
   on purpose. The executable closes itself. */
static void put_closes(struct encoder *n) {
  const elfspawn_t *r = n->request;
  size_t count = 0;
  int *kept = malloc((r->action_count + 4) * sizeof(*kept));
  if (!kept) {
    n->failed = true;
    return;
  }
  for (int fd = 0; fd != 3; ++fd)
    kept[count++] = fd;
  for (size_t i = 0; i != r->action_count; ++i)
    if (r->actions[i].target >= 0)
      kept[count++] = r->actions[i].target;
  if (r->executable >= 0)
    kept[count++] = r->executable;
  count = sort_unique(kept, count);
  for (size_t i = 0; i != count; ++i) {
    unsigned first = (unsigned)kept[i] + 1;
    unsigned last = i + 1 == count ? ~0U : (unsigned)kept[i + 1] - 1;
    if (i + 1 == count || first <= last)
      put(n, es_format("%c%x,%x", ES_CLOSE, first, last));
  }
  free(kept);
}

static void put_operations(struct encoder *n) {
  const elfspawn_t *r = n->request;
  for (int attribute = 0; attribute != ES_ATTR_COUNT; ++attribute) {
    if (attribute == ES_ATTR_ACTIONS) {
      for (size_t i = 0; i != r->action_count; ++i)
        put_for(n, strdup(r->actions[i].string), (int)i);
      // Before RLIMIT_NOFILE and the ids: either may take away what finding
      // the open descriptors needs, where there is no close_range.
      if (!r->keep_others)
        put_closes(n);
    } else if (r->attributes[attribute]) {
      put(n, strdup(r->attributes[attribute]));
    }
  }
}

static void put_arguments(struct encoder *n) {
  const elfspawn_t *r = n->request;
  size_t first = 0;
  if (r->argv0) {
    put(n, strdup(r->argv0));
    first = 1;
  } else if (r->file && !r->arguments.items) {
    put(n, strdup(r->file));
  } else if (!r->arguments.items) {
    put(n, strdup(r->paths.count ? es_path(r->paths.items[0] + 1) : ""));
  }
  for (size_t i = first; i < r->arguments.count; ++i)
    put(n, strdup(r->arguments.items[i]));
}

static void put_target(struct encoder *n) {
  const elfspawn_t *r = n->request;
  if (r->shell)
    put(n, es_format("%c", ES_SHELL));
  for (size_t i = 0; i != r->paths.count; ++i)
    put(n, strdup(r->paths.items[i]));
  if (r->executable >= 0) {
    put(n, es_format("%c%x", ES_CLOEXEC, (unsigned)r->executable));
    put(n, es_format("%c%x", ES_EXECFD, (unsigned)r->executable));
  }
  put(n, strdup(ES_END));
  put_arguments(n);
}

int es_encode(const elfspawn_t *r, struct es_encoded **result) {
  struct es_encoded *e = calloc(1, sizeof(*e));
  if (!e)
    return ENOMEM;
  // Between two kept descriptors there is one range to close.
  size_t room = ES_ATTR_COUNT + 2 * r->action_count + r->paths.count +
                r->arguments.count + 16;
  struct encoder n = {r, e, room, false};
  e->strings = calloc(room + 1, sizeof(*e->strings));
  e->action_of = calloc(room + 1, sizeof(*e->action_of));
  e->needed = calloc(r->action_count + 2, sizeof(int));
  e->named = calloc(2 * r->action_count + 8, sizeof(int));
  n.failed = !e->strings || !e->action_of || !e->needed || !e->named;
  if (!n.failed) {
    find_descriptors(&n);
    put_operations(&n);
    put_target(&n);
    e->stack = r->groups * sizeof(uint32_t);
  }
  if (n.failed) {
    es_free_encoded(e);
    return ENOMEM;
  }
  ++e->count; // the null pointer
  *result = e;
  return 0;
}

void es_free_encoded(struct es_encoded *e) {
  if (!e)
    return;
  if (e->strings)
    for (size_t n = 0; n != e->count; ++n)
      free(e->strings[n]);
  free(e->strings);
  free(e->action_of);
  free(e->needed);
  free(e->named);
  free(e);
}
