#!/bin/bash
# The programs of other tests in one image each, with --mode=process.
#
# Usage: process-as-native.sh ELFMERGE TESTS DIR NAME...
set -eu

elfmerge=$1
tests=$2
dir=$3
shift 3
for name in "$@"; do
  split-file "$tests/$name.test" "$dir/$name"
  for source in "$dir/$name"/*.c "$dir/$name"/*.cpp; do
    [ -e "$source" ] || continue
    compiler=gcc
    [ "${source%.cpp}" = "$source" ] || compiler=g++
    $compiler -O1 -static-pie -pthread "$source" -o "$dir/$name/static"
    $compiler -O1 -fPIE -pie -pthread "$source" -o "$dir/$name/dynamic"
    IMAGE_OPTIONS=--mode=process "$(dirname "$0")/as-native.sh" "$elfmerge" "$dir/$name" \
      "$dir/$name/static" "$dir/$name/dynamic" || { echo "$name"; exit 1; }
  done
done
