//===- MCDecoder.h - The decoder of every machine that MC knows ---------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_MCDECODER_H
#define ELFMERGE_LIB_HELPER_MCDECODER_H

#include "Decoder.h"
#include "X86Prefixes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/TargetParser/Triple.h"
#include <optional>

namespace elfmerge {

class MCDecoder : public Decoder {
public:
  explicit MCDecoder(const Image &I) : I(I), P(*I.Machine), TT(P.Triple) {}
  Error start();
  Expected<Step> step(uint64_t Address, Values &V) override;
  unsigned numberRegister() const override { return whole(P.NumberRegister); }

private:
  unsigned whole(MCRegister R) const;
  unsigned whole(StringRef Name) const;
  const Pattern *findPattern(const MCInst &Inst) const;
  Values::Set valuesOf(const MCOperand &O, const Values &V) const;
  bool isPredicated(const MCInst &Inst) const;
  void forWritten(const MCInst &Inst,
                  function_ref<void(MCRegister)> Function) const;
  bool changesFlow(const MCInst &Inst) const;
  std::optional<Values::Set> value(const MCInst &Inst, Form F, uint64_t Address,
                                   const Values &V) const;
  Expected<Step> control(const MCInst &Inst, const Pattern *Found,
                         uint64_t Address, uint64_t Size,
                         const Values &V) const;
  Error branch(const MCInst &Inst, Step &Result, uint64_t Address) const;
  bool isRegister(const MCOperand &O, StringRef Name) const;
  bool jumpAndLink(const MCInst &Inst, Step &Result, const Values &V) const;

  const Image &I;
  const Port &P;
  Triple TT;
  MCTargetOptions Options;
  std::unique_ptr<MCRegisterInfo> Registers;
  std::unique_ptr<MCAsmInfo> AsmInfo;
  std::unique_ptr<MCInstrInfo> Instructions;
  std::unique_ptr<MCSubtargetInfo> Subtarget;
  std::unique_ptr<MCContext> Context;
  std::unique_ptr<MCDisassembler> Disassembler;
  std::unique_ptr<MCInstrAnalysis> Analysis;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_MCDECODER_H
