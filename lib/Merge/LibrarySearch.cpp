//===- LibrarySearch.cpp - Where an interpreter looks for a library -------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The orders are those of ld.so(8) and of musl's ldso/dynlink.c. What differs:
//
// - --library-path stands for LD_LIBRARY_PATH, which an image must not depend
//   on.
// - ld.so.conf is read instead of ld.so.cache. ldconfig puts directories into
//   the cache in the order of the file and the first one with a name wins, so
//   the answers agree, and a sysroot need not have a cache.
// - glibc-hwcaps and the older per-processor subdirectories are not looked
//   into. They hold variants of a library for the processor at hand; the image
//   has to run on every processor of the architecture, so it gets the baseline
//   variant that each of these libraries has.
//
//===----------------------------------------------------------------------===//

#include "LibrarySearch.h"
#include "Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace elfmerge;

namespace {

/// What a distribution fixes when it builds its glibc. The file does not tell,
/// so all values in use are tried: Debian's, upstream's, then others'.
struct GlibcLayout {
  unsigned Machine;
  std::vector<StringRef> Lib; ///< $LIB
  StringRef Platform;         ///< $PLATFORM of the baseline
  std::vector<StringRef> DefaultDirs;
};

const GlibcLayout &glibcLayout(unsigned Machine) {
  static const GlibcLayout Layouts[] = {
      {ELF::EM_X86_64,
       {"lib/x86_64-linux-gnu", "lib64", "lib"},
       "x86_64",
       {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
        "/usr/lib64", "/lib", "/usr/lib"}},
  };
  for (const GlibcLayout &L : Layouts)
    if (L.Machine == Machine)
      return L;
  llvm_unreachable("Blob::open accepts known machines only");
}

const GlibcLayout &glibcLayout(const LoadedObject &Object) {
  return glibcLayout(Object.B->elf().getHeader().e_machine);
}

/// Takes a dynamic string token, $NAME or ${NAME}, from the front of \p Text.
/// glibc's rule: the longest run of letters and underscores is the name.
StringRef consumeToken(StringRef &Text) {
  StringRef Rest = Text;
  if (!Rest.consume_front("$"))
    return "";
  bool Braced = Rest.consume_front("{");
  StringRef Name =
      Rest.take_while([](char C) { return isAlpha(C) || C == '_'; });
  Rest = Rest.drop_front(Name.size());
  if (Braced && !Rest.consume_front("}"))
    return "";
  Text = Rest;
  return Name;
}

/// Whether \p Text has no token but $ORIGIN.
bool hasOriginOnly(StringRef Text) {
  for (size_t At; (At = Text.find('$')) != StringRef::npos;) {
    Text = Text.drop_front(At);
    if (consumeToken(Text) != "ORIGIN")
      return false;
  }
  return true;
}

/// The directory that $ORIGIN stands for. Dynamic linkers take the path under
/// which they found a library, links included, but the kernel's word, without
/// links, for the program.
std::string originOf(const LoadedObject &Object) {
  SmallString<256> Path;
  if (Object.Loader || sys::fs::real_path(Object.Path, Path)) {
    Path = Object.Path;
    if (sys::fs::make_absolute(Path))
      return "."; // there is no working directory to name
  }
  return sys::path::parent_path(Path).str();
}

void append(std::vector<std::string> &To, std::vector<std::string> From) {
  for (std::string &S : From)
    if (!is_contained(To, S))
      To.push_back(std::move(S));
}

} // namespace

bool elfmerge::isMusl(StringRef Interpreter) {
  return sys::path::filename(Interpreter).starts_with("ld-musl-");
}

std::vector<std::string>
LibrarySearch::expand(StringRef Text, const LoadedObject &Object) const {
  const GlibcLayout &Layout = glibcLayout(Object);
  StringRef Rest = Text;
  bool FromOrigin = consumeToken(Rest) == "ORIGIN";
  Paths Results;
  for (StringRef Lib : Layout.Lib) {
    std::string Result;
    for (Rest = Text; !Rest.empty();) {
      StringRef Before = Rest;
      StringRef Token = consumeToken(Rest);
      if (Token == "ORIGIN")
        Result += originOf(Object);
      else if (Token == "LIB")
        Result += Lib;
      else if (Token == "PLATFORM")
        Result += Layout.Platform;
      else {
        Result += Before.front();
        Rest = Before.drop_front();
      }
    }
    // An origin is a host path already.
    append(Results, {FromOrigin ? Result : Root.hostPath(Result)});
  }
  return Results;
}

std::vector<std::string>
LibrarySearch::expandList(StringRef List, const LoadedObject &Object) const {
  Paths Dirs;
  if (List.empty())
    return Dirs;
  SmallVector<StringRef, 8> Parts;
  List.split(Parts, ':');
  // An empty part means the working directory.
  for (StringRef Part : Parts)
    append(Dirs, expand(Part.empty() ? "." : Part, Object));
  return Dirs;
}

Expected<std::unique_ptr<MemoryBuffer>>
LibrarySearch::readConf(StringRef Path, StringRef File) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> Buffer =
      MemoryBuffer::getFile(File, /*IsText=*/true);
  if (!Buffer)
    return inFile(Path, errorCodeToError(Buffer.getError()));
  Ctx.Dependencies.push_back(File.str());
  return std::move(*Buffer);
}

/// ldconfig's language: one directory a line, `include PATTERN...`, and
/// `hwcap`, which nothing obeys any more.
Error LibrarySearch::readGlibcConf(const std::string &Path, Paths &Dirs,
                                   StringSet<> &Seen) {
  std::optional<std::string> File = Root.findFile(Path);
  if (!File || !Seen.insert(*File).second)
    return Error::success();
  Expected<std::unique_ptr<MemoryBuffer>> Buffer = readConf(Path, *File);
  if (!Buffer)
    return Buffer.takeError();

  for (line_iterator Line(**Buffer), End; Line != End; ++Line) {
    StringRef Text = Line->split('#').first.trim();
    auto [Word, Rest] = getToken(Text);
    if (Word.empty() || (Word == "hwcap" && !Rest.empty()))
      continue;
    if (Word != "include" || Rest.empty()) {
      // DIRECTORY=TYPE is the form of libc5's days.
      StringRef Dir = Text.split('=').first.rtrim("/ \t");
      append(Dirs, {Root.hostPath(Dir.empty() ? "/" : Dir)});
      continue;
    }
    SmallVector<StringRef, 4> Patterns;
    SplitString(Rest, Patterns);
    for (StringRef Pattern : Patterns) {
      std::string Full =
          Pattern.starts_with("/")
              ? Root.hostPath(Pattern)
              : (sys::path::parent_path(Path) + "/" + Pattern).str();
      for (const std::string &Included : Root.glob(Full))
        if (Error E = readGlibcConf(Included, Dirs, Seen))
          return E;
    }
  }
  return Error::success();
}

Expected<std::vector<std::string>>
LibrarySearch::glibcDirs(const LoadedObject &Requester) {
  Paths Dirs;
  // A DT_RUNPATH silences DT_RPATHs: its own object's always, and those of the
  // objects that led here when it is the requester's.
  if (Requester.B->RunPath.empty())
    for (const LoadedObject *O = &Requester; O; O = O->Loader)
      if (O->B->RunPath.empty())
        append(Dirs, expandList(O->B->RPath, *O));
  append(Dirs, Ctx.Cfg.LibraryPath);
  append(Dirs, expandList(Requester.B->RunPath, Requester));

  if (!GlibcConf) {
    Paths &Conf = GlibcConf.emplace();
    StringSet<> Seen;
    if (Error E = readGlibcConf(Root.hostPath("/etc/ld.so.conf"), Conf, Seen))
      return E;
  }
  Paths Defaults;
  for (StringRef Dir : glibcLayout(Requester).DefaultDirs)
    Defaults.push_back(Root.hostPath(Dir));
  if (!Requester.B->NoDefaultLib) {
    append(Dirs, *GlibcConf);
    append(Dirs, Defaults);
    return Dirs;
  }
  // DF_1_NODEFLIB rules out what lies below a default directory, not what else
  // the configuration names.
  for (const std::string &Dir : *GlibcConf)
    if (none_of(Defaults, [&](const std::string &Default) {
          return StringRef(Dir + "/").starts_with(Default + "/");
        }))
      append(Dirs, {Dir});
  return Dirs;
}

/// Directories separated by colons or new lines.
Error LibrarySearch::readMuslConf(const std::string &Path) {
  if (MuslConf.count(Path))
    return Error::success();
  StringRef List = "/lib:/usr/local/lib:/usr/lib";
  std::unique_ptr<MemoryBuffer> Keep;
  if (std::optional<std::string> File = Root.findFile(Path)) {
    Expected<std::unique_ptr<MemoryBuffer>> Buffer = readConf(Path, *File);
    if (!Buffer)
      return Buffer.takeError();
    Keep = std::move(*Buffer);
    List = Keep->getBuffer();
  }
  SmallVector<StringRef, 8> Parts;
  SplitString(List, Parts, ":\n");
  Paths &Dirs = MuslConf[Path];
  for (StringRef Part : Parts)
    append(Dirs, {Root.hostPath(Part)});
  return Error::success();
}

Expected<std::vector<std::string>>
LibrarySearch::muslDirs(const LoadedObject &Requester, StringRef Interpreter) {
  Paths Dirs = Ctx.Cfg.LibraryPath;
  for (const LoadedObject *O = &Requester; O; O = O->Loader) {
    StringRef List = O->B->RunPath.empty() ? O->B->RPath : O->B->RunPath;
    // With another token in it, the list as a whole is ignored.
    if (!hasOriginOnly(List))
      continue;
    SmallVector<StringRef, 8> Parts;
    SplitString(List, Parts, ":\n");
    for (StringRef Part : Parts)
      append(Dirs, expand(Part, *O));
  }

  // PREFIX/lib/ld-musl-ARCH.so.1 reads PREFIX/etc/ld-musl-ARCH.path.
  StringRef Prefix =
      sys::path::parent_path(sys::path::parent_path(Interpreter)).rtrim('/');
  StringRef Stem = sys::path::filename(Interpreter).split(".so").first;
  std::string Conf = Root.hostPath((Prefix + "/etc/" + Stem + ".path").str());
  if (Error E = readMuslConf(Conf))
    return E;
  append(Dirs, MuslConf[Conf]);
  return Dirs;
}

Expected<std::vector<std::string>>
LibrarySearch::candidates(StringRef Name, const LoadedObject &Requester,
                          StringRef Interpreter) {
  bool Musl = isMusl(Interpreter);
  Paths Names = Musl ? Paths{Name.str()} : expand(Name, Requester);
  if (StringRef(Names.front()).contains('/'))
    return Musl ? Paths{Root.hostPath(Name)} : Names;

  Expected<Paths> Dirs =
      Musl ? muslDirs(Requester, Interpreter) : glibcDirs(Requester);
  if (!Dirs)
    return Dirs.takeError();
  Paths Results;
  for (const std::string &Dir : *Dirs)
    Results.push_back(Dir + "/" + Names.front());
  return Results;
}
