#!/bin/bash
# cpython-ways.sh DIR PRELOAD LIBRARY: CPython's tests of what starts processes, as
# is, under the preload and with the shim, all at once. Leaves in DIR, for each,
# <way>.txt with the outcome of each test and <way>.log.
set -u
dir=$1 preload=$2 library=$3
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONDONTWRITEBYTECODE=1
unset ELFSPAWN_LIBRARY
way() { # NAME TESTS VARIABLE...
  local name=$1 tests=$2
  shift 2
  mkdir -p "$dir/$name" && cd "$dir/$name" || exit 1
  env "$@" timeout 250 /usr/bin/python3.11 "$here/cpython_tests.py" \
    "$dir/$name.txt" $tests >"$dir/$name.log" 2>&1
}
spawn="test.test_posix.TestPosixSpawn test.test_posix.TestPosixSpawnP test.test_popen"
way plain test.test_subprocess A=1 &
way preload test.test_subprocess "LD_PRELOAD=$preload" &
way shim test.test_subprocess "ELFSPAWN_LIBRARY=$library" &
way spawn-plain "$spawn" A=1 &
way spawn-preload "$spawn" "LD_PRELOAD=$preload" &
wait
for name in plain preload shim spawn-plain spawn-preload; do
  echo "$name:" $(cut -d' ' -f1 "$dir/$name.txt" | sort | uniq -c)
done
grep '^shim:' "$dir/shim.log" | sed 's/^/the /'
