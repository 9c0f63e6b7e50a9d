//===- Image.h - A helper as the kernel sees it ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_IMAGE_H
#define ELFMERGE_LIB_HELPER_IMAGE_H

#include "Ports.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace elfmerge {

/// The size, in bytes, that no helper exceeds.
constexpr uint64_t MaxHelperSize = 8192;

struct Segment {
  uint64_t Offset, Address, FileSize, MemorySize;
  uint32_t Flags; ///< p_flags
};

/// A file whose headers have been found to be a helper's.
struct Image {
  const Port *Machine = nullptr;
  uint64_t Entry = 0;
  std::vector<Segment> Segments; ///< PT_LOAD, none writable and executable
  llvm::StringRef Bytes;         ///< of the file; not owned

  /// The bytes of the file from \p Address to the end of its segment, which has
  /// all of \p Flags and is not writable; empty if there are none.
  llvm::StringRef at(uint64_t Address, uint32_t Flags) const;
};

/// Checks everything about a file but what its code does.
llvm::Expected<Image> readImage(llvm::StringRef Bytes);

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_IMAGE_H
