//===- ObjectStreamer.h - A relocatable object, written with MC -----------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_OBJECTSTREAMER_H
#define ELFMERGE_LIB_MERGE_OBJECTSTREAMER_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class MCContext;
class MCStreamer;
} // namespace llvm

namespace elfmerge {

/// The few things that objects of a merge are made of.
class ObjectStreamer {
public:
  /// Writes an x86-64 ELF object to \p Path with what \p Fill emits.
  static llvm::Error write(llvm::StringRef Path,
                           llvm::function_ref<void(ObjectStreamer &)> Fill);

  /// A section of \p Size bytes without contents; \p Flags are p_flags.
  void emitSection(llvm::StringRef Name, uint32_t Flags, uint64_t Size);
  /// A read-only section that holds \p Data, with a global hidden symbol.
  void emitData(llvm::StringRef Section, llvm::StringRef Symbol,
                llvm::StringRef Data);

private:
  ObjectStreamer(llvm::MCContext &MC, llvm::MCStreamer &Out)
      : MC(MC), Out(Out) {}
  llvm::MCContext &MC;
  llvm::MCStreamer &Out;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_OBJECTSTREAMER_H
