//===- CallNumbers.h - Which system calls a site can make -----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_CALLNUMBERS_H
#define ELFMERGE_ARCH_X86_64_HOST_CALLNUMBERS_H

#include "CodeRegions.h"

namespace elfmerge::x86_64 {

/// Every value %eax can have when control reaches instruction \p Index of
/// \p R, sorted; empty when that cannot be told.
llvm::SmallVector<uint32_t, 2> callNumbers(CodeRegions &Code, const Region &R,
                                           size_t Index);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_CALLNUMBERS_H
