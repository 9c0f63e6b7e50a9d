#!/bin/bash
# Builds elfmerge and runs every test. The last line says how many tests passed,
# failed and were skipped; the status is 0 when some passed and none failed.
#
# Usage: utils/check.sh [LIT-OPTION...]
# Environment: BUILD_DIR (build), JOBS (processors), SETUP=0 leaves the set-up out
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${BUILD_DIR:-$source_dir/build}
jobs=${JOBS:-$(nproc)}
lit=/usr/lib/llvm-19/build/utils/lit/lit.py
results=$build_dir/test/results.json

if [ "${SETUP:-1}" != 0 ]; then
  "$source_dir/utils/setup.sh"
fi
cd "$source_dir"
cmake --preset release -B "$build_dir"
cmake --build "$build_dir" --parallel "$jobs"

# lit's own status says only whether all went well; the counts are in its report.
rm -f "$results"
/usr/bin/python3 "$lit" --verbose --workers 2 --timeout 300 --time-tests \
  --output "$results" --xunit-xml-output "${results%.json}.xml" \
  "$@" "$build_dir/test" || true

exec /usr/bin/python3 - "$results" <<'PYTHON'
import collections, json, sys

PASSED = {"PASS", "FLAKYPASS", "XFAIL"}
SKIPPED = {"UNSUPPORTED"}
with open(sys.argv[1]) as report:
    tests = json.load(report)["tests"]
counts = collections.Counter(
    "passed" if test["code"] in PASSED
    else "skipped" if test["code"] in SKIPPED
    else "failed"
    for test in tests)
line = f"{counts['passed']} passed, {counts['failed']} failed"
if counts["skipped"]:
    line += f", {counts['skipped']} skipped"
print(line)
sys.exit(counts["failed"] > 0 or counts["passed"] == 0)
PYTHON
