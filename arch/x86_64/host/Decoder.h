//===- Decoder.h - x86-64 instructions as the hooks pass sees them --------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// LLVM's disassembler, reduced to the questions the hooks pass asks: how long
/// is an instruction, where does control go, what does it do to a register.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_DECODER_H
#define ELFMERGE_ARCH_X86_64_HOST_DECODER_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <memory>
#include <optional>

namespace elfmerge::x86_64 {

enum class InsnKind : uint8_t {
  Invalid, ///< not an instruction; one byte
  Plain,
  Nop,
  Trap, ///< hlt, ud2, int3: control does not go on
  Syscall,
  Cpuid,
  CondBranch,
  Jump,
  IndirectJump,
  Call,
  Return,
};

/// What an instruction does first with the flags.
enum class FlagUse : uint8_t { None, Read, Write };

struct Insn {
  uint64_t Address = 0; ///< in a Region: from its start
  uint64_t Target = 0;  ///< likewise; valid with HasTarget
  uint8_t Size = 1;
  InsnKind Kind = InsnKind::Invalid;
  bool HasTarget = false; ///< direct CondBranch, Jump or Call
  FlagUse Flags = FlagUse::None;
  /// It refers to memory by its distance from itself, ...
  bool IsRipRelative = false;
  /// ... which is in four bytes from here on; 0 when it cannot be located.
  uint8_t RipOffset = 0;

  uint64_t end() const { return Address + Size; }
  bool fallsThrough() const {
    return Kind != InsnKind::Trap && Kind != InsnKind::Jump &&
           Kind != InsnKind::IndirectJump && Kind != InsnKind::Return;
  }
  bool isBranch() const {
    return Kind == InsnKind::CondBranch || Kind == InsnKind::Jump;
  }
  bool isPadding(llvm::ArrayRef<uint8_t> Bytes) const {
    return Kind == InsnKind::Nop ||
           (Kind == InsnKind::Trap && Bytes.front() == 0xcc);
  }
};

/// The 64-bit general registers in the order of their encoding.
enum Reg : uint8_t {
  RAX,
  RCX,
  RDX,
  RBX,
  RSP,
  RBP,
  RSI,
  RDI,
  R8,
  R11 = 11,
  R12
};
constexpr uint8_t NoReg = 0xff;

/// What an instruction does to one register.
struct RegEffect {
  enum KindTy : uint8_t {
    None,    ///< leaves it alone
    Const,   ///< sets it to Value
    Copy,    ///< sets it to Source
    Choose,  ///< sets it to Source or leaves it alone
    PopTop,  ///< sets it to the top of the stack
    Unknown, ///< sets it to something else
  } Kind = Unknown;
  uint8_t Source = NoReg;
  uint32_t Value = 0;
};

/// Not thread-safe; one per thread, because creating one takes about as long
/// as scanning a small program.
class Decoder {
public:
  static Decoder &get();

  /// The instruction at the start of \p Bytes.
  Insn decode(llvm::ArrayRef<uint8_t> Bytes, uint64_t Address);

  /// The low half of what the plain instruction at the start of \p Bytes does
  /// to \p Register: a system call number is 32 bits.
  RegEffect effect(llvm::ArrayRef<uint8_t> Bytes, uint64_t Address,
                   uint8_t Register);

  /// The constant that a push pushes.
  std::optional<uint32_t> pushedConst(llvm::ArrayRef<uint8_t> Bytes,
                                      uint64_t Address);

  ~Decoder();

private:
  Decoder();
  struct Impl;
  std::unique_ptr<Impl> I;
};

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_DECODER_H
