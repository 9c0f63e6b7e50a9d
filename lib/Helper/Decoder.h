//===- Decoder.h - What one instruction does ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_DECODER_H
#define ELFMERGE_LIB_HELPER_DECODER_H

#include "Image.h"
#include "Values.h"
#include <memory>

namespace elfmerge {

enum class Kind {
  Plain,
  Branch,
  Call,
  SystemCall,
  Return,
  Trap,
};

struct Step {
  Kind Meaning = Kind::Plain;
  bool GoesOn = true; ///< the next instruction may follow
  bool Conditional = false;
  uint64_t Size = 0;   ///< bytes
  uint64_t Target = 0; ///< of a branch or call
};

/// Decodes the instructions of one machine with MC.
class Decoder {
public:
  static llvm::Expected<std::unique_ptr<Decoder>> create(const Image &I);
  virtual ~Decoder();
  /// Decodes the instruction at \p Address and carries it out on \p V.
  virtual llvm::Expected<Step> step(uint64_t Address, Values &V) = 0;
  /// The register that holds the number of a system call.
  virtual unsigned numberRegister() const = 0;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_DECODER_H
