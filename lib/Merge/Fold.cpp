//===- Fold.cpp - Pass 10: put the contents into the image -------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker's output knows every address and symbol but holds no blob. Fold
// appends the content area, each blob once, writes the program headers of all
// mappings, those of repeated instances at the same file offsets, and lets the
// section headers point into the contents. Then the file takes the output's
// name, in one step.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "elfmerge/RuntimeABI.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <unistd.h>

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

namespace {

class Folder {
public:
  Folder(Context &Ctx, int Fd, uint64_t LinkedSize)
      : Ctx(Ctx), Fd(Fd), ContentBase(alignTo(LinkedSize, PageSize)) {}
  Error appendContents();
  Error editHeaders(MutableArrayRef<uint8_t> Linked);

private:
  Error write(ArrayRef<uint8_t> Bytes, uint64_t Offset);
  void writeProgramHeaders(MutableArrayRef<uint8_t> Linked);
  void editSectionHeaders(MutableArrayRef<Blob::ELFT::Shdr> Headers,
                          StringRef Names);

  Context &Ctx;
  int Fd;
  uint64_t ContentBase;
};

Error Folder::write(ArrayRef<uint8_t> Bytes, uint64_t Offset) {
  while (!Bytes.empty()) {
    ssize_t Written = ::pwrite(Fd, Bytes.data(), Bytes.size(), Offset);
    if (Written < 0 && errno == EINTR)
      continue;
    if (Written < 0)
      return errorCodeToError(std::error_code(errno, std::generic_category()));
    Bytes = Bytes.drop_front(Written);
    Offset += Written;
  }
  return Error::success();
}

Error Folder::appendContents() {
  uint64_t End = ContentBase;
  for (const Content &C : Ctx.Contents) {
    if (Error E = write(std::as_const(*C.B).bytes().take_front(
                            C.B->loadedSize()),
                        ContentBase + C.Offset))
      return E;
    if (Error E = write(C.B->Hooks.Text, ContentBase + C.hooksOffset()))
      return E;
    End = ContentBase + C.end();
  }
  // A mapping's last page has to lie wholly in the file: what is behind the
  // end of a file is not there, and behind contents there must be zeros.
  if (::ftruncate(Fd, alignTo(End, PageSize)) != 0)
    return errorCodeToError(std::error_code(errno, std::generic_category()));
  return Error::success();
}

void Folder::writeProgramHeaders(MutableArrayRef<uint8_t> Linked) {
  auto &Header = *reinterpret_cast<Blob::ELFT::Ehdr *>(Linked.data());
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
    P.p_offset = M.FileSize ? ContentBase + M.Content : 0;
    P.p_vaddr = M.Address;
    P.p_paddr = M.Address;
    P.p_filesz = M.FileSize;
    P.p_memsz = M.MemSize;
    P.p_align = PageSize;
  }
}

void Folder::editSectionHeaders(MutableArrayRef<Blob::ELFT::Shdr> Headers,
                                StringRef Names) {
  StringMap<const ImageSection *> Sections;
  for (const Placement &P : Ctx.Placements)
    for (const ImageSection &S : P.Sections)
      Sections[S.Name] = &S;
  for (Blob::ELFT::Shdr &H : Headers) {
    StringRef Name = Names.substr(H.sh_name).split('\0').first;
    auto It = Sections.find(Name);
    if (It == Sections.end() || !It->second->FromFile)
      continue;
    H.sh_type = SHT_PROGBITS;
    H.sh_offset = ContentBase + It->second->Content;
  }
}

Error Folder::editHeaders(MutableArrayRef<uint8_t> Linked) {
  Expected<object::ELFFile<Blob::ELFT>> File =
      object::ELFFile<Blob::ELFT>::create(toStringRef(Linked));
  if (!File)
    return File.takeError();
  Expected<Blob::ELFT::ShdrRange> Sections = File->sections();
  if (!Sections)
    return Sections.takeError();
  Expected<StringRef> Names = File->getSectionStringTable(*Sections);
  if (!Names)
    return Names.takeError();
  writeProgramHeaders(Linked);
  for (const Blob::ELFT::Shdr &H : *Sections)
    if (Names->substr(H.sh_name).split('\0').first == ".elfmerge.image")
      reinterpret_cast<em_image *>(Linked.data() + H.sh_offset)
          ->content_file_offset = ContentBase;
  editSectionHeaders({const_cast<Blob::ELFT::Shdr *>(Sections->data()),
                      Sections->size()},
                     *Names);
  return Error::success();
}

Error fold(Context &Ctx, int Fd) {
  sys::fs::file_status Status;
  if (std::error_code EC = sys::fs::status(Fd, Status))
    return errorCodeToError(EC);
  std::error_code EC;
  sys::fs::mapped_file_region Linked(
      Fd, sys::fs::mapped_file_region::readwrite, Status.getSize(), 0, EC);
  if (EC)
    return errorCodeToError(EC);
  Folder F(Ctx, Fd, Status.getSize());
  if (Error E = F.editHeaders(
          {reinterpret_cast<uint8_t *>(Linked.data()), Linked.size()}))
    return E;
  return F.appendContents();
}

} // namespace

Error elfmerge::foldImage(Context &Ctx) {
  int Fd;
  if (std::error_code EC = sys::fs::openFile(
          Ctx.Linked, Fd, sys::fs::CD_OpenExisting,
          sys::fs::FA_Read | sys::fs::FA_Write, sys::fs::OF_None))
    return inFile(Ctx.Cfg.Output, errorCodeToError(EC));
  Error E = fold(Ctx, Fd);
  if (::close(Fd) != 0 && !E)
    E = errorCodeToError(std::error_code(errno, std::generic_category()));
  return inFile(Ctx.Cfg.Output, std::move(E));
}
