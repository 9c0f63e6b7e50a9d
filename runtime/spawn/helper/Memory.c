//===- Memory.c - What a compiler may call unasked ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <stddef.h>

// Compiled with -fno-builtin: no loop here becomes a call of the function it is
// in.

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memmove(void *to, const void *from, size_t size) {
  char *t = to;
  const char *f = from;
  if (t <= f)
    for (size_t n = 0; n != size; ++n)
      t[n] = f[n];
  else
    for (size_t n = size; n-- != 0;)
      t[n] = f[n];
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  return memmove(to, from, size);
}

void *memset(void *to, int byte, size_t size) {
  for (size_t n = 0; n != size; ++n)
    ((char *)to)[n] = (char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  for (; size; --size, ++x, ++y)
    if (*x != *y)
      return *x - *y;
  return 0;
}
