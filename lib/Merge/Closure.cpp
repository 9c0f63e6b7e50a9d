//===- Closure.cpp - Pass 2: find what dynamic programs need --------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dynamic program brings its interpreter and its libraries into the image,
// so that the image runs where they are not installed, and all instances share
// their text. The libraries have to be those that the program's own dynamic
// linker would load: this pass walks DT_NEEDED breadth-first, as it does, and
// asks LibrarySearch for its search order.
//
// At run time the dynamic linker is served by the last component of the name
// it opens, whatever the directory. So afterwards, in each program, one name
// means one library; a library that asks to be called otherwise (DT_SONAME) is
// there under that name too, unless another one was needed by it.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "LibrarySearch.h"
#include "Sysroot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <deque>

using namespace llvm;
using namespace elfmerge;

namespace {

class Closure {
public:
  Closure(Context &Ctx, const Sysroot &Root, LibrarySearch &Search, Program &P)
      : Ctx(Ctx), Root(Root), Search(Search), P(P) {}
  Error resolve();

private:
  Error openInterpreter();
  Error embed(StringRef Library);
  Error loadAllNeeded();
  Error load(StringRef Name, const LoadedObject &Requester,
             StringRef Reason = "needs ");
  Error open(StringRef Name, const std::string &Path, StringRef File,
             const LoadedObject &Requester);
  Error addName(StringRef Name, const LoadedObject &Object,
                const LoadedObject &Requester);
  void addSoNames();

  bool isInterpreter(StringRef Name) const;
  bool isLoaded(StringRef Name) const;
  const LibraryRef *findRef(StringRef Name) const;

  Context &Ctx;
  const Sysroot &Root;
  LibrarySearch &Search;
  Program &P;
  std::deque<LoadedObject> Objects; ///< in load order, the program first
  size_t Done = 0; ///< objects whose DT_NEEDED entries are loaded
};

/// Why the interpreter passes \p File over; empty when it takes it.
std::string unsuitable(StringRef File, unsigned Machine) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> Buffer = MemoryBuffer::getFile(
      File, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return Buffer.getError().message();
  StringRef Bytes = (*Buffer)->getBuffer();
  if (!Bytes.starts_with(StringRef(ELF::ElfMagic, 4)) ||
      Bytes.size() < sizeof(Blob::ELFT::Ehdr))
    return "not an ELF file";
  if (Bytes[ELF::EI_CLASS] != ELF::ELFCLASS64)
    return "not 64-bit";
  if (Bytes[ELF::EI_DATA] != ELF::ELFDATA2LSB)
    return "not little-endian";
  Blob::ELFT::Ehdr Header;
  memcpy(&Header, Bytes.data(), sizeof(Header));
  if (Header.e_machine != Machine)
    return ("machine " + Twine(unsigned(Header.e_machine)) + ", wanted " +
            Twine(Machine))
        .str();
  if (Header.e_type != ELF::ET_DYN)
    return "not a shared object";
  return "";
}

/// The line that explains an unsuccessful search of \p Tried.
Error notFound(const Twine &What, ArrayRef<std::string> Tried,
               ArrayRef<std::string> PassedOver) {
  std::string Message = (What + ": not found, searched ").str();
  if (Tried.size() == 1)
    Message += Tried.front();
  else
    Message += join(map_range(Tried,
                              [](StringRef Path) {
                                return sys::path::parent_path(Path).str();
                              }),
                    ":");
  if (!PassedOver.empty())
    Message += "; passed over " + join(PassedOver, ", ");
  return fail(Message);
}

} // namespace

Error Closure::openInterpreter() {
  std::string Path = Root.hostPath(P.Main->Interpreter);
  std::optional<std::string> File = Root.findFile(Path);
  if (!File)
    return inFile(P.Main->Path,
                  fail("interpreter " + P.Main->Interpreter + ": not found" +
                       (Path == P.Main->Interpreter ? "" : " at " + Path) +
                       ", wanted the program's dynamic linker"));
  Expected<Blob *> B = Ctx.getBlob(*File, BlobKind::Interpreter);
  if (!B)
    return B.takeError();
  P.Interpreter = *B;
  return Error::success();
}

bool Closure::isInterpreter(StringRef Name) const {
  StringRef Path = P.Main->Interpreter;
  if (Name == Path || Name == sys::path::filename(Path))
    return true;
  if (!isMusl(Path))
    return Name == P.Interpreter->SoName;
  // musl is one file, and whatever follows the dot is that file too.
  return Name.consume_front("lib") &&
         is_contained({"c", "pthread", "rt", "m", "dl", "util", "xnet"},
                      Name.split('.').first) &&
         Name.contains('.');
}

const LibraryRef *Closure::findRef(StringRef Name) const {
  for (const LibraryRef &Ref : P.Libraries)
    if (Ref.Name == Name)
      return &Ref;
  return nullptr;
}

/// A name with a slash names a file, not a library: it is always opened.
bool Closure::isLoaded(StringRef Name) const {
  if (Name.contains('/'))
    return false;
  // musl compares names with those of files only.
  return findRef(Name) || (!isMusl(P.Main->Interpreter) &&
                           any_of(Objects, [&](const LoadedObject &O) {
                             return O.B->SoName == Name;
                           }));
}

Error Closure::addName(StringRef Name, const LoadedObject &Object,
                       const LoadedObject &Requester) {
  StringRef Last = sys::path::filename(Name);
  const LibraryRef *Old = findRef(Last);
  if (!Old)
    P.Libraries.push_back({Last.str(), Object.B});
  else if (Old->Library != Object.B)
    return inFile(Requester.Path,
                  fail("needs " + Name + ": found " + Object.Path + " and " +
                       Old->Library->Path +
                       ", wanted libraries of different names"));
  return Error::success();
}

Error Closure::open(StringRef Name, const std::string &Path, StringRef File,
                    const LoadedObject &Requester) {
  // Mapped already, and not to be served as a library.
  if (sys::fs::equivalent(File, P.Interpreter->Path) ||
      sys::fs::equivalent(File, P.Main->Path))
    return Error::success();
  Expected<Blob *> B = Ctx.getBlob(File, BlobKind::Library);
  if (!B)
    return B.takeError();
  auto Object =
      find_if(Objects, [&](const LoadedObject &O) { return O.B == *B; });
  if (Object != Objects.end())
    return addName(Name, *Object, Requester);
  Objects.push_back({*B, Path, &Requester});
  return addName(Name, Objects.back(), Requester);
}

Error Closure::load(StringRef Name, const LoadedObject &Requester,
                    StringRef Reason) {
  if (isInterpreter(Name) || isLoaded(Name))
    return Error::success();
  Expected<std::vector<std::string>> Candidates =
      Search.candidates(Name, Requester, P.Main->Interpreter);
  if (!Candidates)
    return Candidates.takeError();
  unsigned Machine = P.Main->elf().getHeader().e_machine;
  std::vector<std::string> PassedOver;
  for (const std::string &Path : *Candidates) {
    std::optional<std::string> File = Root.findFile(Path);
    if (!File)
      continue;
    std::string Why = unsuitable(*File, Machine);
    if (Why.empty())
      return open(Name, Path, *File, Requester);
    PassedOver.push_back((Path + " (" + Twine(Why) + ")").str());
  }
  return inFile(Requester.Path,
                notFound(Reason + Name, *Candidates, PassedOver));
}

Error Closure::loadAllNeeded() {
  // Objects grows on the way: that makes the walk breadth-first. A deque does
  // not move what the elements of LoadedObject::Loader point to.
  for (; Done != Objects.size(); ++Done)
    for (const std::string &Name : Objects[Done].B->Needed)
      if (Error E = load(Name, Objects[Done]))
        return E;
  return Error::success();
}

/// Adds a library that the program will ask for with dlopen. A path is the
/// user's, not the target's.
Error Closure::embed(StringRef Library) {
  if (!Library.contains('/'))
    return load(Library, Objects.front(), "--embed=");
  std::optional<std::string> File = Root.findFile(Library);
  if (!File)
    return fail("--embed=" + Library + ": not found, wanted a shared library");
  return open(Library, Library.str(), *File, Objects.front());
}

void Closure::addSoNames() {
  for (const LoadedObject &O : drop_begin(Objects)) {
    StringRef Name = sys::path::filename(O.B->SoName);
    if (!Name.empty() && !findRef(Name))
      P.Libraries.push_back({Name.str(), O.B});
  }
}

Error Closure::resolve() {
  if (Error E = openInterpreter())
    return E;
  Objects.push_back({P.Main, P.Main->Path, nullptr});
  if (Error E = loadAllNeeded())
    return E;
  for (const std::string &Library : Ctx.Cfg.Embed) {
    if (Error E = embed(Library))
      return E;
    if (Error E = loadAllNeeded())
      return E;
  }
  addSoNames();
  return Error::success();
}

Error elfmerge::resolveClosures(Context &Ctx) {
  Expected<Sysroot> Root = Sysroot::open(Ctx.Cfg.Sysroot);
  if (!Root)
    return Root.takeError();
  LibrarySearch Search(Ctx, *Root);
  for (std::unique_ptr<Program> &P : Ctx.Programs)
    if (!P->Main->Interpreter.empty())
      if (Error E = Closure(Ctx, *Root, Search, *P).resolve())
        return E;
  return Error::success();
}
