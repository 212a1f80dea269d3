#!/usr/bin/env bash
# How many acknowledged writes are lost in a failover (tests/bench/lost_writes/main.py --help), with the servers that
# tests/servers.sh unpacks. Needs root and a real API server.
#
#   bash tests/bench/lost_writes.sh [--rounds 90] [--kinds planned,kill,stop] [--interval 20] [--state FILE] [--json FILE]
#
#   RECONCILER_BUILD   the build folder (default: build)
#   KUBERNETES_LAB     the folder with up.sh of a real API server (default: ../shared/kubernetes)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

export RECONCILER_BUILD=${RECONCILER_BUILD:-$root/build}
if [ ! -x "$RECONCILER_BUILD/bin/valkey-reconciler" ]; then
  echo "lost_writes: $RECONCILER_BUILD holds no valkey-reconciler: build it first, or name the build in RECONCILER_BUILD" >&2
  exit 1
fi
if [ -z "${KUBERNETES_LAB:-}" ] && [ -d "$root/../shared/kubernetes" ]; then
  KUBERNETES_LAB=$(cd "$root/../shared/kubernetes" && pwd)
  export KUBERNETES_LAB
fi
servers=$("$root/tests/servers.sh" --env --with-etcd --with-haproxy)
eval "$servers"
exec python3 "$root/tests/bench/lost_writes/main.py" "$@"
