//===- Plan.cpp - Pass 6: give everything its place -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lays out the two spaces of an image.
//
// The *content area* of the file holds each blob's bytes once: the libraries
// in front, so that one mapping covers them, then programs and interpreters.
//
// The *address space* begins with the runtime, whose exact size only the
// linker knows and for which room is left; then come the libraries; then, for
// every instance in order, its program and its interpreter, each a rigid copy
// of its blob's segments, the slot page and the hooks' text. All instances of
// a blob map the same contents.
//
// The kernel reads at most 64 KiB of program headers. Instances whose PT_LOADs
// do not fit any more are left to the runtime, which maps them from the image
// file with the same table of segments.
//
// From here on every address but the runtime's own is final.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::ELF;
using namespace elfmerge;

static constexpr unsigned MaxHeaders = 65536 / sizeof(Blob::Phdr);
/// Above this many instances of a program, SymbolPolicy::Auto names the first.
static constexpr unsigned AutoSymbolInstances = 16;
/// Room for the runtime's code and data, headers and table excluded.
static constexpr uint64_t RuntimeRoom = 1 << 20;
/// x86-64 has 47 bits of user address space; leave the larger part of it.
static constexpr uint64_t MaxImageSpan = uint64_t(1) << 46;

uint64_t Content::hooksOffset() const {
  uint64_t End = Offset + alignTo(B->loadedSize(), PageSize);
  return B->Kind == BlobKind::Library ? End + PageSize : End;
}

uint64_t Content::end() const {
  return B->Hooks.Text.empty() ? Offset + B->loadedSize()
                               : hooksOffset() + B->Hooks.Text.size();
}

const Content &Context::contentOf(const Blob *B) const {
  for (const Content &C : Contents)
    if (C.B == B)
      return C;
  llvm_unreachable("every blob has contents");
}

uint64_t Context::contentEnd() const {
  return Contents.empty() ? 0 : alignTo(Contents.back().end(), PageSize);
}

static void layOutContents(Context &Ctx) {
  uint64_t Cursor = 0;
  auto Append = [&](Blob &B) {
    Ctx.Contents.push_back({&B, Cursor});
    Cursor = alignTo(Ctx.Contents.back().end(), PageSize);
  };
  for (std::unique_ptr<Blob> &B : Ctx.Blobs)
    if (B->Kind == BlobKind::Library) {
      Ctx.Libraries.push_back(B.get());
      Append(*B);
    }
  for (std::unique_ptr<Blob> &B : Ctx.Blobs)
    if (B->Kind != BlobKind::Library)
      Append(*B);
}

std::vector<Mapping> Context::mappingsOf(const Blob &B, uint64_t Base) const {
  const Content &C = contentOf(&B);
  std::vector<Mapping> Result;
  for (const Segment &S : B.Segments) {
    uint64_t Lead = S.VAddr % PageSize;
    Mapping M{Base + S.VAddr - Lead, S.MemSize + Lead, 0, 0, S.Flags};
    if (S.FileSize) {
      M.FileSize = S.FileSize + Lead;
      M.Content = C.Offset + S.Offset - Lead;
    }
    Result.push_back(M);
  }
  if (!B.Hooks.Text.empty()) {
    Result.push_back({Base + B.Hooks.SlotVAddr, PageSize, 0, 0, PF_R | PF_W});
    Result.push_back({Base + B.Hooks.textVAddr(), B.Hooks.Text.size(),
                      B.Hooks.Text.size(), C.hooksOffset(), PF_R | PF_X});
  }
  return Result;
}

/// Section names are the segments' places in their file, with the instance's
/// name behind; an interpreter's have "ld." in front, as their program's
/// sections would be called the same.
static void addSections(Context &Ctx, Placement &P) {
  StringRef Prefix = P.B->Kind == BlobKind::Interpreter ? ".ld.load" : ".load";
  for (unsigned N = 0; N != P.MappingCount; ++N) {
    const Mapping &M = Ctx.Mappings[P.FirstMapping + N];
    std::string Name = (Prefix + Twine(N) + "." + P.Suffix).str();
    if (M.FileSize)
      P.Sections.push_back(
          {Name, M.Address, M.FileSize, M.Content, M.Flags, true});
    if (M.FileSize != M.MemSize)
      P.Sections.push_back({Name + ".bss", M.Address + M.FileSize,
                            M.MemSize - M.FileSize, 0, M.Flags, false});
  }
}

static int place(Context &Ctx, Blob &B, std::string Suffix, bool HasSymbols) {
  // Base is a multiple of the alignment, as the kernel's load bias would be.
  uint64_t Base =
      alignTo(Ctx.Span, B.MaxAlign) - alignDown(B.firstPage(), B.MaxAlign);
  std::vector<Mapping> New = Ctx.mappingsOf(B, Base);
  Ctx.Placements.push_back({&B,
                            Base,
                            unsigned(Ctx.Mappings.size()),
                            unsigned(New.size()),
                            std::move(Suffix),
                            HasSymbols,
                            {}});
  Ctx.Mappings.insert(Ctx.Mappings.end(), New.begin(), New.end());
  if (HasSymbols)
    addSections(Ctx, Ctx.Placements.back());
  Ctx.Span = Base + B.endPageWithHooks();
  Ctx.MaxAlign = std::max(Ctx.MaxAlign, B.MaxAlign);
  return Ctx.Placements.size() - 1;
}

static unsigned headersFor(const Blob &B) {
  return B.Segments.size() + (B.Hooks.Text.empty() ? 0 : 2);
}

/// An upper bound of the image table's size, known before the placements are.
static uint64_t tableBound(const Context &Ctx) {
  uint64_t Size = 4096 + Ctx.Blobs.size() * 256 + Ctx.Instances.size() * 32;
  for (const std::unique_ptr<Blob> &B : Ctx.Blobs)
    Size += headersFor(*B) * 64 + B->Path.size() + 1;
  for (const std::unique_ptr<Program> &P : Ctx.Programs)
    for (const LibraryRef &L : P->Libraries)
      Size += L.Name.size() + 32;
  for (const Spec &S : Ctx.Specs) {
    Size += 256 + S.Name.size() + S.Config->Cwd.size() +
            S.Config->Program.size() + S.Config->Argv0.size();
    for (const std::string &A : S.Config->Args)
      Size += A.size() + 16;
    for (const std::string &E : S.Config->Env)
      Size += E.size() + 16;
  }
  return Size;
}

static void placeInstances(Context &Ctx) {
  DenseMap<const Program *, uint64_t> InstancesOf;
  for (const Spec &S : Ctx.Specs)
    InstancesOf[S.Prog] += S.Config->Count;
  DenseMap<const Program *, uint64_t> Seen;
  unsigned Headers =
      MaxHeaders - LeadingHeaders - TrailingHeaders - !Ctx.Libraries.empty();
  bool Full = false;
  for (Instance &I : Ctx.Instances) {
    const Spec &S = Ctx.Specs[I.Spec];
    unsigned Need = headersFor(*S.Prog->Main);
    if (S.Prog->Interpreter)
      Need += headersFor(*S.Prog->Interpreter);
    Full |= Need > Headers;
    if (Full)
      return;
    Headers -= Need;
    bool HasSymbols = Ctx.Cfg.Symbols != SymbolPolicy::None;
    if (Ctx.Cfg.Symbols == SymbolPolicy::First ||
        (Ctx.Cfg.Symbols == SymbolPolicy::Auto &&
         InstancesOf[S.Prog] > AutoSymbolInstances))
      HasSymbols = Seen[S.Prog] == 0;
    ++Seen[S.Prog];
    std::string Suffix = S.Name + "." + std::to_string(I.Index);
    I.Main = place(Ctx, *S.Prog->Main, Suffix, HasSymbols);
    if (S.Prog->Interpreter)
      I.Interpreter =
          place(Ctx, *S.Prog->Interpreter, std::move(Suffix), HasSymbols);
  }
}

Error elfmerge::planImage(Context &Ctx) {
  layOutContents(Ctx);
  for (unsigned N = 0; N != Ctx.Specs.size(); ++N) {
    Ctx.Specs[N].FirstInstance = Ctx.Instances.size();
    for (uint64_t K = 0; K != Ctx.Specs[N].Config->Count; ++K) {
      Instance I;
      I.Spec = N;
      I.Index = Ctx.Specs[N].FirstIndex + K;
      Ctx.Instances.push_back(I);
    }
  }
  Ctx.RuntimeEnd =
      alignTo(MaxHeaders * sizeof(Blob::Phdr) + RuntimeRoom + tableBound(Ctx),
              RuntimeRoom);
  Ctx.Span = Ctx.RuntimeEnd;
  if (!Ctx.Libraries.empty()) {
    uint64_t Size = Ctx.Contents[Ctx.Libraries.size() - 1].end();
    Ctx.StoreAddress = Ctx.Span;
    Ctx.Mappings.push_back({Ctx.Span, Size, Size, 0, PF_R});
    Ctx.Span = alignTo(Ctx.Span + Size, PageSize);
  }
  placeInstances(Ctx);
  if (Ctx.Span > MaxImageSpan)
    return fail("the image is too large: found a span of " + hex(Ctx.Span) +
                ", wanted at most " + hex(MaxImageSpan));
  return Error::success();
}
