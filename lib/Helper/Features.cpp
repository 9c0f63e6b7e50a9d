//===- Features.cpp - Which operations a helper has -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A feature is an operation of the request format or a group of them. A list is
// read from left to right and begins with nothing, or with everything when its
// first word takes something away. To execute a path is no feature: without it
// a helper would be of no use.
//
//===----------------------------------------------------------------------===//

#include "Features.h"
#include "Error.h"
#include "Request.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

namespace {

struct Operation {
  char Letter;
  StringLiteral Name;
};

const Operation Operations[] = {
#define ES_OPERATION(LETTER, NAME) {char(LETTER), #NAME},
#include "Operations.def"
};

struct Group {
  StringLiteral Name;
  StringLiteral Operations; ///< separated by blanks
};

const Group Groups[] = {
    {"descriptors", "open dup close inherit cloexec write"},
    {"files", "chdir fchdir chroot umask"},
    {"session", "setsid setpgid ctty tcsetpgrp"},
    {"signals", "sigdefault sigignore sigmask"},
    {"limits", "rlimit nice scheduler schedparam affinity ioprio oom_score"},
    {"credentials",
     "setgroups setgid setuid resetids keepcaps securebits bounding "
     "inheritable ambient restorecaps nonewprivs pdeathsig"},
    {"namespaces", "setns unshare cgroup"},
    {"execution", "execfd shell"},
};

/// The numbers of the operations that a word stands for.
std::vector<size_t> meaning(StringRef Word) {
  std::vector<size_t> Result;
  SmallVector<StringRef, 16> Names{Word};
  if (const Group *G =
          find_if(Groups, [&](const Group &X) { return X.Name == Word; });
      G != std::end(Groups)) {
    Names.clear();
    G->Operations.split(Names, ' ');
  }
  for (auto [Number, Op] : enumerate(Operations))
    if (Word == "all" || is_contained(Names, Op.Name))
      Result.push_back(Number);
  return Result;
}

} // namespace

Expected<Features> elfmerge::parseFeatures(StringRef List) {
  SmallVector<StringRef, 16> Words;
  if (!List.empty())
    List.split(Words, ',');
  std::vector<bool> Chosen(std::size(Operations),
                           List.empty() || List.starts_with("-"));
  for (StringRef Word : Words) {
    bool Adds = !Word.consume_front("-");
    std::vector<size_t> Numbers = meaning(Word);
    if (Numbers.empty() && !(Word == "none" && Adds))
      return fail("--features=" + List + ": found '" + Word +
                  "', wanted a feature that elfhelper --list has");
    for (size_t Number : Numbers)
      Chosen[Number] = Adds;
  }
  Features Result;
  for (auto [Number, Op] : enumerate(Operations))
    (Chosen[Number] ? Result.Present : Result.Missing).push_back(Op.Name.str());
  return Result;
}

void elfmerge::listFeatures(raw_ostream &Out) {
  Out << "  all\n  none\n";
  for (const Group &G : Groups)
    Out << "  " << G.Name << ": " << G.Operations << "\n";
}

std::string elfmerge::requestFormatHash() {
  SHA256 Hash;
  Hash.update(ES_MAGIC "\n");
  for (const Operation &Op : Operations) {
    Hash.update(StringRef(&Op.Letter, 1));
    Hash.update(" " + Op.Name.str() + "\n");
  }
  return toHex(Hash.final(), /*LowerCase=*/true);
}
