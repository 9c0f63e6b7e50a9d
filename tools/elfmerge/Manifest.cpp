//===- Manifest.cpp - The plan as a YAML file -----------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   instances:
//     - program: ./server
//       args: [--port, '80']
//       name: web
//       count: 2
//       env: [MODE=test]
//       cwd: /srv
//       stack-size: 1M
//       argv0: server
//       restart: on-failure:3
//
// Only `program` is required. Each entry is one group of the command line.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLTraits.h"
#include <optional>

using namespace llvm;
using namespace elfmerge;

namespace {
struct Manifest {
  std::vector<SpecConfig> Instances;
};
} // namespace

LLVM_YAML_IS_SEQUENCE_VECTOR(SpecConfig)

namespace llvm::yaml {

template <> struct MappingTraits<SpecConfig> {
  static void mapping(IO &Io, SpecConfig &S) {
    auto Check = [&](const char *Key, const char *Wanted) {
      if (Wanted)
        Io.setError(Twine(Key) + ": " + Wanted);
    };
    auto CheckText = [&](const char *Key, StringRef Text) {
      if (Text.contains('\0'))
        Check(Key, "found a NUL, wanted none");
    };
    auto MapText = [&](const char *Key, std::string &Text) {
      std::optional<std::string> Found;
      Io.mapOptional(Key, Found);
      if (!Found)
        return;
      Text = *Found;
      Check(Key, Text.empty() ? "wanted a value" : nullptr);
      CheckText(Key, Text);
    };
    std::string StackSize, Restart = "no";
    Io.mapRequired("program", S.Program);
    Io.mapOptional("args", S.Args);
    MapText("name", S.Name);
    Io.mapOptional("count", S.Count);
    Io.mapOptional("env", S.Env);
    MapText("cwd", S.Cwd);
    MapText("stack-size", StackSize);
    MapText("argv0", S.Argv0);
    MapText("restart", Restart);
    if (!StackSize.empty())
      Check("stack-size", parseStackSize(StackSize, S.StackSize));
    Check("restart", parseRestart(Restart, S));
    Check("count", wantedCount(S.Count));
    CheckText("program", S.Program);
    for (const std::string &A : S.Args)
      CheckText("args", A);
    for (const std::string &E : S.Env) {
      Check("env", wantedVariable(E));
      CheckText("env", E);
    }
  }
};

template <> struct MappingTraits<Manifest> {
  static void mapping(IO &Io, Manifest &M) {
    Io.mapRequired("instances", M.Instances);
  }
};

} // namespace llvm::yaml

/// Keeps the first of YAML's diagnostics, without its source line.
static void remember(const SMDiagnostic &D, void *Message) {
  auto &Text = *static_cast<std::string *>(Message);
  if (Text.empty())
    Text =
        (Twine("line ") + Twine(D.getLineNo()) + ": " + D.getMessage()).str();
}

Error readManifest(StringRef Path, Config &Cfg) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> File = MemoryBuffer::getFile(Path);
  if (!File)
    return createStringError(File.getError(),
                             Path + ": " + File.getError().message());
  std::string Message;
  Cfg.OptionFiles.push_back(Path.str());
  yaml::Input In((*File)->getBuffer(), nullptr, remember, &Message);
  Manifest M;
  In >> M;
  if (In.error())
    return createStringError(In.error(),
                             Path + ": " +
                                 (Message.empty() ? "not a manifest: found no "
                                                    "list of instances"
                                                  : Message));
  for (SpecConfig &S : M.Instances)
    Cfg.Specs.push_back(std::move(S));
  return Error::success();
}
