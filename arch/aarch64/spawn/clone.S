//===- clone.S - A child on a stack of its own ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// long es_clone(long nr x0, const long args[5] x1,
//               void (*function)(void *) x2, void *argument x3)
//
// Executes clone or clone3, whose arguments name the stack. Returns in the
// parent; the child calls the function, which does not return. The child has
// the parent's registers, so what it needs waits in x5 and x6.
        .globl es_clone
        .hidden es_clone
        .type es_clone, %function
es_clone:
        .cfi_startproc
        mov     x8, x0
        mov     x5, x2
        mov     x6, x3
        mov     x9, x1
        ldp     x0, x1, [x9]
        ldp     x2, x3, [x9, #16]
        ldr     x4, [x9, #32]
        svc     #0
        cbz     x0, 1f
        ret
        .cfi_endproc

// Nobody called the child: an unwinder ends here.
        .cfi_startproc
        .cfi_undefined x30
1:      mov     x9, sp
        and     sp, x9, #-16
        mov     x29, #0
        mov     x30, #0
        mov     x0, x6
        blr     x5
        brk     #1
        .cfi_endproc
        .size es_clone, . - es_clone

        .section .note.GNU-stack,"",%progbits
