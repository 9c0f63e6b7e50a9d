//===- Code.cpp - Where a helper's code can go, and what it calls ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions are followed from the entry, function by function, and what
// registers may hold is carried along, until nothing new is found. Constants
// and code stand in one segment, so decoding byte after byte would read
// constants as code; and what is never reached needs no proof.
//
// A function is whatever is called. A call goes on behind it only if its
// function can reach a return, and nothing is then known of any register. Where
// two ways meet, a register may hold what it may on either. So when nothing
// changes any more, each system call's number is among those its register was
// found to hold.
//
// What is proved rests on functions returning to where they were called from.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Error.h"
#include "Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include <deque>

using namespace llvm;
using namespace elfmerge;

namespace {

struct Routine {
  std::map<uint64_t, Values> Before; ///< each of its instructions
  bool Returns = false;
  std::set<std::pair<uint64_t, uint64_t>> Waiting; ///< function, behind a call
};

class Walk {
public:
  Walk(const Image &I, Decoder &D) : I(I), D(D) {}
  Error run();
  Expected<std::vector<SystemCall>> calls();

private:
  struct Work {
    uint64_t Function, Address;
  };
  Error reach(uint64_t From, uint64_t InFunction, uint64_t Address,
              const Values &V);
  Error follow(Work W);
  Error call(const Work &W, uint64_t Target, uint64_t Next);
  Error comeBack(uint64_t From, uint64_t InFunction);

  const Image &I;
  Decoder &D;
  std::map<uint64_t, Routine> Functions;
  std::deque<Work> Todo;
  std::map<uint64_t, std::vector<uint64_t>>
      KernelSites; ///< and their functions
};

/// \p Address can be executed after \p From.
Error Walk::reach(uint64_t From, uint64_t InFunction, uint64_t Address,
                  const Values &V) {
  if (I.at(Address, ELF::PF_X).empty() || Address % I.Machine->CodeAlignment)
    return fail("instruction at " + hex(From) + ": found that it goes on at " +
                hex(Address) +
                ", wanted an address of executable bytes of "
                "the file");
  auto &Before = Functions[InFunction].Before;
  auto [At, New] = Before.try_emplace(Address, V);
  if (New || At->second.join(V))
    Todo.push_back({InFunction, Address});
  return Error::success();
}

Error Walk::call(const Work &W, uint64_t Target, uint64_t Next) {
  Functions[Target].Waiting.insert({W.Function, Next});
  if (Error E = reach(W.Address, Target, Target, Values()))
    return E;
  return Functions[Target].Returns
             ? reach(W.Address, W.Function, Next, Values())
             : Error::success();
}

Error Walk::comeBack(uint64_t From, uint64_t InFunction) {
  Routine &F = Functions[InFunction];
  if (F.Returns)
    return Error::success();
  F.Returns = true;
  if (InFunction == I.Entry)
    return fail("instruction at " + hex(From) +
                ": found that the program's first function returns, wanted "
                "one that does not");
  for (auto [Caller, Next] : F.Waiting)
    if (Error E = reach(From, Caller, Next, Values()))
      return E;
  return Error::success();
}

Error Walk::follow(Work W) {
  Values V = Functions[W.Function].Before[W.Address];
  Expected<Step> S = D.step(W.Address, V);
  if (!S)
    return S.takeError();
  uint64_t Next = W.Address + S->Size;
  switch (S->Meaning) {
  case Kind::Branch:
    if (Error E = reach(W.Address, W.Function, S->Target, V))
      return E;
    break;
  case Kind::Call:
    if (Error E = call(W, S->Target, Next))
      return E;
    // What a call may leave in registers includes what a call that is not
    // carried out leaves.
    if (!S->Conditional)
      return Error::success();
    break;
  case Kind::Return:
    if (Error E = comeBack(W.Address, W.Function))
      return E;
    break;
  case Kind::SystemCall:
    KernelSites[W.Address].push_back(W.Function);
    break;
  case Kind::Plain:
  case Kind::Trap:
    break;
  }
  return S->GoesOn ? reach(W.Address, W.Function, Next, V) : Error::success();
}

Error Walk::run() {
  if (Error E = reach(I.Entry, I.Entry, I.Entry, Values()))
    return E;
  // Helpers take some thousands.
  enum { MaxSteps = 200000 };
  for (unsigned Steps = 0; !Todo.empty(); ++Steps) {
    if (Steps == MaxSteps)
      return fail("code: found no end of its ways, wanted one within " +
                  Twine(int(MaxSteps)) + " steps");
    Work W = Todo.front();
    Todo.pop_front();
    if (Error E = follow(W))
      return E;
  }
  return Error::success();
}

Expected<std::vector<SystemCall>> Walk::calls() {
  std::map<uint64_t, SystemCall> Found;
  for (const auto &[Address, Owners] : KernelSites)
    for (uint64_t Owner : Owners) {
      const Values &V = Functions[Owner].Before[Address];
      const Values::Set *Numbers = V.find(D.numberRegister());
      if (!Numbers)
        return fail("system call at " + hex(Address) +
                    ": found a number that is not known, wanted a constant");
      for (uint64_t Number : *Numbers) {
        auto Known = find_if(I.Machine->Calls, [&](const SystemCall &C) {
          return C.Number == Number;
        });
        if (Known == I.Machine->Calls.end())
          return fail("system call at " + hex(Address) + ": found number " +
                      Twine(Number) + ", wanted one that a helper may use");
        Found[Number] = *Known;
      }
    }
  std::vector<SystemCall> Result;
  for (const auto &[Number, Call] : Found)
    Result.push_back(Call);
  return Result;
}

} // namespace

Expected<std::vector<SystemCall>> elfmerge::checkCode(const Image &I) {
  Expected<std::unique_ptr<Decoder>> D = Decoder::create(I);
  if (!D)
    return D.takeError();
  Walk W(I, **D);
  if (Error E = W.run())
    return E;
  return W.calls();
}
