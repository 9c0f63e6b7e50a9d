//===- hook.S - From a trampoline to C and back ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A trampoline jumps here in place of its system call, with
//
//   rax                        the number (em_hook_after: the result)
//   rdi rsi rdx r10 r8 r9      the arguments
//   rcx                        where the thread goes on
//   r11                        the slot of the blob (RuntimeABI.h, em_slot)
//
// Everything but rax, rcx, r11 and the flags has to be as it was when the
// thread goes on. The 128 bytes below rsp may be in use.
//
// The trampoline can execute the instruction itself, with all registers the
// program's: EM_PLAIN_SIZE bytes in front of rcx it does and goes on;
// EM_RAW_SIZE bytes in front of rcx it does and then comes to em_hook_after, in
// every thread that comes out of it, on that thread's stack.
//
//===----------------------------------------------------------------------===//

#define SYS_rt_sigprocmask 14
#define SYS_sched_yield 24
#define SYS_getpid 39
#define SYS_exit 60
#define SYS_rt_sigtimedwait 128
        // struct instance, checked in State.h
#define EXIT_LOCK 0
#define EXITS_IN_PLACE 4
#define EXIT_STACK 8
        // struct runtime, likewise
#define PID 0
#define MEMORY_SHARERS 4
        // EM_PLAIN_SIZE, checked in Hooks.c
#define PLAIN_SIZE 25
#define SIG_SETMASK 2
        // struct entry in context.c
#define ENTRY_SIZE 40

        .text

// Builds a struct em_frame and calls fn(frame); fn's result is in r11d when
// the registers are back.
        .macro CALL_WITH_FRAME fn
        leaq    -136(%rsp), %rsp
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rcx
        pushq   %r9
        pushq   %r8
        pushq   %r10
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rax
        pushq   %r11
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    \fn
        leaq    -104(%rbp), %rsp
        movl    %eax, %r11d
        popq    %rax
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %r10
        popq    %r8
        popq    %r9
        popq    %rcx
        leaq    40(%rsp), %rsp          // C gives rbx and r12 to r15 back
        popq    %rbp
        leaq    136(%rsp), %rsp
        .endm

// int em_hook(struct em_frame *): how far in front of rcx to go on
        .globl em_hook_enter
        .hidden em_hook_enter
        .type em_hook_enter, @function
em_hook_enter:
        cmpl    $SYS_exit, %eax
        je      1f
        CALL_WITH_FRAME em_hook
        subq    %r11, %rcx
        jmp     *%rcx
        // A thread may have unmapped its stack before it exits. A child that
        // shares the memory may be killed at any instruction, so it must not
        // hold a lock; who exits has no use for other registers any more.
1:      movq    16(%r11), %r8
        cmpl    $0, EXITS_IN_PLACE(%r8)
        jne     2f
        cmpl    $0, em+MEMORY_SHARERS(%rip)
        je      3f
        movq    %rcx, %r9
        movl    $SYS_getpid, %eax
        syscall
        movq    %r9, %rcx
        cmpl    em+PID(%rip), %eax
        je      3f
2:      movl    $SYS_exit, %eax
        subq    $PLAIN_SIZE, %rcx
        jmp     *%rcx
3:      movl    %edi, %esi
        movq    %r8, %rdi
        jmp     em_leave
        .size em_hook_enter, . - em_hook_enter

// int em_after(struct em_frame *)
        .globl em_hook_after
        .hidden em_hook_after
        .type em_hook_after, @function
em_hook_after:
        CALL_WITH_FRAME em_after
        jmp     *%rcx
        .size em_hook_after, . - em_hook_after

// _Noreturn void em_leave(instance rdi, status esi)
// All of an instance's threads leave over one small stack, one after the
// other. The last instructions, behind the lock, use no stack.
        .globl em_leave
        .hidden em_leave
        .type em_leave, @function
em_leave:
        movq    %rdi, %rbx
        movl    %esi, %ebp
        movl    $SYS_rt_sigprocmask, %eax
        xorl    %edi, %edi              // SIG_BLOCK
        leaq    all_signals(%rip), %rsi
        xorl    %edx, %edx
        movl    $8, %r10d
        syscall
1:      movl    $1, %eax
        xchgl   %eax, EXIT_LOCK(%rbx)
        testl   %eax, %eax
        jz      2f
        movl    $SYS_sched_yield, %eax
        syscall
        jmp     1b
2:      movq    EXIT_STACK(%rbx), %rsp
        movq    %rbx, %rdi
        movl    %ebp, %esi
        call    em_thread_exit
        movl    $0, EXIT_LOCK(%rbx)
        movl    %ebp, %edi
        movl    $SYS_exit, %eax
        syscall
        hlt
        .size em_leave, . - em_leave

// In place of cpuid: eax and ecx in; eax, ebx, ecx and edx out; all else, flags
// included, as it was. r11 is the caller's to save.
// void em_cpuid(uint32_t registers[4])
        .globl em_hook_cpuid
        .hidden em_hook_cpuid
        .type em_hook_cpuid, @function
em_hook_cpuid:
        pushfq
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %rdi
        pushq   %rsi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        subq    $24, %rsp
        andq    $-16, %rsp
        movl    %eax, (%rsp)
        movl    %ecx, 8(%rsp)
        movq    %rsp, %rdi
        cld
        call    em_cpuid
        movl    (%rsp), %eax
        movl    4(%rsp), %ebx
        movl    8(%rsp), %ecx
        movl    12(%rsp), %edx
        leaq    -40(%rbp), %rsp
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rsi
        popq    %rdi
        popq    %rbp
        popfq
        ret
        .size em_hook_cpuid, . - em_hook_cpuid

// The kernel's handler of a signal that instances share: rdi, rsi, rdx as for
// any, the return address on the stack. When the signal is for a handler of a
// program, that takes this one's place in the frame the kernel made: the
// program's handler returns to its own restorer, and whoever unwinds from it
// finds the frames it would find without us.
//
// What else waits comes as soon as the handler's mask is set. By then the
// thread has left the dispatcher's stack, and a handler that finds it between
// em_dispatcher_unblocked and em_dispatcher_leaves finds what is still to be
// loaded on the stack (em_finish_entry).
// handler *em_dispatch(struct em_signal *)
        .globl em_dispatcher, em_dispatcher_unblocked, em_dispatcher_leaves
        .hidden em_dispatcher, em_dispatcher_unblocked, em_dispatcher_leaves
        .type em_dispatcher, @function
em_dispatcher:
        movq    %rsp, %rcx
        pushq   $0                      // struct em_signal, upwards: context,
        pushq   %rcx                    // info, number, frame, mask
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        movq    %rsp, %rdi
        call    em_dispatch
        popq    %rdx
        popq    %rsi
        popq    %rdi
        popq    %rcx
        popq    %r8
        movq    %rcx, %rsp
        testq   %rax, %rax
        jz      1f
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rax
        pushq   %r8
        movl    $SYS_rt_sigprocmask, %eax
        movl    $SIG_SETMASK, %edi
        movq    %rsp, %rsi
        xorl    %edx, %edx
        movl    $8, %r10d
        syscall
em_dispatcher_unblocked:
        movq    8(%rsp), %r11
        movq    16(%rsp), %rdi
        movq    24(%rsp), %rsi
        movq    32(%rsp), %rdx
        xorl    %eax, %eax
        leaq    ENTRY_SIZE(%rsp), %rsp
em_dispatcher_leaves:
        jmp     *%r11
1:      ret
        .size em_dispatcher, . - em_dispatcher

// long em_sigtimedwait(set rdi, info rsi, timeout rdx, frame rcx,
//                      sleeping r8)
// *sleeping is frame while the thread waits. A handler that finds the thread
// between em_sigtimedwait_done and em_sigtimedwait_end finds it with the
// call's result in rax.
        .globl em_sigtimedwait, em_sigtimedwait_done, em_sigtimedwait_end
        .hidden em_sigtimedwait, em_sigtimedwait_done, em_sigtimedwait_end
        .type em_sigtimedwait, @function
em_sigtimedwait:
        movq    %rcx, (%r8)
        movl    $8, %r10d
        movl    $SYS_rt_sigtimedwait, %eax
        syscall
em_sigtimedwait_done:
        movq    $0, (%r8)
em_sigtimedwait_end:
        ret
        .size em_sigtimedwait, . - em_sigtimedwait

// The return address of a signal handler.
        .globl em_restore
        .hidden em_restore
        .type em_restore, @function
em_restore:
        movl    $15, %eax               // rt_sigreturn
        syscall
        .size em_restore, . - em_restore

        .section .rodata
        .p2align 3
all_signals:
        .quad   -1

        .section .note.GNU-stack, "", @progbits
