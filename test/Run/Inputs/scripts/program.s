# Something for the assembler, the linker and the readers of their output.
	.globl _start
	.section .rodata
message: .ascii "hello\n"
	.text
	.type _start, @function
_start:	.cfi_startproc
	mov $1, %eax
	mov $1, %edi
	lea message(%rip), %rsi
	mov $6, %edx
	syscall
	mov $60, %eax
	xor %edi, %edi
	syscall
	.cfi_endproc
	.size _start, .-_start
