//===- Script.cpp - Pass 9: say where the sections go ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker script puts the runtime at the start of the image and the blobs'
// sections where the plan has them. The latter are in no segment of the
// script: their PT_LOADs map contents that the linker does not see, so the
// script only reserves their program headers, as PT_NULL, and fold fills them
// in.
//
// Nothing in the runtime needs a dynamic section: it has no relocations.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace elfmerge;

static void writeHeaders(const Context &Ctx, raw_ostream &OS) {
  OS << "ENTRY(elfmerge_start)\n"
        "PHDRS {\n"
        "  headers PT_PHDR PHDRS;\n"
        "  rodata PT_LOAD FILEHDR PHDRS FLAGS(4);\n"
        "  text PT_LOAD FLAGS(5);\n"
        "  data PT_LOAD FLAGS(6);\n";
  for (size_t N = 0; N != Ctx.Mappings.size(); ++N)
    OS << "  mapping" << N << " PT_NULL;\n";
  OS << "  stack PT_GNU_STACK FLAGS(6);\n"
        "}\n";
}

static void writeRuntime(const Context &Ctx, raw_ostream &OS) {
  OS << "  . = SIZEOF_HEADERS;\n"
        "  .elfmerge.image : { *(.elfmerge.image) } :headers :rodata\n"
        "  .rodata : { *(.rodata .rodata.*) } :rodata\n"
        "  . = ALIGN(CONSTANT(MAXPAGESIZE));\n"
        "  .text : { *(.text .text.*) } :text\n"
        "  . = ALIGN(CONSTANT(MAXPAGESIZE));\n"
        "  .data : { *(.data .data.*) } :data\n"
        "  .got : { *(.got .got.*) } :data\n"
        "  ASSERT(SIZEOF(.got) == 0, \"the runtime needs relocations\")\n"
        "  .bss : { *(.bss .bss.* COMMON) } :data\n"
        "  ASSERT(. <= "
     << hex(Ctx.RuntimeEnd)
     << ", \"the runtime does not fit in front of the instances\")\n";
}

Error elfmerge::writeScript(Context &Ctx) {
  Expected<std::string> Path = Ctx.Temps.create("image.ld");
  if (!Path)
    return Path.takeError();
  Ctx.Script = *Path;
  std::error_code EC;
  raw_fd_ostream OS(*Path, EC);
  if (EC)
    return inFile(*Path, errorCodeToError(EC));
  writeHeaders(Ctx, OS);
  OS << "SECTIONS {\n";
  writeRuntime(Ctx, OS);
  for (const Placement &P : Ctx.Placements)
    for (const ImageSection &S : P.Sections)
      OS << "  \"" << S.Name << "\" " << hex(S.Address) << " : { *(\"" << S.Name
         << "\") } :NONE\n";
  OS << "  /DISCARD/ : { *(.comment .note.* .eh_frame .dynamic .dynsym .dynstr "
        ".hash .gnu.hash .gnu.version* .rela.* .interp) }\n"
        "}\n";
  OS.close();
  if (OS.has_error()) {
    EC = OS.error();
    OS.clear_error();
    return inFile(*Path, errorCodeToError(EC));
  }
  return Error::success();
}
