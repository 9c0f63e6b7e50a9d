#!/bin/sh
# Installs what building and testing elfmerge needs on Debian 12. Does nothing
# when everything is there; safe to run again.
#
# Usage: utils/setup.sh
set -eu

# The build: LLVM and lld as libraries, clang for the freestanding runtime.
build='cmake ninja-build make g++ pkg-config
       llvm-19-dev llvm-19-tools liblld-19-dev lld-19 clang-19
       libffi-dev libxml2-dev libzstd-dev zlib1g-dev'

# The tests' own tools: lit with its time-outs, a second libc, three linkers.
tools='python3 python3-psutil musl-tools binutils gdb strace libpython3.11-dev
       libpython3.11-testsuite mandoc'

# Other machines: their compilers with their libc, and emulators. Not gcc-multilib,
# which does not go together with these.
machines='gcc-i686-linux-gnu gcc-arm-linux-gnueabihf gcc-aarch64-linux-gnu gcc-riscv64-linux-gnu
          libc6-dev-i386-cross libc6-dev-armhf-cross libc6-dev-arm64-cross libc6-dev-riscv64-cross
          qemu-user-static'

# Real programs that the tests and the demonstration merge.
programs='bash bc bsdextrautils bzip2 coreutils dash dc diffutils file findutils
          gawk git grep gzip jq m4 make mawk openssl patch perl procps sed
          sqlite3 tar util-linux xz-utils zstd'

missing=
for package in $build $tools $machines $programs; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done

if [ -z "$missing" ]; then
  echo "setup: everything is installed"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "setup: error: no apt-get here; install what corresponds to:$missing" >&2
  exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: error: not root, and there is no sudo; as root run:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "setup: installing$missing"
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
$apt update
# shellcheck disable=SC2086 # one word per package
$apt install -y --no-install-recommends $missing
