//===- Text.c - Strings and messages --------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  char *t = to;
  const char *f = from;
  while (n--)
    *t++ = *f++;
  return to;
}

void *memset(void *to, int c, size_t n) {
  char *t = to;
  while (n--)
    *t++ = (char)c;
  return to;
}

size_t em_length(const char *s) {
  size_t n = 0;
  while (s[n])
    ++n;
  return n;
}

bool em_equal(const char *a, const char *b) {
  while (*a && *a == *b)
    ++a, ++b;
  return *a == *b;
}

const char *em_find(const char *text, const char *part) {
  for (; *text; ++text) {
    const char *t = text, *p = part;
    while (*p && *t == *p)
      ++t, ++p;
    if (!*p)
      return text;
  }
  return NULL;
}

const char *em_last_component(const char *path) {
  const char *last = path;
  for (; *path; ++path)
    if (*path == '/')
      last = path + 1;
  return last;
}

void em_append(char *buffer, size_t size, const char *text) {
  size_t n = em_length(buffer);
  while (*text && n + 1 < size)
    buffer[n++] = *text++;
  buffer[n] = 0;
}

void em_append_number(char *buffer, size_t size, long number) {
  char digits[24];
  char *d = digits + sizeof(digits);
  unsigned long rest = number < 0 ? -(unsigned long)number : number;
  *--d = 0;
  do
    *--d = '0' + rest % 10;
  while (rest /= 10);
  if (number < 0)
    *--d = '-';
  em_append(buffer, size, d);
}

/* A switch over strings would be a table of pointers and need relocations. */
static const char *reason(long error) {
  static const struct {
    int error;
    char text[32];
  } reasons[] = {
      {-1, "operation not permitted"},
      {-2, "no such file or directory"},
      {-11, "resource temporarily unavailable"},
      {-12, "cannot allocate memory"},
      {-13, "permission denied"},
      {-20, "not a directory"},
      {-22, "invalid argument"},
      {-23, "too many open files in system"},
      {-24, "too many open files"},
      {-38, "function not implemented"},
      {-40, "too many symbolic links"},
  };
  for (size_t n = 0; n != sizeof(reasons) / sizeof(*reasons); ++n)
    if (reasons[n].error == error)
      return reasons[n].text;
  return NULL;
}

void em_message(const char *who, const char *what, long error) {
  char line[512] = "elfmerge: ";
  em_append(line, sizeof(line), who);
  em_append(line, sizeof(line), ": ");
  em_append(line, sizeof(line), what);
  if (error < 0) {
    em_append(line, sizeof(line), ": ");
    if (reason(error)) {
      em_append(line, sizeof(line), reason(error));
    } else {
      em_append(line, sizeof(line), "error ");
      em_append_number(line, sizeof(line), -error);
    }
  }
  line[sizeof(line) - 2] = 0;
  em_append(line, sizeof(line), "\n");
  /* Nobody is left to tell when standard error does not take it. */
  (void)em_syscall(SYS_write, 2, line, em_length(line));
}

void em_message_number(const char *who, const char *what, long number) {
  char text[64] = "";
  em_append(text, sizeof(text), what);
  em_append_number(text, sizeof(text), number);
  em_message(who, text, 0);
}

_Noreturn void em_fail(const char *who, const char *what, long error) {
  em_message(who, what, error);
  em_exit_process(EM_FAILED);
}
