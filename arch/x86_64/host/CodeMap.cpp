//===- CodeMap.cpp --------------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Headers that contradict themselves are ignored here, not refused: the code
// can be understood without any of them, only less exactly.
//
//===----------------------------------------------------------------------===//

#include "CodeMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <tuple>

using namespace llvm;

namespace elfmerge::x86_64 {

namespace {

using ELFT = Blob::ELFT;

/// Code without unwind information that is longer than this is looked at only
/// this far to either side of a site.
constexpr uint64_t GapReach = 1024;

/// A shorter gap behind a function is disassembled together with it: assembly
/// code ends its unwind information early, and branches across its end.
constexpr uint64_t SmallGap = 256;

/// Of a longer gap this much: the padding that aligns the next function.
constexpr uint64_t PaddingReach = 32;

/// What the dynamic section says about relocations and entry points.
struct DynamicInfo {
  uint64_t Rela = 0, RelaSize = 0, Relr = 0, RelrSize = 0;
  uint64_t Symbols = 0, Strings = 0, StringsSize = 0;
  uint64_t Init = 0, Fini = 0;
};

template <typename T> ArrayRef<T> arrayAt(Blob &B, uint64_t At, uint64_t Size) {
  MutableArrayRef<uint8_t> Bytes = B.at(At, Size);
  return {reinterpret_cast<const T *>(Bytes.data()), Bytes.size() / sizeof(T)};
}

DynamicInfo readDynamicInfo(Blob &B) {
  DynamicInfo Info;
  Expected<ELFT::PhdrRange> Headers = B.elf().program_headers();
  if (!Headers)
    return consumeError(Headers.takeError()), Info;
  for (const Blob::Phdr &P : *Headers) {
    if (P.p_type != ELF::PT_DYNAMIC)
      continue;
    for (const ELFT::Dyn &D : arrayAt<ELFT::Dyn>(B, P.p_vaddr, P.p_filesz)) {
      uint64_t Value = D.getVal();
      switch (D.getTag()) {
      case ELF::DT_RELA:
        Info.Rela = Value;
        break;
      case ELF::DT_RELASZ:
        Info.RelaSize = Value;
        break;
      case ELF::DT_RELR:
        Info.Relr = Value;
        break;
      case ELF::DT_RELRSZ:
        Info.RelrSize = Value;
        break;
      case ELF::DT_SYMTAB:
        Info.Symbols = Value;
        break;
      case ELF::DT_STRTAB:
        Info.Strings = Value;
        break;
      case ELF::DT_STRSZ:
        Info.StringsSize = Value;
        break;
      case ELF::DT_INIT:
        Info.Init = Value;
        break;
      case ELF::DT_FINI:
        Info.Fini = Value;
        break;
      case ELF::DT_NULL:
        return Info;
      default:
        break;
      }
    }
  }
  return Info;
}

void forEachRelrTarget(Blob &B, const DynamicInfo &Info,
                       function_ref<void(uint64_t)> Fn) {
  auto Add = [&](uint64_t Place) {
    if (auto Word = arrayAt<support::ulittle64_t>(B, Place, 8); !Word.empty())
      Fn(Word.front());
  };
  uint64_t Place = 0;
  for (uint64_t Entry :
       arrayAt<support::ulittle64_t>(B, Info.Relr, Info.RelrSize)) {
    if (!(Entry & 1)) {
      Add(Entry);
      Place = Entry + 8;
      continue;
    }
    for (unsigned Bit = 1; Bit != 64; ++Bit)
      if (Entry >> Bit & 1)
        Add(Place + (Bit - 1) * 8);
    Place += 63 * 8;
  }
}

/// \p Ranges without \p Holes.
void subtract(std::vector<AddressRange> &Ranges, AddressRange Hole) {
  std::vector<AddressRange> Result;
  for (AddressRange R : Ranges) {
    if (Hole.End <= R.Start || Hole.Start >= R.End) {
      Result.push_back(R);
      continue;
    }
    if (R.Start < Hole.Start)
      Result.push_back({R.Start, Hole.Start});
    if (Hole.End < R.End)
      Result.push_back({Hole.End, R.End});
  }
  Ranges = std::move(Result);
}

} // namespace

CodeMap::CodeMap(Blob &B) : B(B), Unwind(B) {
  readRanges();
  findSymbols();
}

void CodeMap::readRanges() {
  auto Sections = B.elf().sections();
  if (!Sections)
    consumeError(Sections.takeError());
  else
    for (const ELFT::Shdr &S : *Sections)
      if (S.sh_type == ELF::SHT_PROGBITS && (S.sh_flags & ELF::SHF_EXECINSTR) &&
          !B.at(S.sh_addr, S.sh_size).empty())
        Ranges.push_back({S.sh_addr, S.sh_addr + S.sh_size});
  if (Ranges.empty()) {
    for (const Segment &S : B.Segments)
      if (S.isExecutable() && S.FileSize)
        Ranges.push_back({S.VAddr, S.VAddr + S.FileSize});
    for (AddressRange Tables : Unwind.ownRanges())
      subtract(Ranges, Tables);
  }
  llvm::sort(Ranges, [](const AddressRange &L, const AddressRange &R) {
    return L.Start < R.Start;
  });
  for (size_t I = 1; I < Ranges.size(); ++I)
    Ranges[I].Start = std::max(Ranges[I].Start, Ranges[I - 1].End);
  llvm::erase_if(Ranges,
                 [](const AddressRange &R) { return R.Start >= R.End; });
}

static bool isFunction(const ELFT::Sym &S) {
  unsigned Type = S.getType();
  return Type == ELF::STT_FUNC || Type == ELF::STT_GNU_IFUNC;
}

/// A label, if its value is an address of code.
static bool isLabel(const ELFT::Sym &S, StringRef Strings) {
  return S.st_shndx != ELF::SHN_UNDEF && S.st_name < Strings.size() &&
         (isFunction(S) || S.getType() == ELF::STT_NOTYPE);
}

bool CodeMap::isOfCode(const SymbolTable &T, const Sym &S) const {
  return isLabel(S, T.Strings) && rangeOf(S.st_value);
}

void CodeMap::addTable(ArrayRef<Sym> Table, StringRef Strings) {
  SymbolTable T = {Table, Strings};
  if (!Strings.empty() && Strings.back() == '\0' &&
      llvm::any_of(Table, [&](const Sym &S) { return isOfCode(T, S); }))
    Tables.push_back(T);
}

bool CodeMap::findSymbolSections() {
  auto Sections = B.elf().sections();
  if (!Sections)
    return consumeError(Sections.takeError()), false;
  // .symtab has all that is in .dynsym.
  for (unsigned Type : {ELF::SHT_SYMTAB, ELF::SHT_DYNSYM})
    for (const ELFT::Shdr &S : *Sections) {
      if (S.sh_type != Type || !Tables.empty())
        continue;
      auto Table = B.elf().symbols(&S);
      auto Strings = B.elf().getStringTableForSymtab(S);
      if (Table && Strings)
        addTable(*Table, *Strings);
      consumeError(Table.takeError());
      consumeError(Strings.takeError());
    }
  return !Sections->empty();
}

void CodeMap::findSymbols() {
  if (findSymbolSections())
    return;
  // Nothing gives the size of DT_SYMTAB; every linker puts DT_STRTAB next.
  DynamicInfo Info = readDynamicInfo(B);
  if (Info.Strings > Info.Symbols)
    addTable(arrayAt<ELFT::Sym>(B, Info.Symbols, Info.Strings - Info.Symbols),
             toStringRef(B.at(Info.Strings, Info.StringsSize)));
}

ArrayRef<CodeMap::Symbol> CodeMap::symbols() const {
  if (Symbols)
    return *Symbols;
  Symbols.emplace();
  for (const SymbolTable &T : Tables)
    for (const Sym &S : T.Symbols)
      if (isOfCode(T, S))
        Symbols->push_back({S.st_value, uint32_t(Symbols->size()),
                            isFunction(S), T.Strings.data() + S.st_name});
  llvm::sort(*Symbols, [](const Symbol &L, const Symbol &R) {
    return std::tie(L.Address, L.Index) < std::tie(R.Address, R.Index);
  });
  return *Symbols;
}

const AddressRange *CodeMap::rangeOf(uint64_t Address) const {
  auto It = llvm::partition_point(
      Ranges, [=](const AddressRange &R) { return R.End <= Address; });
  return It != Ranges.end() && It->contains(Address) ? &*It : nullptr;
}

ArrayRef<uint8_t> CodeMap::bytes(uint64_t Address) const {
  const AddressRange *R = rangeOf(Address);
  return R ? B.at(Address, R->End - Address) : ArrayRef<uint8_t>();
}

CodeMap::Function CodeMap::functionBefore(uint64_t Address,
                                          uint64_t Low) const {
  ArrayRef<Symbol> All = symbols();
  auto It = llvm::partition_point(
      All, [=](const Symbol &S) { return S.Address <= Address; });
  Function Found{0, ""};
  while (It != All.begin()) {
    const Symbol &S = *--It;
    if (S.Address < Low || (!Found.Name.empty() && S.Address < Found.Address))
      break;
    if (S.IsFunction)
      Found = {S.Address, S.Name};
  }
  return Found;
}

Extent CodeMap::extentOf(uint64_t Address) const {
  AddressRange Gap = *rangeOf(Address);
  if (std::optional<uint64_t> Next = Unwind.nextStart(Address))
    Gap.End = std::min(Gap.End, *Next);
  std::optional<UnwindEntry> Entry = Unwind.before(Address);
  if (!Entry || Entry->Code.Start < Gap.Start || Entry->Code.End > Gap.End ||
      Entry->Code.Start == Entry->Code.End)
    return gapExtent(Address, Gap);
  uint64_t Padding = Gap.End - Entry->Code.End;
  uint64_t End = Padding <= SmallGap ? Gap.End : Entry->Code.End + PaddingReach;
  if (Address < End)
    return {{Entry->Code.Start, End}, true, *Entry};
  Gap.Start = Entry->Code.End;
  return gapExtent(Address, Gap);
}

Extent CodeMap::gapExtent(uint64_t Address, AddressRange Gap) const {
  Extent Result{Gap, true, {}};
  Function F = functionBefore(Address, Gap.Start);
  if (!F.Name.empty()) {
    Result.Range.Start = F.Address;
    ArrayRef<Symbol> All = symbols();
    auto Next = llvm::partition_point(
        All, [=](const Symbol &S) { return S.Address <= Address; });
    while (Next != All.end() && !Next->IsFunction)
      ++Next;
    if (Next != All.end())
      Result.Range.End = std::min(Result.Range.End, Next->Address);
  } else if (Address - Gap.Start > GapReach) {
    Result.Range.Start = Address - GapReach;
    Result.Exact = false;
  }
  Result.Range.End = std::min(Result.Range.End, Address + GapReach);
  return Result;
}

void CodeMap::forEachKnownEntry(function_ref<void(uint64_t)> Fn) const {
  DynamicInfo Info = readDynamicInfo(B);
  for (uint64_t Entry : {B.Entry, Info.Init, Info.Fini})
    Fn(Entry);
  for (const SymbolTable &T : Tables)
    for (const Sym &S : T.Symbols)
      if (isLabel(S, T.Strings))
        Fn(S.st_value);
  for (const ELFT::Rela &R : arrayAt<ELFT::Rela>(B, Info.Rela, Info.RelaSize)) {
    unsigned Type = R.getType(/*isMips64EL=*/false);
    if (Type == ELF::R_X86_64_RELATIVE || Type == ELF::R_X86_64_IRELATIVE)
      Fn(R.r_addend);
  }
  forEachRelrTarget(B, Info, Fn);
}

} // namespace elfmerge::x86_64
