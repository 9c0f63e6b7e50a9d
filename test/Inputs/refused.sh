#!/bin/bash
# Checks how a command refuses its input: status 1, nothing on standard output,
# one line "elfmerge: error: ..." on standard error, which is handed on as standard
# output; and no file made, changed or removed in DIR or left in $TMPDIR.
#
# Usage: refused.sh DIR COMMAND...
set -u

dir=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tmp"

contents() {
  find "$1" -mindepth 1 -printf '%P %y %s %m %T@\n' 2>/dev/null | sort
}

wrong() {
  echo "refused.sh: $*" >&2
  sed 's/^/  stderr: /' "$scratch/err" >&2
  exit 1
}

before=$(contents "$dir")
TMPDIR=$scratch/tmp timeout 60 "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
status=$?
after=$(contents "$dir")

[ $status -eq 1 ] || wrong "found exit status $status, wanted 1"
[ ! -s "$scratch/out" ] || wrong "found text on standard output, wanted none"
[ "$(wc -l <"$scratch/err")" -eq 1 ] || wrong "wanted one line of message"
grep -qE '^elfmerge: error: [^ ].*[^.]$' "$scratch/err" ||
  wrong "wanted 'elfmerge: error: ...' without a final period"
[ "$before" = "$after" ] || wrong "$dir has changed: $(diff <(echo "$before") <(echo "$after"))"
[ -z "$(contents "$scratch/tmp")" ] || wrong "found files left in TMPDIR: $(contents "$scratch/tmp")"
cat "$scratch/err"
