//===- Image.cpp - Headers and segments of a helper -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the kernel maps is what the program headers say, so they decide; section
// headers, which a helper need not have, are only asked for signs of a link
// that was not finished: relocations and undefined symbols. A kind of program
// header that is not known to be harmless is refused.
//
// Afterwards: the file is for a machine that has a port; no page of it is both
// writable and executable, whatever the kernel's page size; the kernel maps the
// bytes that were looked at; and its entry is in executable bytes of the file.
//
//===----------------------------------------------------------------------===//

#include "Image.h"
#include "Error.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::object;
using namespace elfmerge;

StringRef Image::at(uint64_t Address, uint32_t Flags) const {
  for (const Segment &S : Segments)
    if (Address >= S.Address && Address - S.Address < S.FileSize &&
        (S.Flags & Flags) == Flags && !(S.Flags & ELF::PF_W))
      return Bytes.substr(S.Offset, S.FileSize).drop_front(Address - S.Address);
  return {};
}

static Error checkIdentification(StringRef Bytes, Image &I) {
  if (Bytes.empty())
    return fail("empty file, wanted an ELF file");
  if (!Bytes.starts_with(ELF::ElfMagic))
    return fail("not an ELF file");
  if (Bytes.size() < sizeof(ELF32LE::Ehdr))
    return fail("truncated ELF header: found " + Twine(Bytes.size()) +
                " bytes, wanted at least " + Twine(sizeof(ELF32LE::Ehdr)));
  if (Bytes.size() > MaxHelperSize)
    return fail("size: found " + Twine(Bytes.size()) +
                " bytes, wanted at most " + Twine(MaxHelperSize));
  if (Bytes[ELF::EI_DATA] != ELF::ELFDATA2LSB)
    return fail("byte order: found " + Twine(int(Bytes[ELF::EI_DATA])) +
                ", wanted ELFDATA2LSB (1)");
  uint16_t Machine = support::endian::read16le(Bytes.data() + 18);
  I.Machine = findPort(Machine);
  if (!I.Machine)
    return fail("machine: found " + Twine(Machine) + ", wanted one of " +
                portNames());
  unsigned Class = I.Machine->Is64 ? ELF::ELFCLASS64 : ELF::ELFCLASS32;
  if (uint8_t(Bytes[ELF::EI_CLASS]) != Class)
    return fail("class: found " + Twine(int(Bytes[ELF::EI_CLASS])) +
                ", wanted " + Twine(Class) + " for " + I.Machine->Name);
  if (I.Machine->Is64 && Bytes.size() < sizeof(ELF64LE::Ehdr))
    return fail("truncated ELF header: found " + Twine(Bytes.size()) +
                " bytes, wanted at least " + Twine(sizeof(ELF64LE::Ehdr)));
  uint8_t Abi = Bytes[ELF::EI_OSABI];
  if (Abi != ELF::ELFOSABI_NONE && Abi != ELF::ELFOSABI_GNU)
    return fail("OS ABI: found " + Twine(int(Abi)) +
                ", wanted ELFOSABI_NONE (0)");
  return Error::success();
}

template <class ELFT>
static Error checkHeader(const typename ELFT::Ehdr &H, const Port &P) {
  if (H.e_type != ELF::ET_EXEC)
    return fail("type: found " + Twine(H.e_type) + ", wanted ET_EXEC (2)");
  if (H.e_version != ELF::EV_CURRENT)
    return fail("version: found " + Twine(H.e_version) + ", wanted 1");
  if ((H.e_flags & ~P.FreeFlags) != P.Flags)
    return fail("flags: found " + hex(H.e_flags) + ", wanted " + hex(P.Flags) +
                (P.FreeFlags ? " with any of " + hex(P.FreeFlags) : ""));
  if (H.e_phentsize != sizeof(typename ELFT::Phdr))
    return fail("size of a program header: found " + Twine(H.e_phentsize) +
                ", wanted " + Twine(sizeof(typename ELFT::Phdr)));
  return Error::success();
}

static Error checkSegment(const Segment &S, const Image &I) {
  uint64_t Page = I.Machine->PageSize;
  std::string Where = "segment at " + hex(S.Address) + ": ";
  if (S.Offset > I.Bytes.size() || S.FileSize > I.Bytes.size() - S.Offset)
    return fail(Where + "truncated file: found " + Twine(I.Bytes.size()) +
                " bytes, wanted " + Twine(S.FileSize) + " at " + hex(S.Offset));
  if (S.MemorySize < S.FileSize)
    return fail(Where + "found " + Twine(S.FileSize) +
                " bytes in the file, wanted at most " + Twine(S.MemorySize));
  // The lowest address that a kernel lets everyone map is 64 KiB.
  uint64_t Limit = I.Machine->Is64 ? uint64_t(1) << 38 : uint64_t(1) << 31;
  if (S.Address < 65536 || S.Address > Limit ||
      S.MemorySize > Limit - S.Address)
    return fail(Where + "wanted one from 0x10000 to " + hex(Limit));
  if (S.Address % Page != S.Offset % Page)
    return fail(Where + "found file offset " + hex(S.Offset) +
                ", wanted the same place in a page of " + Twine(Page));
  if ((S.Flags & ELF::PF_W) && (S.Flags & ELF::PF_X))
    return fail(Where + "found a writable and executable segment, wanted one "
                        "that is not both");
  return Error::success();
}

/// What else a static program may have: it says nothing of how it is run.
static bool isHarmless(uint32_t Type, const Port &P) {
  switch (Type) {
  case ELF::PT_NULL:
  case ELF::PT_NOTE:
  case ELF::PT_PHDR:
  case ELF::PT_GNU_STACK:
  case ELF::PT_GNU_RELRO:
  case ELF::PT_GNU_PROPERTY:
  case ELF::PT_GNU_EH_FRAME:
    return true;
  case ELF::PT_RISCV_ATTRIBUTES:
    return P.Machine == ELF::EM_RISCV;
  case ELF::PT_ARM_EXIDX:
    return P.Machine == ELF::EM_ARM;
  }
  return false;
}

static StringRef refusedName(uint32_t Type) {
  switch (Type) {
  case ELF::PT_INTERP:
    return "an interpreter";
  case ELF::PT_DYNAMIC:
    return "a dynamic section";
  case ELF::PT_TLS:
    return "thread-local storage";
  }
  return "";
}

template <class ELFT>
static Error readSegments(const ELFFile<ELFT> &File, Image &I) {
  Expected<typename ELFT::PhdrRange> Headers = File.program_headers();
  if (!Headers)
    return Headers.takeError();
  bool HasStack = false;
  for (const typename ELFT::Phdr &H : *Headers) {
    if (StringRef Name = refusedName(H.p_type); !Name.empty())
      return fail("found " + Name + ", wanted none");
    if (H.p_type == ELF::PT_LOAD)
      I.Segments.push_back(
          {H.p_offset, H.p_vaddr, H.p_filesz, H.p_memsz, H.p_flags});
    else if (!isHarmless(H.p_type, *I.Machine))
      return fail("program header: found type " + hex(H.p_type) +
                  ", wanted one of a static program");
    if (H.p_type != ELF::PT_GNU_STACK)
      continue;
    if (H.p_flags & ELF::PF_X)
      return fail("stack: found an executable one, wanted one that is not");
    HasStack = true;
  }
  if (!HasStack)
    return fail("stack: found no PT_GNU_STACK, wanted one that is not "
                "executable");
  if (I.Segments.empty() || I.Segments.size() > 2)
    return fail("segments: found " + Twine(I.Segments.size()) +
                ", wanted 1 or 2");
  return Error::success();
}

static Error checkSegments(const Image &I) {
  for (const Segment &S : I.Segments)
    if (Error E = checkSegment(S, I))
      return E;
  if (I.Segments.size() == 2) {
    uint64_t Page = I.Machine->PageSize;
    const Segment &A = I.Segments[0], &B = I.Segments[1];
    if (alignTo(A.Address + A.MemorySize, Page) > alignDown(B.Address, Page))
      return fail("segment at " + hex(B.Address) +
                  ": found in a page of the one at " + hex(A.Address) +
                  ", wanted it behind");
  }
  return Error::success();
}

template <class ELFT> static Error checkSections(const ELFFile<ELFT> &File) {
  Expected<typename ELFT::ShdrRange> Sections = File.sections();
  if (!Sections)
    return Sections.takeError();
  for (const typename ELFT::Shdr &S : *Sections) {
    switch (S.sh_type) {
    case ELF::SHT_REL:
    case ELF::SHT_RELA:
    case ELF::SHT_RELR:
      if (S.sh_size)
        return fail("found relocations, wanted none");
      break;
    case ELF::SHT_DYNAMIC:
      return fail("found a dynamic section, wanted none");
    case ELF::SHT_SYMTAB:
    case ELF::SHT_DYNSYM: {
      auto Symbols = File.symbols(&S);
      auto Names = File.getStringTableForSymtab(S);
      if (!Symbols)
        return Symbols.takeError();
      if (!Names)
        return Names.takeError();
      for (const typename ELFT::Sym &Symbol :
           Symbols->drop_front(!Symbols->empty())) {
        if (Symbol.st_shndx != ELF::SHN_UNDEF)
          continue;
        Expected<StringRef> Name = Symbol.getName(*Names);
        if (!Name)
          return Name.takeError();
        return fail("symbol " + *Name + ": found undefined, wanted defined");
      }
      break;
    }
    }
    if (S.sh_flags & ELF::SHF_TLS)
      return fail("found thread-local storage, wanted none");
  }
  return Error::success();
}

static Error checkEntry(const Image &I, uint64_t HeadersEnd) {
  StringRef Code = I.at(I.Entry, ELF::PF_X);
  if (Code.empty() || uint64_t(Code.data() - I.Bytes.data()) < HeadersEnd)
    return fail("entry: found " + hex(I.Entry) +
                ", wanted an address of executable bytes of the file");
  return Error::success();
}

template <class ELFT> static Error readAs(Image &I) {
  Expected<ELFFile<ELFT>> File = ELFFile<ELFT>::create(I.Bytes);
  if (!File)
    return File.takeError();
  const typename ELFT::Ehdr &H = File->getHeader();
  I.Entry = H.e_entry;
  if (Error E = checkHeader<ELFT>(H, *I.Machine))
    return E;
  if (Error E = readSegments<ELFT>(*File, I))
    return E;
  if (Error E = checkSegments(I))
    return E;
  if (Error E = checkSections<ELFT>(*File))
    return E;
  return checkEntry(I, H.e_phoff + uint64_t(H.e_phnum) * H.e_phentsize);
}

Expected<Image> elfmerge::readImage(StringRef Bytes) {
  Image I;
  I.Bytes = Bytes;
  if (Error E = checkIdentification(Bytes, I))
    return E;
  if (Error E = I.Machine->Is64 ? readAs<ELF64LE>(I) : readAs<ELF32LE>(I))
    return E;
  return I;
}
