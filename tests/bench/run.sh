#!/usr/bin/env bash
# How fast clients are led to a new primary, and what that takes (tests/bench/run.py --help; tests/bench/README.md). As root.
# By another first word: "tail", the tail from thousands of events; "check", whether it is as fast as it was (tail.py and
# check.py --help).
#
#   bash tests/bench/run.sh [--rounds 60] [--ways floor,announcement/label] [--kinds planned,kill] [--rest 60] [--state FILE]
#   bash tests/bench/run.sh tail [--events 1000] [--ways floor,announcement/label] [--cluster] [--state FILE] [--json FILE]
#   bash tests/bench/run.sh check [--accept]
#
#   KUBECONFIG         with --cluster: the cluster that is written to
#   RECONCILER_BUILD   the build folder (default: build)
#   KUBERNETES_LAB     the folder of a real API server (default: ../shared/kubernetes, where that is there)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/bench/prepare.sh
. "$root/tests/bench/prepare.sh"

servers=$("$root/tests/servers.sh" --env --with-etcd)
eval "$servers"
script=run.py
case ${1:-} in
  tail | check)
    script=$1.py
    shift
    ;;
esac
python3 "$root/tests/bench/$script" "$@"
