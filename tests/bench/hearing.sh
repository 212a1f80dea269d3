#!/usr/bin/env bash
# How early a failover is heard (tests/bench/hearing.py --help), with the servers that tests/servers.sh unpacks.
#
#   bash tests/bench/hearing.sh [--rounds 30] [--server valkey|redis7] [--scenarios kill,stop,planned,stuck] [--state FILE]
#
#   RECONCILER_BUILD   the build folder (default: build)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

RECONCILER_BUILD=${RECONCILER_BUILD:-$root/build}
export RECONCILER_BUILD
if [ ! -x "$RECONCILER_BUILD/libexec/valkey-reconciler/sentinel-watcher" ]; then
  echo "hearing: $RECONCILER_BUILD holds no sentinel-watcher: build it first, or name the build in RECONCILER_BUILD" >&2
  exit 1
fi
servers=$("$root/tests/servers.sh" --env --with-redis)
eval "$servers"
exec python3 "$root/tests/bench/hearing.py" "$@"
