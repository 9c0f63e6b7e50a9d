//===- clone.S - A child on a stack of its own ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// long es_clone(long nr rdi, const long args[5] rsi,
//               void (*function)(void *) rdx, void *argument rcx)
//
// Executes clone or clone3, whose arguments name the stack. Returns in the
// parent; the child calls the function, which does not return. The child has
// the parent's registers, so what it needs waits in two of them.
        .globl es_clone
        .hidden es_clone
        .type es_clone, @function
es_clone:
        .cfi_startproc
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        movq    %rdi, %rax
        movq    %rdx, %rbx
        movq    %rcx, %rbp
        movq    (%rsi), %rdi
        movq    16(%rsi), %rdx
        movq    24(%rsi), %r10
        movq    32(%rsi), %r8
        movq    8(%rsi), %rsi
        syscall
        testq   %rax, %rax
        jz      1f
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc

// Nobody called the child: an unwinder ends here.
        .cfi_startproc
        .cfi_undefined rip
1:      andq    $-16, %rsp
        movq    %rbp, %rdi
        xorl    %ebp, %ebp
        call    *%rbx
        hlt
        .cfi_endproc
        .size es_clone, . - es_clone

        .section .note.GNU-stack,"",@progbits
