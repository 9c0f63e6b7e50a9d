#!/bin/bash
# Checks how elfhelper refuses: status 1, nothing on standard output, one line
# "elfhelper: error: ..." on standard error, which is handed on as standard
# output; and no file made, changed or removed in DIR.
#
# Usage: refused.sh DIR COMMAND...
set -u

dir=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

contents() {
  find "$1" -mindepth 1 -printf '%P %y %s %m %T@\n' 2>/dev/null | sort
}

wrong() {
  echo "refused.sh: $*" >&2
  sed 's/^/  stderr: /' "$scratch/err" >&2
  exit 1
}

before=$(contents "$dir")
timeout 60 "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
status=$?
after=$(contents "$dir")

[ $status -eq 1 ] || wrong "found exit status $status, wanted 1"
[ ! -s "$scratch/out" ] || wrong "found text on standard output, wanted none"
[ "$(wc -l <"$scratch/err")" -eq 1 ] || wrong "wanted one line of message"
grep -qE '^elfhelper: error: [^ ].*[^.]$' "$scratch/err" ||
  wrong "wanted 'elfhelper: error: ...' without a final period"
[ "$before" = "$after" ] || wrong "$dir has changed: $(diff <(echo "$before") <(echo "$after"))"
cat "$scratch/err"
