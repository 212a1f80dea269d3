#!/usr/bin/env bash
# How fast clients are led to a new primary, and what that takes (tests/bench/run.py --help; tests/bench/README.md). As root.
# With "tail" as the first word: the tail from thousands of events (tests/bench/tail.py --help).
#
#   bash tests/bench/run.sh [--rounds 60] [--ways floor,announcement/label] [--kinds planned,kill] [--rest 60] [--state FILE]
#   bash tests/bench/run.sh tail [--events 1000] [--ways floor,announcement/label] [--json FILE] [--svg FILE]
#
#   RECONCILER_BUILD   the build folder (default: build)
#   KUBERNETES_LAB     the folder of a real API server (default: ../shared/kubernetes, where that is there)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

export RECONCILER_BUILD=${RECONCILER_BUILD:-$root/build} PYTHONDONTWRITEBYTECODE=1
if [ ! -x "$RECONCILER_BUILD/bin/valkey-reconciler" ]; then
  echo "bench: $RECONCILER_BUILD holds no valkey-reconciler: build it first, or name the build in RECONCILER_BUILD" >&2
  exit 1
fi
if [ -z "${KUBERNETES_LAB:-}" ] && [ -d "$root/../shared/kubernetes" ]; then
  KUBERNETES_LAB=$(cd "$root/../shared/kubernetes" && pwd)
  export KUBERNETES_LAB
fi
"$root/tests/dependencies.sh" bench
servers=$("$root/tests/servers.sh" --env --with-etcd)
eval "$servers"
temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-bench.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
export BENCH_FLOOR=$temporary/floor
cc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$BENCH_FLOOR" "$root/tests/bench/ways/floor.c" -lssl -lcrypto
script=run.py
if [ "${1:-}" = tail ]; then
  script=tail.py
  shift
fi
python3 "$root/tests/bench/$script" "$@"
