//===- Outputs.cpp - Pass 3: do not overwrite what was read ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An output takes the place of whatever has its name. So it may be neither a
// file that was read, which is known when the closures are, nor a directory or
// a device. Nothing has been written until here.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace elfmerge;

/// Refuses an output that a rename would destroy or could not replace.
static Error checkOutput(const Context &Ctx, StringRef Output) {
  sys::fs::file_status Status;
  if (!sys::fs::status(Output, Status) &&
      Status.type() != sys::fs::file_type::regular_file)
    return inFile(Output, fail("output exists and is not a regular file"));
  for (const std::string &Input : Ctx.Dependencies) {
    bool Same = false;
    // An output that does not exist yet is no input.
    if (!sys::fs::equivalent(Input, Output, Same) && Same)
      return inFile(Output, fail("output is also an input: found " + Input));
  }
  return Error::success();
}

Error elfmerge::checkOutputs(Context &Ctx) {
  for (const std::string &Output :
       {Ctx.Cfg.Output, Ctx.Cfg.MapFile, Ctx.Cfg.DepFile})
    if (!Output.empty())
      if (Error E = checkOutput(Ctx, Output))
        return E;
  return Error::success();
}
