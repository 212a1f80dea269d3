#!/usr/bin/env bash
# Installs what a build, its tests or CI need from Debian's packages, as root or by sudo. Does nothing where all is there.
#
#   tests/dependencies.sh [--list] SET...
#     build    compiler, CMake and the libraries
#     tests    what the tests and the demo run with, but for the servers, which tests/servers.sh unpacks
#     ci       formatting, linting, static analysis, roots of other Debian releases, packaging
#     bench    what tests/bench compares the program with, and counts by; kubectl only where none is on PATH
#     --list   only print the packages of these sets
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libuv1-dev libhiredis-dev libcurl4-openssl-dev libcjson-dev libtoml11-dev
  libmicrohttpd-dev libcli11-dev libfmt-dev libyaml-cpp-dev libssl-dev libldns-dev)
tests=(libgtest-dev libgmock-dev python3 curl openssl jq procps iproute2 ca-certificates xz-utils spin gcc python3-yaml)
ci=(clang-format clang-tidy shellcheck ccache mmdebstrap debian-archive-keyring git abigail-tools yamllint
  buildah dpkg-dev file groff-base lintian mandoc systemd)
bench=(gcc libssl-dev python3 python3-redis python3-kubernetes valgrind)
command -v kubectl >/dev/null || bench+=(kubernetes-client)

packages=() list=''
for argument in "$@"; do
  case $argument in
    build) packages+=("${build[@]}") ;;
    tests) packages+=("${tests[@]}") ;;
    ci) packages+=("${ci[@]}") ;;
    bench) packages+=("${bench[@]}") ;;
    --list) list=1 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$argument" = --help ] && exit 0 || exit 64 ;;
  esac
done
if [ -n "$list" ]; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

find_missing() {
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
}

as_root=()
find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "dependencies: run this as root first: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Another run may be at the same: the lock is the folder of dpkg's own state, which everyone can open.
exec 9</var/lib/dpkg
flock 9
find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
echo "dependencies: installing${as_root:+ by sudo} ${missing[*]}" >&2

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || {
    grep -E '^(E|W|Err):?' "$log" >&2 || tail -n 20 "$log" >&2
    echo "dependencies: failed: $*" >&2
    return 1
  }
}
# One source that fails need not be one of those that matter: whether they do shows at the installation.
quietly apt-get -q -o APT::Update::Error-Mode=any update || true
quietly apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install --no-install-recommends "${missing[@]}"
