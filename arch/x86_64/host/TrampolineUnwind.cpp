//===- TrampolineUnwind.cpp - Unwinding from trampolines ------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A signal may interrupt a thread in a trampoline, and the program's handler
// may unwind from there: pthread_cancel does, and who prints a backtrace. A
// trampoline leaves the stack and the saved registers as its site has them, so
// its frame description is that of the site's function, as far as it holds at
// the site: the same common entry and the same instructions, without those
// that advance the location. It has no language-specific data, whose table is
// by distance from the function's start.
//
// An object has one search table. So it is copied, with the trampolines at its
// end, where their addresses belong; the program header that leads to it is
// the embed pass's to change.
//
//===----------------------------------------------------------------------===//

#include "TrampolineUnwind.h"
#include "HooksABI.h"
#include "UnwindTable.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace llvm;
using namespace llvm::dwarf;
using namespace elfmerge;
using namespace elfmerge::x86_64;

namespace {

/// Copies call frame instructions up to a location.
class InstructionCopier {
public:
  explicit InstructionCopier(ArrayRef<uint8_t> Instructions)
      : Rest(Instructions) {}

  /// What holds \p Distance bytes behind the start of the code. False when an
  /// instruction is not understood.
  bool run(uint64_t Distance, std::vector<uint8_t> &Out);

private:
  bool take(size_t Size) {
    if (Rest.size() < Size)
      return false;
    Rest = Rest.drop_front(Size);
    return true;
  }
  bool takeLeb() {
    while (!Rest.empty() && (Rest.front() & 0x80))
      Rest = Rest.drop_front();
    return take(1);
  }
  bool takeBlock() {
    unsigned Size = 0;
    const char *Bad = nullptr;
    uint64_t Length = decodeULEB128(Rest.begin(), &Size, Rest.end(), &Bad);
    return !Bad && take(Size) && take(Length);
  }
  bool takeOperands(uint8_t Opcode);
  std::optional<uint64_t> advance();

  ArrayRef<uint8_t> Rest;
};

/// The operands of an instruction that is no advance.
bool InstructionCopier::takeOperands(uint8_t Opcode) {
  switch (Opcode & 0xc0) {
  case DW_CFA_offset:
    return takeLeb();
  case DW_CFA_restore:
    return true;
  }
  switch (Opcode) {
  case DW_CFA_nop:
  case DW_CFA_remember_state:
  case DW_CFA_restore_state:
    return true;
  case DW_CFA_restore_extended:
  case DW_CFA_undefined:
  case DW_CFA_same_value:
  case DW_CFA_def_cfa_register:
  case DW_CFA_def_cfa_offset:
  case DW_CFA_def_cfa_offset_sf:
  case DW_CFA_GNU_args_size:
    return takeLeb();
  case DW_CFA_offset_extended:
  case DW_CFA_offset_extended_sf:
  case DW_CFA_register:
  case DW_CFA_def_cfa:
  case DW_CFA_def_cfa_sf:
  case DW_CFA_val_offset:
  case DW_CFA_val_offset_sf:
    return takeLeb() && takeLeb();
  case DW_CFA_def_cfa_expression:
    return takeBlock();
  case DW_CFA_expression:
  case DW_CFA_val_expression:
    return takeLeb() && takeBlock();
  default:
    return false;
  }
}

/// Takes an instruction that advances; nothing when the next is another.
std::optional<uint64_t> InstructionCopier::advance() {
  uint8_t Opcode = Rest.front();
  unsigned Size = Opcode == DW_CFA_advance_loc1   ? 1
                  : Opcode == DW_CFA_advance_loc2 ? 2
                  : Opcode == DW_CFA_advance_loc4 ? 4
                                                  : 0;
  if ((Opcode & 0xc0) == DW_CFA_advance_loc) {
    take(1);
    return Opcode & 0x3f;
  }
  if (!Size || Rest.size() < 1 + Size)
    return std::nullopt;
  uint64_t Delta = 0;
  for (unsigned N = 0; N != Size; ++N)
    Delta |= uint64_t(Rest[1 + N]) << (8 * N);
  take(1 + Size);
  return Delta;
}

bool InstructionCopier::run(uint64_t Distance, std::vector<uint8_t> &Out) {
  uint64_t Location = 0;
  while (!Rest.empty()) {
    if (std::optional<uint64_t> Delta = advance()) {
      Location += *Delta;
      if (Location > Distance)
        return true;
      continue;
    }
    const uint8_t *Start = Rest.data();
    take(1);
    if (!takeOperands(*Start))
      return false;
    Out.insert(Out.end(), Start, Rest.data());
  }
  return true;
}

struct Trampoline {
  uint64_t Start, Size, Site; ///< addresses
};

std::vector<Trampoline> trampolines(const Blob &B) {
  const uint8_t *Text = B.Hooks.Text.data();
  em_hooks Header;
  memcpy(&Header, Text, sizeof(Header));
  std::vector<Trampoline> Result;
  for (uint64_t N = 0; N != Header.count; ++N) {
    em_trampoline T;
    memcpy(&T, Text + sizeof(Header) + N * sizeof(T), sizeof(T));
    // Those in place of a cpuid move the stack pointer. Nothing waits there.
    if (T.kind == EM_SITE_SYSCALL)
      Result.push_back({B.Hooks.textVAddr() + T.offset, T.size, T.site});
  }
  return Result;
}

class Writer {
public:
  Writer(Blob &B) : B(B), Text(B.Hooks.Text) {}
  uint64_t here() const { return B.Hooks.textVAddr() + Text.size(); }
  void byte(uint8_t Value) { Text.push_back(Value); }
  void word(uint32_t Value) {
    Text.resize(Text.size() + 4);
    support::endian::write32le(&Text[Text.size() - 4], Value);
  }
  void align(uint64_t To) { Text.resize(alignTo(Text.size(), To)); }
  void entry(const Trampoline &T, const FrameDescription &F,
             ArrayRef<uint8_t> Instructions);

private:
  Blob &B;
  std::vector<uint8_t> &Text;
};

void Writer::entry(const Trampoline &T, const FrameDescription &F,
                   ArrayRef<uint8_t> Instructions) {
  size_t Start = Text.size();
  word(0); // length, below
  word(here() - F.CommonEntry);
  word(T.Start - here());
  word(T.Size);
  if (F.HasAugmentation) {
    byte(F.LsdaSize);
    Text.resize(Text.size() + F.LsdaSize);
  }
  Text.insert(Text.end(), Instructions.begin(), Instructions.end());
  align(4); // DW_CFA_nop is zero
  support::endian::write32le(&Text[Start], Text.size() - Start - 4);
}

} // namespace

void x86_64::describeTrampolines(Blob &B) {
  UnwindTable Table(B);
  if (B.Hooks.Text.empty() || Table.empty())
    return;
  std::vector<SearchEntry> Entries = Table.entries();
  Writer W(B);
  W.align(8);
  for (const Trampoline &T : trampolines(B)) {
    std::optional<FrameDescription> F = Table.describe(T.Site);
    std::vector<uint8_t> Instructions;
    if (!F || !InstructionCopier(F->Instructions)
                   .run(T.Site - F->Code.Start, Instructions))
      continue;
    Entries.push_back({T.Start, W.here()});
    W.entry(T, *F, Instructions);
  }
  W.word(0);
  W.align(4);
  B.Hooks.FrameHeader = W.here();
  W.byte(1);
  W.byte(DW_EH_PE_pcrel | DW_EH_PE_sdata4);
  W.byte(DW_EH_PE_udata4);
  W.byte(DW_EH_PE_datarel | DW_EH_PE_sdata4);
  W.word(Table.frames() - W.here());
  W.word(Entries.size());
  for (const SearchEntry &E : Entries) {
    W.word(E.Start - B.Hooks.FrameHeader);
    W.word(E.Description - B.Hooks.FrameHeader);
  }
  B.Hooks.FrameHeaderSize = W.here() - B.Hooks.FrameHeader;
}
