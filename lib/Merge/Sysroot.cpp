//===- Sysroot.cpp - Paths of the target system ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A link in a sysroot was made for a system whose root the sysroot is: an
// absolute one starts there, and `..` does not leave it. The kernel follows
// links from our root, so a path inside the sysroot is walked here, one
// component at a time.
//
//===----------------------------------------------------------------------===//

#include "Sysroot.h"
#include "Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/Path.h"
#include <filesystem>

using namespace llvm;
using namespace elfmerge;

namespace {

/// As many as Linux follows in one path.
constexpr unsigned MaxLinks = 40;

/// Puts the components of \p Path on top of \p Stack, the first one topmost.
void pushComponents(std::vector<std::string> &Stack, StringRef Path) {
  SmallVector<StringRef, 16> Parts;
  Path.split(Parts, '/', -1, /*KeepEmpty=*/false);
  for (StringRef Part : reverse(Parts))
    Stack.push_back(Part.str());
}

/// The entries of \p Dir that match \p Pattern, sorted.
std::vector<std::string> matchEntries(const std::string &Dir,
                                      StringRef Pattern) {
  std::vector<std::string> Names;
  Expected<GlobPattern> Glob = GlobPattern::create(Pattern);
  if (!Glob) {
    consumeError(Glob.takeError());
    return Names;
  }
  std::error_code EC;
  for (sys::fs::directory_iterator I(Dir, EC), E; I != E && !EC;
       I.increment(EC)) {
    StringRef Name = sys::path::filename(I->path());
    // As in a shell, a wildcard does not stand for a leading dot.
    if (Name.starts_with(".") == Pattern.starts_with(".") && Glob->match(Name))
      Names.push_back(Name.str());
  }
  sort(Names);
  return Names;
}

} // namespace

Expected<Sysroot> Sysroot::open(StringRef Dir) {
  Sysroot S;
  if (Dir.empty())
    return S;
  SmallString<256> Real;
  if (sys::fs::real_path(Dir, Real) || !sys::fs::is_directory(Real))
    return fail("--sysroot=" + Dir + ": not found, wanted a directory");
  S.Root = StringRef(Real).rtrim('/').str();
  return S;
}

std::string Sysroot::hostPath(StringRef TargetPath) const {
  return TargetPath.starts_with("/") ? Root + TargetPath.str()
                                     : TargetPath.str();
}

std::optional<std::string> Sysroot::resolve(StringRef HostPath) const {
  StringRef Inside = HostPath;
  if (Root.empty() || !Inside.consume_front(Root) || !Inside.starts_with("/"))
    return HostPath.str();

  std::vector<std::string> Todo;
  pushComponents(Todo, Inside);
  std::string Done = Root;
  for (unsigned Links = 0; !Todo.empty();) {
    std::string Part = std::move(Todo.back());
    Todo.pop_back();
    if (Part == ".")
      continue;
    if (Part == "..") {
      if (Done.size() > Root.size())
        Done.resize(Done.rfind('/'));
      continue;
    }
    std::string Next = Done;
    Next.append("/").append(Part);
    std::error_code NotALink;
    std::string Link = std::filesystem::read_symlink(Next, NotALink).string();
    if (NotALink) {
      Done = std::move(Next);
      continue;
    }
    if (++Links > MaxLinks)
      return std::nullopt;
    if (StringRef(Link).starts_with("/"))
      Done = Root;
    pushComponents(Todo, Link);
  }
  return Done;
}

std::optional<std::string> Sysroot::findFile(StringRef HostPath) const {
  std::optional<std::string> File = resolve(HostPath);
  if (!File || !sys::fs::is_regular_file(*File))
    return std::nullopt;
  return File;
}

std::vector<std::string> Sysroot::glob(StringRef Pattern) const {
  bool InRoot = !Root.empty() && Pattern.consume_front(Root);
  // The sysroot's own path is no pattern.
  std::vector<std::string> Paths = {InRoot ? Root : ""};
  bool Relative = !Pattern.consume_front("/");
  SmallVector<StringRef, 16> Parts;
  Pattern.split(Parts, '/', -1, /*KeepEmpty=*/false);
  for (StringRef Part : Parts) {
    std::vector<std::string> Next;
    for (const std::string &Path : Paths) {
      std::string Prefix = Relative && Path.empty() ? "" : Path + "/";
      if (Part.find_first_of("*?[") == StringRef::npos) {
        Next.push_back(Prefix + Part.str());
        continue;
      }
      if (std::optional<std::string> Dir = resolve(Prefix))
        for (const std::string &Name : matchEntries(*Dir, Part))
          Next.push_back(Prefix + Name);
    }
    Paths = std::move(Next);
  }
  return Paths;
}
