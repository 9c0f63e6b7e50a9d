//===- ObjectStreamer.cpp - A relocatable object, written with MC ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectStreamer.h"
#include "Error.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSectionELF.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCSymbol.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

static const char TripleName[] = "x86_64-unknown-linux-gnu";

static const Target *findTarget(std::string &Why) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  return TargetRegistry::lookupTarget(TripleName, Why);
}

Error ObjectStreamer::write(StringRef Path,
                            function_ref<void(ObjectStreamer &)> Fill) {
  std::string Why;
  const Target *T = findTarget(Why);
  if (!T)
    return fail("this LLVM cannot write x86-64 objects: " + Why);

  std::error_code EC;
  raw_fd_ostream File(Path, EC);
  if (EC)
    return inFile(Path, errorCodeToError(EC));

  Triple TT(TripleName);
  MCTargetOptions Options;
  std::unique_ptr<MCRegisterInfo> Registers(T->createMCRegInfo(TripleName));
  std::unique_ptr<MCAsmInfo> AsmInfo(
      T->createMCAsmInfo(*Registers, TripleName, Options));
  std::unique_ptr<MCInstrInfo> Instructions(T->createMCInstrInfo());
  std::unique_ptr<MCSubtargetInfo> Subtarget(
      T->createMCSubtargetInfo(TripleName, "", ""));
  MCContext MC(TT, AsmInfo.get(), Registers.get(), Subtarget.get());
  std::unique_ptr<MCObjectFileInfo> FileInfo(
      T->createMCObjectFileInfo(MC, /*PIC=*/true));
  MC.setObjectFileInfo(FileInfo.get());
  std::unique_ptr<MCAsmBackend> Backend(
      T->createMCAsmBackend(*Subtarget, *Registers, Options));
  std::unique_ptr<MCObjectWriter> Writer = Backend->createObjectWriter(File);
  std::unique_ptr<MCCodeEmitter> Emitter(
      T->createMCCodeEmitter(*Instructions, MC));
  std::unique_ptr<MCStreamer> Out(
      T->createMCObjectStreamer(TT, MC, std::move(Backend), std::move(Writer),
                                std::move(Emitter), *Subtarget));
  Out->initSections(/*NoExecStack=*/true, *Subtarget);
  ObjectStreamer Object(MC, *Out);
  Fill(Object);
  Out->finish();
  File.close();
  if (File.has_error()) {
    EC = File.error();
    File.clear_error();
    return inFile(Path, errorCodeToError(EC));
  }
  return Error::success();
}

void ObjectStreamer::emitSection(StringRef Name, uint32_t Flags,
                                 uint64_t Size) {
  unsigned SectionFlags = ELF::SHF_ALLOC;
  if (Flags & ELF::PF_X)
    SectionFlags |= ELF::SHF_EXECINSTR;
  if (Flags & ELF::PF_W)
    SectionFlags |= ELF::SHF_WRITE;
  Out.switchSection(MC.getELFSection(Name, ELF::SHT_NOBITS, SectionFlags));
  Out.emitZeros(Size);
}

void ObjectStreamer::emitData(StringRef Section, StringRef Symbol,
                              StringRef Data) {
  Out.switchSection(
      MC.getELFSection(Section, ELF::SHT_PROGBITS, ELF::SHF_ALLOC));
  Out.emitValueToAlignment(Align(16));
  MCSymbol *S = MC.getOrCreateSymbol(Symbol);
  Out.emitSymbolAttribute(S, MCSA_Global);
  Out.emitSymbolAttribute(S, MCSA_Hidden);
  Out.emitSymbolAttribute(S, MCSA_ELF_TypeObject);
  Out.emitELFSize(S, MCConstantExpr::create(Data.size(), MC));
  Out.emitLabel(S);
  Out.emitBytes(Data);
}
