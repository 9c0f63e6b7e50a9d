//===- Context.h - What the passes of a merge work on ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The state of one merge. Each field names the pass that fills it in; from
/// there on it does not change.
///
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_CONTEXT_H
#define ELFMERGE_LIB_MERGE_CONTEXT_H

#include "Blob.h"
#include "elfmerge/Merge.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>
#include <vector>

namespace elfmerge {

/// A library under the name by which a program's interpreter asks for it.
struct LibraryRef {
  std::string Name; ///< last component of a file name
  Blob *Library;
};

/// A program with all it needs.
struct Program {
  Blob *Main;
  Blob *Interpreter = nullptr;       ///< closure pass
  std::vector<LibraryRef> Libraries; ///< closure pass; interpreter excluded
};

/// A group of the command line.
struct Spec {
  const SpecConfig *Config;
  std::string Name;
  Program *Prog;
  unsigned FirstInstance; ///< plan pass
};

/// A page-granular mapping of the image.
struct Mapping {
  uint64_t Address;    ///< relative to the load address of the image
  uint64_t MemSize;    ///< from Address, a page multiple
  uint64_t FileSize;   ///< 0: anonymous
  uint64_t Content;    ///< content offset, a page multiple
  uint64_t Align;
  uint32_t Flags;
  std::string Section; ///< name of the section that stands for it
};

/// A blob placed in the image's address space.
struct Placement {
  Blob *B;
  uint64_t Base;          ///< image address of blob address 0
  unsigned FirstMapping;  ///< index into Context::Mappings
  unsigned MappingCount;
  std::string Suffix;     ///< of its symbols: .NAME.K
  bool HasSymbols;
};

struct Instance {
  unsigned Spec;
  unsigned Index;         ///< the K of NAME.K
  int Main = -1;          ///< index into Context::Placements, -1: the runtime
  int Interpreter = -1;   ///< maps it
};

/// A range of the image file, copied from a blob.
struct Content {
  uint64_t Offset; ///< content offset, a multiple of the blob's alignment
  Blob *B;         ///< the loaded bytes, then page-aligned its hooks' text
  uint64_t size() const;
  uint64_t hooksOffset() const; ///< from Offset
};

struct Context {
  const Config &Cfg;
  llvm::raw_ostream &Out;
  llvm::raw_ostream &Log;

  // inputs pass, closure pass
  std::vector<std::unique_ptr<Blob>> Blobs; ///< in order of discovery, unique
  std::vector<std::unique_ptr<Program>> Programs;
  std::vector<Spec> Specs;
  std::vector<std::string> Dependencies; ///< every file read, for -MF

  // plan pass
  std::vector<Instance> Instances;
  std::vector<Placement> Placements;
  std::vector<Mapping> Mappings; ///< sorted by address
  std::vector<Content> Contents; ///< sorted by offset
  uint64_t Span = 0;             ///< end of the image's address space
  std::string Table;             ///< the image table (RuntimeABI.h)

  // objects pass, script pass
  std::string TempDir;
  std::vector<std::string> Objects; ///< paths
  std::string Script;               ///< path

  // link pass
  std::string Linked; ///< path of the output under construction

  /// The blob of file \p Path, opened at most once; files of equal contents
  /// are one blob.
  llvm::Expected<Blob *> getBlob(llvm::StringRef Path, BlobKind Kind);
};

// The passes, in the order in which merge() runs them.
llvm::Error readInputs(Context &);
llvm::Error resolveClosures(Context &);
llvm::Error hookBlobs(Context &);
llvm::Error planImage(Context &);
llvm::Error writeObjects(Context &);
llvm::Error writeScript(Context &);
llvm::Error linkImage(Context &);
llvm::Error foldImage(Context &);
llvm::Error writeMap(Context &);
llvm::Error writeDepFile(Context &);

// Reports
void printPlan(Context &);
void printHooks(Context &);

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_CONTEXT_H
