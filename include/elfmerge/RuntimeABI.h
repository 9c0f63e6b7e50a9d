//===- RuntimeABI.h - The contract between the tool and the runtime -------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What elfmerge writes into an image and the runtime reads from it: plain data
/// of fixed width, included by both sides (C11 and C++17).
///
/// The image table is one contiguous read-only block that begins with
/// em_image. Every `*_off` field is a byte offset from the start of that block;
/// strings end in NUL. An *address* is relative to the load address of the
/// image, a *blob address* to the load address of one blob, and a *content
/// offset* to em_image::content_file_offset in the image file.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIMEABI_H
#define ELFMERGE_RUNTIMEABI_H

#include <stdint.h>

#ifdef __cplusplus
#define EM_STATIC_ASSERT static_assert
#else
#define EM_STATIC_ASSERT _Static_assert
#endif

#define EM_IMAGE_MAGIC UINT64_C(0x3130474d464c4501) /* "\1ELFMG01" */
#define EM_ABI_VERSION 2u
#define EM_NAME_MAX 255u /* bytes of a spec's name */
#define EM_NONE UINT32_C(0xffffffff)
#define EM_NO_ADDRESS (~UINT64_C(0))

/* em_image::flags */
#define EM_SHARE_FDS 1u    /* instances share the descriptor table */
#define EM_SHARE_CWD 2u    /* instances share working directory and umask */
#define EM_PROCESS_MODE 4u /* an instance is a process, not a thread */
#define EM_ISOLATE 8u      /* a crash ends its instance only */
#define EM_RECLAIM 16u     /* what an instance had is given back when it ends */

/* em_image::exec_rule: what execve is in an instance. In thread mode the first
   one runs the program as a child, whose status is the instance's. */
#define EM_EXEC_INSTANCE 0u /* the program takes the instance's place */
#define EM_EXEC_REPLACE 1u  /* it takes the process's */
#define EM_EXEC_DENY 2u     /* EPERM */

/* em_spec::restart */
#define EM_RESTART_NO 0u
#define EM_RESTART_ON_FAILURE 1u /* status other than 0 */
#define EM_RESTART_ALWAYS 2u

/* em_image::exit_rule */
#define EM_EXIT_FIRST_FAILURE 0u /* first instance, in order, that is not 0 */
#define EM_EXIT_FIRST 1u         /* status of the first instance */
#define EM_EXIT_LAST 2u          /* status of the instance that ended last */
#define EM_EXIT_SPEC 3u          /* first failure among the named spec's */

/* em_segment::flags have the values of p_flags: 1 execute, 2 write, 4 read. */

/** One mapping of a blob. Page-granular: `address` and `content_offset` are
    multiples of the page size; the bytes of the last file page behind
    `file_size` are zero in memory when the segment is writable. */
struct em_segment {
  uint64_t address;        /* blob address */
  uint64_t memory_size;    /* bytes */
  uint64_t file_size;      /* bytes, at most memory_size; may be 0 */
  uint64_t content_offset; /* content offset; 0 when file_size is 0 */
  uint32_t flags;
  uint32_t reserved;
};

/** A rigid unit: the load span of one program or interpreter. */
struct em_blob {
  uint64_t first_page; /* blob address of the first mapped page, mostly 0 */
  uint64_t end;        /* blob address behind the last one, hooks included */
  uint64_t alignment;  /* of the load address, a power of two */
  uint64_t entry;      /* blob address */
  uint64_t phdr; /* blob address of the program headers; EM_NO_ADDRESS when no
                    segment holds them, then they are at phdr_copy_off */
  uint64_t slot; /* blob address of the slot; EM_NO_ADDRESS without hooks */
  uint32_t phdr_count;
  uint32_t first_segment; /* index into the segment table */
  uint32_t segment_count;
  uint32_t phdr_copy_off;
};

/** What is run: a blob, or a blob under its interpreter. */
struct em_program {
  uint32_t blob;
  uint32_t interpreter;   /* blob index; EM_NONE for a static program */
  uint32_t first_library; /* index into the library name table */
  uint32_t library_count;
};

/** A name under which one program's interpreter may ask for a library. */
struct em_library_name {
  uint32_t name_off; /* last component of a file name */
  uint32_t library;  /* index into the library table */
};

/** An embedded library: a whole ELF file, mapped read-only with the image. */
struct em_library {
  uint64_t address; /* of the file's first byte */
  uint64_t size;    /* bytes */
  uint64_t content_offset;
  uint64_t slot_offset; /* file offset of the slot; EM_NO_ADDRESS without one */
  uint32_t name_off;    /* for messages and the descriptor's name */
  uint32_t reserved;
};

/** One group of the command line. Vectors are arrays of uint32_t string
    offsets. */
struct em_spec {
  uint64_t stack_size; /* bytes; 0 for the process's RLIMIT_STACK */
  uint32_t name_off;
  uint32_t program;
  uint32_t first_instance;
  uint32_t instance_count;
  uint32_t argv_off; /* vector, argv[0] included */
  uint32_t argc;
  uint32_t env_off; /* vector of NAME=VALUE */
  uint32_t env_count;
  uint32_t cwd_off; /* EM_NONE: inherited */
  uint32_t restart;
  uint32_t restart_max; /* times per instance; EM_NONE: no limit */
  uint32_t reserved;
};

struct em_instance {
  uint64_t base;             /* address of the program's blob; EM_NO_ADDRESS
                                when the runtime is to map it */
  uint64_t interpreter_base; /* likewise; EM_NO_ADDRESS also without one */
  uint32_t spec;
  uint32_t index; /* the K of NAME.K */
};

/** The start of the image table. */
struct em_image {
  uint64_t magic;
  uint32_t version;
  uint32_t size;                /* bytes of the whole table */
  uint64_t content_file_offset; /* of content offset 0 in the image file */
  uint64_t span;                /* of the image's address space, bytes */
  uint32_t flags;
  uint32_t exit_rule;
  uint32_t exit_spec; /* for EM_EXIT_SPEC */
  uint32_t segment_off, segment_count;
  uint32_t blob_off, blob_count;
  uint32_t program_off, program_count;
  uint32_t library_name_off, library_name_count;
  uint32_t library_off, library_count;
  uint32_t spec_off, spec_count;
  uint32_t instance_off, instance_count;
  uint32_t exec_rule;
};

/** The slot: one page per blob and instance, directly behind the blob's own
    span and in front of its hooks, read-only once it is filled in. Trampolines
    jump through `enter` and `after`. */
struct em_slot {
  uint64_t enter;    /* the runtime's entry for a hooked instruction */
  uint64_t after;    /* its entry behind an instruction executed in place */
  uint64_t instance; /* the runtime's descriptor of the instance */
  uint64_t cpuid;    /* x86: its function in place of a cpuid instruction */
  uint64_t role;     /* EM_ROLE_* of the blob */
};

#define EM_ROLE_PROGRAM 0u /* or a library */
#define EM_ROLE_INTERPRETER 1u

EM_STATIC_ASSERT(sizeof(struct em_segment) == 40, "em_segment");
EM_STATIC_ASSERT(sizeof(struct em_blob) == 64, "em_blob");
EM_STATIC_ASSERT(sizeof(struct em_program) == 16, "em_program");
EM_STATIC_ASSERT(sizeof(struct em_library_name) == 8, "em_library_name");
EM_STATIC_ASSERT(sizeof(struct em_library) == 40, "em_library");
EM_STATIC_ASSERT(sizeof(struct em_spec) == 56, "em_spec");
EM_STATIC_ASSERT(sizeof(struct em_instance) == 24, "em_instance");
EM_STATIC_ASSERT(sizeof(struct em_image) == 104, "em_image");
EM_STATIC_ASSERT(sizeof(struct em_slot) == 40, "em_slot");

#endif /* ELFMERGE_RUNTIMEABI_H */
