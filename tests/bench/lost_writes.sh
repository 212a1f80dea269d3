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
# shellcheck source=tests/bench/prepare.sh
. "$root/tests/bench/prepare.sh"

servers=$("$root/tests/servers.sh" --env --with-etcd --with-haproxy)
eval "$servers"
python3 "$root/tests/bench/lost_writes/main.py" "$@"
