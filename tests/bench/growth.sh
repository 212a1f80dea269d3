#!/usr/bin/env bash
# How memory, processor, requests and time grow (tests/bench/growth/main.py --help; tests/bench/growth/README.md).
#
#   bash tests/bench/growth.sh [--parts groups,pods,storm,instances] [--groups 1,10,100] [--pods 3,500] [--storm 200] [--instances 3,20]
#                              [--rounds 7] [--rest 20] [--state FILE]
#
#   RECONCILER_BUILD   the build folder (default: build)
#   KUBERNETES_LAB     the folder of a real API server (default: ../shared/kubernetes, where that is there)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

export RECONCILER_BUILD=${RECONCILER_BUILD:-$root/build} PYTHONDONTWRITEBYTECODE=1
if [ ! -x "$RECONCILER_BUILD/bin/valkey-reconciler" ]; then
  echo "growth: $RECONCILER_BUILD holds no valkey-reconciler: build it first, or name the build in RECONCILER_BUILD" >&2
  exit 1
fi
if [ -z "${KUBERNETES_LAB:-}" ] && [ -d "$root/../shared/kubernetes" ]; then
  KUBERNETES_LAB=$(cd "$root/../shared/kubernetes" && pwd)
  export KUBERNETES_LAB
fi
"$root/tests/dependencies.sh" bench
servers=$("$root/tests/servers.sh" --env --with-etcd)
eval "$servers"
temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-growth.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
export STORM_FLOOR=$temporary/storm_floor
cc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$STORM_FLOOR" "$root/tests/bench/ways/storm_floor.c" -lssl -lcrypto -pthread
python3 "$root/tests/bench/growth/main.py" "$@"
