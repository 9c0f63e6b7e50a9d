//===- Object.cpp - A helper in a relocatable object ----------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The object is for the machine of the helper and holds nothing but read-only
// data without relocations, so it can be linked into anything. MC knows what
// each machine's ELF header and attributes have to say for that.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Passes.h"
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
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace elfmerge;

static MCSymbol *define(MCStreamer &Out, const Twine &Name) {
  MCSymbol *S = Out.getContext().getOrCreateSymbol(Name);
  Out.emitSymbolAttribute(S, MCSA_Global);
  Out.emitSymbolAttribute(S, MCSA_Hidden);
  Out.emitSymbolAttribute(S, MCSA_ELF_TypeObject);
  Out.emitLabel(S);
  return S;
}

static void fill(MCStreamer &Out, const Proof &Helper, StringRef Prefix) {
  MCContext &MC = Out.getContext();
  StringRef Bytes = Helper.Headers.Bytes;
  unsigned SizeOfSize = Helper.Headers.Machine->Is64 ? 8 : 4;
  Out.switchSection(
      MC.getELFSection(".rodata", ELF::SHT_PROGBITS, ELF::SHF_ALLOC));
  Out.emitValueToAlignment(Align(16));
  MCSymbol *Start = define(Out, Prefix);
  Out.emitELFSize(Start, MCConstantExpr::create(Bytes.size(), MC));
  Out.emitBytes(Bytes);
  define(Out, Prefix + "_end");
  Out.emitValueToAlignment(Align(SizeOfSize));
  MCSymbol *Size = define(Out, Prefix + "_size");
  Out.emitELFSize(Size, MCConstantExpr::create(SizeOfSize, MC));
  Out.emitIntValue(Bytes.size(), SizeOfSize);
}

Expected<std::string> elfmerge::makeObject(const Proof &Helper,
                                           StringRef Prefix) {
  const Port &P = *Helper.Headers.Machine;
  std::string Why;
  // The verifier has initialized the targets.
  const Target *T = TargetRegistry::lookupTarget(P.Triple, Why);
  if (!T)
    return fail("this LLVM cannot write objects for " + Twine(P.Name) + ": " +
                Why);
  Triple TT(P.Triple);
  MCTargetOptions Options;
  Options.ABIName = P.Abi;
  std::unique_ptr<MCRegisterInfo> Registers(T->createMCRegInfo(P.Triple));
  std::unique_ptr<MCAsmInfo> AsmInfo(
      T->createMCAsmInfo(*Registers, P.Triple, Options));
  std::unique_ptr<MCInstrInfo> Instructions(T->createMCInstrInfo());
  std::unique_ptr<MCSubtargetInfo> Subtarget(
      T->createMCSubtargetInfo(P.Triple, "", P.Attributes));
  MCContext MC(TT, AsmInfo.get(), Registers.get(), Subtarget.get(), nullptr,
               &Options);
  std::unique_ptr<MCObjectFileInfo> FileInfo(
      T->createMCObjectFileInfo(MC, /*PIC=*/true));
  MC.setObjectFileInfo(FileInfo.get());
  std::unique_ptr<MCAsmBackend> Backend(
      T->createMCAsmBackend(*Subtarget, *Registers, Options));
  SmallString<0> Object;
  raw_svector_ostream OS(Object);
  std::unique_ptr<MCObjectWriter> Writer = Backend->createObjectWriter(OS);
  std::unique_ptr<MCCodeEmitter> Emitter(
      T->createMCCodeEmitter(*Instructions, MC));
  std::unique_ptr<MCStreamer> Out(
      T->createMCObjectStreamer(TT, MC, std::move(Backend), std::move(Writer),
                                std::move(Emitter), *Subtarget));
  Out->initSections(/*NoExecStack=*/true, *Subtarget);
  fill(*Out, Helper, Prefix);
  Out->finish();
  return std::string(Object);
}
