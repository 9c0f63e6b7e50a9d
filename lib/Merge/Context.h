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
#include "TempFiles.h"
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
  const SpecConfig *Config = nullptr;
  std::string Name;
  Program *Prog = nullptr;
  unsigned FirstIndex = 0;    ///< the K of its first instance's NAME.K
  unsigned FirstInstance = 0; ///< plan pass
};

/// A page-granular mapping of the image. Becomes a PT_LOAD.
struct Mapping {
  uint64_t Address;  ///< relative to the load address of the image
  uint64_t MemSize;  ///< bytes; the end need not be a page's
  uint64_t FileSize; ///< bytes, at most MemSize; 0: anonymous
  uint64_t Content;  ///< content offset, a page multiple
  uint32_t Flags;    ///< p_flags
};

/// The part of a mapping that a section header of the image describes, so
/// that symbols have a section and tools find the contents: what comes from
/// the file, or the zeros behind it.
struct ImageSection {
  std::string Name;
  uint64_t Address;
  uint64_t Size;
  uint64_t Content; ///< content offset when FromFile
  uint32_t Flags;   ///< p_flags
  bool FromFile;
};

/// The symbols of the instances.
struct SymbolTable {
  /// All local. st_shndx counts the sections of all placements, in order, and
  /// st_name is relative to Names: fold knows what is in front of both.
  std::vector<Blob::ELFT::Sym> Symbols;
  std::string Names;
};

/// A blob placed in the image's address space.
struct Placement {
  Blob *B;
  uint64_t Base;         ///< image address of blob address 0, modulo 2^64
  unsigned FirstMapping; ///< index into Context::Mappings
  unsigned MappingCount;
  std::string Suffix; ///< NAME.K
  bool HasSymbols;
  std::vector<ImageSection> Sections; ///< empty without symbols
};

struct Instance {
  unsigned Spec;
  unsigned Index;       ///< the K of NAME.K
  int Main = -1;        ///< index into Context::Placements; -1: the runtime
  int Interpreter = -1; ///< maps it, or there is none
};

/// A range of the content area, a part of the image file: the loaded bytes of
/// a blob, then on a page of its own its hooks' text. A library has a zero
/// page, its slot, between the two.
struct Content {
  Blob *B;
  uint64_t Offset;              ///< content offset, a page multiple
  uint64_t hooksOffset() const; ///< content offset of the hooks' text
  uint64_t end() const;
};

struct Context {
  Context(const Config &Cfg, llvm::raw_ostream &Out, llvm::raw_ostream &Log)
      : Cfg(Cfg), Out(Out), Log(Log), Temps(Cfg.SaveTemps) {}

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
  std::vector<Content> Contents; ///< sorted by offset, libraries first
  std::vector<Blob *> Libraries; ///< embedded, in the order of their contents
  uint64_t StoreAddress = 0;     ///< where the libraries' contents are mapped
  uint64_t ContentBase = 0;      ///< file offset of the content area
  uint64_t MaxAlign = PageSize;  ///< of the image's load address
  uint64_t RuntimeEnd = 0;       ///< the runtime has to end below
  uint64_t Span = 0;             ///< end of the image's address space

  // table pass
  std::string Table; ///< the image table (RuntimeABI.h)

  // symbols pass
  SymbolTable Symbols;

  // objects pass, script pass
  std::vector<std::string> LinkerInputs; ///< paths of objects
  std::string Script;                    ///< path

  // link pass
  std::string Linked; ///< path of the linker's output

  std::string Partial; ///< the output under construction; empty: none
  int OutputFd = -1;   ///< open on it
  TempFiles Temps;

  const Content &contentOf(const Blob *B) const;
  uint64_t contentEnd() const; ///< a page multiple
  /// The mappings of \p B, slot and hooks included, when blob address 0 stands
  /// at \p Base. Wants contents.
  std::vector<Mapping> mappingsOf(const Blob &B, uint64_t Base) const;

  /// The blob of file \p Path, opened at most once; files of equal contents
  /// are one blob.
  llvm::Expected<Blob *> getBlob(llvm::StringRef Path, BlobKind Kind);
};

// The passes, in the order in which merge() runs them.
llvm::Error readInputs(Context &);
llvm::Error resolveClosures(Context &);
llvm::Error checkOutputs(Context &);
llvm::Error hookBlobs(Context &);
llvm::Error embedHooks(Context &);
llvm::Error planImage(Context &);
llvm::Error buildTable(Context &);
llvm::Error collectSymbols(Context &);
llvm::Error writeObjects(Context &);
llvm::Error writeScript(Context &);
llvm::Error linkImage(Context &);
llvm::Error foldImage(Context &);
llvm::Error writeMap(Context &);
llvm::Error writeDepFile(Context &);

// Reports.
void printLinkerArgs(const Context &);
void printPlan(const Context &);
void printHooks(const Context &);

/// The number of program headers of the image in front of the mappings' and
/// behind them: PT_PHDR and the runtime's three, PT_GNU_STACK.
constexpr unsigned LeadingHeaders = 4, TrailingHeaders = 1;

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_CONTEXT_H
