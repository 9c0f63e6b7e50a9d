//===- Objects.cpp - Pass 7: write what the linker reads ------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes relocatable objects with MC: one with the image table, and one for
// each blob, with a section for every segment of every instance that is to
// have symbols, and the blob's symbols in it under their own name and the
// instance's behind: main.worker.2.
//
// The sections have a size and no contents. The bytes of a blob are final and
// need no relocation, so the linker need not see them; fold copies them from
// the input to the image, once, whatever the number of instances. So a link
// costs by symbols and not by bytes.
//
// All symbols are local: in one image a program's and its interpreter's may
// have the same name, and nothing ever refers to them.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "ObjectStreamer.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

namespace {

struct BlobSymbol {
  StringRef Name;
  uint64_t Value; ///< blob address, or the value when Absolute
  uint64_t Size;
  unsigned char Type;
  bool Absolute;
};

/// The symbols of \p B that name a place: of .symtab, else of .dynsym.
Expected<std::vector<BlobSymbol>> symbolsOf(const Blob &B) {
  std::vector<BlobSymbol> Result;
  Expected<Blob::ELFT::ShdrRange> Sections = B.elf().sections();
  if (!Sections)
    return Sections.takeError();
  const Blob::ELFT::Shdr *Table = nullptr;
  for (const Blob::ELFT::Shdr &S : *Sections)
    if (S.sh_type == SHT_SYMTAB || (S.sh_type == SHT_DYNSYM && !Table))
      Table = &S;
  if (!Table)
    return Result;
  Expected<Blob::ELFT::SymRange> Symbols = B.elf().symbols(Table);
  if (!Symbols)
    return Symbols.takeError();
  Expected<StringRef> Strings =
      B.elf().getStringTableForSymtab(*Table, *Sections);
  if (!Strings)
    return Strings.takeError();
  for (const Blob::ELFT::Sym &S : *Symbols) {
    unsigned char Type = S.getType();
    // A thread-local symbol's value is no address, and instances have no
    // PT_TLS in the image that a tool could relate it to.
    if (S.st_shndx == SHN_UNDEF || Type == STT_SECTION || Type == STT_FILE ||
        Type == STT_TLS)
      continue;
    Expected<StringRef> Name = S.getName(*Strings);
    if (!Name)
      return Name.takeError();
    if (Name->empty())
      continue;
    // An IFUNC's symbol names its resolver; the type would tell the linker to
    // make a PLT entry for it.
    if (Type == STT_GNU_IFUNC)
      Type = STT_FUNC;
    Result.push_back(
        {*Name, S.st_value, S.st_size, Type, S.st_shndx == SHN_ABS});
  }
  return Result;
}

class InstanceSymbols {
public:
  InstanceSymbols(ObjectStreamer &Out, const Placement &P) : Out(Out), P(P) {
    for (const ImageSection &S : P.Sections)
      Starts.push_back(Out.emitSection(S.Name, S.Flags, S.Size));
  }
  void emit(const BlobSymbol &S) {
    std::string Name = (S.Name + "." + P.Suffix).str();
    if (S.Absolute) {
      Out.emitSymbol(Name, S.Type, nullptr, S.Value, S.Size);
      return;
    }
    uint64_t Address = P.Base + S.Value;
    unsigned In = P.Sections.size();
    for (unsigned N = 0; N != P.Sections.size(); ++N) {
      const ImageSection &Section = P.Sections[N];
      if (Address < Section.Address ||
          Address - Section.Address > Section.Size)
        continue;
      In = N;
      // A symbol such as _end stands behind the last byte of its section.
      if (Address - Section.Address != Section.Size)
        break;
    }
    if (In != P.Sections.size())
      Out.emitSymbol(Name, S.Type, Starts[In],
                     Address - P.Sections[In].Address, S.Size);
  }

private:
  ObjectStreamer &Out;
  const Placement &P;
  std::vector<MCSymbol *> Starts;
};

Error writeBlobObject(Context &Ctx, const Blob &B, StringRef Path) {
  Expected<std::vector<BlobSymbol>> Symbols = symbolsOf(B);
  if (!Symbols)
    return inFile(B.Path, Symbols.takeError());
  return ObjectStreamer::write(Path, [&](ObjectStreamer &Out) {
    for (const Placement &P : Ctx.Placements) {
      if (P.B != &B || !P.HasSymbols)
        continue;
      InstanceSymbols Emitter(Out, P);
      for (const BlobSymbol &S : *Symbols)
        Emitter.emit(S);
    }
  });
}

std::string nextInput(Context &Ctx, StringRef Stem) {
  SmallString<128> Path(Ctx.TempDir);
  sys::path::append(Path, std::to_string(Ctx.LinkerInputs.size()) + "." + Stem +
                              ".o");
  Ctx.LinkerInputs.push_back(std::string(Path));
  return Ctx.LinkerInputs.back();
}

} // namespace

Error elfmerge::writeObjects(Context &Ctx) {
  if (Error E = ObjectStreamer::write(
          nextInput(Ctx, "table"), [&](ObjectStreamer &Out) {
            Out.emitData(".elfmerge.image", "elfmerge_image", Ctx.Table);
          }))
    return E;
  for (std::unique_ptr<Blob> &B : Ctx.Blobs) {
    bool Wanted = false;
    for (const Placement &P : Ctx.Placements)
      Wanted |= P.B == B.get() && P.HasSymbols;
    if (Wanted)
      if (Error E = writeBlobObject(
              Ctx, *B, nextInput(Ctx, sys::path::filename(B->Path))))
        return E;
  }
  return Error::success();
}
