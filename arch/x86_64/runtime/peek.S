//===- peek.S - Memory that may not be there ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions between em_peek_begin and em_peek_end may fault on what a
// program passed. The dispatcher of signals then has the thread go on at
// em_peek_fault, with which the function that faulted returns. Nothing is on
// the stack meanwhile.
//
//===----------------------------------------------------------------------===//

        .text

        .globl em_peek_begin
        .hidden em_peek_begin
        .globl em_peek_end
        .hidden em_peek_end
        .globl em_peek_fault
        .hidden em_peek_fault

em_peek_begin:

// long em_peek(void *to rdi, const void *from rsi, size_t n rdx)
        .globl em_peek
        .hidden em_peek
        .type em_peek, @function
em_peek:
        cmpq    $8, %rdx                // words of 8 bytes: rep is no faster
        jb      1f
        movq    (%rsi), %rax
        movq    %rax, (%rdi)
        addq    $8, %rsi
        addq    $8, %rdi
        subq    $8, %rdx
        jmp     em_peek
1:      xorl    %eax, %eax
2:      cmpq    %rdx, %rax              // and what is left
        je      3f
        movb    (%rsi,%rax), %cl
        movb    %cl, (%rdi,%rax)
        incq    %rax
        jmp     2b
3:      xorl    %eax, %eax
        ret
        .size em_peek, . - em_peek

// long em_peek_length(const char *string rdi, size_t max rsi)
        .globl em_peek_length
        .hidden em_peek_length
        .type em_peek_length, @function
em_peek_length:
        xorl    %eax, %eax
1:      cmpq    %rsi, %rax
        je      2f
        cmpb    $0, (%rdi,%rax)
        je      2f
        incq    %rax
        jmp     1b
2:      ret
        .size em_peek_length, . - em_peek_length

em_peek_end:
em_peek_fault:
        movq    $-14, %rax              // EFAULT
        ret

        .section .note.GNU-stack, "", @progbits
