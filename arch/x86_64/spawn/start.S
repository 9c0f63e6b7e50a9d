//===- start.S - Where the helper begins ----------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// The kernel enters with rsp -> argc, argv..., 0, envp..., 0, auxv...
// _Noreturn void es_helper(uintptr_t *stack)
        .globl _start
        .hidden es_helper
        .type _start, @function
_start:
        xorl    %ebp, %ebp
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    es_helper
        hlt
        .size _start, . - _start

        .section .note.GNU-stack,"",@progbits
