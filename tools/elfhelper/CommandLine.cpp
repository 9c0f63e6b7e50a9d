//===- CommandLine.cpp - From argv to a configuration ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "llvm/Option/Arg.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;
using namespace elfmerge;

namespace {

enum ID {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

#define PREFIX(NAME, VALUE)                                                    \
  static constexpr StringLiteral NAME##_init[] = VALUE;                        \
  static constexpr ArrayRef<StringLiteral> NAME(NAME##_init,                   \
                                                std::size(NAME##_init) - 1);
#include "Options.inc"
#undef PREFIX

constexpr OptTable::Info Infos[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

class Options : public GenericOptTable {
public:
  Options() : GenericOptTable(Infos) {}
};

bool namesFile(const Arg &A) {
  switch (A.getOption().getUnaliasedOption().getID()) {
  case OPT_o:
  case OPT_header:
  case OPT_MF:
  case OPT_archive:
  case OPT_verify:
    return true;
  }
  return false;
}

Error parseOption(const Arg &A, CommandLine &CL) {
  HelperConfig &C = CL.Config;
  StringRef Value = A.getNumValues() ? A.getValue() : "";
  if (Value.empty() && namesFile(A))
    return createStringError(A.getSpelling() + " wants a file name");
  switch (A.getOption().getUnaliasedOption().getID()) {
  case OPT_o:
    C.Output = Value.str();
    break;
  case OPT_arch:
    C.Arch = Value.str();
    if (Value.empty())
      return createStringError("--arch= wants a name");
    break;
  case OPT_format:
    if (!parseHelperFormat(Value, C.Format))
      return createStringError("--format=" + Value +
                               ": wanted elf, object, asm, c or json");
    break;
  case OPT_features:
    C.Features = Value.empty() ? "none" : Value.str();
    break;
  case OPT_symbol_prefix:
    C.SymbolPrefix = Value.str();
    break;
  case OPT_header:
    C.Header = Value.str();
    break;
  case OPT_MF:
    C.DepFile = Value.str();
    break;
  case OPT_archive:
    C.Archive = Value.str();
    break;
  case OPT_verify:
    CL.Verify.push_back(Value.str());
    break;
  case OPT_list_helpers:
    CL.List = true;
    break;
  case OPT_linker_args:
    C.PrintLinkerArgs = true;
    break;
  case OPT_help:
    CL.Help = true;
    break;
  case OPT_version:
    CL.Version = true;
    break;
  default:
    llvm_unreachable("every option is one of the table's");
  }
  return Error::success();
}

Error check(const CommandLine &CL) {
  const HelperConfig &C = CL.Config;
  if (CL.Help || CL.Version || CL.List)
    return Error::success();
  if (!CL.Verify.empty() && !C.Output.empty())
    return createStringError("--verify and -o exclude each other");
  if (CL.Verify.empty() && C.Output.empty() && !C.PrintLinkerArgs)
    return createStringError(
        "no output; give -o FILE, --verify=FILE or --list");
  if (!C.DepFile.empty() && C.Output.empty())
    return createStringError("-MF without -o");
  return Error::success();
}

} // namespace

Expected<CommandLine> parseCommandLine(ArrayRef<const char *> Args) {
  CommandLine Result;
  Options Table;
  InputArgList List(Args.begin(), Args.end());
  for (unsigned Index = 0; Index != Args.size();) {
    unsigned At = Index;
    std::unique_ptr<Arg> A = Table.ParseOneArg(List, Index);
    if (!A)
      return createStringError("option '" + Twine(Args[At]) +
                               "' wants a value");
    StringRef Word = Args[At];
    if (A->getOption().getKind() == Option::UnknownClass)
      return createStringError("unknown option '" + Word + "'");
    if (A->getOption().getKind() == Option::InputClass)
      return createStringError("found '" + Word + "', wanted an option");
    if (Error E = parseOption(*A, Result))
      return E;
    if (Result.Help || Result.Version)
      return Result;
  }
  if (Error E = check(Result))
    return E;
  return Result;
}

void printHelp(raw_ostream &OS) {
  Options().printHelp(OS, "elfhelper [options] -o FILE | --verify=FILE",
                      "elfhelper: writes the spawn helper of libelfspawn for "
                      "any machine, and verifies helpers");
}
