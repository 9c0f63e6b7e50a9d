//===- Options.td - The command line of elfhelper -------------------------===//
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

def emit_group : OptionGroup<"emit options">, HelpText<"OPTIONS">;
def verify_group : OptionGroup<"verify options">,
    HelpText<"OPTIONS THAT VERIFY">;
def print_group : OptionGroup<"print options">,
    HelpText<"OPTIONS THAT PRINT">;

let Group = emit_group in {
def o : JoinedOrSeparate<["-"], "o">, MetaVarName<"FILE">,
    HelpText<"Write the helper to this file">;
def arch : J<"arch", "ARCH",
    "Machine of the helper (default: that of the host)">;
def format : J<"format", "FORMAT",
    "What to write: elf (default), object, asm, c (with a header), json (a manifest)">;
def features : J<"features", "LIST",
    "Operations to leave in, separated by commas, with a minus sign to leave out (default: all)">;
def symbol_prefix : J<"symbol-prefix", "NAME",
    "Name of the symbols in object, asm and c (default: elfspawn_helper)">;
def header : J<"header", "FILE",
    "Write a C header with the symbols of object, asm or c to this file">;
def MF : JoinedOrSeparate<["-"], "MF">, MetaVarName<"FILE">,
    HelpText<"Write a depfile for make or ninja to this file">;
def archive : J<"archive", "ARCHIVE",
    "Link this archive in place of the installed one">;
}

let Group = verify_group in {
def verify : J<"verify", "FILE", "Verify that this file is a helper">;
def verify_separate : Separate<["--"], "verify">, Alias<verify>;
}

let Group = print_group in {
def list_helpers : F<"list", "Print the architectures, formats and features">;
def linker_args : Flag<["-"], "###">,
    HelpText<"Print the linker's arguments and stop">;
def help : F<"help", "Print this help and stop">;
def version : F<"version", "Print the version and stop">;
}
def h : Flag<["-"], "h">, Alias<help>;
def v : Flag<["-"], "v">, Alias<version>;
