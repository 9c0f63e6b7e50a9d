//===- Blob.h - A rigid ELF file ------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The unit of a merge: a linked, position-independent ELF file whose segments
/// refer to each other by distance and are therefore never moved against each
/// other. Programs, interpreters and shared libraries are all blobs.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_BLOB_H
#define ELFMERGE_LIB_MERGE_BLOB_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>
#include <string>
#include <vector>

namespace elfmerge {

constexpr uint64_t PageSize = 4096;
/// Alignment of ELF64 structures. That of LLVM's types for them is 1.
constexpr uint64_t WordSize = 8;

/// A PT_LOAD as the file has it. Addresses are the file's own.
struct Segment {
  uint64_t VAddr;
  uint64_t MemSize;
  uint64_t Offset;
  uint64_t FileSize;
  uint64_t Align;
  uint32_t Flags; ///< p_flags
  bool isExecutable() const { return Flags & llvm::ELF::PF_X; }
  bool isWritable() const { return Flags & llvm::ELF::PF_W; }
  uint64_t end() const { return VAddr + MemSize; }
};

/// The instructions that are looked for.
enum class SiteKind {
  Syscall,
  Cpuid, ///< x86: slow in a virtual machine, so the runtime remembers results
};

/// How a site is dealt with.
enum class PatchForm {
  Untouched, ///< every number it can have is harmless; cpuid: there is no room
  Following, ///< the jump takes the place of it and what follows
  Preceding, ///< the jump takes the place of what precedes and it
  Around,    ///< of instructions on both sides
  Hole,      ///< a short jump to unused bytes nearby, which hold the jump
  InPlace,   ///< what precedes gives way to two jumps, and it stays
};

/// One such instruction of a blob. Addresses are the blob's own.
struct Site {
  SiteKind Kind;
  uint64_t Address;
  // Only known for --print-hooks.
  uint64_t FunctionStart = 0;
  std::string Function = {}; ///< symbol name; empty when there is none
  /// Every number the call can have, sorted; empty when it is only known at
  /// run time, and for cpuid.
  llvm::SmallVector<uint32_t, 2> Numbers = {};
  PatchForm Form = PatchForm::Untouched;
  uint64_t PatchStart = 0, PatchEnd = 0; ///< bytes replaced
  uint64_t HoleStart = 0;                ///< PatchForm::Hole: 5 more bytes
  uint64_t Trampoline = 0;               ///< where the jump goes
};

/// What the hooks pass adds to a blob: a slot page directly behind the page
/// in which the blob ends, and behind that read-only code.
struct Hooks {
  std::vector<Site> Sites;   ///< sorted by address, untouched ones included
  std::vector<uint8_t> Text; ///< empty when no site is hooked
  uint64_t SlotVAddr = 0;    ///< em_slot; valid when Text is not empty
  /// The blob's .eh_frame_hdr with the trampolines' entries; size 0: none.
  uint64_t FrameHeader = 0, FrameHeaderSize = 0;
  /// Blob address of the program headers with the hooks' own; 0: none.
  uint64_t Headers = 0;
  unsigned HeaderCount = 0;
  uint64_t textVAddr() const { return SlotVAddr + PageSize; }
};

enum class BlobKind { Program, Interpreter, Library };

class Blob {
public:
  using ELFT = llvm::object::ELF64LE;
  using Phdr = ELFT::Phdr;

  /// Maps and checks \p Path. Errors name the file.
  static llvm::Expected<std::unique_ptr<Blob>> open(llvm::StringRef Path,
                                                    BlobKind Kind);

  std::string Path;
  BlobKind Kind;

  /// The whole file in private memory: changing it does not change the file.
  llvm::MutableArrayRef<uint8_t> bytes() {
    return {reinterpret_cast<uint8_t *>(Map.data()), Map.size()};
  }
  llvm::ArrayRef<uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t *>(Map.const_data()), Map.size()};
  }
  /// A view with LLVM's accessors on the same bytes.
  const llvm::object::ELFFile<ELFT> &elf() const { return *File; }

  std::vector<Segment> Segments; ///< sorted by VAddr, pages disjoint
  uint64_t Entry = 0;
  uint64_t MaxAlign = PageSize;

  /// First and one past the last page of the segments. The first is 0 for
  /// everything that linkers make today.
  uint64_t firstPage() const;
  uint64_t endPage() const;
  /// As endPage(), slot and hooks included.
  uint64_t endPageWithHooks() const;
  /// Bytes of the file that are loaded: [0, loadedSize()).
  uint64_t loadedSize() const;

  /// The file's bytes at blob address [VAddr, VAddr + Size), or an empty
  /// reference when they are not wholly file-backed.
  llvm::MutableArrayRef<uint8_t> at(uint64_t VAddr, uint64_t Size);

  // From the dynamic section; empty for a static program.
  std::string Interpreter; ///< PT_INTERP
  std::string SoName;
  std::vector<std::string> Needed;
  std::string RPath, RunPath;
  bool NoDefaultLib = false; ///< DF_1_NODEFLIB

  elfmerge::Hooks Hooks;

private:
  Blob() = default;
  llvm::Error readSegments();
  llvm::Error readDynamic();
  llvm::Error readEntries(llvm::ArrayRef<ELFT::Dyn> Entries);
  llvm::Expected<llvm::ArrayRef<uint8_t>> contentsOf(const Phdr &P) const;

  llvm::sys::fs::mapped_file_region Map;
  std::unique_ptr<llvm::object::ELFFile<ELFT>> File;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_BLOB_H
