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

/// Every `syscall` and `cpuid` instruction of the blob, sorted by address; only
/// kind and address are known. Fills in \p Code, which is empty before, with
/// the code around them.
std::vector<Site> scanSites(CodeRegions &Code);

/// Fills in the names, which only people want to know.
void nameFunction(const CodeRegions &Code, Site &S);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_SITESCANNER_H
