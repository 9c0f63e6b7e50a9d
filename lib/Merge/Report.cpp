//===- Report.cpp - What a merge tells about itself -----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --print-plan, --print-hooks, -Map= and -MF.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Error.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace elfmerge;

static std::string flagString(uint32_t Flags) {
  std::string S = "---";
  if (Flags & ELF::PF_R)
    S[0] = 'r';
  if (Flags & ELF::PF_W)
    S[1] = 'w';
  if (Flags & ELF::PF_X)
    S[2] = 'x';
  return S;
}

static void printMapping(const Mapping &M, raw_ostream &OS) {
  OS << formatv("    {0,-14} {1,-14} {2} ", hex(M.Address),
                hex(M.Address + M.MemSize), flagString(M.Flags));
  if (M.FileSize)
    OS << "content " << hex(M.Content) << " size " << hex(M.FileSize) << "\n";
  else
    OS << "zero\n";
}

static void printPlacement(const Context &Ctx, StringRef Role, int Index,
                           raw_ostream &OS) {
  const Placement &P = Ctx.Placements[Index];
  OS << "  " << Role << " base " << hex(P.Base) << " " << P.B->Path << "\n";
  for (unsigned N = 0; N != P.MappingCount; ++N)
    printMapping(Ctx.Mappings[P.FirstMapping + N], OS);
}

static void printPrograms(const Context &Ctx, raw_ostream &OS) {
  for (const std::unique_ptr<Program> &P : Ctx.Programs) {
    OS << "program " << P->Main->Path << "\n";
    if (P->Interpreter)
      OS << "  interpreter " << P->Main->Interpreter << " => "
         << P->Interpreter->Path << "\n";
    for (const LibraryRef &L : P->Libraries)
      OS << "  library " << L.Name << " => " << L.Library->Path << "\n";
  }
}

static void printLayout(const Context &Ctx, raw_ostream &OS) {
  OS << "runtime\n"
     << formatv("    {0,-14} {1,-14}\n", "0x0", hex(Ctx.RuntimeEnd));
  if (!Ctx.Libraries.empty()) {
    OS << "libraries\n";
    printMapping(Ctx.Mappings.front(), OS);
    for (const Blob *B : Ctx.Libraries)
      OS << "    content " << hex(Ctx.contentOf(B).Offset) << " " << B->Path
         << "\n";
  }
  for (const Instance &I : Ctx.Instances) {
    OS << "instance " << Ctx.Specs[I.Spec].Name << "." << I.Index << "\n";
    if (I.Main < 0) {
      OS << "  mapped by the runtime\n";
      continue;
    }
    printPlacement(Ctx, "program", I.Main, OS);
    if (I.Interpreter >= 0)
      printPlacement(Ctx, "interpreter", I.Interpreter, OS);
  }
  OS << "span " << hex(Ctx.Span) << "\n";
}

void elfmerge::printPlan(const Context &Ctx) {
  printPrograms(Ctx, Ctx.Out);
  printLayout(Ctx, Ctx.Out);
}

static StringRef formName(PatchForm Form) {
  switch (Form) {
  case PatchForm::Untouched:
    return "untouched";
  case PatchForm::Following:
    return "following";
  case PatchForm::Preceding:
    return "preceding";
  case PatchForm::Around:
    return "around";
  case PatchForm::Hole:
    return "hole";
  case PatchForm::InPlace:
    return "in-place";
  }
  llvm_unreachable("covered switch");
}

static uint64_t fileOffset(const Blob &B, uint64_t VAddr) {
  for (const Segment &S : B.Segments)
    if (VAddr >= S.VAddr && VAddr - S.VAddr < S.FileSize)
      return S.Offset + (VAddr - S.VAddr);
  llvm_unreachable("sites come from the file");
}

/// What a site asks for: system call numbers, or "cpuid".
static std::string requestOf(const Site &S) {
  if (S.Kind == SiteKind::Cpuid)
    return "cpuid";
  std::string Numbers;
  for (uint32_t N : S.Numbers)
    Numbers += (Numbers.empty() ? "" : ",") + std::to_string(N);
  return Numbers.empty() ? "unknown" : Numbers;
}

static void printSite(const Blob &B, const Site &S, raw_ostream &OS) {
  OS << formatv("  {0,-10} {1,-28} {2,-12} {3}", hex(fileOffset(B, S.Address)),
                S.Function.empty() ? hex(S.FunctionStart) : S.Function,
                requestOf(S), formName(S.Form));
  if (S.Form != PatchForm::Untouched)
    OS << " " << hex(fileOffset(B, S.PatchStart)) << "+"
       << S.PatchEnd - S.PatchStart;
  if (S.Form == PatchForm::Hole)
    OS << " " << hex(fileOffset(B, S.HoleStart)) << "+5";
  OS << "\n";
}

void elfmerge::printHooks(const Context &Ctx) {
  for (const std::unique_ptr<Blob> &B : Ctx.Blobs) {
    Ctx.Out << B->Path << ":\n";
    size_t Count[2] = {}, Hooked[2] = {};
    for (const Site &S : B->Hooks.Sites) {
      ++Count[S.Kind == SiteKind::Cpuid];
      Hooked[S.Kind == SiteKind::Cpuid] += S.Form != PatchForm::Untouched;
      printSite(*B, S, Ctx.Out);
    }
    auto PrintSum = [&](bool Cpuid, StringRef Name) {
      Ctx.Out << "  " << Count[Cpuid] << " " << Name << ", " << Hooked[Cpuid]
              << " hooked, " << Count[Cpuid] - Hooked[Cpuid] << " untouched\n";
    };
    PrintSum(false, "sites");
    if (Count[true])
      PrintSum(true, "cpuid");
  }
}

static Error writeText(StringRef Path, function_ref<void(raw_ostream &)> Fill) {
  std::error_code EC;
  raw_fd_ostream OS(Path, EC, sys::fs::OF_Text);
  if (EC)
    return inFile(Path, errorCodeToError(EC));
  Fill(OS);
  OS.close();
  if (OS.has_error()) {
    EC = OS.error();
    OS.clear_error();
    sys::fs::remove(Path);
    return inFile(Path, errorCodeToError(EC));
  }
  return Error::success();
}

Error elfmerge::writeMap(Context &Ctx) {
  if (Ctx.Cfg.MapFile.empty())
    return Error::success();
  return writeText(Ctx.Cfg.MapFile, [&](raw_ostream &OS) {
    printPrograms(Ctx, OS);
    printLayout(Ctx, OS);
  });
}

/// As make reads it: blanks and '#' are escaped, '$' is doubled.
static std::string escapeForMake(StringRef Path) {
  std::string Result;
  for (char C : Path) {
    if (C == ' ' || C == '\t' || C == '#' || C == '\\')
      Result += '\\';
    if (C == '$')
      Result += '$';
    Result += C;
  }
  return Result;
}

Error elfmerge::writeDepFile(Context &Ctx) {
  if (Ctx.Cfg.DepFile.empty())
    return Error::success();
  return writeText(Ctx.Cfg.DepFile, [&](raw_ostream &OS) {
    OS << escapeForMake(Ctx.Cfg.Output) << ":";
    StringSet<> Seen;
    std::vector<StringRef> Unique;
    for (const std::string &D : Ctx.Dependencies)
      if (Seen.insert(D).second)
        Unique.push_back(D);
    for (StringRef D : Unique)
      OS << " \\\n  " << escapeForMake(D);
    OS << "\n";
    // A dependency that has gone away must not stop make.
    for (StringRef D : Unique)
      OS << "\n" << escapeForMake(D) << ":\n";
  });
}
