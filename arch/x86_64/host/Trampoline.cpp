//===- Trampoline.cpp -----------------------------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A system call's trampoline touches no stack: the red zone may be live, and
// musl's detached threads make their last calls after unmapping theirs. Nothing
// executes cpuid without a stack.
//
//===----------------------------------------------------------------------===//

#include "Trampoline.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace llvm::support;

namespace elfmerge::x86_64 {

namespace {

constexpr uint64_t TrampolineAlign = 16;

/// lea slot, lea back, jmp *enter
constexpr uint8_t EnterSize = 7 + 7 + 3;

bool isShortCondition(const Insn &I, ArrayRef<uint8_t> Bytes) {
  return I.Size == 2 && (Bytes[0] & 0xf0) == 0x70;
}

bool isNearCondition(const Insn &I, ArrayRef<uint8_t> Bytes) {
  return I.Size == 6 && Bytes[0] == 0x0f && (Bytes[1] & 0xf0) == 0x80;
}

} // namespace

bool isMovable(const Insn &I, ArrayRef<uint8_t> Bytes) {
  switch (I.Kind) {
  case InsnKind::Plain:
  case InsnKind::Nop:
  case InsnKind::Cpuid:
  case InsnKind::IndirectJump:
    return !I.IsRipRelative || I.RipOffset;
  case InsnKind::CondBranch:
    // loop, jrcxz and xbegin have no form that reaches far enough.
    return isShortCondition(I, Bytes) || isNearCondition(I, Bytes);
  case InsnKind::Jump:
    return (I.Size == 2 && Bytes[0] == 0xeb) ||
           (I.Size == 5 && Bytes[0] == 0xe9);
  case InsnKind::Return:
  case InsnKind::Trap:
    return true;
  case InsnKind::Call: // the unwinder must find the return address
  case InsnKind::Syscall:
  case InsnKind::Invalid:
    return false;
  }
  return false;
}

HooksWriter::HooksWriter(Blob &B, const HookedSet &Hooked, size_t Count)
    : H(B.Hooks) {
  H.SlotVAddr = B.endPage();
  em_hooks Header = {};
  for (size_t Bit = 0; Bit != Hooked.size(); ++Bit)
    Header.hooked[Bit / 8] |= Hooked[Bit] << Bit % 8;
  Header.count = Count;
  Bitmap = H.textVAddr();
  NextRecord = sizeof(Header);
  H.Text.resize(NextRecord + Count * sizeof(em_trampoline));
  memcpy(H.Text.data(), &Header, sizeof(Header));
}

void HooksWriter::putDistance(uint64_t Target) {
  uint8_t Bytes[4];
  endian::write32le(Bytes, uint32_t(Target - here() - 4));
  H.Text.insert(H.Text.end(), Bytes, Bytes + 4);
}

void HooksWriter::writeDisplaced(const Region &R, const Insn &I) {
  ArrayRef<uint8_t> Bytes = R.bytes(I);
  if (I.isBranch()) {
    if (I.Kind == InsnKind::Jump)
      put({0xe9});
    else
      put({0x0f, uint8_t(0x80 | (Bytes[I.Size == 2 ? 0 : 1] & 0x0f))});
    // R.Insns has only targets within the region.
    putDistance(Decoder::get().decode(Bytes, R.address(I)).Target);
    return;
  }
  size_t Start = H.Text.size();
  int64_t Moved = here() - R.address(I);
  H.Text.insert(H.Text.end(), Bytes.begin(), Bytes.begin() + I.Size);
  if (!I.IsRipRelative)
    return;
  uint8_t *Distance = &H.Text[Start + I.RipOffset];
  endian::write32le(Distance, endian::read32le(Distance) - uint32_t(Moved));
}

/// Lets calls that are not hooked through.
void HooksWriter::writeCheck() {
  constexpr uint8_t TestSize = 7 + 2;
  put({0x3d, 0xff, 0x01, 0x00, 0x00}); // cmp $511, %eax
  put({0x77, TestSize + EnterSize});   // ja plain
  put({0x0f, 0xa3, 0x05});             // bt %eax, bitmap(%rip)
  putDistance(Bitmap);
  put({0x73, EnterSize}); // jnc plain
}

void HooksWriter::writeCall(const Window &W) {
  uint64_t Back = here() + EnterSize + EM_PLAIN_SIZE;
  auto LoadArguments = [&] {
    put({0x4c, 0x8d, 0x1d}); // lea slot(%rip), %r11
    putDistance(H.SlotVAddr);
    put({0x48, 0x8d, 0x0d}); // lea back(%rip), %rcx
    putDistance(Back);
  };
  LoadArguments();
  put({0x41, 0xff, 0x23}); // jmp *(%r11)
  if (W.KeepsSite) {
    put({0xe9}); // plain: jmp site
    putDistance(W.siteStart());
  } else {
    put({0x0f, 0x05});                     // plain: syscall
    put({0xeb, uint8_t(1 + EM_RAW_SIZE)}); // jmp back
    put({0xcc});
  }
  put({0x0f, 0x05}); // raw: syscall
  LoadArguments();
  put({0x41, 0xff, 0x63, 0x08}); // jmp *8(%r11)
  assert(here() == Back && "the runtime finds plain and raw from back");
}

/// To the program's code again.
void HooksWriter::writeBack(const Window &W) {
  ArrayRef<Insn> Insns = W.R->Insns;
  for (size_t I = W.Site + 1; I <= W.Last; ++I)
    writeDisplaced(*W.R, Insns[I]);
  if (!Insns[W.Last].fallsThrough())
    return;
  put({0xe9});
  putDistance(W.KeepsSite ? W.siteEnd() : W.At.End);
}

void HooksWriter::writeCpuid() {
  [[maybe_unused]] uint64_t Start = here();
  put({0x48, 0x8d, 0x64, 0x24, 0x80}); // lea -128(%rsp), %rsp
  put({0x41, 0x53});                   // push %r11
  put({0x4c, 0x8d, 0x1d});             // lea slot(%rip), %r11
  putDistance(H.SlotVAddr);
  put({0x41, 0xff, 0x53, offsetof(em_slot, cpuid)}); // call *24(%r11)
  put({0x41, 0x5b});                                 // pop %r11
  put({0x48, 0x8d, 0xa4, 0x24, 128, 0, 0, 0});       // lea 128(%rsp), %rsp
  assert(here() - Start == EM_CPUID_SIZE && "who reads the table relies on it");
}

NewTrampoline HooksWriter::add(const Window &W, bool CheckNumber) {
  H.Text.resize(alignTo(H.Text.size(), TrampolineAlign), 0xcc);
  ArrayRef<Insn> Insns = W.R->Insns;
  uint64_t Start = here();
  em_trampoline Record = {};
  Record.offset = H.Text.size();
  for (size_t I = W.First; I != W.Site; ++I)
    writeDisplaced(*W.R, Insns[I]);
  uint64_t Check = here();
  if (Insns[W.Site].Kind == InsnKind::Cpuid) {
    Record.kind = EM_SITE_CPUID;
    writeCpuid();
  } else {
    if (CheckNumber)
      writeCheck();
    writeCall(W);
  }
  Record.back = here() - Start;
  writeBack(W);
  Record.size = here() - Start;
  Record.check = Check - Start;
  Record.site = W.siteEnd() - 2;
  Record.patch_start = W.At.Start;
  Record.patch_end = W.At.End;
  memcpy(&H.Text[NextRecord], &Record, sizeof(Record));
  NextRecord += sizeof(Record);
  return {Start, Check};
}

} // namespace elfmerge::x86_64
