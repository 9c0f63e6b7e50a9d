//===- UnwindTable.cpp ----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formats: Linux Standard Base, Core, "Exception Frames". Every x86-64 linker
// writes .eh_frame_hdr with pcrel|sdata4 and datarel|sdata4 pointers.
//
//===----------------------------------------------------------------------===//

#include "UnwindTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/LEB128.h"

using namespace llvm;
using namespace llvm::dwarf;
using namespace llvm::support;

namespace elfmerge::x86_64 {

namespace {

/// Reads forward through a segment. Behind its end everything is zero and
/// Failed is set.
class Reader {
public:
  Reader(Blob &B, uint64_t Address) : Address(Address) {
    for (const Segment &S : B.Segments)
      if (Address >= S.VAddr && Address - S.VAddr < S.FileSize)
        Rest = B.at(Address, S.FileSize - (Address - S.VAddr));
  }
  uint64_t address() const { return Address; }
  bool failed() const { return Failed; }

  template <typename T> T read() {
    T Value = 0;
    if (!has(sizeof(T)))
      return Value;
    Value = endian::read<T, endianness::little>(Rest.data());
    skip(sizeof(T));
    return Value;
  }
  uint64_t uleb() {
    unsigned Size = 0;
    const char *Bad = nullptr;
    uint64_t Value = decodeULEB128(Rest.begin(), &Size, Rest.end(), &Bad);
    if (Bad || !has(Size))
      return Failed = true, 0;
    skip(Size);
    return Value;
  }
  StringRef string() {
    StringRef S = toStringRef(Rest);
    size_t End = S.find('\0');
    if (End == StringRef::npos)
      return Failed = true, "";
    skip(End + 1);
    return S.take_front(End);
  }
  /// A pointer in one of the encodings the DW_EH_PE_ constants name.
  uint64_t pointer(uint8_t Encoding) {
    uint64_t Base = (Encoding & 0x70) == DW_EH_PE_pcrel ? Address : 0;
    uint64_t Value = 0;
    switch (Encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      Value = read<uint64_t>();
      break;
    case DW_EH_PE_udata4:
      Value = read<uint32_t>();
      break;
    case DW_EH_PE_sdata4:
      Value = int64_t(read<int32_t>());
      break;
    case DW_EH_PE_uleb128:
      Value = uleb();
      break;
    default:
      Failed = true;
    }
    return Value ? Base + Value : 0;
  }

private:
  bool has(size_t Size) {
    Failed |= Rest.size() < Size;
    return !Failed;
  }
  void skip(size_t Size) {
    Rest = Rest.drop_front(Size);
    Address += Size;
  }

  uint64_t Address;
  ArrayRef<uint8_t> Rest;
  bool Failed = false;
};

struct CommonEntry {
  uint8_t PointerEncoding = DW_EH_PE_absptr;
  uint8_t LsdaEncoding = DW_EH_PE_omit;
  bool HasAugmentation = false;
  bool IsSignalFrame = false;
  bool Valid = false;
};

CommonEntry readCommonEntry(Blob &B, uint64_t Address) {
  CommonEntry Result;
  Reader R(B, Address);
  R.read<uint32_t>(); // length
  R.read<uint32_t>(); // zero: marks a common entry
  uint8_t Version = R.read<uint8_t>();
  StringRef Augmentation = R.string();
  R.uleb(); // code alignment
  R.uleb(); // data alignment; signed, but only to be skipped
  if (Version == 1)
    R.read<uint8_t>(); // return address register
  else
    R.uleb();
  Result.HasAugmentation = Augmentation.consume_front("z");
  if (Result.HasAugmentation)
    R.uleb();
  for (char C : Augmentation) {
    if (C == 'R')
      Result.PointerEncoding = R.read<uint8_t>();
    else if (C == 'L')
      Result.LsdaEncoding = R.read<uint8_t>();
    else if (C == 'P')
      R.pointer(R.read<uint8_t>());
    else if (C == 'S')
      Result.IsSignalFrame = true;
    else if (C != 'B')
      return Result;
  }
  Result.Valid = !R.failed();
  return Result;
}

} // namespace

UnwindTable::UnwindTable(Blob &B) : B(B) {
  Expected<Blob::ELFT::PhdrRange> Headers = B.elf().program_headers();
  if (!Headers) {
    consumeError(Headers.takeError());
    return;
  }
  for (const Blob::Phdr &P : *Headers)
    if (P.p_type == ELF::PT_GNU_EH_FRAME)
      Header = {P.p_vaddr, P.p_vaddr + P.p_memsz};
  Reader R(B, Header.Start);
  uint8_t Version = R.read<uint8_t>();
  uint8_t FramesEncoding = R.read<uint8_t>();
  uint8_t CountEncoding = R.read<uint8_t>();
  uint8_t TableEncoding = R.read<uint8_t>();
  if (Version != 1 || TableEncoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
    return;
  Frames = R.pointer(FramesEncoding);
  uint64_t Count = R.pointer(CountEncoding);
  if (!R.failed() && Count <= (Header.End - Header.Start) / 8)
    Sorted = B.at(R.address(), Count * 8);
}

uint64_t UnwindTable::start(size_t Index) const {
  return Header.Start + int32_t(endian::read32le(&Sorted[Index * 8]));
}

uint64_t UnwindTable::description(size_t Index) const {
  return Header.Start + int32_t(endian::read32le(&Sorted[Index * 8 + 4]));
}

size_t UnwindTable::upperBound(uint64_t Address) const {
  size_t Low = 0, High = Sorted.size() / 8;
  while (Low != High) {
    size_t Middle = Low + (High - Low) / 2;
    if (start(Middle) <= Address)
      Low = Middle + 1;
    else
      High = Middle;
  }
  return Low;
}

std::optional<UnwindEntry> UnwindTable::before(uint64_t Address) const {
  size_t Index = upperBound(Address);
  if (!Index)
    return std::nullopt;
  return read(Index - 1);
}

std::optional<uint64_t> UnwindTable::nextStart(uint64_t Address) const {
  size_t Index = upperBound(Address);
  if (Index == Sorted.size() / 8)
    return std::nullopt;
  return start(Index);
}

UnwindEntry UnwindTable::read(size_t Index) const {
  UnwindEntry Result;
  Result.Code = {start(Index), start(Index)};
  Reader R(B, description(Index));
  R.read<uint32_t>(); // length
  uint64_t Here = R.address();
  CommonEntry Common = readCommonEntry(B, Here - R.read<uint32_t>());
  if (!Common.Valid)
    return Result;
  R.pointer(Common.PointerEncoding);
  uint64_t Size = R.pointer(Common.PointerEncoding & 0x0f);
  if (Common.HasAugmentation)
    R.uleb();
  uint64_t Lsda = 0;
  if (Common.LsdaEncoding != DW_EH_PE_omit)
    Lsda = R.pointer(Common.LsdaEncoding);
  if (R.failed())
    return Result;
  Result.Code.End = Result.Code.Start + Size;
  // A signal handler "returns" to the first instruction of its restorer, and
  // unwinders look return addresses up one byte before. Hence libc's entry for
  // the restorer begins one byte too early, in the padding.
  if (Common.IsSignalFrame && isAligned(Align(16), Result.Code.Start + 1))
    ++Result.Code.Start;
  Result.Lsda = Lsda;
  return Result;
}

std::vector<SearchEntry> UnwindTable::entries() const {
  std::vector<SearchEntry> Result;
  for (size_t N = 0; N != Sorted.size() / 8; ++N)
    Result.push_back({start(N), description(N)});
  return Result;
}

std::optional<FrameDescription> UnwindTable::describe(uint64_t Address) const {
  size_t Index = upperBound(Address);
  if (!Index)
    return std::nullopt;
  Reader R(B, description(Index - 1));
  uint32_t Length = R.read<uint32_t>();
  uint64_t End = R.address() + Length;
  FrameDescription Result;
  Result.CommonEntry = R.address();
  Result.CommonEntry -= R.read<uint32_t>();
  CommonEntry Common = readCommonEntry(B, Result.CommonEntry);
  constexpr uint8_t Usual = DW_EH_PE_pcrel | DW_EH_PE_sdata4;
  if (!Common.Valid || Common.IsSignalFrame ||
      Common.PointerEncoding != Usual ||
      (Common.LsdaEncoding != DW_EH_PE_omit && Common.LsdaEncoding != Usual))
    return std::nullopt;
  Result.Code.Start = R.pointer(Usual);
  Result.Code.End = Result.Code.Start + R.read<uint32_t>();
  Result.HasAugmentation = Common.HasAugmentation;
  Result.LsdaSize = Common.LsdaEncoding == DW_EH_PE_omit ? 0 : 4;
  uint64_t Data = Common.HasAugmentation ? R.uleb() : 0;
  if (R.failed() || !Result.Code.contains(Address) || R.address() + Data > End)
    return std::nullopt;
  Result.Instructions = B.at(R.address() + Data, End - R.address() - Data);
  return Result;
}

/// Itanium C++ ABI: Exception Handling, "The Language-Specific Data Area".
std::vector<uint64_t> UnwindTable::landingPads(const UnwindEntry &Entry) const {
  std::vector<uint64_t> Pads;
  if (!Entry.Lsda)
    return Pads;
  Reader R(B, Entry.Lsda);
  uint64_t Base = Entry.Code.Start;
  uint8_t BaseEncoding = R.read<uint8_t>();
  if (BaseEncoding != DW_EH_PE_omit)
    Base = R.pointer(BaseEncoding);
  if (R.read<uint8_t>() != DW_EH_PE_omit)
    R.uleb(); // distance of the type table
  uint8_t Encoding = R.read<uint8_t>();
  uint64_t Size = R.uleb();
  for (uint64_t End = R.address() + Size; R.address() < End && !R.failed();) {
    R.pointer(Encoding); // start
    R.pointer(Encoding); // length
    if (uint64_t Pad = R.pointer(Encoding))
      Pads.push_back(Base + Pad);
    R.uleb(); // action
  }
  return Pads;
}

std::vector<AddressRange> UnwindTable::ownRanges() const {
  if (!Frames)
    return {};
  Reader R(B, Frames);
  uint64_t End = Frames;
  while (uint32_t Length = R.read<uint32_t>()) {
    End += 4 + uint64_t(Length);
    R = Reader(B, End);
  }
  return {Header, {Frames, End + 4}};
}

} // namespace elfmerge::x86_64
