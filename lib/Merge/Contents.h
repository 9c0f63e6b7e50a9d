//===- Contents.h - The bytes of the blobs, on their way to the image -----===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_CONTENTS_H
#define ELFMERGE_LIB_MERGE_CONTENTS_H

#include "Context.h"

namespace elfmerge {

/// Writes all of \p Bytes at \p Offset.
llvm::Error writeAt(int Fd, llvm::ArrayRef<uint8_t> Bytes, uint64_t Offset);

/// Gives the output the size of all up to the end of the content area. What no
/// blob covers reads as zeros, to the end of the last page. To be called before
/// anybody writes behind the content area.
llvm::Error sizeOutput(const Context &Ctx);

/// Copies the content area to the output. Where it stands in the file depends
/// on the plan alone, so this need not wait for the linker.
llvm::Error copyContents(const Context &Ctx);

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_CONTENTS_H
