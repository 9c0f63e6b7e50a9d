//===- Operands.cpp - What an instruction puts into a register ------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only what compilers write in front of a system call is understood; the forms
// are those of Ports.h.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "MCDecoder.h"
#include "llvm/ADT/bit.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace elfmerge;

/// What an operand may be; empty if that is not known.
Values::Set MCDecoder::valuesOf(const MCOperand &O, const Values &V) const {
  if (O.isImm())
    return {uint64_t(O.getImm())};
  if (!O.isReg())
    return {};
  if (Registers->isConstant(O.getReg()))
    return {0};
  const Values::Set *Known = V.find(whole(O.getReg()));
  return Known ? *Known : Values::Set();
}

/// Whether the instruction is carried out under a condition only (A32).
bool MCDecoder::isPredicated(const MCInst &Inst) const {
  enum { Always = 14 };
  int Index = Instructions->get(Inst.getOpcode()).findFirstPredOperandIdx();
  return Index >= 0 && Inst.getOperand(Index).isImm() &&
         Inst.getOperand(Index).getImm() != Always;
}

/// A constant of A32: eight bits, and by how many pairs they are rotated.
static uint32_t rotated(uint64_t Encoded) {
  return rotr<uint32_t>(Encoded & 0xff, (Encoded >> 8 & 0xf) * 2);
}

/// What the pattern \p F puts into the register of operand 0.
std::optional<Values::Set> MCDecoder::value(const MCInst &Inst, Form F,
                                            uint64_t Address,
                                            const Values &V) const {
  auto Operand = [&](unsigned N) { return valuesOf(Inst.getOperand(N), V); };
  auto Immediate = [&](unsigned N) {
    return uint64_t(Inst.getOperand(N).getImm());
  };
  auto Combine = [&](auto Function) {
    Values::Set Result;
    for (uint64_t A : Operand(1))
      for (uint64_t B : Operand(2))
        Result.insert(Function(A, B));
    return Result;
  };
  switch (F) {
  case Form::Immediate:
    if (!Inst.getOperand(1).isImm())
      return std::nullopt;
    return Values::Set{Immediate(1)};
  case Form::RotatedImmediate:
    return Values::Set{rotated(Immediate(1))};
  case Form::OrRotated:
    return Combine([](uint64_t A, uint64_t B) { return A | rotated(B); });
  case Form::ShiftedImmediate:
    if (!Inst.getOperand(1).isImm())
      return std::nullopt;
    return Values::Set{Immediate(1) << (Immediate(2) & 63)};
  case Form::Copy:
    return Operand(1);
  case Form::Zero:
    if (Inst.getOperand(1).getReg() != Inst.getOperand(2).getReg())
      return std::nullopt;
    return Values::Set{0};
  case Form::Sum:
    return Combine([](uint64_t A, uint64_t B) { return A + B; });
  case Form::Or:
    if (Immediate(3) != 0)
      return std::nullopt;
    return Combine([](uint64_t A, uint64_t B) { return A | B; });
  case Form::PageAddress:
    return Values::Set{Address + SignExtend64<32>(Immediate(1) << 12)};
  case Form::Literal: {
    if (StringRef(Registers->getName(Inst.getOperand(1).getReg())) != "PC")
      return std::nullopt;
    StringRef Word = I.at(Address + 8 + Immediate(2), ELF::PF_R);
    if (Word.size() < 4)
      return std::nullopt;
    return Values::Set{support::endian::read32le(Word.data())};
  }
  default:
    return std::nullopt;
  }
}
