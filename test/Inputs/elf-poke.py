"""Copies an ELF file (64-bit, little-endian) with header fields changed.

Usage: elf-poke.py IN OUT CHANGE...

A change is one of
  e_FIELD=VALUE          a field of the ELF header
  TYPE[N].p_FIELD=VALUE  a field of the N-th program header of a type, from 0:
                         load[1].p_filesz=0, stack[0].p_flags=7
  swap=TYPE[N],TYPE[N]   two program headers change places
  byte@OFFSET=VALUE      one byte of the file
  truncate=VALUE         the file ends here
and a VALUE is a Python expression in which the fields of both kinds can be used.
Changes are carried out from left to right.
"""

import re
import struct
import sys

EHDR = dict(e_type=(16, "H"), e_machine=(18, "H"), e_version=(20, "I"),
            e_entry=(24, "Q"), e_phoff=(32, "Q"), e_shoff=(40, "Q"),
            e_flags=(48, "I"), e_ehsize=(52, "H"), e_phentsize=(54, "H"),
            e_phnum=(56, "H"), e_shentsize=(58, "H"), e_shnum=(60, "H"),
            e_shstrndx=(62, "H"))
PHDR = dict(p_type=(0, "I"), p_flags=(4, "I"), p_offset=(8, "Q"),
            p_vaddr=(16, "Q"), p_paddr=(24, "Q"), p_filesz=(32, "Q"),
            p_memsz=(40, "Q"), p_align=(48, "Q"))
PHDR_SIZE = 56
TYPES = dict(load=1, dynamic=2, interp=3, note=4, phdr=6, tls=7,
             eh_frame=0x6474E550, stack=0x6474E551, relro=0x6474E552)
HEADER = r"(\w+)\[(\d+)\]"


class Elf:
    def __init__(self, data):
        self.data = bytearray(data)
        # Where things are is the input's business, whatever is changed later.
        first, count = self.get("e_phoff"), self.get("e_phnum")
        self.headers = {name: [] for name in TYPES}
        for at in range(first, first + count * PHDR_SIZE, PHDR_SIZE):
            kind = struct.unpack_from("<I", self.data, at)[0]
            for name, value in TYPES.items():
                if kind == value:
                    self.headers[name].append(at)

    def place(self, field):
        if field in EHDR:
            return EHDR[field]
        kind, index, name = re.fullmatch(HEADER + r"\.(\w+)", field).groups()
        offset, code = PHDR[name]
        return self.headers[kind][int(index)] + offset, code

    def get(self, field):
        at, code = self.place(field)
        return struct.unpack_from("<" + code, self.data, at)[0]

    def set(self, field, value):
        at, code = self.place(field)
        struct.pack_into("<" + code, self.data, at, value)

    def swap(self, *headers):
        a, b = (self.headers[kind][int(index)] for kind, index in
                (re.fullmatch(HEADER, header).groups() for header in headers))
        one, other = self.data[a:a + PHDR_SIZE], self.data[b:b + PHDR_SIZE]
        self.data[a:a + PHDR_SIZE], self.data[b:b + PHDR_SIZE] = other, one

    def value(self, expression):
        fields = HEADER + r"\.p_\w+|\be_\w+"
        return eval(re.sub(fields, lambda m: str(self.get(m[0])), expression))

    def change(self, what, expression):
        if what == "swap":
            self.swap(*expression.split(","))
        elif what == "truncate":
            del self.data[self.value(expression):]
        elif what.startswith("byte@"):
            self.data[self.value(what[5:])] = self.value(expression)
        else:
            self.set(what, self.value(expression))


def main(source, target, *changes):
    with open(source, "rb") as file:
        elf = Elf(file.read())
    for change in changes:
        elf.change(*change.split("=", 1))
    with open(target, "wb") as file:
        file.write(elf.data)


main(*sys.argv[1:])
