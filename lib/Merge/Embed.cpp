//===- Embed.cpp - Pass 5: make the hooks a part of their blob ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs, and the dynamic linkers and unwinders in them, know what belongs
// to an object from its program headers. So a blob with hooks gets program
// headers that tell of its slot, its hooks and the unwind information of both.
// There is no room behind the old table; the new one stands in the hooks'
// text.
//
// A program finds it through AT_PHDR. A library is loaded by its instance's
// own dynamic linker, from a file that the runtime hands out, so there e_phoff
// leads to it: dynamic linkers read the table from wherever that is, and as it
// lies in a segment they give dl_iterate_phdr its mapped copy. An interpreter
// finds its own table at its start; it keeps the old one.
//
// From here on a blob's bytes and its hooks' text are final.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "TrampolineUnwind.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

using Phdr = Blob::Phdr;

static Phdr header(uint32_t Type, uint32_t Flags, uint64_t VAddr,
                   uint64_t Offset, uint64_t Size, uint64_t Align) {
  Phdr P{};
  P.p_type = Type;
  P.p_flags = Flags;
  P.p_offset = Offset;
  P.p_vaddr = VAddr;
  P.p_paddr = VAddr;
  P.p_filesz = Size;
  P.p_memsz = Size;
  P.p_align = Align;
  return P;
}

/// Where the hooks' text stands in a library's file. The slot's page is in
/// front of it.
static uint64_t textOffset(const Blob &B) {
  return alignTo(B.loadedSize(), PageSize) + PageSize;
}

/// The old program headers with those of slot and hooks, the latter of
/// \p TextSize bytes.
static std::vector<Phdr> newHeaders(const Blob &B, uint64_t TextSize) {
  ArrayRef<Phdr> Old = cantFail(B.elf().program_headers());
  std::vector<Phdr> New(Old.begin(), Old.end());
  uint64_t Text = B.Hooks.textVAddr();
  uint64_t Offset = textOffset(B);
  size_t Last = 0;
  for (size_t I = 0; I != New.size(); ++I) {
    Phdr &P = New[I];
    if (P.p_type == PT_LOAD)
      Last = I;
    if (P.p_type == PT_PHDR)
      P = header(PT_PHDR, PF_R, B.Hooks.Headers,
                 Offset + (B.Hooks.Headers - Text),
                 (New.size() + 2) * sizeof(Phdr), P.p_align);
    if (P.p_type == PT_GNU_EH_FRAME && B.Hooks.FrameHeaderSize)
      P = header(PT_GNU_EH_FRAME, PF_R, B.Hooks.FrameHeader,
                 Offset + (B.Hooks.FrameHeader - Text), B.Hooks.FrameHeaderSize,
                 P.p_align);
  }
  // Dynamic linkers want PT_LOADs in ascending order.
  New.insert(New.begin() + Last + 1,
             {header(PT_LOAD, PF_R | PF_W, B.Hooks.SlotVAddr, Offset - PageSize,
                     PageSize, PageSize),
              header(PT_LOAD, PF_R | PF_X, Text, Offset, TextSize, PageSize)});
  return New;
}

static void addHeaders(Blob &B) {
  std::vector<uint8_t> &Text = B.Hooks.Text;
  Text.resize(alignTo(Text.size(), WordSize));
  size_t Start = Text.size();
  B.Hooks.HeaderCount = B.elf().getHeader().e_phnum + 2;
  B.Hooks.Headers = B.Hooks.textVAddr() + Start;
  Text.resize(Start + B.Hooks.HeaderCount * sizeof(Phdr));
  std::vector<Phdr> New = newHeaders(B, Text.size());
  memcpy(Text.data() + Start, New.data(), New.size() * sizeof(Phdr));
}

/// What of the ELF header leads to what a library's file does not hold.
static void editLibraryHeader(Blob &B) {
  auto &Header = *reinterpret_cast<Blob::ELFT::Ehdr *>(B.bytes().data());
  Header.e_shoff = 0;
  Header.e_shnum = 0;
  Header.e_shstrndx = 0;
  if (!B.Hooks.HeaderCount)
    return;
  Header.e_phoff = textOffset(B) + (B.Hooks.Headers - B.Hooks.textVAddr());
  Header.e_phnum = B.Hooks.HeaderCount;
}

Error elfmerge::embedHooks(Context &Ctx) {
  for (std::unique_ptr<Blob> &B : Ctx.Blobs) {
    if (!B->Hooks.Text.empty() && B->Kind != BlobKind::Interpreter) {
      x86_64::describeTrampolines(*B);
      addHeaders(*B);
    }
    if (B->Kind != BlobKind::Library)
      continue;
    if (B->Segments.front().Offset != 0 ||
        B->Segments.front().FileSize < sizeof(Blob::ELFT::Ehdr))
      return inFile(B->Path,
                    fail("the first PT_LOAD does not hold the ELF "
                         "header: found it at file offset " +
                         hex(B->Segments.front().Offset) + ", wanted 0x0"));
    editLibraryHeader(*B);
  }
  return Error::success();
}
