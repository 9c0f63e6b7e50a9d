//===- Hooks.cpp - Pass 4: intercept process-scope system calls -----------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A few system calls act on the whole process. Where a blob can make one of
// those, the instruction gives way to a jump to a trampoline in the blob's
// hooks segment; everything else stays as it is, byte for byte. This is done
// here, once per file, so that running costs nothing.
//
// Blobs do not depend on each other and are worked on in parallel. From here on
// a blob's bytes and its hooks are final, but for the program headers of a
// library.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "SitePatcher.h"
#include "SiteScanner.h"
#include "llvm/Support/Threading.h"
#include <atomic>
#include <system_error>
#include <thread>

using namespace llvm;
using namespace elfmerge;

namespace {

x86_64::HookedSet hookedCalls(BlobKind Kind, bool Reclaims) {
  x86_64::HookedSet Set;
#define EM_HOOKED_CALL(NAME, NUMBER) Set.set(NUMBER);
#define EM_LOADER_CALL(NAME, NUMBER)                                           \
  if (Kind == BlobKind::Interpreter)                                           \
    Set.set(NUMBER);
#define EM_RECLAIM_CALL(NAME, NUMBER)                                          \
  if (Reclaims)                                                                \
    Set.set(NUMBER);
#include "HookedCalls.def"
  return Set;
}

Error hookBlob(Blob &B, const Config &Cfg) {
  x86_64::CodeMap Map(B);
  x86_64::CodeRegions Code(Map);
  B.Hooks.Sites = x86_64::scanSites(Code);
  if (Error E = x86_64::patchSites(Code, B.Hooks.Sites,
                                   hookedCalls(B.Kind, Cfg.reclaims())))
    return inFile(B.Path, std::move(E));
  if (Cfg.PrintHooks)
    for (Site &S : B.Hooks.Sites)
      x86_64::nameFunction(Code, S);
  return Error::success();
}

} // namespace

Error elfmerge::hookBlobs(Context &Ctx) {
  std::vector<std::string> Messages(Ctx.Blobs.size());
  std::atomic<size_t> Next = 0;
  auto Work = [&] {
    for (size_t I; (I = Next++) < Ctx.Blobs.size();)
      if (Error E = hookBlob(*Ctx.Blobs[I], Ctx.Cfg))
        Messages[I] = toString(std::move(E));
  };
  unsigned Workers = std::min<size_t>(
      hardware_concurrency(Ctx.Cfg.Threads).compute_thread_count(),
      Ctx.Blobs.size());
  std::vector<std::thread> Pool;
  try {
    while (Pool.size() + 1 < Workers)
      Pool.emplace_back(Work);
  } catch (const std::system_error &) {
    // No further thread to be had. This one does what the others do not.
  }
  Work();
  for (std::thread &T : Pool)
    T.join();
  for (const std::string &Message : Messages)
    if (!Message.empty())
      return fail(Message);
  return Error::success();
}
