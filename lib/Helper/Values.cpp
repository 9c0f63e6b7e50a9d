//===- Values.cpp - What registers may hold -------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include <iterator>

using namespace llvm;
using namespace elfmerge;

const Values::Set *Values::find(unsigned Register) const {
  auto At = Known.find(Register);
  return At == Known.end() ? nullptr : &At->second;
}

void Values::assign(unsigned Register, Set Possible) {
  // More than these nobody wrote by hand, and it ends the growth in loops.
  if (Possible.size() > 64)
    Known.erase(Register);
  else
    Known[Register] = std::move(Possible);
}

void Values::forgetIf(function_ref<bool(unsigned)> Overlaps) {
  for (auto At = Known.begin(); At != Known.end();)
    At = Overlaps(At->first) ? Known.erase(At) : std::next(At);
}

bool Values::join(const Values &Other) {
  bool Changed = false;
  for (auto At = Known.begin(); At != Known.end();) {
    auto &[Register, Set] = *At++;
    size_t Before = Set.size();
    if (const Values::Set *Theirs = Other.find(Register))
      Set.insert(Theirs->begin(), Theirs->end());
    if (!Other.find(Register) || Set.size() > 64) {
      Changed = true;
      Known.erase(Register);
    } else {
      Changed |= Set.size() != Before;
    }
  }
  return Changed;
}
