//===- Symbols.cpp - The symbols of the instances -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every symbol of a program appears once for each of its instances, under its
// own name with the instance's behind: main.worker.2. A suffix, as compilers
// use it for clones, so that demanglers and debuggers still read the name.
//
// All are local: in one image a program's and its interpreter's symbols may
// have the same name, and nothing ever refers to them.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/ADT/DenseMap.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

using Sym = Blob::ELFT::Sym;
using Shdr = Blob::ELFT::Shdr;

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
  const Shdr *Table = nullptr;
  for (const Shdr &S : *Sections)
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
  Result.reserve(Symbols->size());
  for (const Sym &S : *Symbols) {
    unsigned char Type = S.getType();
    // A thread-local symbol's value is no address, and instances have no
    // PT_TLS in the image that a tool could relate it to.
    if (S.st_shndx == SHN_UNDEF || Type == STT_SECTION || Type == STT_FILE ||
        Type == STT_TLS)
      continue;
    Expected<StringRef> Name = S.getName(*Strings);
    if (!Name)
      return Name.takeError();
    if (!Name->empty())
      Result.push_back(
          {*Name, S.st_value, S.st_size, Type, S.st_shndx == SHN_ABS});
  }
  return Result;
}

class TableWriter {
public:
  explicit TableWriter(SymbolTable &Out) : Out(Out) {}
  void add(const Placement &P, ArrayRef<BlobSymbol> Symbols);

private:
  SymbolTable &Out;
  unsigned Sections = 0; ///< of the placements so far
};

/// Grows by doubling, as appending would, but at most once.
template <typename T> void reserveMore(T &Container, size_t More) {
  size_t Need = Container.size() + More;
  if (Need > Container.capacity())
    Container.reserve(std::max(Need, 2 * Container.capacity()));
}

/// The section that holds \p Address. A symbol such as _end stands behind the
/// last byte of its section, where no other begins.
const ImageSection *sectionAt(const Placement &P, uint64_t Address) {
  const ImageSection *Found = nullptr;
  for (const ImageSection &S : P.Sections) {
    if (Address < S.Address || Address - S.Address > S.Size)
      continue;
    Found = &S;
    if (Address - S.Address != S.Size)
      break;
  }
  return Found;
}

void TableWriter::add(const Placement &P, ArrayRef<BlobSymbol> Symbols) {
  size_t NameBytes = 0;
  for (const BlobSymbol &S : Symbols)
    NameBytes += S.Name.size() + P.Suffix.size() + 2;
  reserveMore(Out.Names, NameBytes);
  reserveMore(Out.Symbols, Symbols.size());
  for (const BlobSymbol &S : Symbols) {
    Sym New{};
    New.setBindingAndType(STB_LOCAL, S.Type);
    New.st_size = S.Size;
    if (S.Absolute) {
      New.st_value = S.Value;
      New.st_shndx = SHN_ABS;
    } else {
      uint64_t Address = P.Base + S.Value;
      const ImageSection *Section = sectionAt(P, Address);
      if (!Section)
        continue;
      New.st_value = Address;
      New.st_shndx = Sections + (Section - P.Sections.data());
    }
    New.st_name = Out.Names.size();
    Out.Symbols.push_back(New);
    Out.Names += S.Name;
    Out.Names += '.';
    Out.Names += P.Suffix;
    Out.Names += '\0';
  }
  Sections += P.Sections.size();
}

} // namespace

Error elfmerge::collectSymbols(Context &Ctx) {
  TableWriter Writer(Ctx.Symbols);
  DenseMap<const Blob *, std::vector<BlobSymbol>> Cache;
  for (const Placement &P : Ctx.Placements) {
    if (!P.HasSymbols)
      continue;
    auto [It, New] = Cache.try_emplace(P.B);
    if (New) {
      Expected<std::vector<BlobSymbol>> Symbols = symbolsOf(*P.B);
      if (!Symbols)
        return inFile(P.B->Path, Symbols.takeError());
      It->second = std::move(*Symbols);
    }
    Writer.add(P, It->second);
  }
  return Error::success();
}
