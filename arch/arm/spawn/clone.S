//===- clone.S - A child on a stack of its own ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text
        .syntax unified
        .arm
        .balign 4
        .cfi_sections .debug_frame

// long es_clone(long nr r0, const long args[5] r1,
//               void (*function)(void *) r2, void *argument r3)
//
// Executes clone or clone3, whose arguments name the stack. Returns in the
// parent; the child calls the function, which does not return. The child has
// the parent's registers, so what it needs waits in two of them.
        .globl es_clone
        .hidden es_clone
        .type es_clone, %function
es_clone:
        .cfi_startproc
        push    {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset r4, 0
        .cfi_rel_offset r5, 4
        .cfi_rel_offset r6, 8
        .cfi_rel_offset r7, 12
        mov     r7, r0
        mov     r5, r2
        mov     r6, r3
        ldm     r1, {r0, r1, r2, r3, r4}
        svc     #0
        cmp     r0, #0
        beq     1f
        pop     {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset -16
        .cfi_restore r4
        .cfi_restore r5
        .cfi_restore r6
        .cfi_restore r7
        bx      lr
        .cfi_endproc

// Nobody called the child: an unwinder ends here.
        .cfi_startproc
        .cfi_undefined lr
1:      bic     sp, sp, #7
        mov     fp, #0
        mov     lr, #0
        mov     r0, r6
        blx     r5
        udf     #0
        .cfi_endproc
        .size es_clone, . - es_clone

        .section .note.GNU-stack,"",%progbits
