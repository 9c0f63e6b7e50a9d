//===- clone.S - A child on a stack of its own ----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

        .text

// long es_clone(long nr 4(esp), const long args[5] 8(esp),
//               void (*function)(void *) 12(esp), void *argument 16(esp))
//
// Executes clone or clone3, whose arguments name the stack. Returns in the
// parent; the child calls the function, which does not return. The child has
// the parent's registers, so what it needs waits in two of them. Five
// arguments leave one free, so tls in esi, which the kernel reads only with
// CLONE_SETTLS, is not passed on.
        .globl es_clone
        .hidden es_clone
        .type es_clone, @function
es_clone:
        .cfi_startproc
        pushl   %ebp
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebp, 0
        pushl   %ebx
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebx, 0
        pushl   %esi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset esi, 0
        pushl   %edi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset edi, 0
        movl    20(%esp), %eax
        movl    24(%esp), %edi
        movl    28(%esp), %ebp
        movl    32(%esp), %esi
        movl    (%edi), %ebx
        movl    4(%edi), %ecx
        movl    8(%edi), %edx
        movl    16(%edi), %edi
        int     $0x80
        testl   %eax, %eax
        jz      1f
        popl    %edi
        .cfi_adjust_cfa_offset -4
        .cfi_restore edi
        popl    %esi
        .cfi_adjust_cfa_offset -4
        .cfi_restore esi
        popl    %ebx
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebx
        popl    %ebp
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebp
        ret
        .cfi_endproc

// Nobody called the child: an unwinder ends here.
        .cfi_startproc
        .cfi_undefined eip
1:      andl    $-16, %esp
        subl    $12, %esp
        pushl   %esi
        movl    %ebp, %eax
        xorl    %ebp, %ebp
        call    *%eax
        hlt
        .cfi_endproc
        .size es_clone, . - es_clone

        .section .note.GNU-stack,"",@progbits
