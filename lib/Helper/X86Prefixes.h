//===- X86Prefixes.h - What stands before an x86 opcode -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_X86PREFIXES_H
#define ELFMERGE_LIB_HELPER_X86PREFIXES_H

#include "llvm/ADT/StringRef.h"

namespace elfmerge {

struct X86Prefixes {
  bool OperandSize = false; ///< 66
  bool Repeat = false;      ///< f2 or f3, which may be part of the opcode
  bool AfterRex = false;    ///< any prefix behind REX, or REX2
};

X86Prefixes readX86Prefixes(llvm::StringRef Instruction, bool Is64);

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_X86PREFIXES_H
