//===- Tool.cpp - How a tool ends -----------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tool.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace llvm;

int elfmerge::reportError(StringRef Tool, Error E) {
  errs() << Tool << ": error: ";
  for (char C : toString(std::move(E)))
    if (C == '\n')
      errs() << "\\n";
    else if (isPrint(C) || uint8_t(C) >= 0x80)
      errs() << C;
    else
      errs() << format("\\x%02x", uint8_t(C));
  errs() << "\n";
  return 1;
}

void elfmerge::finish(StringRef Tool) {
  outs().flush();
  std::error_code EC = outs().error();
  outs().clear_error();
  if (EC)
    reportError(Tool,
                createStringError(EC, "standard output: " + EC.message()));
  _exit(EC ? 1 : 0);
}
