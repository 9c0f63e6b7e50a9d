#!/bin/bash
# Shows elfmerge at work: real programs of this machine, merged into one file that
# runs them as threads of one process.
#
# Usage: utils/demo.sh
# Environment: BUILD_DIR (build)
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${BUILD_DIR:-$source_dir/build}

"$source_dir/utils/setup.sh"
cd "$source_dir"
cmake --preset release -B "$build_dir" >/dev/null
cmake --build "$build_dir" --target elfmerge elfhelper elfspawn_static

elfmerge=$build_dir/bin/elfmerge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

title() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

title "Four programs, each with its own libc and data, in one file"
cat >both.sql <<'SQL'
CREATE TABLE n(x); WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<1000)
INSERT INTO n SELECT x FROM c; SELECT 'sqlite3: sum of squares ' || sum(x*x) FROM n;
SQL
printf '{"numbers": [1, 2, 3, 4]}\n' >numbers.json
show "$elfmerge" -o all \
  /usr/bin/perl -e 'printf "perl: %d primes below 10000\n", scalar grep { my $n = $_; !grep { $n % $_ == 0 } 2 .. sqrt $n } 2 .. 9999' ';' \
  /usr/bin/bash -c 'echo "bash: $(seq 1 5 | paste -sd+) = $(($(seq 1 5 | paste -sd+)))"' ';' \
  /usr/bin/sqlite3 :memory: '.read both.sql' ';' \
  /usr/bin/jq -r '"jq: sum \(.numbers | add)"' numbers.json
show ls -lh all

title "It runs all of them at once; they are threads of one process"
show ./all

title "The exit status tells of the first instance that failed"
"$elfmerge" -o fails /usr/bin/true ';' /usr/bin/bash -c 'exit 7'
status=0
./fails || status=$?
echo "status $status"

title "Called by the name of a program, it is that program alone"
"$elfmerge" -o box /usr/bin/sort ';' /usr/bin/grep ';' /usr/bin/wc ';' /usr/bin/sed
for tool in sort grep wc sed; do
  ln -s box "$tool"
done
show ls -l sort grep wc sed
printf '$ %s\n' "printf 'pear\napple\nplum\n' | ./grep p | ./sort | ./sed 's/^/- /'"
printf 'pear\napple\nplum\n' | ./grep p | ./sort | ./sed 's/^/- /'

title "A hundred instances of a program cost little more than one"
echo 'int main(void) { return 0; }' >nothing.c
gcc -static-pie -O2 -s nothing.c -o nothing
"$elfmerge" --symbols=none -o one ./nothing
"$elfmerge" --symbols=none -o hundred --count=100 ./nothing
show ls -l nothing one hundred
show ./hundred

title "A crash ends its instance, which is started anew; its neighbour computes on"
echo 'static int parse(const char *text) { return *text; } int main(void) { return parse(0); }' >crash.c
gcc -static-pie -O0 crash.c -o crash
show "$elfmerge" -o isolated --on-crash=isolate --name=crash --restart=always:2 ./crash ';' \
  /usr/bin/perl -e 'my $n = 0; $n += $_ % 7 for 1 .. 3_000_000; print "perl: $n\n"'
status=0
show ./isolated || status=$?
echo "status $status"

title "Instances as processes of one address space"
show "$elfmerge" --mode=process -o processes --count=2 /usr/bin/dash -c 'echo "$ELFMERGE_INSTANCE: process $$"'
show ./processes

title "The companion: 64 threads start 200 sub-processes"
gcc -O2 -I"$source_dir/include" "$source_dir/examples/spawn/server.c" "$build_dir/lib/libelfspawn.a" -pthread -o server
mkdir logs
show ./server logs 200

title "Capture output with a deadline"
gcc -O2 -I"$source_dir/include" "$source_dir/examples/spawn/capture.c" "$build_dir/lib/libelfspawn.a" -pthread -o capture
show ./capture 500 sh -c 'echo soon; sleep 60' || true

title "The helper that starts what may block, for every machine"
for arch in x86_64 i386 arm aarch64 riscv64; do
  "$build_dir/bin/elfhelper" --arch=$arch -o helper-$arch
done
show ls -l helper-*
