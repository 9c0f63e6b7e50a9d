//===- Verify.cpp - What a helper is proved to be -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A helper runs between two programs, with the rights of the first, where
// nobody looks. So everything about it that can be proved is: first its
// headers, then its code. Emission runs the same proof on what it has linked: a
// helper that is not accepted is never written.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace elfmerge;

Expected<Proof> elfmerge::verifyBytes(StringRef Bytes) {
  Expected<Image> Headers = readImage(Bytes);
  if (!Headers)
    return Headers.takeError();
  Expected<std::vector<SystemCall>> Calls = checkCode(*Headers);
  if (!Calls)
    return Calls.takeError();
  return Proof{std::move(*Headers), std::move(*Calls)};
}

Error elfmerge::verifyHelper(StringRef Path) {
  sys::fs::file_status Status;
  if (std::error_code EC = sys::fs::status(Path, Status))
    return inFile(Path, fail(EC.message()));
  if (Status.type() != sys::fs::file_type::regular_file)
    return inFile(Path, fail("not a regular file"));
  ErrorOr<std::unique_ptr<MemoryBuffer>> File =
      MemoryBuffer::getFile(Path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!File)
    return inFile(Path, fail(File.getError().message()));
  Expected<Proof> Result = verifyBytes((*File)->getBuffer());
  return Result ? Error::success() : inFile(Path, Result.takeError());
}
