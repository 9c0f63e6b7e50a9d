//===- Embed.cpp - Pass 4: make room in libraries for their hooks ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library is loaded by its instance's own dynamic linker, from a file that
// the runtime hands out. So its slot and its hooks have to be PT_LOADs of that
// file, and its program header table has to grow by two. There is never room
// behind the old table; the new one stands at the start of the hooks' text,
// where the hooks pass left space, and e_phoff points there. Dynamic linkers
// read the table through e_phoff, wherever it is, and as it lies in a segment
// they give dl_iterate_phdr its mapped copy.
//
// From here on a library's bytes up to loadedSize() are what the file in the
// image holds. Section headers are not loaded, so the header names none.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

static Blob::Phdr load(uint64_t VAddr, uint64_t Offset, uint64_t Size,
                       uint32_t Flags) {
  Blob::Phdr P{};
  P.p_type = PT_LOAD;
  P.p_flags = Flags;
  P.p_offset = Offset;
  P.p_vaddr = VAddr;
  P.p_paddr = VAddr;
  P.p_filesz = Size;
  P.p_memsz = Size;
  P.p_align = PageSize;
  return P;
}

static void embed(Blob &B) {
  auto &Header = *reinterpret_cast<Blob::ELFT::Ehdr *>(B.bytes().data());
  Header.e_shoff = 0;
  Header.e_shnum = 0;
  Header.e_shstrndx = 0;
  if (B.Hooks.Text.empty())
    return;

  ArrayRef<Blob::Phdr> Old(
      reinterpret_cast<Blob::Phdr *>(B.bytes().data() + Header.e_phoff),
      Header.e_phnum);
  std::vector<Blob::Phdr> New(Old.begin(), Old.end());
  uint64_t SlotOffset = alignTo(B.loadedSize(), PageSize);
  uint64_t TextOffset = SlotOffset + PageSize;
  unsigned Last = 0;
  for (unsigned I = 0; I != New.size(); ++I) {
    if (New[I].p_type == PT_LOAD)
      Last = I;
    if (New[I].p_type == PT_PHDR) {
      uint64_t Align = New[I].p_align;
      New[I] = load(B.Hooks.textVAddr(), TextOffset,
                    (New.size() + 2) * sizeof(Blob::Phdr), PF_R);
      New[I].p_type = PT_PHDR;
      New[I].p_align = Align;
    }
  }
  // Dynamic linkers want PT_LOADs in ascending order.
  New.insert(New.begin() + Last + 1,
             {load(B.Hooks.SlotVAddr, SlotOffset, PageSize, PF_R | PF_W),
              load(B.Hooks.textVAddr(), TextOffset, B.Hooks.Text.size(),
                   PF_R | PF_X)});
  Header.e_phoff = TextOffset;
  Header.e_phnum = New.size();
  memcpy(B.Hooks.Text.data(), New.data(), New.size() * sizeof(Blob::Phdr));
}

Error elfmerge::embedLibraries(Context &Ctx) {
  for (std::unique_ptr<Blob> &B : Ctx.Blobs) {
    if (B->Kind != BlobKind::Library)
      continue;
    if (B->Segments.front().Offset != 0 ||
        B->Segments.front().FileSize < sizeof(Blob::ELFT::Ehdr))
      return inFile(B->Path, fail("the first PT_LOAD does not hold the ELF "
                                  "header: found it at file offset " +
                                  hex(B->Segments.front().Offset) +
                                  ", wanted 0x0"));
    embed(*B);
  }
  return Error::success();
}
