# Usage: build-library.sh SOURCE ELFHELPER ARCH COMPILER DIRECTORY
# Builds libelfspawn.a for a machine as its CMakeLists.txt does, which is a
# project of its own.
set -e
source=$1 elfhelper=$2 arch=$3 compiler=$4 directory=$5
cmake -S "$source/runtime/spawn" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$arch" -DCMAKE_C_COMPILER="$compiler" \
  -DELFHELPER="$elfhelper" >"$directory.log"
ninja -C "$directory" lib/libelfspawn.a >>"$directory.log"
