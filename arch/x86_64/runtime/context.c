//===- context.c - Interrupted system calls -------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HooksABI.h"
#include "Signal.h"

/* Calls that signal(7) says are restarted with SA_RESTART and else fail with
   EINTR. All others either ignore signals or fail in both cases. */
static bool is_restartable(long nr, long command) {
  switch (nr) {
  case 0:   /* read */
  case 1:   /* write */
  case 2:   /* open */
  case 16:  /* ioctl */
  case 17:  /* pread64 */
  case 18:  /* pwrite64 */
  case 19:  /* readv */
  case 20:  /* writev */
  case 42:  /* connect */
  case 43:  /* accept */
  case 44:  /* sendto */
  case 45:  /* recvfrom */
  case 46:  /* sendmsg */
  case 47:  /* recvmsg */
  case 61:  /* wait4 */
  case 73:  /* flock */
  case 85:  /* creat */
  case 202: /* futex */
  case 242: /* mq_timedsend */
  case 243: /* mq_timedreceive */
  case 247: /* waitid */
  case 257: /* openat */
  case 275: /* splice */
  case 276: /* tee */
  case 278: /* vmsplice */
  case 288: /* accept4 */
  case 295: /* preadv */
  case 296: /* pwritev */
  case 299: /* recvmmsg */
  case 307: /* sendmmsg */
  case 318: /* getrandom */
  case 327: /* preadv2 */
  case 328: /* pwritev2 */
  case 437: /* openat2 */
    return true;
  case 72: /* fcntl: F_SETLKW, F_OFD_SETLKW */
    return command == 7 || command == 38;
  default:
    return false;
  }
}

/* Of a ucontext. */
enum {
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  RDI,
  RSI,
  RBP,
  RBX,
  RDX,
  RAX,
  RCX,
  RSP,
  RIP,
};

static long *registers_of(void *context) {
  return (long *)((char *)context + 40);
}

/* The system call returns the address behind it in rcx. */
static bool is_behind_call(const long *registers) {
  return registers[RCX] == registers[RIP];
}

/* Calls that any handler interrupts, and that can be made again for one that
   was not the program's. */
static bool is_interruptible(long nr) {
  switch (nr) {
  case 7:   /* poll */
  case 23:  /* select */
  case 34:  /* pause */
  case 35:  /* nanosleep */
  case 65:  /* semop */
  case 69:  /* msgsnd */
  case 70:  /* msgrcv */
  case 202: /* futex */
  case 208: /* io_getevents */
  case 220: /* semtimedop */
  case 230: /* clock_nanosleep */
  case 232: /* epoll_wait */
  case 270: /* pselect6 */
  case 271: /* ppoll */
  case 281: /* epoll_pwait */
  case 441: /* epoll_pwait2 */
    return true;
  default:
    return false;
  }
}

/* Where a call says how long it sleeps, and, if it does, where the kernel has
   said what was left of that: what it is made again with. */
static long *time_of(long nr, long *r, long *left) {
  enum { TIMER_ABSTIME = 1 };
  *left = 0;
  if (nr == 35) { /* nanosleep */
    *left = r[RSI];
    return &r[RDI];
  }
  if (nr == 230 && !(r[RSI] & TIMER_ABSTIME)) /* clock_nanosleep */
    *left = r[R10];
  return &r[RDX];
}

/* May this be a call that was about to be made again? One that was just about
   to be made may as well have begun; but only the kernel says what is left. */
static bool is_made_again(long nr, long *r) {
  long left, time = *time_of(nr, r, &left);
  return is_interruptible(nr) && (!left || time == left);
}

/* It fails, and is not made again for a signal that comes here. */
static void fail_call(long *r) {
  r[RAX] = -EM_EINTR;
  r[RCX] = 0;
}

void em_interrupt_call(void *context, bool restart) {
  long *r = registers_of(context);
  if (r[RAX] == -EM_EINTR && is_behind_call(r))
    fail_call(r);
  const uint8_t *pc = (const uint8_t *)r[RIP];
  if (pc[0] != 0x0f || pc[1] != 0x05)
    return;
  bool restarts = is_restartable(r[RAX], r[RSI]);
  if (restarts ? restart : !is_made_again(r[RAX], r))
    return;
  fail_call(r);
  r[RIP] += 2;
}

/* Where the thread has made a call that it has to make again; null: nowhere.
   If the kernel was about to restart it by the call of that name, it will find
   that a handler has run since, and give up. */
static const uint8_t *interrupted_call(const long *r) {
  enum { SYSCALL_SIZE = 2, RESTART_SYSCALL = 219 };
  const uint8_t *pc = (const uint8_t *)r[RIP];
  const uint8_t *call = r[RAX] == RESTART_SYSCALL ? pc : pc - SYSCALL_SIZE;
  if (r[RAX] != RESTART_SYSCALL && (r[RAX] != -EM_EINTR || !is_behind_call(r)))
    return NULL;
  return call[0] == 0x0f && call[1] == 0x05 ? call : NULL;
}

/* How long an operand is that a ModRM byte begins. */
static int operand_size(const uint8_t *at) {
  enum {
    DISPLACED_BYTE = 1,
    DISPLACED = 2,
    REGISTER = 3,
    SIB = 4,
    NO_BASE = 5
  };
  int mod = *at >> 6, rm = *at & 7;
  if (mod == REGISTER)
    return 1;
  bool sib = rm == SIB;
  int base = sib ? at[1] & 7 : rm;
  int displacement = mod == DISPLACED_BYTE                           ? 1
                     : mod == DISPLACED || (!mod && base == NO_BASE) ? 4
                                                                     : 0;
  return 1 + sib + displacement;
}

/* Behind an instruction of those that compilers place between the number of a
   call and the call, which prepare its arguments; null: another one. */
static const uint8_t *skip(const uint8_t *at) {
  bool rex = (*at & 0xf0) == 0x40, wide = rex && *at & 8;
  at += rex;
  switch (*at++) {
  case 0x31: /* xor */
  case 0x33:
  case 0x85: /* test */
  case 0x89: /* mov */
  case 0x8b:
  case 0x8d: /* lea */
    return at + operand_size(at);
  case 0x80: /* with a byte */
  case 0x83:
  case 0xc1: /* shl and such */
    return at + operand_size(at) + 1;
  case 0x81: /* with four bytes */
  case 0xc7: /* mov */
    return at + operand_size(at) + 4;
  case 0x0f: /* setcc */
    return (*at & 0xf0) == 0x90 ? at + 1 + operand_size(at + 1) : NULL;
  default: /* mov to a register */
    return (at[-1] & 0xf8) == 0xb8 ? at + (wide ? 8 : 4) : NULL;
  }
}

/* The number of the call there, which is to be found in the instructions only
   ("mov $NUMBER, %eax" and few others behind it); -1: not to be known. */
static long number_of(const uint8_t *call) {
  enum { MOV = 0xb8, MOV_SIZE = 5, FAR = 32, PAGE = 4096 };
  const uint8_t *nearest = call - MOV_SIZE;
  /* The page before need not be there. */
  const uint8_t *page = (const uint8_t *)((uintptr_t)call & -(uintptr_t)PAGE);
  const uint8_t *first = call - FAR > page ? call - FAR : page + 1;
  for (const uint8_t *mov = nearest; mov == nearest || mov >= first; --mov) {
    if (*mov != MOV)
      continue;
    const uint8_t *at = mov + MOV_SIZE;
    while (at && at < call)
      at = skip(at);
    /* With a prefix it is another register's. */
    if (at == call && (mov == nearest || (mov[-1] & 0xf1) != 0x41))
      return mov[1] | mov[2] << 8 | mov[3] << 16 | (long)mov[4] << 24;
  }
  return -1;
}

void em_restart_call(void *context) {
  long *r = registers_of(context);
  const uint8_t *call = interrupted_call(r);
  long nr = call ? number_of(call) : -1;
  if (nr < 0 || !is_interruptible(nr))
    return;
  long left, *time = time_of(nr, r, &left);
  if (left)
    *time = left;
  r[RAX] = nr;
  r[RIP] = (long)call;
}

/* The thread goes on where the call of \p f, whose result or number is there,
   returns, or again with its hook. */
static void set_call(const struct instance *i, long *r,
                     const struct em_frame *f, bool again) {
  /* Of the instructions in front of a trampoline's plain call, which enter the
     runtime. */
  enum { ENTER_SIZE = 17 };
  r[RDI] = f->args[0];
  r[RSI] = f->args[1];
  r[RDX] = f->args[2];
  r[R10] = f->args[3];
  r[R8] = f->args[4];
  r[R9] = f->args[5];
  r[RAX] = f->nr;
  uintptr_t raw = f->back - EM_RAW_SIZE;
  uintptr_t at = em_site_of(i, again ? raw : (uintptr_t)f->back);
  r[RIP] = at == raw ? f->back - EM_PLAIN_SIZE - ENTER_SIZE : at;
}

void em_abandon_call(const struct instance *i, void *context,
                     const struct em_frame *f, bool restart) {
  long *r = registers_of(context);
  set_call(i, r, f, restart);
  r[R12] = f->r12;
  r[R13] = f->r13;
  r[R14] = f->r14;
  r[R15] = f->r15;
  r[RBX] = f->rbx;
  r[RBP] = f->rbp;
  r[RSP] = em_frame_stack(f);
  if (!restart)
    r[RAX] = -EM_EINTR;
}

static bool has_bytes(const uint8_t *at, uint32_t bytes, int count) {
  for (; count; --count, bytes >>= 8)
    if (*at++ != (uint8_t)bytes)
      return false;
  return true;
}

/* Is a thread at \p pc, which is \p into bytes behind \p raw, in such a piece
   of a trampoline? Looks ahead first, no farther than a thread goes on. */
static bool is_raw_call(const uint8_t *raw, int into) {
  enum { LEA_SLOT = 2, LEA_BACK = 9, JMP = 16 };
  bool ahead = (into > 0 || has_bytes(raw, 0x050f, 2)) &&
               (into > LEA_SLOT || has_bytes(raw + LEA_SLOT, 0x1d8d4c, 3)) &&
               (into > LEA_BACK || has_bytes(raw + LEA_BACK, 0x0d8d48, 3)) &&
               has_bytes(raw + JMP, 0x0863ff41, 4);
  return ahead && has_bytes(raw, 0x050f, 2) &&
         has_bytes(raw + LEA_SLOT, 0x1d8d4c, 3);
}

enum em_raw_call em_find_raw_call(void *context, struct em_frame *f) {
  static const uint8_t starts[] = {0, 2, 9, 16};
  const long *r = registers_of(context);
  for (size_t n = 0; n != sizeof(starts); ++n) {
    const uint8_t *raw = (const uint8_t *)r[RIP] - starts[n];
    if (!is_raw_call(raw, starts[n]))
      continue;
    *f = (struct em_frame){
        .nr = r[RAX],
        .args = {r[RDI], r[RSI], r[RDX], r[R10], r[R8], r[R9]},
        .back = (long)raw + EM_RAW_SIZE,
    };
    return starts[n] ? EM_BEHIND_RAW_CALL : EM_AT_RAW_CALL;
  }
  return EM_NO_RAW_CALL;
}

void em_end_raw_call(const struct instance *i, void *context,
                     const struct em_frame *f, bool again) {
  set_call(i, registers_of(context), f, again);
}

uintptr_t em_context_stack(void *context) { return registers_of(context)[RSP]; }

const struct em_stack *em_context_alt_stack(void *context) {
  return (const struct em_stack *)((char *)context + 16);
}

/* What em_dispatcher leaves below the frame of a handler that it is about to
   enter. */
struct entry {
  uint64_t mask;
  long handler, number, info, context;
};
_Static_assert(sizeof(struct entry) == 40, "hook.S");

void em_finish_entry(void *context) {
  long *r = registers_of(context);
  uintptr_t pc = r[RIP];
  if (pc < (uintptr_t)em_dispatcher_unblocked ||
      pc > (uintptr_t)em_dispatcher_leaves)
    return;
  if (pc != (uintptr_t)em_dispatcher_leaves) {
    const struct entry *e = (const struct entry *)r[RSP];
    r[R11] = e->handler;
    r[RDI] = e->number;
    r[RSI] = e->info;
    r[RDX] = e->context;
    r[RAX] = 0;
    r[RSP] = (long)(e + 1);
  }
  r[RIP] = r[R11];
}

/* Where in a ucontext the kernel points to the vector registers it has saved
   behind the frame. */
static char **vector_registers(void *context) {
  return (char **)((char *)context + 224);
}

static size_t vector_size(const char *registers) {
  enum { FXSAVE_SIZE = 512, MAGIC_AT = 464, FP_XSTATE_MAGIC1 = 0x46505853 };
  const uint32_t *software = (const uint32_t *)(registers + MAGIC_AT);
  return software[0] == FP_XSTATE_MAGIC1 ? software[1] : FXSAVE_SIZE;
}

/* The kernel looks whether it can write there. */
static bool is_writable(uintptr_t from, uintptr_t end) {
  for (uintptr_t at = from & -(uintptr_t)8; at < end; at += EM_PAGE)
    if (em_syscall(SYS_rt_sigprocmask, 0, 0, at, 8) < 0)
      return false;
  return em_syscall(SYS_rt_sigprocmask, 0, 0, (end - 8) & -(uintptr_t)8, 8) ==
         0;
}

bool em_move_frame(struct em_signal *s, uintptr_t bottom, uintptr_t top) {
  enum { SIGINFO_SIZE = 128, XSAVE_ALIGN = 64 };
  enum { BELOW = (sizeof(struct entry) + 15) & -16 };
  char *frame = s->frame;
  char *vectors = *vector_registers(s->context);
  size_t size = (char *)s->info + SIGINFO_SIZE - frame;
  size_t vectors_size = vectors ? vector_size(vectors) : 0;
  char *vectors_to = (char *)((top - vectors_size) & -(uintptr_t)XSAVE_ALIGN);
  /* As for a function that was just called. */
  char *to = (char *)(((uintptr_t)vectors_to - size) & -(uintptr_t)16) - 8;
  if ((uintptr_t)to <= bottom || !is_writable((uintptr_t)to - BELOW, top))
    return false;
  memcpy(to, frame, size);
  if (vectors) {
    memcpy(vectors_to, vectors, vectors_size);
    *vector_registers(to + ((char *)s->context - frame)) = vectors_to;
  }
  s->context = to + ((char *)s->context - frame);
  s->info = to + ((char *)s->info - frame);
  s->frame = to;
  return true;
}

bool em_has_signal(void *context) {
  const long *r = registers_of(context);
  return (uintptr_t)r[RIP] >= (uintptr_t)em_sigtimedwait_done &&
         (uintptr_t)r[RIP] < (uintptr_t)em_sigtimedwait_end && r[RAX] > 0;
}
