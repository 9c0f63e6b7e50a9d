//===- Inputs.cpp - Pass 1: read and check what the user named ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens every program once, however often it is named, and gives every spec
// its name. From here on each spec has a program, all programs are checked,
// and no two instances share their NAME.K: it becomes a symbol suffix and a
// part of section names.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "elfmerge/RuntimeABI.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace elfmerge;

Expected<Blob *> Context::getBlob(StringRef Path, BlobKind Kind) {
  for (std::unique_ptr<Blob> &B : Blobs)
    if (B->Path == Path && B->Kind == Kind)
      return B.get();
  Expected<std::unique_ptr<Blob>> New = Blob::open(Path, Kind);
  if (!New)
    return New.takeError();
  Dependencies.push_back(Path.str());
  for (std::unique_ptr<Blob> &B : Blobs)
    // Different programs differ early on, in their build ID at the latest.
    if (B->Kind == Kind &&
        std::as_const(*B).bytes() == std::as_const(**New).bytes())
      return B.get();
  Blobs.push_back(std::move(*New));
  return Blobs.back().get();
}

bool Config::restarts() const {
  return any_of(Specs, [](const SpecConfig &SC) {
    return SC.Restart != RestartRule::No;
  });
}

static Error checkName(StringRef Name) {
  static const char Allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_.+-";
  if (Name.size() > EM_NAME_MAX)
    return fail("name of " + Twine(Name.size()) +
                " characters, wanted at most " + Twine(EM_NAME_MAX) +
                "; give the instance another one with --name=");
  size_t Bad = Name.find_first_not_of(Allowed);
  if (!Name.empty() && Bad == StringRef::npos)
    return Error::success();
  return fail("name '" + Name +
              "': wanted letters, digits and any of _ . + -; give the "
              "instance another one with --name=");
}

/// Instances of specs that are called after their program count on: NAME.0,
/// NAME.1. A name that was given stands for one spec alone.
static Error nameSpec(Context &Ctx, Spec &New) {
  const SpecConfig &SC = *New.Config;
  New.Name = SC.Name.empty() ? sys::path::filename(SC.Program).str() : SC.Name;
  if (Error E = checkName(New.Name))
    return E;
  for (const Spec &S : Ctx.Specs) {
    if (S.Name != New.Name)
      continue;
    if (!SC.Name.empty() || !S.Config->Name.empty())
      return fail("name '" + New.Name +
                  "' is used twice; give one of the two another one with "
                  "--name=, or use --count=");
    New.FirstIndex = S.FirstIndex + S.Config->Count;
  }
  return Error::success();
}

static Program &programOf(Context &Ctx, Blob *Main) {
  for (std::unique_ptr<Program> &P : Ctx.Programs)
    if (P->Main == Main)
      return *P;
  Ctx.Programs.push_back(std::make_unique<Program>());
  Ctx.Programs.back()->Main = Main;
  return *Ctx.Programs.back();
}

Error elfmerge::readInputs(Context &Ctx) {
  bool ExitSpecFound = Ctx.Cfg.Exit != ExitRule::Spec;
  for (const SpecConfig &SC : Ctx.Cfg.Specs) {
    Spec S;
    S.Config = &SC;
    if (Error E = nameSpec(Ctx, S))
      return E;
    ExitSpecFound |= S.Name == Ctx.Cfg.ExitSpec;
    if (SC.Restart != RestartRule::No && !Ctx.Cfg.reclaims())
      return fail("--no-reclaim: '" + S.Name +
                  "' restarts, and would leave behind what each run had; "
                  "wanted one of the two");
    Expected<Blob *> Main = Ctx.getBlob(SC.Program, BlobKind::Program);
    if (!Main)
      return Main.takeError();
    S.Prog = &programOf(Ctx, *Main);
    Ctx.Specs.push_back(std::move(S));
  }
  if (!ExitSpecFound)
    return fail("--exit=" + Ctx.Cfg.ExitSpec +
                ": found no instance of that name, wanted first-failure, "
                "first, last or a name");
  return Error::success();
}
