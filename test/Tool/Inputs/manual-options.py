"""Prints the options that a manual page in mdoc explains, one per line, as the
option's help writes them: the items of the lists below OPTIONS."""

import re
import sys

section = ""
with open(sys.argv[1]) as page:
    for line in page:
        line = line.rstrip("\n").replace("\\-", "-")
        if line.startswith(".Sh "):
            section = line[4:]
        item = re.match(r"\.It Fl (.*)", line)
        if section != "OPTIONS" or not item:
            continue
        # "-help , h" are two options; "o Ar X" has a value behind a blank,
        # "-x= Ns Ar X" one behind the sign.
        for option in re.sub(r" Ns Ar | Ar ", lambda m: "" if "Ns" in m[0] else " ",
                             item[1]).split(" , "):
            print("-" + option)
