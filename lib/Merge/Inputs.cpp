//===- Inputs.cpp - Pass 1: read and check what the user named ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens every program once, however often it is named, and gives every spec
// its name. From here on each spec has a program, all programs are checked,
// and no two specs share a name: names become symbol suffixes, section names
// and the argv[0] of a multi-call image.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/ADT/StringSet.h"
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
    if (B->Kind == Kind && B->ContentHash == (*New)->ContentHash &&
        std::as_const(*B).bytes() == std::as_const(**New).bytes())
      return B.get();
  Blobs.push_back(std::move(*New));
  return Blobs.back().get();
}

static Error checkName(StringRef Name) {
  static const char Allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_.+-";
  size_t Bad = Name.find_first_not_of(Allowed);
  if (!Name.empty() && Bad == StringRef::npos)
    return Error::success();
  return fail("name '" + Name +
              "': wanted letters, digits and any of _ . + -; give the "
              "instance another one with --name=");
}

Error elfmerge::readInputs(Context &Ctx) {
  StringSet<> Names;
  for (const SpecConfig &SC : Ctx.Cfg.Specs) {
    Spec S;
    S.Config = &SC;
    S.Name = SC.Name.empty() ? sys::path::filename(SC.Program).str() : SC.Name;
    if (Error E = checkName(S.Name))
      return E;
    if (!Names.insert(S.Name).second)
      return fail("name '" + S.Name +
                  "' is used twice; give one of the two another one with "
                  "--name=, or use --count=");
    Expected<Blob *> Main = Ctx.getBlob(SC.Program, BlobKind::Program);
    if (!Main)
      return Main.takeError();
    for (std::unique_ptr<Program> &P : Ctx.Programs)
      if (P->Main == *Main)
        S.Prog = P.get();
    if (!S.Prog) {
      Ctx.Programs.push_back(std::make_unique<Program>());
      S.Prog = Ctx.Programs.back().get();
      S.Prog->Main = *Main;
    }
    Ctx.Specs.push_back(std::move(S));
  }
  if (Ctx.Cfg.Exit == ExitRule::Spec && !Names.count(Ctx.Cfg.ExitSpec))
    return fail("--exit=" + Ctx.Cfg.ExitSpec +
                ": found no instance of that name, wanted first-failure, "
                "first, last or a name");
  return Error::success();
}
