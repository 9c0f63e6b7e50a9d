//===- HooksABI.h - The start of a blob's hooks segment -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the runtime needs to know about trampolines: plain data of fixed width,
/// included by both sides (C11 and C++17).
///
/// The hooks segment lies one page behind the blob's slot (em_slot). em_hooks
/// stands at its start, then em_trampoline[count], then the trampolines, each
/// aligned to 16 bytes, then their unwind information and the blob's program
/// headers, with those of slot and hooks. A trampoline is:
///
///     displaced preceding instructions
///  check:
///     [cmp $511,%eax; ja plain; bt %eax,hooked(%rip); jnc plain]
///                                             unless every number is hooked
///     lea slot(%rip),%r11; lea back(%rip),%rcx; jmp *(%r11)
///  plain: syscall; jmp back; int3
///  raw: syscall
///     lea slot(%rip),%r11; lea back(%rip),%rcx; jmp *8(%r11)
///  back: displaced following instructions
///     jmp patch_end                           unless they do not fall through
///
/// em_slot::enter and em_slot::after are entered with %rcx = back and
/// %r11 = slot, which like the flags are free: the kernel destroys both
/// registers. plain is at back - EM_PLAIN_SIZE, raw at back - EM_RAW_SIZE.
///
/// A site whose number has to be checked may be a cancellation point of a libc
/// whose signal handler asks whether the thread was there. It keeps its
/// instruction if the ones in front of it have room for two jumps: the first
/// leads to the trampoline; the second, in the last EM_JUMP_SIZE bytes of the
/// patch, to check, so that there is an address in the program's own code at
/// which the call can be begun anew. No other trampoline's patch_end is at or
/// in front of its site. There
///
///  plain: jmp site
///  raw: as above
///  back: jmp site + 2
///
/// In place of a cpuid instruction, where no register and no flag is free and
/// the red zone may be in use:
///
///     displaced preceding instructions
///     lea -128(%rsp),%rsp; push %r11
///     lea slot(%rip),%r11; call *24(%r11)
///     pop %r11; lea 128(%rsp),%rsp
///  back: displaced following instructions
///     jmp patch_end                           unless they do not fall through
///
/// em_slot::cpuid takes %eax and %ecx, returns %rax, %rbx, %rcx and %rdx with
/// zero upper halves, and keeps everything else, flags included; the stack is
/// aligned to nothing. The first lea is at back - EM_CPUID_SIZE.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOOKSABI_H
#define ELFMERGE_ARCH_X86_64_HOOKSABI_H

#include "elfmerge/RuntimeABI.h"

#define EM_PLAIN_SIZE 25
#define EM_RAW_SIZE 20
#define EM_JUMP_SIZE 5
#define EM_CPUID_SIZE 28
#define EM_HOOKED_BITS 512u

/* em_trampoline::kind */
#define EM_SITE_SYSCALL 0u
#define EM_SITE_CPUID 1u

struct em_hooks {
  uint8_t hooked[EM_HOOKED_BITS / 8]; /* bit n % 8 of byte n / 8: call n */
  uint64_t count;                     /* of em_trampoline, which follow */
};

/** Sorted by `offset`, and by `site`. */
struct em_trampoline {
  uint32_t offset;      /* from the start of the hooks segment */
  uint32_t back;        /* from `offset` */
  uint16_t size;        /* bytes */
  uint16_t kind;        /* of the instruction replaced */
  uint32_t check;       /* from `offset` */
  uint64_t site;        /* blob address of that instruction */
  uint64_t patch_start; /* blob addresses of the bytes replaced */
  uint64_t patch_end;
};

EM_STATIC_ASSERT(sizeof(struct em_hooks) == 72, "em_hooks");
EM_STATIC_ASSERT(sizeof(struct em_trampoline) == 40, "em_trampoline");

#endif /* ELFMERGE_ARCH_X86_64_HOOKSABI_H */
