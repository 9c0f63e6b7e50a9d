//===- X86Prefixes.cpp - What stands before an x86 opcode -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MC's instruction does not tell everything that prefixes do. With an operand
// size of 16 bits, a branch goes elsewhere and may be shorter, but not on every
// processor. A repetition counts in RCX. REX that does not stand directly
// before the opcode has no effect, but MC gives it one; and REX2 means
// something on new processors only.
//
//===----------------------------------------------------------------------===//

#include "X86Prefixes.h"
#include <cstdint>

using namespace llvm;
using namespace elfmerge;

static bool isLegacy(uint8_t Byte) {
  switch (Byte) {
  case 0x26: // segments
  case 0x2e:
  case 0x36:
  case 0x3e:
  case 0x64:
  case 0x65:
  case 0x66: // operand size
  case 0x67: // address size
  case 0xf0: // lock
  case 0xf2: // repetition
  case 0xf3:
    return true;
  }
  return false;
}

X86Prefixes elfmerge::readX86Prefixes(StringRef Instruction, bool Is64) {
  enum { Rex2 = 0xd5 };
  X86Prefixes Result;
  bool HasRex = false;
  for (uint8_t Byte : Instruction) {
    bool IsRex = Is64 && (Byte & 0xf0) == 0x40;
    if (Is64 && Byte == Rex2) {
      Result.AfterRex = true;
      return Result;
    }
    if (!IsRex && !isLegacy(Byte))
      return Result;
    Result.AfterRex |= HasRex;
    HasRex |= IsRex;
    Result.OperandSize |= Byte == 0x66;
    Result.Repeat |= Byte == 0xf2 || Byte == 0xf3;
  }
  return Result;
}
