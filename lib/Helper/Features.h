//===- Features.h - Which operations a helper has -------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_HELPER_FEATURES_H
#define ELFMERGE_LIB_HELPER_FEATURES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace elfmerge {

/// Names of operations, in the order of the request format.
struct Features {
  std::vector<std::string> Present;
  std::vector<std::string> Missing;
};

/// Reads the value of --features.
llvm::Expected<Features> parseFeatures(llvm::StringRef List);

/// Prints each group with what is in it.
void listFeatures(llvm::raw_ostream &Out);

/// SHA-256, in hexadecimal, of the format's name and of every operation's
/// letter and name: two helpers with one hash understand the same requests.
std::string requestFormatHash();

} // namespace elfmerge

#endif // ELFMERGE_LIB_HELPER_FEATURES_H
