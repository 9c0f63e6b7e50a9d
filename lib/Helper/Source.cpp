//===- Source.cpp - A helper as text --------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Assembly is written with the directives that GNU as and clang have in common
// on every machine: '@' begins a comment on ARM, so section and symbol types
// have a '%', and sizes of data are given in bytes. C is C99 and C++98. As both
// are only data, they can also be put into a program for another machine,
// whatever its size_t is: in assembly the size takes eight bytes, of which a
// 32-bit machine reads the lower half. Neither needs another file: .incbin
// would, and has to find it.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

/// Numbers with commas, \p PerLine of them in a line.
static void printBytes(raw_ostream &OS, StringRef Bytes, StringRef LineStart,
                       StringRef Separator, StringRef LineEnd) {
  enum { PerLine = 16 };
  for (; !Bytes.empty();
       Bytes = Bytes.drop_front(std::min<size_t>(PerLine, Bytes.size()))) {
    OS << LineStart;
    ListSeparator Comma(Separator);
    for (char C : Bytes.take_front(PerLine))
      OS << Comma << unsigned(uint8_t(C));
    OS << LineEnd << "\n";
  }
}

static std::string opening(const Proof &Helper) {
  return "/* The spawn helper for " +
         std::string(Helper.Headers.Machine->Name) +
         ", made by elfhelper. */\n";
}

std::string elfmerge::makeAssembly(const Proof &Helper, StringRef Prefix) {
  enum { SizeOfSize = 8 };
  StringRef Bytes = Helper.Headers.Bytes;
  std::string Text;
  raw_string_ostream OS(Text);
  auto Define = [&](StringRef Suffix) {
    std::string Name = (Prefix + Suffix).str();
    OS << "\n        .globl " << Name << "\n        .hidden " << Name
       << "\n        .type " << Name << ", %object\n"
       << Name << ":\n";
  };
  OS << opening(Helper) << "        .section .rodata,\"a\",%progbits\n"
     << "        .balign 16\n";
  Define("");
  printBytes(OS, Bytes, "        .byte ", ",", "");
  OS << "        .size " << Prefix << ", " << Bytes.size() << "\n";
  Define("_end");
  OS << "        .balign " << SizeOfSize << "\n";
  Define("_size");
  OS << "        ." << SizeOfSize << "byte " << Bytes.size() << "\n"
     << "        .size " << Prefix << "_size, " << SizeOfSize << "\n\n"
     << "        .section .note.GNU-stack,\"\",%progbits\n";
  return Text;
}

std::string elfmerge::makeSource(const Proof &Helper, StringRef Prefix,
                                 StringRef HeaderName) {
  std::string Text;
  raw_string_ostream OS(Text);
  OS << opening(Helper) << "#include \"" << HeaderName << "\"\n\n"
     << "__attribute__((aligned(16))) const unsigned char " << Prefix << "["
     << Helper.Headers.Bytes.size() << "] = {\n";
  printBytes(OS, Helper.Headers.Bytes, "    ", ", ", ",");
  OS << "};\n\nconst size_t " << Prefix << "_size = sizeof(" << Prefix
     << ");\n";
  return Text;
}

std::string elfmerge::makeHeader(const Proof &Helper,
                                 const HelperConfig &Config) {
  const std::string &Prefix = Config.SymbolPrefix;
  std::string Guard = StringRef(Prefix).upper() + "_H";
  std::string Text;
  raw_string_ostream OS(Text);
  OS << opening(Helper) << "#ifndef " << Guard << "\n#define " << Guard
     << "\n\n#include <stddef.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "/* An ELF executable. Hidden: each linked file has its own. */\n"
     << "extern __attribute__((visibility(\"hidden\"))) const unsigned char "
     << Prefix << "[];\n";
  if (Config.Format != HelperFormat::C)
    OS << "extern __attribute__((visibility(\"hidden\"))) const unsigned char "
       << Prefix << "_end[];\n";
  OS << "extern __attribute__((visibility(\"hidden\"))) const size_t " << Prefix
     << "_size;\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return Text;
}
