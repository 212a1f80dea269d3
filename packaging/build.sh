#!/usr/bin/env bash
# Builds what is packaged (packaging/image, packaging/deb): for the prefix /usr and so with /etc, without the tests, and
# small: half of what the build for the tests has.
#
#   packaging/build.sh [FOLDER]      default: build-package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 64 ;;
esac

build=${1:-build-package}
cmake --log-level=WARNING -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_INSTALL_PREFIX=/usr \
  -DCMAKE_CXX_FLAGS='-ffunction-sections -fdata-sections' \
  -DCMAKE_EXE_LINKER_FLAGS=-Wl,--gc-sections -DCMAKE_MODULE_LINKER_FLAGS=-Wl,--gc-sections -DRECONCILER_TESTS=OFF
cmake --build "$build"
