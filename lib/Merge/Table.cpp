//===- Table.cpp - Pass 7: write the plan down for the runtime ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Encodes the plan as the image table of RuntimeABI.h. The table holds offsets
// and no pointers, so that it needs no relocation and stays shared and
// read-only.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "elfmerge/RuntimeABI.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace elfmerge;

namespace {

class TableBuilder {
public:
  explicit TableBuilder(const Context &Ctx) : Ctx(Ctx) {}
  std::string build();

private:
  void addBlobs();
  void addPrograms();
  void addLibraries();
  void addSpecs();
  void addInstances();
  void relocate();
  void setFlags(em_image &Image) const;
  void setExitRule(em_image &Image) const;

  uint32_t string(StringRef S);
  uint32_t vector(ArrayRef<std::string> Strings);
  template <typename T>
  void append(const std::vector<T> &Array, uint32_t &Offset, uint32_t &Count);

  const Context &Ctx;
  std::vector<em_segment> Segments;
  std::vector<em_blob> Blobs;
  std::vector<em_program> Programs;
  std::vector<em_library_name> LibraryNames;
  std::vector<em_library> Libraries;
  std::vector<em_spec> Specs;
  std::vector<em_instance> Instances;
  std::vector<uint32_t> Vectors; ///< of string offsets, before relocation
  std::string Strings;
  std::string PhdrCopies;
  StringMap<uint32_t> Interned;
  DenseMap<const Blob *, uint32_t> BlobIndex, LibraryIndex;
  DenseMap<const Program *, uint32_t> ProgramIndex;
  std::string Out;
};

/// String offsets are relative to the string area until it has its place.
uint32_t TableBuilder::string(StringRef S) {
  auto [It, New] = Interned.try_emplace(S, Strings.size());
  if (New) {
    Strings += S;
    Strings += '\0';
  }
  return It->second;
}

uint32_t TableBuilder::vector(ArrayRef<std::string> Values) {
  uint32_t First = Vectors.size();
  for (const std::string &V : Values)
    Vectors.push_back(string(V));
  return First;
}

uint32_t restartRule(RestartRule Rule) {
  switch (Rule) {
  case RestartRule::No:
    return EM_RESTART_NO;
  case RestartRule::OnFailure:
    return EM_RESTART_ON_FAILURE;
  case RestartRule::Always:
    return EM_RESTART_ALWAYS;
  }
  llvm_unreachable("covered switch");
}

uint32_t execRule(ExecRule Rule) {
  switch (Rule) {
  case ExecRule::Instance:
    return EM_EXEC_INSTANCE;
  case ExecRule::Replace:
    return EM_EXEC_REPLACE;
  case ExecRule::Deny:
    return EM_EXEC_DENY;
  }
  llvm_unreachable("covered switch");
}

/// Where the kernel would say that the program headers are: in the segment
/// that maps them.
uint64_t phdrAddress(const Blob &B) {
  const auto &Header = B.elf().getHeader();
  for (const Segment &S : B.Segments)
    if (Header.e_phoff >= S.Offset &&
        Header.e_phoff - S.Offset + Header.e_phnum * sizeof(Blob::Phdr) <=
            S.FileSize)
      return S.VAddr + (Header.e_phoff - S.Offset);
  return EM_NO_ADDRESS;
}

void TableBuilder::addBlobs() {
  for (const std::unique_ptr<Blob> &B : Ctx.Blobs) {
    if (B->Kind == BlobKind::Library)
      continue;
    BlobIndex[B.get()] = Blobs.size();
    em_blob E{};
    E.first_page = B->firstPage();
    E.end = B->endPageWithHooks();
    E.alignment = B->MaxAlign;
    E.entry = B->Entry;
    E.phdr = B->Hooks.HeaderCount ? B->Hooks.Headers : phdrAddress(*B);
    E.phdr_count = B->Hooks.HeaderCount
                       ? B->Hooks.HeaderCount
                       : unsigned(B->elf().getHeader().e_phnum);
    if (E.phdr == EM_NO_ADDRESS) {
      E.phdr_copy_off = PhdrCopies.size();
      PhdrCopies += toStringRef(std::as_const(*B).bytes().slice(
          B->elf().getHeader().e_phoff, E.phdr_count * sizeof(Blob::Phdr)));
    }
    E.slot = B->Hooks.Text.empty() ? EM_NO_ADDRESS : B->Hooks.SlotVAddr;
    E.first_segment = Segments.size();
    for (const Mapping &M : Ctx.mappingsOf(*B, 0))
      Segments.push_back(
          {M.Address, M.MemSize, M.FileSize, M.Content, M.Flags, 0});
    E.segment_count = Segments.size() - E.first_segment;
    Blobs.push_back(E);
  }
}

void TableBuilder::addLibraries() {
  for (const Blob *B : Ctx.Libraries) {
    const Content &C = Ctx.contentOf(B);
    LibraryIndex[B] = Libraries.size();
    em_library L{};
    L.address = Ctx.StoreAddress + C.Offset;
    L.size = C.end() - C.Offset;
    L.content_offset = C.Offset;
    L.slot_offset = B->Hooks.Text.empty()
                        ? EM_NO_ADDRESS
                        : C.hooksOffset() - C.Offset - PageSize;
    L.name_off = string(sys::path::filename(B->Path));
    Libraries.push_back(L);
  }
}

void TableBuilder::addPrograms() {
  for (const std::unique_ptr<Program> &P : Ctx.Programs) {
    ProgramIndex[P.get()] = Programs.size();
    em_program E{};
    E.blob = BlobIndex.lookup(P->Main);
    E.interpreter = P->Interpreter ? BlobIndex.lookup(P->Interpreter) : EM_NONE;
    E.first_library = LibraryNames.size();
    for (const LibraryRef &L : P->Libraries)
      LibraryNames.push_back({string(L.Name), LibraryIndex.lookup(L.Library)});
    E.library_count = P->Libraries.size();
    Programs.push_back(E);
  }
}

void TableBuilder::addSpecs() {
  for (const Spec &S : Ctx.Specs) {
    const SpecConfig &C = *S.Config;
    std::vector<std::string> Argv{
        C.Argv0.empty() ? sys::path::filename(C.Program).str() : C.Argv0};
    Argv.insert(Argv.end(), C.Args.begin(), C.Args.end());
    em_spec E{};
    E.stack_size = C.StackSize;
    E.name_off = string(S.Name);
    E.program = ProgramIndex.lookup(S.Prog);
    E.first_instance = S.FirstInstance;
    E.instance_count = C.Count;
    E.argv_off = vector(Argv);
    E.argc = Argv.size();
    E.env_off = vector(C.Env);
    E.env_count = C.Env.size();
    E.cwd_off = C.Cwd.empty() ? EM_NONE : string(C.Cwd);
    E.restart = restartRule(C.Restart);
    E.restart_max = C.RestartMax.value_or(EM_NONE);
    Specs.push_back(E);
  }
}

void TableBuilder::addInstances() {
  for (const Instance &I : Ctx.Instances)
    Instances.push_back(
        {I.Main < 0 ? EM_NO_ADDRESS : Ctx.Placements[I.Main].Base,
         I.Interpreter < 0 ? EM_NO_ADDRESS : Ctx.Placements[I.Interpreter].Base,
         I.Spec, I.Index});
}

template <typename T>
void TableBuilder::append(const std::vector<T> &Array, uint32_t &Offset,
                          uint32_t &Count) {
  Out.resize(alignTo(Out.size(), alignof(T)));
  Offset = Out.size();
  Count = Array.size();
  Out.append(reinterpret_cast<const char *>(Array.data()),
             Array.size() * sizeof(T));
}

/// The vectors and the strings stand behind the header, so that their offsets
/// are known before the tables that hold them are written.
void TableBuilder::relocate() {
  uint32_t VectorsAt = sizeof(em_image);
  uint32_t StringsAt = VectorsAt + Vectors.size() * sizeof(uint32_t);
  for (uint32_t &V : Vectors)
    V += StringsAt;
  for (em_library_name &L : LibraryNames)
    L.name_off += StringsAt;
  for (em_library &L : Libraries)
    L.name_off += StringsAt;
  for (em_spec &S : Specs) {
    S.name_off += StringsAt;
    S.argv_off = VectorsAt + S.argv_off * sizeof(uint32_t);
    S.env_off = VectorsAt + S.env_off * sizeof(uint32_t);
    if (S.cwd_off != EM_NONE)
      S.cwd_off += StringsAt;
  }
}

void TableBuilder::setFlags(em_image &Image) const {
  const Config &C = Ctx.Cfg;
  if (C.ShareFds)
    Image.flags |= EM_SHARE_FDS;
  if (C.ShareCwd)
    Image.flags |= EM_SHARE_CWD;
  if (C.Mode == InstanceMode::Process)
    Image.flags |= EM_PROCESS_MODE;
  if (C.OnCrash == CrashRule::Isolate)
    Image.flags |= EM_ISOLATE;
  if (C.reclaims())
    Image.flags |= EM_RECLAIM;
}

void TableBuilder::setExitRule(em_image &Image) const {
  Image.exit_spec = EM_NONE;
  switch (Ctx.Cfg.Exit) {
  case ExitRule::FirstFailure:
    Image.exit_rule = EM_EXIT_FIRST_FAILURE;
    break;
  case ExitRule::First:
    Image.exit_rule = EM_EXIT_FIRST;
    break;
  case ExitRule::Last:
    Image.exit_rule = EM_EXIT_LAST;
    break;
  case ExitRule::Spec:
    Image.exit_rule = EM_EXIT_SPEC;
    for (unsigned N = 0; N != Ctx.Specs.size(); ++N)
      if (Ctx.Specs[N].Name == Ctx.Cfg.ExitSpec)
        Image.exit_spec = N;
    break;
  }
}

std::string TableBuilder::build() {
  addBlobs();
  addLibraries();
  addPrograms();
  addSpecs();
  addInstances();
  relocate();

  em_image Image{};
  uint32_t Ignored;
  Out.resize(sizeof(em_image));
  append(Vectors, Ignored, Ignored);
  Out += Strings;
  Out.resize(alignTo(Out.size(), WordSize));
  for (em_blob &B : Blobs)
    if (B.phdr == EM_NO_ADDRESS)
      B.phdr_copy_off += Out.size();
  Out += PhdrCopies;
  append(Segments, Image.segment_off, Image.segment_count);
  append(Blobs, Image.blob_off, Image.blob_count);
  append(Programs, Image.program_off, Image.program_count);
  append(LibraryNames, Image.library_name_off, Image.library_name_count);
  append(Libraries, Image.library_off, Image.library_count);
  append(Specs, Image.spec_off, Image.spec_count);
  append(Instances, Image.instance_off, Image.instance_count);

  Image.magic = EM_IMAGE_MAGIC;
  Image.version = EM_ABI_VERSION;
  Image.size = Out.size();
  Image.span = Ctx.Span;
  setFlags(Image);
  setExitRule(Image);
  Image.exec_rule = execRule(Ctx.Cfg.Exec);
  memcpy(Out.data(), &Image, sizeof(Image));
  return std::move(Out);
}

} // namespace

Error elfmerge::buildTable(Context &Ctx) {
  uint64_t ArchiveSize;
  if (std::error_code EC = sys::fs::file_size(Ctx.Cfg.Runtime, ArchiveSize))
    return inFile(Ctx.Cfg.Runtime,
                  fail("cannot read the runtime: " + EC.message()));
  Ctx.Dependencies.push_back(Ctx.Cfg.Runtime);
  Ctx.Table = TableBuilder(Ctx).build();
  // The linked runtime is smaller than its archive; its three segments begin
  // on pages of their own.
  uint64_t Headers = sizeof(Blob::ELFT::Ehdr) +
                     (LeadingHeaders + Ctx.Mappings.size() + TrailingHeaders) *
                         sizeof(Blob::Phdr);
  Ctx.ContentBase = alignTo(
      Headers + Ctx.Table.size() + ArchiveSize + 2 * PageSize, PageSize);
  reinterpret_cast<em_image *>(Ctx.Table.data())->content_file_offset =
      Ctx.ContentBase;
  return Error::success();
}
