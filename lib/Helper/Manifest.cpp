//===- Manifest.cpp - What there is to know of a helper -------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The manifest is for who decides whether a helper may be shipped: which system
// calls it can make, as the verifier found them, and whether the library that
// is to drive it speaks the same request format.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Passes.h"
#include "Request.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

static std::string permissions(uint32_t Flags) {
  std::string Result;
  Result += Flags & ELF::PF_R ? 'r' : '-';
  Result += Flags & ELF::PF_W ? 'w' : '-';
  Result += Flags & ELF::PF_X ? 'x' : '-';
  return Result;
}

std::string elfmerge::makeManifest(const Proof &Helper,
                                   const HelperConfig &Config,
                                   const Features &F) {
  StringRef Bytes = Helper.Headers.Bytes;
  std::string Text;
  raw_string_ostream OS(Text);
  json::OStream J(OS, /*IndentSize=*/2);
  J.object([&] {
    J.attribute("tool", "elfhelper " + Config.Version);
    J.attribute("arch", Helper.Headers.Machine->Name);
    J.attribute("size", int64_t(Bytes.size()));
    J.attribute("sha256", toHex(SHA256::hash(arrayRefFromStringRef(Bytes)),
                                /*LowerCase=*/true));
    J.attribute("entry", hex(Helper.Headers.Entry));
    J.attributeArray("segments", [&] {
      for (const Segment &S : Helper.Headers.Segments)
        J.object([&] {
          J.attribute("address", hex(S.Address));
          J.attribute("offset", hex(S.Offset));
          J.attribute("file_size", int64_t(S.FileSize));
          J.attribute("memory_size", int64_t(S.MemorySize));
          J.attribute("permissions", permissions(S.Flags));
        });
    });
    J.attributeArray("system_calls", [&] {
      for (const SystemCall &C : Helper.Calls)
        J.object([&] {
          J.attribute("name", C.Name);
          J.attribute("number", int64_t(C.Number));
        });
    });
    J.attribute("protocol", ES_MAGIC);
    J.attribute("request_format", requestFormatHash());
    J.attributeArray("features", [&] {
      for (const std::string &Name : F.Present)
        J.value(Name);
    });
  });
  OS << "\n";
  return Text;
}
