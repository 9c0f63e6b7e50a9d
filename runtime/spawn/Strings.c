//===- Strings.c - Memory of a request ------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Strings.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *es_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *s = size < 0 ? NULL : malloc((size_t)size + 1);
  if (!s)
    return NULL;
  va_start(arguments, format);
  vsnprintf(s, (size_t)size + 1, format, arguments);
  va_end(arguments);
  return s;
}

int es_list_add(struct es_list *list, char *item) {
  char **more =
      item ? realloc(list->items, (list->count + 2) * sizeof(*more)) : NULL;
  if (!more) {
    free(item);
    return ENOMEM;
  }
  more[list->count++] = item;
  more[list->count] = NULL;
  list->items = more;
  return 0;
}

int es_list_copy(struct es_list *list, char *const strings[]) {
  size_t count = 0;
  while (strings[count])
    ++count;
  struct es_list copy = {calloc(count + 1, sizeof(char *)), count};
  bool failed = !copy.items;
  for (size_t n = 0; !failed && n != count; ++n)
    failed = !(copy.items[n] = strdup(strings[n]));
  if (failed) {
    copy.count = copy.items ? count : 0;
    es_list_free(&copy);
    return ENOMEM;
  }
  es_list_free(list);
  *list = copy;
  return 0;
}

void es_list_free(struct es_list *list) {
  for (size_t n = 0; n != list->count; ++n)
    free(list->items[n]);
  free(list->items);
  *list = (struct es_list){NULL, 0};
}

void es_changes(elfspawn_t *r) {
  es_free_encoded(atomic_exchange(&r->encoded, NULL));
}

int es_result(elfspawn_t *r, int error) {
  if (error && !r->error)
    r->error = error;
  return error;
}
