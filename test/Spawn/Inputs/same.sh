#!/bin/bash
# same.sh DIR PRELOAD TEST PROGRAM: a program out of a test, with and without the
# preload, at once; the output has to be the same, and to have an end.
set -eu
dir=$1/$4 preload=$2 test=$3 program=$4
here=$(cd "$(dirname "$0")" && pwd)
split-file "$test" "$dir"
gcc -O1 -pthread -w -I"$here" "$dir/$program.c" -o "$dir/program"
mkdir -p "$dir"/{libc,preload}/work
[ "$program" != commands ] || mkdir "$dir"/{libc,preload}/work/empty
(cd "$dir/libc/work" && exec "$dir/program" >"$dir/libc.out" 2>&1) &
(cd "$dir/preload/work" &&
  exec env LD_PRELOAD="$preload" "$dir/program" >"$dir/preload.out" 2>&1)
wait $!
diff -u "$dir/libc.out" "$dir/preload.out"
grep -qx end "$dir/preload.out"
