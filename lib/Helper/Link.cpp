//===- Link.cpp - From the archive to the bytes of a helper ---------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lld links the archive of a machine with a script of ours, in which headers,
// constants and code share one segment that can be read and executed. The
// script has no place for data: a helper with a variable does not link. An
// operation that is left out has its symbol defined as es_missing, and its code
// then goes away as nothing refers to it.
//
// Nothing needs section headers any more afterwards, so the file ends with the
// segment. The script is in memory; lld wants to replace its output, so that is
// a file beside the one which is to be made. lld has global state and is called
// once per process, here.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Linker.h"
#include "Passes.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;
using namespace elfmerge;

// The address is above what a kernel keeps free, and far from its page sizes'
// and every code model's limits.
static const char Script[] = R"(ENTRY(_start)
PHDRS {
  text PT_LOAD FILEHDR PHDRS FLAGS(5);
  stack PT_GNU_STACK FLAGS(6);
}
SECTIONS {
  . = 0x400000 + SIZEOF_HEADERS;
  .rodata : { *(.rodata .rodata.*) } :text
  .text : { *(.text .text.*) } :text
  .shstrtab : { *(.shstrtab) }
  /DISCARD/ : {
    *(.comment) *(.note.*) *(.eh_frame) *(.llvm_addrsig)
    *(.ARM.attributes) *(.ARM.exidx .ARM.exidx.*) *(.riscv.attributes)
  }
}
)";

namespace {

/// A file that only this process sees.
class MemoryFile {
public:
  explicit MemoryFile(const char *Name)
      : Descriptor(::memfd_create(Name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (Descriptor >= 0)
      ::close(Descriptor);
  }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  explicit operator bool() const { return Descriptor >= 0; }
  std::string path() const {
    return "/proc/self/fd/" + std::to_string(Descriptor);
  }
  bool write(StringRef Text) const {
    return ::write(Descriptor, Text.data(), Text.size()) ==
           ssize_t(Text.size());
  }

private:
  int Descriptor;
};

/// A file beside another one, for as long as this object is there.
class SideFile {
public:
  Error create(StringRef Beside) {
    SmallString<128> Unique;
    if (std::error_code EC =
            sys::fs::createUniqueFile(Beside + ".tmp%%%%%%", Unique))
      return inFile(Beside, fail("cannot create output: " + EC.message()));
    Path = std::string(Unique);
    sys::RemoveFileOnSignal(Path);
    return Error::success();
  }
  SideFile() = default;
  ~SideFile() {
    if (Path.empty())
      return;
    sys::fs::remove(Path);
    sys::DontRemoveFileOnSignal(Path);
  }
  SideFile(const SideFile &) = delete;
  SideFile &operator=(const SideFile &) = delete;

  std::string Path;
};

} // namespace

std::string elfmerge::archivePath(const HelperConfig &Config, const Port &P) {
  if (!Config.Archive.empty())
    return Config.Archive;
  SmallString<128> Path(Config.ArchiveFolder);
  sys::path::append(Path, "libelfhelper-" + Twine(P.Name) + ".a");
  return std::string(Path);
}

static std::vector<std::string> linkerArgs(const HelperConfig &Config,
                                           const Port &P, const Features &F,
                                           StringRef ScriptPath,
                                           StringRef Output) {
  std::vector<std::string> Args{"ld.lld",
                                "-m",
                                P.Emulation,
                                "-static",
                                "-z",
                                "max-page-size=" + std::to_string(P.PageSize),
                                "-z",
                                "norelro",
                                "--build-id=none",
                                "--gc-sections",
                                "--orphan-handling=error",
                                "--fatal-warnings",
                                "--no-mmap-output-file",
                                "--threads=1",
                                "--strip-all",
                                "--undefined=_start"};
  for (const std::string &Name : F.Missing)
    Args.push_back("--defsym=es_do_" + Name + "=es_missing");
  Args.insert(Args.end(), {"-T", ScriptPath.str(), "-o", Output.str(),
                           archivePath(Config, P)});
  return Args;
}

void elfmerge::printLinkerArgs(const HelperConfig &Config, const Port &P,
                               const Features &F, raw_ostream &Out) {
  printLinkerArgs(linkerArgs(Config, P, F, "SCRIPT", Config.Output), Out);
}

/// Cuts \p Bytes off behind the last segment.
template <class ELFT> static Error strip(std::string &Bytes) {
  Expected<object::ELFFile<ELFT>> File = object::ELFFile<ELFT>::create(Bytes);
  if (!File)
    return File.takeError();
  Expected<typename ELFT::PhdrRange> Headers = File->program_headers();
  if (!Headers)
    return Headers.takeError();
  uint64_t End = 0;
  for (const typename ELFT::Phdr &H : *Headers)
    End = std::max<uint64_t>(End, H.p_offset + H.p_filesz);
  Bytes.resize(End);
  auto *Header = reinterpret_cast<typename ELFT::Ehdr *>(Bytes.data());
  Header->e_shoff = 0;
  Header->e_shentsize = 0;
  Header->e_shnum = 0;
  Header->e_shstrndx = 0;
  return Error::success();
}

Expected<std::string> elfmerge::linkHelper(const HelperConfig &Config,
                                           const Port &P, const Features &F) {
  MemoryFile ScriptFile("script");
  if (!ScriptFile || !ScriptFile.write(Script))
    return fail("cannot make a file in memory: " +
                errnoAsErrorCode().message());
  SideFile Linked;
  if (Error E = Linked.create(Config.Output))
    return E;
  if (Error E =
          runLinker(linkerArgs(Config, P, F, ScriptFile.path(), Linked.Path)))
    return E;
  ErrorOr<std::unique_ptr<MemoryBuffer>> File =
      MemoryBuffer::getFile(Linked.Path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!File)
    return inFile(Linked.Path, fail(File.getError().message()));
  std::string Bytes((*File)->getBuffer());
  if (Error E = P.Is64 ? strip<object::ELF64LE>(Bytes)
                       : strip<object::ELF32LE>(Bytes))
    return E;
  return Bytes;
}
