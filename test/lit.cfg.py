# What every test may use. Commands run in bash with pipefail, each test in its
# own %t; all may run at once.

import os
import shlex

import lit.formats
import lit.util

config.name = "elfmerge"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".test", ".c", ".cpp", ".s", ".sh", ".py"]
config.excludes = ["Inputs", "lit.cfg.py", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.elfmerge_test_dir

# elfmerge, FileCheck, not, split-file, yaml2obj, llvm-readelf and the other
# tools are found by their names, and nothing from the user's own directories is.
path = [config.elfmerge_tools_dir, config.llvm_tools_dir,
        "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
config.environment["PATH"] = os.pathsep.join(path)
config.environment["LC_ALL"] = "C.UTF-8"
config.environment["TZ"] = "UTC"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]


def which(tool):
    return lit.util.which(tool, config.environment["PATH"])


def substitute(name, *command):
    config.substitutions.append((r"%" + name + r"\b", shlex.join(command)))


inputs = os.path.join(config.test_source_root, "Inputs")
substitute("elfmerge", os.path.join(config.elfmerge_tools_dir, "elfmerge"))
substitute("elfhelper", os.path.join(config.elfmerge_tools_dir, "elfhelper"))
# %libelfspawn: what a C program says that uses the library.
libraries = os.path.join(os.path.dirname(config.elfmerge_tools_dir), "lib")
substitute("libelfspawn", "-I" + os.path.join(config.elfmerge_source_dir, "include"),
           os.path.join(libraries, "libelfspawn.a"), "-pthread")
substitute("preload", os.path.join(libraries, "libelfspawn-preload.so"))
substitute("src", config.elfmerge_source_dir)
substitute("builddir", os.path.dirname(config.elfmerge_tools_dir))
substitute("python", config.python)
substitute("musl-gcc", "musl-gcc")
substitute("clang", config.clang)
substitute("cxx", "g++")
substitute("cc", "gcc")
# %build-tiny FILE [OPTION...]: a static PIE without libc, one page per segment.
substitute("build-tiny", "gcc", "-O1", "-ffreestanding", "-nostdlib", "-static-pie",
           "-Wl,--build-id=none", os.path.join(inputs, "tiny.c"), "-o")
# %refused DIR COMMAND...: COMMAND has to fail as elfmerge should, with nothing
# left in DIR; its message goes to standard output.
substitute("refused", os.path.join(inputs, "refused.sh"))
# %elf-poke IN OUT CHANGE...: a copy of an ELF file with other header fields.
substitute("elf-poke", config.python, os.path.join(inputs, "elf-poke.py"))

config.available_features.add("x86_64" if os.uname().machine == "x86_64" else "other")
for feature, tool in [("bfd", "ld.bfd"), ("gold", "ld.gold"), ("lld", "ld.lld"),
                      ("musl", "musl-gcc")]:
    if which(tool):
        config.available_features.add(feature)
for arch, compiler in [("i386", "i686-linux-gnu-gcc"),
                       ("arm", "arm-linux-gnueabihf-gcc"),
                       ("aarch64", "aarch64-linux-gnu-gcc"),
                       ("riscv64", "riscv64-linux-gnu-gcc")]:
    if which(compiler):
        config.available_features.add("cross-" + arch)
for arch in ["arm", "aarch64", "riscv64"]:
    if which("qemu-" + arch + "-static"):
        config.available_features.add("qemu-" + arch)
if os.getuid() == 0:
    config.available_features.add("root")
if config.sanitized:
    config.available_features.add("asan")

# A program that never ends fails its test, and not the whole run.
if lit_config.maxIndividualTestTime == 0:
    supported, _ = lit_config.maxIndividualTestTimeIsSupported
    if supported:
        lit_config.maxIndividualTestTime = 300

for tool in ["gdb", "strace", "unshare", "setpriv"]:
    if which(tool):
        config.available_features.add(tool)
if os.path.exists("/usr/include/python3.11/Python.h"):
    config.available_features.add("python-embedding")
if os.path.exists("/usr/lib/python3.11/test/test_subprocess.py"):
    config.available_features.add("cpython-testsuite")
