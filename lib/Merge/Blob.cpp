//===- Blob.cpp - Opening and checking an ELF file ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything later passes rely on is checked here, once: the program headers
// lie in the file, the PT_LOADs are sorted, disjoint by pages, inside the file
// and of sane size, nothing is writable and executable, the entry is code. The
// kernel tolerates some of what is refused here; it maps one program, where a
// merge has to compute with the segments of many.
//
//===----------------------------------------------------------------------===//

#include "Blob.h"
#include "Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

namespace {

/// No program has a larger load span; sums of page counts cannot overflow.
constexpr uint64_t MaxSpan = uint64_t(1) << 45;

StringRef machineName(unsigned Machine) {
  StringRef Name = convertEMachineToArchName(Machine);
  return Name.empty() ? "unknown" : Name;
}

Error checkIdent(ArrayRef<uint8_t> Bytes) {
  if (Bytes.size() < 4 || memcmp(Bytes.data(), ElfMagic, 4) != 0)
    return fail("not an ELF file");
  if (Bytes.size() < sizeof(Blob::ELFT::Ehdr))
    return fail("truncated ELF header: found " + Twine(Bytes.size()) +
                " bytes, wanted " + Twine(sizeof(Blob::ELFT::Ehdr)));
  if (Bytes[EI_CLASS] != ELFCLASS64)
    return fail("not a 64-bit ELF file: found class " +
                Twine(unsigned(Bytes[EI_CLASS])) + ", wanted 2 (ELFCLASS64)");
  if (Bytes[EI_DATA] != ELFDATA2LSB)
    return fail("not a little-endian ELF file: found data encoding " +
                Twine(unsigned(Bytes[EI_DATA])) + ", wanted 1 (ELFDATA2LSB)");
  return Error::success();
}

Error checkType(const Blob::ELFT::Ehdr &Header, BlobKind Kind) {
  if (Header.e_machine != EM_X86_64)
    return fail("unsupported machine: found " + machineName(Header.e_machine) +
                " (" + Twine(unsigned(Header.e_machine)) +
                "), wanted x86_64 (62)");
  switch (Header.e_type) {
  case ET_DYN:
    break;
  case ET_EXEC:
    return fail("not position-independent: found type ET_EXEC, wanted ET_DYN; "
                "compile it with -fPIE and link it with -pie or -static-pie");
  case ET_REL:
    return fail("not linked: found type ET_REL, wanted ET_DYN");
  default:
    return fail("not a program: found type " + Twine(unsigned(Header.e_type)) +
                ", wanted 3 (ET_DYN)");
  }
  if (Kind != BlobKind::Library && Header.e_entry == 0)
    return fail("no entry point: found a shared library, wanted a "
                "position-independent executable");
  return Error::success();
}

Error checkHeader(ArrayRef<uint8_t> Bytes, BlobKind Kind) {
  if (Error E = checkIdent(Bytes))
    return E;
  const auto &Header =
      *reinterpret_cast<const Blob::ELFT::Ehdr *>(Bytes.data());
  if (Error E = checkType(Header, Kind))
    return E;
  if (Header.e_phnum == 0 || Header.e_phnum == 0xffff /* PN_XNUM */)
    return fail("no usable program header table: found " +
                Twine(unsigned(Header.e_phnum)) + " entries");
  if (Header.e_phentsize != sizeof(Blob::Phdr))
    return fail("program headers of odd size: found " +
                Twine(unsigned(Header.e_phentsize)) + ", wanted " +
                Twine(sizeof(Blob::Phdr)) + " bytes each");
  uint64_t TableSize = uint64_t(Header.e_phnum) * sizeof(Blob::Phdr);
  if (Header.e_phoff > Bytes.size() ||
      Bytes.size() - Header.e_phoff < TableSize)
    return fail("program header table outside the file: found it at " +
                hex(Header.e_phoff) + ", " + Twine(TableSize) +
                " bytes, the file ends at " + hex(Bytes.size()));
  return Error::success();
}

Error checkSegment(const Segment &S, uint64_t FileEnd) {
  if (S.FileSize > S.MemSize)
    return fail("p_filesz exceeds p_memsz: found " + hex(S.FileSize) + " > " +
                hex(S.MemSize));
  if (S.VAddr > MaxSpan || S.MemSize > MaxSpan)
    return fail("absurd segment: found " + hex(S.MemSize) + " bytes at " +
                hex(S.VAddr) + ", wanted at most " + hex(MaxSpan));
  if (S.Align > 1 && (!isPowerOf2_64(S.Align) || S.Align > MaxSpan))
    return fail("absurd alignment: found " + hex(S.Align) +
                ", wanted a power of two of at most " + hex(MaxSpan));
  if (S.Offset > FileEnd || FileEnd - S.Offset < S.FileSize)
    return fail("truncated segment: found the end of the file at " +
                hex(FileEnd) + ", wanted " + hex(S.FileSize) + " bytes at " +
                hex(S.Offset));
  if (S.FileSize && S.VAddr % PageSize != S.Offset % PageSize)
    return fail("address and file offset disagree within a page: found " +
                hex(S.VAddr) + " and " + hex(S.Offset));
  if (S.isWritable() && S.isExecutable())
    return fail("segment is writable and executable: found flags RWX, wanted "
                "none with both W and X");
  return Error::success();
}

Error checkOrder(const Segment &Previous, const Segment &S) {
  if (S.VAddr < Previous.VAddr)
    return fail("PT_LOADs are not in ascending order: found " + hex(S.VAddr) +
                " behind " + hex(Previous.VAddr));
  if (S.VAddr < Previous.end())
    return fail("overlapping PT_LOADs: found one at " + hex(S.VAddr) +
                ", the one before ends at " + hex(Previous.end()));
  if (alignDown(S.VAddr, PageSize) < alignTo(Previous.end(), PageSize))
    return fail("two PT_LOADs in one page: found one at " + hex(S.VAddr) +
                ", the one before ends at " + hex(Previous.end()));
  return Error::success();
}

} // namespace

Expected<std::unique_ptr<Blob>> Blob::open(StringRef Path, BlobKind Kind) {
  std::unique_ptr<Blob> B(new Blob);
  B->Path = Path.str();
  B->Kind = Kind;
  auto Named = [&](Error E) { return inFile(Path, std::move(E)); };

  sys::fs::file_status Status;
  if (std::error_code EC = sys::fs::status(Path, Status))
    return Named(errorCodeToError(EC));
  // Opening a pipe would wait for who writes to it.
  if (Status.type() != sys::fs::file_type::regular_file)
    return Named(fail("not a regular file"));
  Expected<sys::fs::file_t> Fd = sys::fs::openNativeFileForRead(Path);
  if (!Fd)
    return Named(Fd.takeError());
  std::error_code EC = sys::fs::status(*Fd, Status);
  Error E = Error::success();
  if (EC)
    E = errorCodeToError(EC);
  else if (Status.getSize() == 0)
    E = fail("empty file, wanted an ELF file");
  else {
    B->Map = sys::fs::mapped_file_region(*Fd, sys::fs::mapped_file_region::priv,
                                         Status.getSize(), 0, EC);
    E = errorCodeToError(EC);
  }
  sys::fs::closeFile(*Fd);
  if (E)
    return Named(std::move(E));

  if (Error E = checkHeader(B->bytes(), Kind))
    return Named(std::move(E));
  Expected<object::ELFFile<ELFT>> File =
      object::ELFFile<ELFT>::create(toStringRef(B->bytes()));
  if (!File)
    return Named(File.takeError());
  B->File = std::make_unique<object::ELFFile<ELFT>>(*File);
  if (Error E = B->readSegments())
    return Named(std::move(E));
  if (Error E = B->readDynamic())
    return Named(std::move(E));
  return B;
}

Error Blob::readSegments() {
  Expected<ELFT::PhdrRange> Headers = File->program_headers();
  if (!Headers)
    return Headers.takeError();
  unsigned Index = 0;
  for (const Phdr &P : *Headers) {
    if (P.p_type == PT_GNU_STACK && (P.p_flags & PF_X))
      return fail("asks for an executable stack, wanted a PT_GNU_STACK that "
                  "is not executable: relink it with -z noexecstack");
    if (P.p_type == PT_LOAD && P.p_memsz != 0) {
      Segment S{P.p_vaddr,  P.p_memsz, P.p_offset,
                P.p_filesz, P.p_align, P.p_flags};
      Error E = checkSegment(S, bytes().size());
      if (!E && !Segments.empty())
        E = checkOrder(Segments.back(), S);
      if (E)
        return inFile("program header " + std::to_string(Index), std::move(E));
      MaxAlign = std::max(MaxAlign, S.Align);
      Segments.push_back(S);
    }
    ++Index;
  }
  if (Segments.empty())
    return fail("no PT_LOAD segment");
  Entry = File->getHeader().e_entry;
  if (Kind == BlobKind::Library)
    return Error::success();
  for (const Segment &S : Segments)
    if (S.isExecutable() && Entry >= S.VAddr && Entry < S.VAddr + S.FileSize)
      return Error::success();
  return fail("entry point outside the code: found " + hex(Entry) +
              " in no executable PT_LOAD");
}

/// What a PT_INTERP or PT_DYNAMIC holds.
Expected<ArrayRef<uint8_t>> Blob::contentsOf(const Phdr &P) const {
  if (P.p_offset <= bytes().size() && bytes().size() - P.p_offset >= P.p_filesz)
    return bytes().slice(P.p_offset, P.p_filesz);
  return fail(Twine(P.p_type == PT_INTERP ? "PT_INTERP" : "PT_DYNAMIC") +
              " outside the file: found it at " + hex(P.p_offset) +
              ", the file ends at " + hex(bytes().size()));
}

Error Blob::readDynamic() {
  Expected<ELFT::PhdrRange> Headers = File->program_headers();
  if (!Headers)
    return Headers.takeError();
  ArrayRef<uint8_t> Dynamic;
  for (const Phdr &P : *Headers) {
    if (P.p_type != PT_INTERP && P.p_type != PT_DYNAMIC)
      continue;
    Expected<ArrayRef<uint8_t>> Contents = contentsOf(P);
    if (!Contents)
      return Contents.takeError();
    if (P.p_type == PT_DYNAMIC) {
      Dynamic = *Contents;
      continue;
    }
    if (Contents->size() < 2 || Contents->back() != 0)
      return fail("PT_INTERP is not a string that ends in a zero byte");
    Interpreter = toStringRef(Contents->drop_back()).split('\0').first.str();
  }
  if (Kind == BlobKind::Interpreter && !Interpreter.empty())
    return fail("is an interpreter that itself asks for the interpreter " +
                Interpreter);
  if (Dynamic.size() % sizeof(ELFT::Dyn) != 0)
    return fail("PT_DYNAMIC of odd size: found " + Twine(Dynamic.size()) +
                " bytes, wanted a multiple of " + Twine(sizeof(ELFT::Dyn)));
  ArrayRef<ELFT::Dyn> Entries(
      reinterpret_cast<const ELFT::Dyn *>(Dynamic.data()),
      Dynamic.size() / sizeof(ELFT::Dyn));
  return readEntries(Entries.take_until(
      [](const ELFT::Dyn &D) { return D.d_tag == DT_NULL; }));
}

Error Blob::readEntries(ArrayRef<ELFT::Dyn> Entries) {
  uint64_t StringsAt = 0, StringsSize = 0;
  for (const ELFT::Dyn &D : Entries) {
    if (D.d_tag == DT_STRTAB)
      StringsAt = D.d_un.d_ptr;
    else if (D.d_tag == DT_STRSZ)
      StringsSize = D.d_un.d_val;
    else if (D.d_tag == DT_FLAGS_1)
      NoDefaultLib = D.d_un.d_val & DF_1_NODEFLIB;
  }
  StringRef Strings = toStringRef(at(StringsAt, StringsSize));
  for (const ELFT::Dyn &D : Entries) {
    if (!is_contained({DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH}, D.d_tag))
      continue;
    uint64_t Start = D.d_un.d_val;
    size_t End = Strings.find('\0', Start);
    if (End == StringRef::npos)
      return fail("dynamic section names a string outside DT_STRTAB: found "
                  "offset " +
                  hex(Start) + ", the table has " + hex(Strings.size()) +
                  " bytes");
    std::string String = Strings.slice(Start, End).str();
    if (D.d_tag == DT_NEEDED)
      Needed.push_back(std::move(String));
    else if (D.d_tag == DT_SONAME)
      SoName = std::move(String);
    else if (D.d_tag == DT_RPATH)
      RPath = std::move(String);
    else
      RunPath = std::move(String);
  }
  return Error::success();
}

uint64_t Blob::firstPage() const {
  return alignDown(Segments.front().VAddr, PageSize);
}

uint64_t Blob::endPage() const {
  return alignTo(Segments.back().end(), PageSize);
}

uint64_t Blob::endPageWithHooks() const {
  if (Hooks.Text.empty())
    return endPage();
  return Hooks.textVAddr() + alignTo(Hooks.Text.size(), PageSize);
}

uint64_t Blob::loadedSize() const {
  uint64_t Size = 0;
  for (const Segment &S : Segments)
    Size = std::max(Size, S.Offset + S.FileSize);
  return Size;
}

MutableArrayRef<uint8_t> Blob::at(uint64_t VAddr, uint64_t Size) {
  for (const Segment &S : Segments)
    if (VAddr >= S.VAddr && VAddr - S.VAddr <= S.FileSize &&
        S.FileSize - (VAddr - S.VAddr) >= Size)
      return bytes().slice(S.Offset + (VAddr - S.VAddr), Size);
  return {};
}
