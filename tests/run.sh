#!/usr/bin/env bash
# Builds the project and runs its tests, on a bare Debian 12 too: what is missing is got first (tests/dependencies.sh
# as root or by sudo, tests/servers.sh into a cache folder).
#
#   bash tests/run.sh [option...] [ctest's own arguments]      such as: bash tests/run.sh -R unit
#     --build FOLDER     build there (default: build)
#     --sanitize LIST    build with sanitizers, such as address,undefined
#     --werror           treat warnings as errors
#     --fake             without the real Kubernetes API server, even where there is one
#     --again            up to three tests that failed beside others, as on a busy machine, must pass alone three times in a
#                        row, and are named; not where worse was seen: tests/README.md
#
#   KUBERNETES_LAB        folder with up.sh and down.sh of a real Kubernetes API server (default: ../shared/kubernetes
#                         where that exists). One is started for the whole run, and stopped at its end
#   CTEST_PARALLEL_LEVEL  tests at a time (default: 4; most of them wait for servers)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build sanitize='' kind=RelWithDebInfo werror=OFF fake='' again=''
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=${2:?--build wants a folder}; shift ;;
    --sanitize) sanitize=${2:?--sanitize wants a list} kind=Debug; shift ;; # -O2 takes five times as long
    --werror) werror=ON ;;
    --fake) fake=1 ;;
    --again) again=1 ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' tests/run.sh; exit 0 ;;
    *) break ;;
  esac
  shift
done

say() { printf '== %s\n' "$*"; }

temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-tests.XXXXXX")
lab='' running=''

# shellcheck disable=SC2317 # the trap below calls it
finish() {
  trap '' INT TERM HUP
  if [ -n "$running" ] && kill -INT -- "-$running" 2>/dev/null; then # tests clean up when they are interrupted
    for _ in {1..100}; do kill -0 -- "-$running" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$running" 2>/dev/null || true
  fi
  [ -z "$lab" ] || "$KUBERNETES_LAB/down.sh" "$lab" >/dev/null 2>&1 || true
  rm -rf "$temporary"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs a command in a process group of its own, so that a signal to this script ends it at once, and all of it. A shell's
# background job ignores INT; tests and what they start must not.
run() {
  setsid env --default-signal=INT,QUIT "$@" &
  running=$!
  local status=0
  wait "$running" || status=$?
  running=''
  return "$status"
}

# Four ports in a row that are free, below the ephemeral ones: up.sh says when one is taken.
start_lab() {
  local attempt
  for attempt in {1..5}; do
    lab=$temporary/lab-$attempt
    if run "$KUBERNETES_LAB/up.sh" $((20000 + RANDOM % 3000 * 4)) "$lab" --kcm --audit >"$temporary/lab.log" 2>&1; then
      say "real Kubernetes API server: $(tail -n 1 "$temporary/lab.log")"
      return
    fi
    "$KUBERNETES_LAB/down.sh" "$lab" >/dev/null 2>&1 || true
  done
  echo "the real Kubernetes API server of $KUBERNETES_LAB did not start:" >&2
  tail -n 10 "$temporary/lab.log" >&2
  return 1
}

if [ -n "$fake" ]; then
  unset KUBERNETES_LAB
elif [ -n "${KUBERNETES_LAB:-}" ] || [ -x ../shared/kubernetes/up.sh ]; then
  KUBERNETES_LAB=$(cd "${KUBERNETES_LAB:-../shared/kubernetes}" && pwd)
  export KUBERNETES_LAB
fi

tests/dependencies.sh build tests
servers=$(tests/servers.sh --env --with-redis --with-haproxy --with-dns --with-etcd --with-prometheus --with-chromium)
eval "$servers"
say "servers: $VALKEY_SERVERS, and for a shorter suite $REDIS_SERVERS"

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache}
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
fi
say "building in $build"
run cmake --log-level=WARNING -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE="$kind" \
  -DRECONCILER_SANITIZE="$sanitize" -DRECONCILER_WERROR="$werror"
run cmake --build "$build"
RECONCILER_BUILD=$(cd "$build" && pwd)
export RECONCILER_BUILD
if [ -n "$sanitize" ]; then export RECONCILER_PATIENCE=3; fi

if [ -n "${KUBERNETES_LAB:-}" ]; then
  start_lab
  export KUBERNETES_LAB_RUNNING=$lab
else
  say 'no real Kubernetes API server (KUBERNETES_LAB is not set): the tests run against the fake alone'
fi

# Whether all that failed are tests of real processes, three at the most, which waited in vain or expected something else; and
# nothing worse is told of.
may_be_the_machine() {
  local failed=$1 told=$2 wrong='^\[  FAILED  \]|Sanitizer: |: runtime error: |killed by signal (4|6|7|8|11) |^(?!TimeoutError: |subprocess\.TimeoutExpired: |AssertionError(: |$))(\w*(Error|Exception)|(\w+\.)+[A-Z]\w+)(:|$)'
  [ -s "$failed" ] && [ "$(wc -l <"$failed")" -le 3 ] &&
    ! grep -qvE '^[0-9]+:(process|e2e)\.' "$failed" &&
    ! LC_ALL=C grep -qaP "$wrong" "$told"
}

status=0
log=$build/Testing/Temporary
rm -f "$log/LastTestsFailed.log" # an earlier run's, where no test is found
run ctest --test-dir "$build" --output-on-failure --no-tests=error -j "${CTEST_PARALLEL_LEVEL:-4}" "$@" || status=$?
if [ -n "$again" ] && [ "$status" -ne 0 ] && may_be_the_machine "$log/LastTestsFailed.log" "$log/LastTest.log"; then
  failed=$(cut -d : -f 2 "$log/LastTestsFailed.log" | paste -sd ' ')
  say "three times more, alone: $failed"
  run ctest --test-dir "$build" --output-on-failure --rerun-failed --repeat until-fail:3
  say "failed beside others, passed alone three times in a row: $failed"
  status=0
fi
exit "$status"
