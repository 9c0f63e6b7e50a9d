//===- Environment.c - The target's environment ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Spawn.h"
#include <stdlib.h>
#include <string.h>

static size_t name_length(const char *variable) {
  return strcspn(variable, "=");
}

char **es_change_environment(const elfspawn_t *r, char **from) {
  size_t count = 0;
  while (from[count])
    ++count;
  char **to = malloc((count + r->variables.count + 1) * sizeof(*to));
  if (!to)
    return NULL;
  memcpy(to, from, count * sizeof(*to));
  for (size_t n = 0; n != r->variables.count; ++n) {
    char *variable = r->variables.items[n];
    size_t length = name_length(variable), kept = 0;
    for (size_t i = 0; i != count; ++i)
      if (name_length(to[i]) != length || memcmp(to[i], variable, length) != 0)
        to[kept++] = to[i];
    count = kept;
    if (variable[length])
      to[count++] = variable;
  }
  to[count] = NULL;
  return to;
}
