//===- Contents.h - The bytes of the blobs, on their way to the image -----===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_CONTENTS_H
#define ELFMERGE_LIB_MERGE_CONTENTS_H

#include "Context.h"
#include <thread>

namespace elfmerge {

/// Writes all of \p Bytes at \p Offset.
llvm::Error writeAt(int Fd, llvm::ArrayRef<uint8_t> Bytes, uint64_t Offset);

/// Copies the content area to the output while the linker works: where it
/// stands in the file depends on the plan alone.
class ContentCopier {
public:
  ContentCopier() = default;
  ~ContentCopier();
  /// \p Ctx and \p Fd are in use until finish() or the end of this object.
  llvm::Error start(const Context &Ctx, int Fd);
  /// Waits for the end. Called once, after start().
  llvm::Error finish();

private:
  std::string Failure;
  std::thread Worker;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_CONTENTS_H
