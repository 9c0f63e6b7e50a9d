//===- Background.h - Work beside the linker's ---------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_LIB_MERGE_BACKGROUND_H
#define ELFMERGE_LIB_MERGE_BACKGROUND_H

#include "Error.h"
#include "HeldSignals.h"
#include <string>
#include <system_error>
#include <thread>

namespace elfmerge {

/// A task on a thread of its own. What it uses must live until finish() or the
/// end of this object.
class Background {
public:
  template <typename Task> explicit Background(Task T) {
    auto Run = [this, T] {
      if (llvm::Error E = T())
        Failure = toString(std::move(E));
    };
    try {
      HeldSignals Held;
      Worker = std::thread(Run);
    } catch (const std::system_error &) {
      // No thread to be had: not beside other work, then, but before it.
      Run();
    }
  }
  Background(const Background &) = delete;
  Background &operator=(const Background &) = delete;
  ~Background() {
    if (Worker.joinable())
      Worker.join();
  }

  /// Waits for the end. Called at most once.
  llvm::Error finish() {
    if (Worker.joinable())
      Worker.join();
    return Failure.empty() ? llvm::Error::success() : fail(Failure);
  }

private:
  std::string Failure;
  std::thread Worker;
};

} // namespace elfmerge

#endif // ELFMERGE_LIB_MERGE_BACKGROUND_H
