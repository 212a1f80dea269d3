#!/usr/bin/env bash
# Shows the program at work: a real Valkey primary dies, and the label follows to the new one. Gets what it needs
# (packages as root or by sudo, servers into a cache folder), builds, takes half a minute, and cleans up.
#
#   bash packaging/demo.sh
#
#   KUBECONFIG         your own cluster: a namespace with three pods that nothing runs is made there and deleted
#                      afterwards. Not set: the project's fake API server
#   RECONCILER_BUILD   a build folder to take as it is, instead of building in build/
#   NO_COLOR           plain text, as where the output is no terminal
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  --help | -h) sed -n '2,/^set/s/^# \{0,1\}//p' packaging/demo.sh; exit 0 ;;
  ?*) echo "demo: unknown argument $1 (see --help)" >&2; exit 64 ;;
esac

tests/dependencies.sh build tests
VALKEY_SERVERS=$(tests/servers.sh)
export VALKEY_SERVERS

if [ -z "${RECONCILER_BUILD:-}" ]; then
  RECONCILER_BUILD=$PWD/build
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  echo "Building in $RECONCILER_BUILD"
  if ! { cmake -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo && cmake --build build --target valkey-reconciler sentinel-watcher labeler plugin_file plugin_kubernetes; } \
      >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
  fi
  rm -f "$log"
fi
export RECONCILER_BUILD
exec python3 packaging/demo.py
