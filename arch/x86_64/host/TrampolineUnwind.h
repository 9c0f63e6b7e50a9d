//===- TrampolineUnwind.h - Unwinding from trampolines --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINEUNWIND_H
#define ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINEUNWIND_H

#include "Blob.h"

namespace elfmerge::x86_64 {

/// Adds frame descriptions of the trampolines, and a search table for them and
/// all that \p B has, to its hooks' text. Nothing changes when the blob has no
/// unwind information or no hooks.
void describeTrampolines(Blob &B);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_TRAMPOLINEUNWIND_H
