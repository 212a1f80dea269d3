# shellcheck shell=bash
# Sourced by run.sh and lost_writes.sh, which have set `root`: the build, the API server, and `floor`, compiled.
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
export BENCH_FLOOR=$temporary/floor
cc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$BENCH_FLOOR" "$root/tests/bench/ways/floor.c" -lssl -lcrypto
