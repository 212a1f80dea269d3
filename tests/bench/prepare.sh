# shellcheck shell=bash
# Sourced by run.sh, lost_writes.sh and growth.sh, which have set `root`: the build, the API server, and the parts in C, compiled.
RECONCILER_BUILD=${RECONCILER_BUILD:-$root/build}
export RECONCILER_BUILD PYTHONDONTWRITEBYTECODE=1
if [ ! -x "$RECONCILER_BUILD/bin/valkey-reconciler" ]; then
  echo "bench: $RECONCILER_BUILD holds no valkey-reconciler: build it first, or name the build in RECONCILER_BUILD" >&2
  exit 1
fi
if [ -z "${KUBERNETES_LAB:-}" ] && [ -d "$root/../shared/kubernetes" ]; then
  KUBERNETES_LAB=$(cd "$root/../shared/kubernetes" && pwd)
  export KUBERNETES_LAB
fi
"$root/tests/dependencies.sh" bench
temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-bench.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
compile() { cc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$temporary/$(basename "$1")" "$root/tests/bench/$1.c" -lssl -lcrypto -pthread; }
compile ways/floor
compile ways/storm_floor
compile sentinel_proxy
export BENCH_FLOOR=$temporary/floor STORM_FLOOR=$temporary/storm_floor BENCH_PROXY=$temporary/sentinel_proxy
