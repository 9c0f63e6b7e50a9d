//===- Ports.h - The machines that helpers are made for -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What emission and verification have to know of a machine, as plain data.
/// A new port is one more entry here and a folder below arch.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_PORTS_H
#define ELFMERGE_LIB_HELPER_PORTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace elfmerge {

struct SystemCall {
  const char *Name;
  uint32_t Number;
};

/// What an instruction is to the verifier. MC tells branches and calls apart by
/// itself; these are what it has no word for.
enum class Form {
  // Ways to put a value into operand 0.
  Immediate,        ///< operand 1
  RotatedImmediate, ///< operand 1, as A32 encodes it
  ShiftedImmediate, ///< operand 1 << operand 2
  Copy,             ///< register operand 1
  Zero,             ///< 0, if operands 1 and 2 are one register
  Sum,              ///< register operand 1 + operand 2
  Or,               ///< register operand 1 | register operand 2, unshifted
  OrRotated,        ///< register operand 1 | operand 2, as A32 encodes it
  Literal,     ///< the word at the address of the instruction + 8 + operand 2
  PageAddress, ///< the address of the instruction + (operand 1 << 12)
  // Control flow.
  Return,
  ReturnByRegister, ///< if operand 0 is the return address register
  ReturnByPop,      ///< if it pops the program counter from the stack
  LinkOrJump,       ///< direct; returns to operand 0, if that is not constant
  JumpAndLink,      ///< to register operand 1 + operand 2, return to operand 0
  Trap,             ///< does not go on
  Kernel,           ///< the system call instruction of helpers
  Foreign,          ///< has no place in a helper
  Plain,            ///< does nothing that matters here, which MC does not know
};

struct Pattern {
  const char *Opcode; ///< LLVM's name
  Form Meaning;
};

struct Port {
  const char *Name;
  const char *Triple;
  const char *Attributes; ///< of the subtarget
  const char *Abi;        ///< MC's name of it, for the flags of objects
  const char *Emulation;  ///< lld's -m
  uint16_t Machine;       ///< e_machine
  bool Is64;
  uint32_t Flags;     ///< e_flags,
  uint32_t FreeFlags; ///< but for these
  uint32_t PageSize;  ///< the largest that kernels have
  unsigned CodeAlignment;
  const char *NumberRegister;     ///< holds the number of a system call,
  const char *ClobberedRegisters; ///< by a system call, with blanks between
  const char *CountRegister;      ///< of repeated instructions, or empty
  const char *StackRegister;
  int64_t KernelOperand;      ///< operand of Form::Kernel, -1 if it has none
  const char *ReturnRegister; ///< empty: the stack holds return addresses
  llvm::ArrayRef<Pattern> Patterns;
  llvm::ArrayRef<SystemCall> Calls; ///< all that a helper may use
};

llvm::ArrayRef<Port> ports();
const Port *findPort(llvm::StringRef Name);
const Port *findPort(uint16_t Machine);
/// Those of the host, or null.
const Port *hostPort();
/// "aarch64, arm, ...": for messages.
std::string portNames();

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_PORTS_H
