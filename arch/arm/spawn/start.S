//===- start.S - Where the helper begins ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text
        .syntax unified
        .arm
        .balign 4

// The kernel enters with sp -> argc, argv..., 0, envp..., 0, auxv...
// _Noreturn void es_helper(uintptr_t *stack)
        .globl _start
        .hidden es_helper
        .type _start, %function
_start:
        mov     fp, #0
        mov     lr, #0
        mov     r0, sp
        bic     sp, sp, #7
        bl      es_helper
        udf     #0
        .size _start, . - _start

        .section .note.GNU-stack,"",%progbits
