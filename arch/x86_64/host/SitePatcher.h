//===- SitePatcher.h - Putting jumps in the place of sites ----------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_ARCH_X86_64_HOST_SITEPATCHER_H
#define ELFMERGE_ARCH_X86_64_HOST_SITEPATCHER_H

#include "Trampoline.h"

namespace elfmerge::x86_64 {

/// Makes each of \p Sites that can make a call of \p Hooked jump to a
/// trampoline, and each cpuid where there is room. \p Code and \p Sites, of
/// which everything but the names is filled in, are scanSites()'s. The error
/// does not name the file.
llvm::Error patchSites(CodeRegions &Code, llvm::MutableArrayRef<Site> Sites,
                       const HookedSet &Hooked);

} // namespace elfmerge::x86_64

#endif // ELFMERGE_ARCH_X86_64_HOST_SITEPATCHER_H
