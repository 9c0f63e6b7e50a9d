//===- CommandLine.cpp - From argv to a configuration ---------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line is a list of groups separated by ";". In a group, options
// end at the first word that is none: the program. What follows belongs to the
// program, whatever it looks like. So words are parsed one by one.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Option/Arg.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/StringSaver.h"

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

class Parser {
public:
  explicit Parser(ArrayRef<const char *> Args)
      : Words(Args.begin(), Args.end()), Saver(Allocator) {}
  Expected<CommandLine> parse();

private:
  Error parseOption(const Arg &A);
  Error parseInstanceOption(const Arg &A);
  Error parseProgram(StringRef First);
  Error expand(StringRef ResponseFile);
  Error check() const;

  Options Table;
  std::vector<const char *> Words;
  unsigned Index = 0;
  BumpPtrAllocator Allocator;
  StringSaver Saver;
  unsigned ResponseFiles = 0;

  CommandLine Result;
  SpecConfig Spec;            ///< of the group that is being parsed
  std::string InstanceOption; ///< one that still waits for its program
};

/// Replaces the word at Index by the words of a file.
Error Parser::expand(StringRef Path) {
  if (++ResponseFiles > 100)
    return createStringError("@" + Path +
                             ": response files are nested too deeply");
  ErrorOr<std::unique_ptr<MemoryBuffer>> File = MemoryBuffer::getFile(Path);
  if (!File)
    return createStringError("@" + Path + ": " + File.getError().message());
  Result.Config.OptionFiles.push_back(Path.str());
  SmallVector<const char *, 16> More;
  cl::TokenizeGNUCommandLine((*File)->getBuffer(), Saver, More);
  Words.erase(Words.begin() + Index);
  Words.insert(Words.begin() + Index, More.begin(), More.end());
  return Error::success();
}

Error Parser::parseProgram(StringRef First) {
  Spec.Program = First.str();
  for (++Index; Index != Words.size(); ++Index) {
    StringRef Word = Words[Index];
    if (Word == ";")
      break;
    Spec.Args.push_back(Word.str());
  }
  Result.Config.Specs.push_back(std::move(Spec));
  Spec = SpecConfig();
  InstanceOption.clear();
  if (Index == Words.size())
    return Error::success();
  if (++Index == Words.size())
    return createStringError("no program behind the last ';'");
  return Error::success();
}

Expected<CommandLine> Parser::parse() {
  while (Index != Words.size()) {
    // The list has to be made anew as response files change the words.
    InputArgList List(Words.data(), Words.data() + Words.size());
    unsigned At = Index;
    std::unique_ptr<Arg> A = Table.ParseOneArg(List, Index);
    if (!A)
      return createStringError("option '" + Twine(Words[At]) +
                               "' wants a value");
    StringRef Word = Words[At];
    if (A->getOption().getKind() == Option::UnknownClass)
      return createStringError("unknown option '" + Word + "'");
    Error E = Error::success();
    if (A->getOption().getKind() == Option::InputClass) {
      Index = At;
      if (Word == ";")
        return createStringError("no program in front of ';'");
      E = Word.size() > 1 && Word.front() == '@' ? expand(Word.drop_front())
                                                 : parseProgram(Word);
    } else {
      E = parseOption(*A);
    }
    if (E)
      return E;
    if (Result.Help || Result.Version)
      return Result;
  }
  if (Error E = check())
    return E;
  return Result;
}

/// Sets \p Choice to what the value of \p A is the name of.
template <typename T>
Error pick(const Arg &A, T &Choice, ArrayRef<std::pair<StringRef, T>> Choices) {
  std::string Wanted;
  for (const auto &[Name, Value] : Choices) {
    if (Name == A.getValue()) {
      Choice = Value;
      return Error::success();
    }
    StringRef Between = Name == Choices.back().first ? " or " : ", ";
    Wanted += (Wanted.empty() ? "" : Between).str() + Name.str();
  }
  return createStringError(A.getSpelling() + A.getValue() + ": wanted " +
                           Wanted);
}

void pickExit(StringRef Value, Config &C) {
  C.ExitSpec.clear();
  if (Value == "first-failure")
    C.Exit = ExitRule::FirstFailure;
  else if (Value == "first")
    C.Exit = ExitRule::First;
  else if (Value == "last")
    C.Exit = ExitRule::Last;
  else {
    C.Exit = ExitRule::Spec;
    C.ExitSpec = Value.str();
  }
}

Error pickShare(StringRef Value, Config &C) {
  SmallVector<StringRef, 2> Words;
  Value.split(Words, ',');
  for (StringRef W : Words) {
    if (W == "fds")
      C.ShareFds = true;
    else if (W == "cwd")
      C.ShareCwd = true;
    else
      return createStringError("--share=" + Value + ": found '" + W +
                               "', wanted fds or cwd");
  }
  return Error::success();
}

/// Is there nothing that no value could mean?
bool wantsValue(const Arg &A) {
  switch (A.getOption().getUnaliasedOption().getID()) {
  case OPT_argv0:
  case OPT_cwd:
  case OPT_embed:
  case OPT_exit:
  case OPT_manifest:
  case OPT_Map:
  case OPT_MF:
  case OPT_runtime:
  case OPT_save_temps:
    return true;
  default:
    return false;
  }
}

Error Parser::parseOption(const Arg &A) {
  Config &C = Result.Config;
  StringRef Value = A.getNumValues() ? A.getValue() : "";
  if (Value.empty() && wantsValue(A))
    return createStringError("option '" + A.getSpelling() + "' wants a value");
  switch (A.getOption().getUnaliasedOption().getID()) {
  case OPT_o:
    C.Output = Value.str();
    if (Value.empty())
      return createStringError("-o wants a file name");
    break;
  case OPT_run:
    Result.Run = true;
    break;
  case OPT_manifest:
    return readManifest(Value, C);
  case OPT_exit:
    pickExit(Value, C);
    break;
  case OPT_share:
    return pickShare(Value, C);
  case OPT_library_path:
    for (StringRef Dir : split(Value, ':'))
      if (!Dir.empty())
        C.LibraryPath.push_back(Dir.str());
    break;
  case OPT_sysroot:
    C.Sysroot = Value.str();
    break;
  case OPT_embed:
    C.Embed.push_back(Value.str());
    break;
  case OPT_symbols:
    return pick<SymbolPolicy>(A, C.Symbols,
                              {{"auto", SymbolPolicy::Auto},
                               {"all", SymbolPolicy::All},
                               {"first", SymbolPolicy::First},
                               {"none", SymbolPolicy::None}});
  case OPT_mode:
    return pick<InstanceMode>(
        A, C.Mode,
        {{"thread", InstanceMode::Thread}, {"process", InstanceMode::Process}});
  case OPT_exec:
    return pick<ExecRule>(A, C.Exec,
                          {{"instance", ExecRule::Instance},
                           {"replace", ExecRule::Replace},
                           {"deny", ExecRule::Deny}});
  case OPT_on_crash:
    return pick<CrashRule>(
        A, C.OnCrash,
        {{"process", CrashRule::Process}, {"isolate", CrashRule::Isolate}});
  case OPT_reclaim:
    C.Reclaim = true;
    break;
  case OPT_no_reclaim:
    C.Reclaim = false;
    break;
  case OPT_strip:
    C.Symbols = SymbolPolicy::None;
    break;
  case OPT_Map:
    C.MapFile = Value.str();
    break;
  case OPT_MF:
    C.DepFile = Value.str();
    break;
  case OPT_save_temps:
    C.SaveTemps = Value.str();
    break;
  case OPT_threads:
    if (Value.getAsInteger(10, C.Threads) || C.Threads == 0)
      return createStringError("--threads=" + Value +
                               ": wanted a number of at least 1");
    break;
  case OPT_runtime:
    C.Runtime = Value.str();
    break;
  case OPT_print_plan:
    C.PrintPlan = true;
    break;
  case OPT_print_hooks:
    C.PrintHooks = true;
    break;
  case OPT_linker_args:
    C.PrintLinkerArgs = true;
    break;
  case OPT_verbose:
    C.Verbose = true;
    break;
  case OPT_help:
    Result.Help = true;
    break;
  case OPT_version:
    Result.Version = true;
    break;
  default:
    InstanceOption = A.getSpelling().str();
    return parseInstanceOption(A);
  }
  return Error::success();
}

Error Parser::parseInstanceOption(const Arg &A) {
  StringRef Value = A.getValue();
  switch (A.getOption().getID()) {
  case OPT_name:
    if (Value.empty())
      return createStringError("--name= wants a name");
    Spec.Name = Value.str();
    break;
  case OPT_count:
    if (Value.getAsInteger(10, Spec.Count))
      Spec.Count = 0;
    if (const char *Wanted = wantedCount(Spec.Count))
      return createStringError("--count=" + Value + ": " + Wanted);
    break;
  case OPT_env:
    if (const char *Wanted = wantedVariable(Value))
      return createStringError("--env=" + Value + ": " + Wanted);
    Spec.Env.push_back(Value.str());
    break;
  case OPT_cwd:
    Spec.Cwd = Value.str();
    break;
  case OPT_stack_size:
    if (const char *Wanted = parseStackSize(Value, Spec.StackSize))
      return createStringError("--stack-size=" + Value + ": " + Wanted);
    break;
  case OPT_argv0:
    Spec.Argv0 = Value.str();
    break;
  case OPT_restart:
    if (const char *Wanted = parseRestart(Value, Spec))
      return createStringError("--restart=" + Value + ": " + Wanted);
    break;
  default:
    llvm_unreachable("every option is one of the image's or an instance's");
  }
  return Error::success();
}

Error Parser::check() const {
  const Config &C = Result.Config;
  if (!InstanceOption.empty())
    return createStringError(
        "option '" + InstanceOption +
        "' stands behind the last program, wanted it in front of its "
        "program");
  if (C.Specs.empty())
    return createStringError("no program; see elfmerge --help");
  if (Result.Run && !C.Output.empty())
    return createStringError("--run and -o exclude each other");
  bool Prints = C.PrintPlan || C.PrintHooks || C.PrintLinkerArgs;
  if (!Result.Run && C.Output.empty() && !Prints)
    return createStringError("no output; give -o IMAGE or --run");
  if (!C.DepFile.empty() && C.Output.empty())
    return createStringError("-MF without -o");
  return Error::success();
}

} // namespace

const char *wantedCount(uint64_t Count) {
  bool Good = Count >= 1 && Count <= 1000000;
  return Good ? nullptr : "wanted a number from 1 to 1000000";
}

const char *wantedVariable(StringRef Text) {
  bool Good = Text.contains('=') && Text.front() != '=';
  return Good ? nullptr : "wanted NAME=VALUE";
}

const char *parseStackSize(StringRef Text, uint64_t &Value) {
  static const char Wanted[] =
      "wanted at least 64K, in bytes or with a suffix K, M or G";
  unsigned Shift = 0;
  if (Text.consume_back_insensitive("k"))
    Shift = 10;
  else if (Text.consume_back_insensitive("m"))
    Shift = 20;
  else if (Text.consume_back_insensitive("g"))
    Shift = 30;
  if (Text.getAsInteger(10, Value) || Value > (uint64_t(1) << 40) >> Shift)
    return Wanted;
  Value <<= Shift;
  return Value < 65536 ? Wanted : nullptr;
}

const char *parseRestart(StringRef Text, SpecConfig &Spec) {
  auto [Name, Max] = Text.split(':');
  std::optional<RestartRule> Rule =
      StringSwitch<std::optional<RestartRule>>(Name)
          .Case("no", RestartRule::No)
          .Case("on-failure", RestartRule::OnFailure)
          .Case("always", RestartRule::Always)
          .Default(std::nullopt);
  bool HasMax = Name.size() != Text.size();
  if (!Rule || (HasMax && *Rule == RestartRule::No))
    return "wanted no, on-failure[:MAX] or always[:MAX]";
  uint32_t Times = 0;
  if (HasMax &&
      (Max.getAsInteger(10, Times) || Times < 1 || Times > 4294967294))
    return "wanted a MAX from 1 to 4294967294";
  Spec.Restart = *Rule;
  Spec.RestartMax = HasMax ? std::optional(Times) : std::nullopt;
  return nullptr;
}

Expected<CommandLine> parseCommandLine(ArrayRef<const char *> Args) {
  return Parser(Args).parse();
}

void printHelp(raw_ostream &OS) {
  Options().printHelp(
      OS,
      "elfmerge [options] -o IMAGE [instance options] PROGRAM [ARG...] "
      "[';' [instance options] PROGRAM [ARG...]]...",
      "elfmerge: puts position-independent programs into one ELF image, where "
      "each runs as a thread or process of its own in one address space");
}
