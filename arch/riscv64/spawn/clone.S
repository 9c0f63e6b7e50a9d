//===- clone.S - A child on a stack of its own ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// long es_clone(long nr a0, const long args[5] a1,
//               void (*function)(void *) a2, void *argument a3)
//
// Executes clone or clone3, whose arguments name the stack. Returns in the
// parent; the child calls the function, which does not return. The child has
// the parent's registers, so what it needs waits in a5 and a6.
        .globl es_clone
        .hidden es_clone
        .type es_clone, @function
es_clone:
        .cfi_startproc
        mv      a7, a0
        mv      a5, a2
        mv      a6, a3
        mv      t0, a1
        ld      a0, 0(t0)
        ld      a1, 8(t0)
        ld      a2, 16(t0)
        ld      a3, 24(t0)
        ld      a4, 32(t0)
        ecall
        beqz    a0, 1f
        ret
        .cfi_endproc

// Nobody called the child: an unwinder ends here.
        .cfi_startproc
        .cfi_undefined ra
1:      andi    sp, sp, -16
        li      s0, 0
        li      ra, 0
        mv      a0, a6
        jalr    a5
        ebreak
        .cfi_endproc
        .size es_clone, . - es_clone

        .section .note.GNU-stack,"",@progbits
