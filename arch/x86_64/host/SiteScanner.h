//===- SiteScanner.h - Finding the sites of a blob ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_SITESCANNER_H
#define ELFMERGE_ARCH_X86_64_HOST_SITESCANNER_H

#include "CodeRegions.h"

namespace elfmerge::x86_64 {

/// Every `syscall` and `cpuid` instruction of the blob, sorted by address, with
/// the numbers a call can have; none is patched. Fills in \p Code, which is
/// empty before, with the code around them.
std::vector<Site> scanSites(CodeRegions &Code);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_SITESCANNER_H
