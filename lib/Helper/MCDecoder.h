//===- MCDecoder.h - The decoder of every machine that MC knows -----------===//
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

/// The stages of one step are in Flow.cpp and Operands.cpp.
class MCDecoder : public Decoder {
public:
  explicit MCDecoder(const Image &I) : I(I), P(*I.Machine), TT(P.Triple) {}
  llvm::Error start();
  llvm::Expected<Step> step(uint64_t Address, Values &V) override;
  unsigned numberRegister() const override { return Number; }

private:
  llvm::Error readTables();
  llvm::Error readRegisters();
  unsigned whole(llvm::MCRegister R) const;
  unsigned whole(llvm::StringRef Name) const;
  std::optional<Form> formOf(const llvm::MCInst &Inst) const;
  Values::Set valuesOf(const llvm::MCOperand &O, const Values &V) const;
  bool isPredicated(const llvm::MCInst &Inst) const;
  void forWritten(const llvm::MCInst &Inst,
                  llvm::function_ref<void(llvm::MCRegister)> Function) const;
  bool changesFlow(const llvm::MCInst &Inst) const;
  std::optional<Values::Set> value(const llvm::MCInst &Inst, Form F,
                                   uint64_t Address, const Values &V) const;
  llvm::Expected<Step> control(const llvm::MCInst &Inst, uint64_t Address,
                               uint64_t Size, const Values &V) const;
  llvm::Error checkPrefixes(const llvm::MCInst &Inst, const X86Prefixes &X,
                            uint64_t Address) const;
  llvm::Error branch(const llvm::MCInst &Inst, Step &Result,
                     uint64_t Address) const;
  bool isRegister(const llvm::MCOperand &O, unsigned Register) const;
  bool jumpAndLink(const llvm::MCInst &Inst, Step &Result,
                   const Values &V) const;

  const Image &I;
  const Port &P;
  llvm::Triple TT;
  llvm::MCTargetOptions Options;
  std::unique_ptr<llvm::MCRegisterInfo> Registers;
  std::unique_ptr<llvm::MCAsmInfo> AsmInfo;
  std::unique_ptr<llvm::MCInstrInfo> Instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> Subtarget;
  std::unique_ptr<llvm::MCContext> Context;
  std::unique_ptr<llvm::MCDisassembler> Disassembler;
  std::unique_ptr<llvm::MCInstrAnalysis> Analysis;
  llvm::DenseMap<unsigned, Form> Forms; ///< by opcode
  unsigned Number = 0;                  ///< the port's registers
  unsigned Return = 0;                  ///< 0: the stack has return addresses
  std::vector<unsigned> Clobbered;
  unsigned Stack = 0;
  unsigned Counter = 0; ///< of repeated instructions
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_MCDECODER_H
