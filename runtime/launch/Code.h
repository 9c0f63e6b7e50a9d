//===- Code.h - Functions by their addresses, out of files ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For signal handlers in a process that is damaged: nothing is mapped and
// nothing is kept. Files are read through a window on the stack, and what they
// say is checked.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_CODE_H
#define ELFMERGE_CODE_H

#include "Runtime.h"

#pragma GCC visibility push(hidden)

/** A part of a file, of which a few bytes at a time are in memory. */
struct em_window {
  long fd; /* or -errno, then it is empty */
  uint64_t start, size;
  uint64_t at; /* of the bytes in memory, from start */
  uint64_t have;
  char bytes[512];
};

void em_show(struct em_window *window, long fd, uint64_t start, uint64_t size);
/** False: the part has no such bytes. */
bool em_fetch(struct em_window *window, uint64_t offset, void *to, size_t size);

/** A table of symbols and its strings: offsets in the window. */
struct em_symbols {
  uint64_t offset, size, strings, strings_size;
};

/** Finds the .symtab of an ELF file by its section headers. */
bool em_find_symtab(struct em_window *window, struct em_symbols *symbols);
/** Finds the .dynsym of an ELF file by its program headers. */
bool em_find_dynsym(struct em_window *window, struct em_symbols *symbols);
/** The address that an ELF file's program headers give to an offset; 0: none.
 */
uint64_t em_address_in_file(struct em_window *window, uint64_t offset);
/** The blob address of the instruction for which there is a trampoline \p into
    bytes behind the start of the hooks, which are at \p hooks; 0: none. */
uint64_t em_site_in_file(struct em_window *window, uint64_t hooks,
                         uint64_t into);

/** A function, its name perhaps cut, and an offset in it. */
struct em_function {
  char name[192];
  uint64_t offset;
};

/** The function that contains \p address. */
bool em_find_function(struct em_window *window,
                      const struct em_symbols *symbols, uint64_t address,
                      struct em_function *function);

#pragma GCC visibility pop

#endif /* ELFMERGE_CODE_H */
