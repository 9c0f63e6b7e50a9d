#!/bin/bash
# Assembles or compiles SOURCE and links it as helpers are linked: one segment
# that can be read and executed, but for what OPTIONs say.
#
# Usage: link.sh CLANG TRIPLE SOURCE OUTPUT [OPTION...]
set -eu
"$1" "--target=$2" -Qunused-arguments -ffreestanding -fno-pic -fno-builtin -O1 -fno-stack-protector \
  -fno-asynchronous-unwind-tables -c "$3" -o "$4.o"
output=$4
shift 4
ld.lld -static -z noseparate-code --no-rosegment -z norelro --build-id=none \
  -o "$output" "$output.o" "$@"
