//===- Values.h - What registers may hold ---------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_VALUES_H
#define ELFMERGE_LIB_HELPER_VALUES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cstdint>
#include <map>
#include <set>

namespace elfmerge {

inline uint64_t lowBits(uint64_t Value, unsigned Bits) {
  return Bits >= 64 ? Value : Value & llvm::maskTrailingOnes<uint64_t>(Bits);
}

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

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_VALUES_H
