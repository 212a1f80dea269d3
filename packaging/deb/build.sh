#!/usr/bin/env bash
# Builds the Debian package, and prints its path.
#
#   packaging/deb/build.sh [FOLDER]      where the program is built; default: build-package
#
# Needs dpkg-dev and file beside what a build needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case ${1:-} in
  -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 64 ;;
esac

for tool in dpkg-shlibdeps file; do # without which CPack leaves the dependencies out, or fails in the end
  command -v "$tool" >/dev/null || { echo "build: there is no $tool: apt-get install dpkg-dev file" >&2; exit 69; }
done
build=${1:-build-package}
packaging/build.sh "$build" >&2
rm -f "$build"/*.deb
(cd "$build" && umask 022 && cpack -G DEB >&2)
ls "$build"/*.deb
