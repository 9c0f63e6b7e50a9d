//===- Objects.cpp - Pass 8: write what the linker reads ------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a relocatable object with MC: the image table, and a section for
// every segment of every instance that is to have symbols.
//
// Those sections have a size and no contents. The bytes of a blob are final
// and need no relocation, so the linker need not see them: copyContents
// copies them from the input to the image, once, whatever the number of
// instances. Nor does it see the blobs' symbols, to which nothing refers: a
// hundred static programs have 200,000, which cost MC and lld together more
// than all the rest of a merge; fold adds them to the linker's table.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "ObjectStreamer.h"

using namespace llvm;
using namespace elfmerge;

Error elfmerge::writeObjects(Context &Ctx) {
  Expected<std::string> Path = Ctx.Temps.create("image.o");
  if (!Path)
    return Path.takeError();
  Ctx.LinkerInputs.push_back(*Path);
  return ObjectStreamer::write(*Path, [&](ObjectStreamer &Out) {
    Out.emitData(".elfmerge.image", "elfmerge_image", Ctx.Table);
    for (const Placement &P : Ctx.Placements)
      for (const ImageSection &S : P.Sections)
        Out.emitSection(S.Name, S.Flags, S.Size);
  });
}
