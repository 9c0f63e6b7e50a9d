#!/bin/bash
# Does every program do in an image what it does natively? Runs each of them
# alone; then puts two instances of each into one image and runs that. The sorted
# lines of the image have to be those of the programs, twice, and its exit status
# that of the first program that did not exit with 0. A program prints in pieces
# of whole lines, and the same each time.
#
# Usage: as-native.sh ELFMERGE DIR PROGRAM...
# Environment: STDIN (/dev/null), OPTIONS in front of every program, IMAGE_OPTIONS
set -u

elfmerge=$1
dir=$2
shift 2
: "${STDIN:=/dev/null}" "${OPTIONS:=}" "${IMAGE_OPTIONS:=}"

status=0
groups=()
: >"$dir/native.out"
for program in "$@"; do
  timeout 60 "$program" <"$STDIN" >"$dir/one.out" 2>&1
  one=$?
  [ $one -lt 124 ] || { echo "$program: native status $one"; cat "$dir/one.out"; exit 1; }
  [ -s "$dir/one.out" ] || { echo "$program: prints nothing"; exit 1; }
  [ $status -ne 0 ] || status=$one
  cat "$dir/one.out" "$dir/one.out" >>"$dir/native.out"
  [ ${#groups[@]} -eq 0 ] || groups+=(';')
  # shellcheck disable=SC2086
  groups+=(--count=2 $OPTIONS "$program")
done

# shellcheck disable=SC2086
"$elfmerge" $IMAGE_OPTIONS -o "$dir/as-native.image" "${groups[@]}" || exit 1
timeout 60 "$dir/as-native.image" <"$STDIN" >"$dir/image.out" 2>&1
found=$?
diff <(sort "$dir/native.out") <(sort "$dir/image.out") || exit 1
[ $found -eq $status ] || { echo "found status $found, wanted $status"; exit 1; }
