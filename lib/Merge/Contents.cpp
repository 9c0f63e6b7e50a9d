//===- Contents.cpp - The bytes of the blobs, on their way to the image ---===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contents.h"
#include "Error.h"
#include "llvm/Support/MathExtras.h"
#include <system_error>
#include <unistd.h>

using namespace llvm;
using namespace elfmerge;

Error elfmerge::writeAt(int Fd, ArrayRef<uint8_t> Bytes, uint64_t Offset) {
  while (!Bytes.empty()) {
    ssize_t Written = ::pwrite(Fd, Bytes.data(), Bytes.size(), Offset);
    if (Written < 0 && errno == EINTR)
      continue;
    if (Written < 0)
      return errorCodeToError(errnoAsErrorCode());
    Bytes = Bytes.drop_front(Written);
    Offset += Written;
  }
  return Error::success();
}

Error elfmerge::sizeOutput(const Context &Ctx) {
  if (::ftruncate(Ctx.OutputFd, Ctx.ContentBase + Ctx.contentEnd()) != 0)
    return inFile(Ctx.Cfg.Output, errorCodeToError(errnoAsErrorCode()));
  return Error::success();
}

Error elfmerge::copyContents(const Context &Ctx) {
  for (const Content &C : Ctx.Contents) {
    Error E = writeAt(Ctx.OutputFd,
                      std::as_const(*C.B).bytes().take_front(C.B->loadedSize()),
                      Ctx.ContentBase + C.Offset);
    if (!E)
      E = writeAt(Ctx.OutputFd, C.B->Hooks.Text,
                  Ctx.ContentBase + C.hooksOffset());
    if (E)
      return inFile(Ctx.Cfg.Output, std::move(E));
  }
  return Error::success();
}
