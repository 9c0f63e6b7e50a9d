//===- Fold.cpp - Pass 11: make the image of what was linked --------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker's output knows every address but holds no blob. In the image
// stand, one behind the other, what of it is loaded, the content area, the
// symbol table and the section headers. Fold writes the program headers of all
// mappings, those of repeated instances at the same file offsets, adds the
// instances' symbols, and lets the section headers point into the contents.
//
//===----------------------------------------------------------------------===//

#include "Contents.h"
#include "Error.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

using Ehdr = Blob::ELFT::Ehdr;
using Shdr = Blob::ELFT::Shdr;
using Sym = Blob::ELFT::Sym;

namespace {

class Folder {
public:
  Folder(const Context &Ctx, int Fd, MutableArrayRef<uint8_t> Linked)
      : Ctx(Ctx), Fd(Fd), Linked(Linked) {}
  Error run();

private:
  Error readSections();
  void writeProgramHeaders();
  void pointSectionsAtContents();
  void addSymbols();
  void place(Shdr &Section, ArrayRef<StringRef> Parts);
  StringRef nameOf(const Shdr &S) const {
    return Names.substr(S.sh_name).split('\0').first;
  }
  StringRef bytesOf(const Shdr &S) const {
    return toStringRef(Linked).substr(S.sh_offset, S.sh_size);
  }

  const Context &Ctx;
  int Fd;
  MutableArrayRef<uint8_t> Linked;
  std::vector<Shdr> Sections;
  StringRef Names;
  uint64_t LoadedSize = 0; ///< of the linker's output
  std::string Tail;        ///< what stands behind the content area
};

template <typename T> StringRef toBytes(ArrayRef<T> Array) {
  return {reinterpret_cast<const char *>(Array.data()),
          Array.size() * sizeof(T)};
}

Error Folder::readSections() {
  Expected<object::ELFFile<Blob::ELFT>> File =
      object::ELFFile<Blob::ELFT>::create(toStringRef(Linked));
  if (!File)
    return File.takeError();
  Expected<Blob::ELFT::ShdrRange> Headers = File->sections();
  if (!Headers)
    return Headers.takeError();
  Expected<StringRef> NamesOrError = File->getSectionStringTable(*Headers);
  if (!NamesOrError)
    return NamesOrError.takeError();
  Sections.assign(Headers->begin(), Headers->end());
  Names = *NamesOrError;
  for (const Shdr &S : Sections)
    if ((S.sh_flags & SHF_ALLOC) && S.sh_type != SHT_NOBITS)
      LoadedSize = std::max<uint64_t>(LoadedSize, S.sh_offset + S.sh_size);
  if (LoadedSize > Ctx.ContentBase)
    return fail("the runtime is too large: found " + hex(LoadedSize) +
                " bytes, wanted at most " + hex(Ctx.ContentBase));
  return Error::success();
}

void Folder::writeProgramHeaders() {
  auto &Header = *reinterpret_cast<Ehdr *>(Linked.data());
  MutableArrayRef<Blob::Phdr> Headers(
      reinterpret_cast<Blob::Phdr *>(Linked.data() + Header.e_phoff),
      Header.e_phnum);
  assert(Headers.size() ==
         LeadingHeaders + Ctx.Mappings.size() + TrailingHeaders);
  // The kernel aligns an image's load address to its largest p_align; the
  // first PT_LOAD, at address and offset 0, can carry any.
  Headers[1].p_align = Ctx.MaxAlign;
  for (size_t N = 0; N != Ctx.Mappings.size(); ++N) {
    const Mapping &M = Ctx.Mappings[N];
    Blob::Phdr &P = Headers[LeadingHeaders + N];
    assert(P.p_type == PT_NULL);
    P.p_type = PT_LOAD;
    P.p_flags = M.Flags;
    P.p_offset = M.FileSize ? Ctx.ContentBase + M.Content : 0;
    P.p_vaddr = M.Address;
    P.p_paddr = M.Address;
    P.p_filesz = M.FileSize;
    P.p_memsz = M.MemSize;
    P.p_align = PageSize;
  }
}

void Folder::pointSectionsAtContents() {
  StringMap<const ImageSection *> Planned;
  for (const Placement &P : Ctx.Placements)
    for (const ImageSection &S : P.Sections)
      Planned[S.Name] = &S;
  for (Shdr &S : Sections) {
    auto It = Planned.find(nameOf(S));
    if (It == Planned.end())
      continue;
    if (It->second->FromFile) {
      S.sh_type = SHT_PROGBITS;
      S.sh_offset = Ctx.ContentBase + It->second->Content;
    }
  }
}

/// Gives \p Section its place behind the content area.
void Folder::place(Shdr &Section, ArrayRef<StringRef> Parts) {
  uint64_t Start = Ctx.ContentBase + Ctx.contentEnd();
  Tail.resize(
      alignTo(Tail.size(), std::max<uint64_t>(Section.sh_addralign, 1)));
  Section.sh_offset = Start + Tail.size();
  for (StringRef Part : Parts)
    Tail += Part;
  Section.sh_size = Start + Tail.size() - Section.sh_offset;
}

/// The linker's symbols, with the instances' at the end of the local ones.
void Folder::addSymbols() {
  Shdr *Table = nullptr;
  StringMap<unsigned> Index;
  for (Shdr &S : Sections) {
    Index[nameOf(S)] = &S - Sections.data();
    if (S.sh_type == SHT_SYMTAB)
      Table = &S;
  }
  if (!Table)
    return;
  std::vector<unsigned> Planned; ///< by SymbolTable's count
  for (const Placement &P : Ctx.Placements)
    for (const ImageSection &S : P.Sections)
      Planned.push_back(Index.lookup(S.Name));
  Shdr &Strings = Sections[Table->sh_link];
  StringRef Old = bytesOf(*Table);
  size_t Locals = Table->sh_info * sizeof(Sym);
  std::string Bytes;
  Bytes.reserve(Old.size() + Ctx.Symbols.Symbols.size() * sizeof(Sym));
  Bytes += Old.substr(0, Locals);
  for (Sym S : Ctx.Symbols.Symbols) {
    S.st_name += Strings.sh_size;
    if (S.st_shndx != SHN_ABS)
      S.st_shndx = Planned[S.st_shndx];
    Bytes += toBytes(ArrayRef(S));
  }
  Bytes += Old.substr(Locals);
  Table->sh_info += Ctx.Symbols.Symbols.size();
  place(*Table, StringRef(Bytes));
  place(Strings, {bytesOf(Strings), Ctx.Symbols.Names});
}

Error Folder::run() {
  if (Error E = readSections())
    return E;
  writeProgramHeaders();
  pointSectionsAtContents();
  addSymbols();
  auto &Header = *reinterpret_cast<Ehdr *>(Linked.data());
  place(Sections[Header.e_shstrndx], Names);
  Tail.resize(alignTo(Tail.size(), WordSize));
  uint64_t TailOffset = Ctx.ContentBase + Ctx.contentEnd();
  Header.e_shoff = TailOffset + Tail.size();
  Tail += toBytes(ArrayRef(Sections));
  if (Error E = writeAt(Fd, Linked.take_front(LoadedSize), 0))
    return E;
  return writeAt(Fd, arrayRefFromStringRef(Tail), TailOffset);
}

} // namespace

Error elfmerge::foldImage(Context &Ctx) {
  ErrorOr<std::unique_ptr<WritableMemoryBuffer>> Linked =
      WritableMemoryBuffer::getFile(Ctx.Linked);
  if (!Linked)
    return inFile(Ctx.Linked, errorCodeToError(Linked.getError()));
  MutableArrayRef<uint8_t> Bytes(
      reinterpret_cast<uint8_t *>((*Linked)->getBufferStart()),
      (*Linked)->getBufferSize());
  return inFile(Ctx.Cfg.Output, Folder(Ctx, Ctx.OutputFd, Bytes).run());
}
