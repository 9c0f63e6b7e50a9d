//===- Decoder.h - What one instruction does ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_DECODER_H
#define ELFMERGE_LIB_HELPER_DECODER_H

#include "Image.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace elfmerge {

/// What registers may hold. One that is not in here may hold anything.
class Values {
public:
  using Set = std::set<uint64_t>;
  const Set *find(unsigned Register) const;
  void assign(unsigned Register, Set Possible);
  /// Forgets every register for which \p Overlaps is true.
  void forgetIf(llvm::function_ref<bool(unsigned)> Overlaps);
  /// Makes room for what \p Other has; returns whether anything changed.
  bool join(const Values &Other);

private:
  std::map<unsigned, Set> Known;
};

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
