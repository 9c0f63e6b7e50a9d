/* The smallest program with several segments: no libc, data to write to, and
   exit status 0. Build: -O1 -ffreestanding -nostdlib -static-pie. */
volatile int counter = 1;

__attribute__((used, force_align_arg_pointer)) void _start(void) {
  counter -= 1;
  register long number __asm__("rax") = 231; /* exit_group */
  __asm__ volatile("syscall" : : "r"(number), "D"(counter) : "rcx", "r11", "memory");
  __builtin_unreachable();
}
