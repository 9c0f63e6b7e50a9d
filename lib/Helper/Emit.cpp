//===- Emit.cpp - From a configuration to files ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Link, verify, put into a form, write. A helper is verified as if somebody
// else had linked it.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

namespace {
struct FormatName {
  StringLiteral Name;
  HelperFormat Format;
};
} // namespace

static const FormatName Formats[] = {
    {"elf", HelperFormat::Elf},   {"object", HelperFormat::Object},
    {"asm", HelperFormat::Asm},   {"c", HelperFormat::C},
    {"json", HelperFormat::Json},
};

bool elfmerge::parseHelperFormat(StringRef Name, HelperFormat &Format) {
  for (const FormatName &F : Formats)
    if (F.Name == Name) {
      Format = F.Format;
      return true;
    }
  return false;
}

void elfmerge::listHelpers(raw_ostream &Out) {
  Out << "architectures:\n";
  for (const Port &P : ports())
    Out << "  " << P.Name << (&P == hostPort() ? " (default)" : "") << "\n";
  Out << "formats:\n";
  for (const FormatName &F : Formats)
    Out << "  " << F.Name << "\n";
  Out << "features:\n";
  listFeatures(Out);
}

static Expected<const Port *> choosePort(const HelperConfig &Config) {
  const Port *P = Config.Arch.empty() ? hostPort() : findPort(Config.Arch);
  if (P)
    return P;
  if (Config.Arch.empty())
    return fail("no helper for this machine; give one of --arch=" +
                portNames());
  return fail("--arch=" + Config.Arch + ": wanted one of " + portNames());
}

/// Of C, and the words of C++ that a name can be mistaken for.
static const StringLiteral Keywords[] = {
    "and",       "asm",    "auto",     "bool",     "break",    "case",
    "catch",     "char",   "class",    "const",    "continue", "default",
    "delete",    "do",     "double",   "else",     "enum",     "explicit",
    "export",    "extern", "false",    "float",    "for",      "friend",
    "goto",      "if",     "inline",   "int",      "long",     "mutable",
    "namespace", "new",    "not",      "operator", "or",       "private",
    "protected", "public", "register", "restrict", "return",   "short",
    "signed",    "sizeof", "static",   "struct",   "switch",   "template",
    "this",      "throw",  "true",     "try",      "typedef",  "typeid",
    "typename",  "union",  "unsigned", "using",    "virtual",  "void",
    "volatile",  "while",  "xor"};

static bool isIdentifier(StringRef Name) {
  return !is_contained(Keywords, Name) && !Name.empty() &&
         !isDigit(Name.front()) &&
         all_of(Name, [](char C) { return isAlnum(C) || C == '_'; });
}

/// Fills in what depends on other options.
static Error complete(HelperConfig &Config) {
  if (!isIdentifier(Config.SymbolPrefix))
    return fail("--symbol-prefix=" + Config.SymbolPrefix +
                ": wanted a name that C has");
  bool HasSymbols =
      Config.Format != HelperFormat::Elf && Config.Format != HelperFormat::Json;
  if (!Config.Header.empty() && !HasSymbols)
    return fail("--header=" + Config.Header +
                ": wanted --format=object, asm or c with it");
  if (Config.Format != HelperFormat::C)
    return Error::success();
  if (sys::path::extension(Config.Output) != ".c")
    return inFile(Config.Output,
                  fail("wanted a name that ends in .c for --format=c"));
  if (Config.Header.empty()) {
    SmallString<128> Header(Config.Output);
    sys::path::replace_extension(Header, ".h");
    Config.Header = std::string(Header);
  }
  return Error::success();
}

/// A name in a rule of make.
static std::string escapeForMake(StringRef Path) {
  std::string Result;
  for (char C : Path) {
    if (C == ' ' || C == '#')
      Result += '\\';
    if (C == '$')
      Result += '$';
    Result += C;
  }
  return Result;
}

/// A rule for make or ninja. An archive that has gone away must not stop make.
static std::string makeDepFile(const HelperConfig &Config, StringRef Archive) {
  std::string Input = escapeForMake(Archive);
  return escapeForMake(Config.Output) + ": \\\n  " + Input + "\n\n" + Input +
         ":\n";
}

static Expected<std::vector<OutputFile>>
makeFiles(const HelperConfig &Config, const Proof &Helper, const Features &F) {
  std::vector<OutputFile> Files{{Config.Output, ""}};
  std::string &Main = Files.front().Bytes;
  switch (Config.Format) {
  case HelperFormat::Elf:
    Main = Helper.Headers.Bytes.str();
    Files.front().Mode = 0777;
    break;
  case HelperFormat::Object: {
    Expected<std::string> Object = makeObject(Helper, Config.SymbolPrefix);
    if (!Object)
      return Object.takeError();
    Main = std::move(*Object);
    break;
  }
  case HelperFormat::Asm:
    Main = makeAssembly(Helper, Config.SymbolPrefix);
    break;
  case HelperFormat::C:
    Main = makeSource(Helper, Config.SymbolPrefix,
                      sys::path::filename(Config.Header));
    break;
  case HelperFormat::Json:
    Main = makeManifest(Helper, Config, F);
    break;
  }
  if (!Config.Header.empty())
    Files.push_back({Config.Header, makeHeader(Helper, Config)});
  return Files;
}

Error elfmerge::emitHelper(const HelperConfig &Given, raw_ostream &Out) {
  HelperConfig Config = Given;
  Expected<const Port *> P = choosePort(Config);
  if (!P)
    return P.takeError();
  Expected<Features> F = parseFeatures(Config.Features);
  if (!F)
    return F.takeError();
  if (Config.PrintLinkerArgs) {
    printLinkerArgs(Config, **P, *F, Out);
    return Error::success();
  }
  if (Error E = complete(Config))
    return E;

  std::string Archive = archivePath(Config, **P);
  Expected<std::string> Bytes = linkHelper(Config, **P, *F);
  if (!Bytes)
    return Bytes.takeError();
  Expected<Proof> Helper = verifyBytes(*Bytes);
  if (!Helper)
    return inFile(Archive, Helper.takeError());

  Expected<std::vector<OutputFile>> Files = makeFiles(Config, *Helper, *F);
  if (!Files)
    return Files.takeError();
  if (!Config.DepFile.empty())
    Files->push_back({Config.DepFile, makeDepFile(Config, Archive)});
  return writeFiles(*Files, Archive);
}
