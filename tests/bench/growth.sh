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
# shellcheck source=tests/bench/prepare.sh
. "$root/tests/bench/prepare.sh"

servers=$("$root/tests/servers.sh" --env --with-etcd)
eval "$servers"
python3 "$root/tests/bench/growth/main.py" "$@"
