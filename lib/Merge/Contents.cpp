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

static Error copyContents(const Context &Ctx, int Fd) {
  for (const Content &C : Ctx.Contents) {
    if (Error E = writeAt(
            Fd, std::as_const(*C.B).bytes().take_front(C.B->loadedSize()),
            Ctx.ContentBase + C.Offset))
      return E;
    if (Error E =
            writeAt(Fd, C.B->Hooks.Text, Ctx.ContentBase + C.hooksOffset()))
      return E;
  }
  return Error::success();
}

Error ContentCopier::start(const Context &Ctx, int Fd) {
  // What no blob covers reads as zeros, to the end of the last page. Later the
  // size is whoever writes behind the content area's to change.
  if (::ftruncate(Fd, Ctx.ContentBase + Ctx.contentEnd()) != 0)
    return errorCodeToError(errnoAsErrorCode());
  auto Copy = [this, &Ctx, Fd] {
    if (Error E = copyContents(Ctx, Fd))
      Failure = toString(std::move(E));
  };
  try {
    Worker = std::thread(Copy);
  } catch (const std::system_error &) {
    // No thread to be had: not beside the linker's work, then, but before it.
    Copy();
  }
  return Error::success();
}

ContentCopier::~ContentCopier() {
  if (Worker.joinable())
    Worker.join();
}

Error ContentCopier::finish() {
  if (Worker.joinable())
    Worker.join();
  return Failure.empty() ? Error::success() : fail(Failure);
}
