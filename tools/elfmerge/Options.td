//===- Options.td - The command line of elfmerge --------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class F<string name, string help>
    : Flag<["--"], name>, HelpText<help>;
class J<string name, string var, string help>
    : Joined<["--"], name # "=">, MetaVarName<var>, HelpText<help>;

def image_group : OptionGroup<"image options">, HelpText<"OPTIONS">;
def instance_group : OptionGroup<"instance options">,
    HelpText<"INSTANCE OPTIONS (in front of their PROGRAM)">;
def print_group : OptionGroup<"print options">,
    HelpText<"OPTIONS THAT PRINT">;

let Group = image_group in {
def o : JoinedOrSeparate<["-"], "o">, MetaVarName<"IMAGE">,
    HelpText<"Write the image to this file">;
def run : F<"run", "Merge into memory and run the image at once">;
def manifest : J<"manifest", "FILE", "Read instances from a YAML file">;
def exit : J<"exit", "RULE",
    "Status of the image: first-failure (default), first, last or the NAME of a spec">;
def share : J<"share", "LIST",
    "What instances share, separated by commas: fds, cwd (with umask)">;
def mode : J<"mode", "MODE",
    "What an instance is: thread (default) or process">;
def exec : J<"exec", "RULE",
    "What a program that an instance executes replaces: instance (default), replace (the process), or deny">;
def on_crash : J<"on-crash", "RULE",
    "What a crash ends: process (default), or isolate (only its instance)">;
def reclaim : F<"reclaim",
    "Give back what an instance had when it ends (default if any restarts)">;
def no_reclaim : F<"no-reclaim", "The opposite of --reclaim">;
def library_path : J<"library-path", "DIRS",
    "Search these directories, separated by colons, for libraries (repeatable)">;
def sysroot : J<"sysroot", "DIR",
    "Look for interpreters and libraries below this directory">;
def embed : J<"embed", "LIBRARY",
    "Embed one more library, by name or path, with its closure (repeatable)">;
def symbols : J<"symbols", "WHICH",
    "Instances that have symbols: auto (default: all up to 16 of a program, else the first), all, first, none">;
def strip : F<"strip", "The same as --symbols=none">;
def Map : Joined<["-"], "Map=">, MetaVarName<"FILE">,
    HelpText<"Write a map of the image to this file">;
def MF : JoinedOrSeparate<["-"], "MF">, MetaVarName<"FILE">,
    HelpText<"Write a depfile for make or ninja to this file">;
def save_temps : J<"save-temps", "DIR",
    "Keep the linker's inputs in this directory">;
def threads : J<"threads", "N",
    "Number of threads (default: as many as there are processors)">;
def runtime : J<"runtime", "ARCHIVE",
    "Link this runtime in place of the installed one">;
}

let Group = instance_group in {
def name : J<"name", "NAME",
    "Name of the instances (default: the last component of PROGRAM)">;
def count : J<"count", "N", "Number of instances (default: 1)">;
def env : J<"env", "NAME=VALUE",
    "Add a variable to the environment (repeatable)">;
def cwd : J<"cwd", "DIR", "Working directory">;
def stack_size : J<"stack-size", "SIZE",
    "Stack of the first thread, in bytes or with a suffix K, M or G (default: RLIMIT_STACK)">;
def argv0 : J<"argv0", "STRING",
    "argv[0] of the instances (default: the last component of PROGRAM)">;
def restart : J<"restart", "RULE",
    "When an instance that has ended is started anew: no (default), on-failure[:MAX] or always[:MAX], MAX times at most">;
}

let Group = print_group in {
def print_plan : F<"print-plan",
    "Print instances, bases, segments and library closures">;
def print_hooks : F<"print-hooks",
    "Print every system call site: file offset, function, number, form of patch">;
def linker_args : Flag<["-"], "###">,
    HelpText<"Print the linker's arguments and stop">;
def verbose : F<"verbose", "Print each pass as it begins">;
def help : F<"help", "Print this help and stop">;
def version : F<"version", "Print the version and stop">;
}
def h : Flag<["-"], "h">, Alias<help>;
def v : Flag<["-"], "v">, Alias<version>;
