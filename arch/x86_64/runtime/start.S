//===- start.S - Where an image begins, and threads -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// The kernel enters with rsp -> argc, argv..., 0, envp..., 0, auxv...
// _Noreturn void em_main(uintptr_t *stack)
        .globl elfmerge_start
        .type elfmerge_start, @function
elfmerge_start:
        xorl    %ebp, %ebp
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    em_main
        hlt
        // A debugger that steps over a breakpoint executes a copy of the
        // instruction at the entry point, where nothing runs any more.
        .fill   64, 1, 0xcc
        .size elfmerge_start, . - elfmerge_start

// long em_clone(flags rdi, stack rsi, fn rdx, arg rcx)
// r8 and r9 reach the child; of the other registers the kernel reads as
// arguments, no flag that is in use makes it look at any.
        .globl em_clone
        .hidden em_clone
        .type em_clone, @function
em_clone:
        movq    %rdx, %r8
        movq    %rcx, %r9
        movl    $56, %eax
        syscall
        testq   %rax, %rax
        jz      1f
        ret
1:      xorl    %ebp, %ebp
        andq    $-16, %rsp
        movq    %r9, %rdi
        call    *%r8
        hlt
        .size em_clone, . - em_clone

// void em_call_on(stack rdi, function rsi, argument rdx)
        .globl em_call_on
        .hidden em_call_on
        .type em_call_on, @function
em_call_on:
        pushq   %rbp
        movq    %rsp, %rbp
        movq    %rdi, %rsp
        movq    %rdx, %rdi
        callq   *%rsi
        movq    %rbp, %rsp
        popq    %rbp
        ret
        .size em_call_on, . - em_call_on

// _Noreturn void em_jump(entry rdi, stack rsi)
// rdx is what a program registers with atexit: 0, there is nothing.
        .globl em_jump
        .hidden em_jump
        .type em_jump, @function
em_jump:
        movq    %rsi, %rsp
        movq    %rdi, %r11
        xorl    %eax, %eax
        xorl    %ebx, %ebx
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %ebp, %ebp
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        jmp     *%r11
        .size em_jump, . - em_jump

        .section .note.GNU-stack, "", @progbits
