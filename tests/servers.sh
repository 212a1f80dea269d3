#!/usr/bin/env bash
# Unpacks a real Valkey (server, Sentinel, client) for tests and demo into a cache folder, and prints that folder.
#
#   tests/servers.sh [--with-etcd] [--with-redis] [--with-haproxy] [--with-dns] [--with-prometheus]
#                    [--with-chromium] [--env]
#     --with-etcd     also etcd, a target and what the lab of a real Kubernetes API server needs
#     --with-redis    also the Redis of this Debian (7.0 in bookworm), whose Sentinels must be understood, too
#     --with-haproxy  also HAProxy
#     --with-dns      also the name servers BIND and Knot, with dig and nsupdate
#     --with-prometheus  also Prometheus, with promtool, which checks metrics and alert rules
#     --with-chromium also a Chromium without a window (some 100 MB to fetch), with fonts of its own
#     --env           print shell code instead, for eval "$(tests/servers.sh --env)": it sets VALKEY_SERVERS, with
#                     --with-redis REDIS_SERVERS, and puts the others that were asked for on PATH
#
# Valkey 8 comes from bookworm-backports (from Debian 13 on: from the release itself), else it is Redis 7 of bookworm.
# Nothing is installed, so no daemon starts; the machine's package sources stay as they are; root is not needed. bin/
# holds wrappers that exec the servers with the libraries that this machine lacks, which are unpacked beside them.
# Where VALKEY_SERVERS (or REDIS_SERVERS) is set already and has working servers, they are taken. Both folders are laid
# out alike: what takes the one takes the other, as in VALKEY_SERVERS=$REDIS_SERVERS python3 tests/process/....
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/debian_archive.sh
. ./debian_archive.sh

print_env='' with_etcd='' with_redis='' with_haproxy='' with_dns='' with_prometheus='' with_chromium=''
for argument in "$@"; do
  case $argument in
    --env) print_env=1 ;;
    --with-etcd) with_etcd=1 ;;
    --with-redis) with_redis=1 ;;
    --with-haproxy) with_haproxy=1 ;;
    --with-dns) with_dns=1 ;;
    --with-prometheus) with_prometheus=1 ;;
    --with-chromium) with_chromium=1 ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' servers.sh; exit 0 ;;
    *) echo "servers: unknown option $argument (see --help)" >&2; exit 64 ;;
  esac
done

say() { printf 'servers: %s\n' "$*" >&2; }

# ..._works FOLDER: a library may have left the machine since they were unpacked, so run them.
redis_works() { { "$1/bin/redis-server" --version && "$1/bin/redis-cli" --version; } >/dev/null 2>&1; }
valkey_works() {
  { "$1/bin/valkey-server" --version && "$1/bin/valkey-cli" --version; } >/dev/null 2>&1 || redis_works "$1"
}
etcd_works() { "$1/bin/etcd" --version >/dev/null 2>&1; }
haproxy_works() { "$1/bin/haproxy" -v >/dev/null 2>&1; }
dns_works() { { "$1/bin/named" -v && "$1/bin/knotd" -V && "$1/bin/dig" -v && "$1/bin/nsupdate" -V; } >/dev/null 2>&1; }
prometheus_works() { { "$1/bin/promtool" --version && "$1/bin/prometheus" --version; } >/dev/null 2>&1; }
chromium_works() { "$1/bin/chromium-headless-shell" --version >/dev/null 2>&1; }

# Gives apt a configuration, state, cache and sources of its own in $work, so that the machine's are not touched, and reads
# what the release and its backports offer from the first archive that can be read, else what the release alone does.
work=''
read_lists() {
  local codename uri suites archives
  rm -rf "$folder"/work.* # of a run that was killed
  work=$(mktemp -d "$folder/work.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs}
  touch "$work/status"
  {
    debian_transport
    cat <<SETTINGS
Dir::State "$work/state"; Dir::State::status "$work/status"; Dir::Cache "$work/cache";
Dir::Etc::Main "/dev/null"; Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$work/sources.list"; Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null"; Dir::Etc::PreferencesParts "/dev/null";
APT::Update::Error-Mode "any"; APT::Sandbox::User "root"; Acquire::Languages "none";
SETTINGS
  } >"$work/apt.conf"
  mapfile -t archives < <(debian_archives) # before APT_CONFIG hides the machine's sources
  export APT_CONFIG=$work/apt.conf

  codename=$(debian_codename)
  echo 'no package source is configured on this machine' >"$work/log"
  for suites in "$codename $codename-backports" "$codename"; do
    for uri in "${archives[@]}"; do
      # shellcheck disable=SC2086
      debian_sources "$uri" $suites >"$work/sources.list"
      if apt-get -q update >"$work/log" 2>&1; then return; fi
    done
  done
  say 'the lists of packages could not be read:'
  { grep -E '^[EW]:' "$work/log" || cat "$work/log"; } >&2
  exit 1
}

# lacking_libraries PACKAGE...: those that the packages need, themselves or through another one, and that this machine has not.
lacking_libraries() {
  local direct all
  mapfile -t direct < <(apt-cache depends --important "$@" | sed -nE 's/^[ |]*(Pre)?Depends: ((lib|lua-|bind9-libs)[^ ]*)$/\2/p')
  [ ${#direct[@]} -gt 0 ] || return 0
  mapfile -t all < <(apt-cache depends --important --recurse "${direct[@]}" | sed -nE 's/^((lib|lua-|bind9-libs)[^ :]*).*/\1/p' | sort -u)
  comm -23 <(printf '%s\n' "${all[@]}") \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
}

# unpack FOLDER PACKAGE...: their programs, and the libraries that they lack here, into FOLDER: whole, or not at all.
unpack() {
  [ -n "$work" ] || read_lists
  local into=$1 new=$work/new package program libraries library_path
  shift
  rm -rf "$new" "$work"/debs/*
  mkdir -p "$new/bin"
  mapfile -t libraries < <(lacking_libraries "$@")
  if ! (cd "$work/debs" && apt-get -q download "$@" "${libraries[@]}") >"$work/log" 2>&1; then
    grep '^E:' "$work/log" >&2 || true
    return 1
  fi
  for package in "$work"/debs/*.deb; do
    dpkg -x "$package" "$new" || return 1
  done
  library_path=$(find "$new" -name '*.so*' -printf '%h\n' | sort -u | sed "s|^$new|$into|" | paste -sd:)
  # Chromium's own wrapper in bin/ knows only its place in an installed system.
  for program in "$new"/usr/{bin,sbin}/* "$new/usr/lib/chromium/chromium-headless-shell"; do
    [ -e "$program" ] || continue # not every package has each of them
    wrapper "$into${program#"$new"}" "$library_path" >"$new/bin/${program##*/}"
    chmod +x "$new/bin/${program##*/}"
  done
  rm -rf "$into"
  mv "$new" "$into"
}

# wrapper PROGRAM LIBRARY_PATH: the process keeps the name under which it was called; the lab's down.sh looks at that.
wrapper() {
  echo '#!/bin/bash'
  [ -z "$2" ] || printf "export LD_LIBRARY_PATH='%s'\"\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\"\n" "$2"
  printf "exec -a \"\$0\" '%s' \"\$@\"\n" "$1"
}

get_valkey() {
  say "unpacking Valkey from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$valkey" valkey-server valkey-sentinel valkey-tools && valkey_works "$valkey" && return
  say 'no Valkey there, taking Redis'
  unpack "$valkey" redis-server redis-sentinel redis-tools && valkey_works "$valkey" && return
  say 'neither Valkey nor Redis could be unpacked'
  return 1
}

get_redis() {
  say "unpacking Redis from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$redis" redis-server redis-sentinel redis-tools && redis_works "$redis" && return
  say 'Redis could not be unpacked'
  return 1
}

get_etcd() {
  say "unpacking etcd from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$etcd" etcd-server && etcd_works "$etcd" && return
  say 'etcd could not be unpacked'
  return 1
}

get_haproxy() {
  say "unpacking HAProxy from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$haproxy" haproxy && haproxy_works "$haproxy" && return
  say 'HAProxy could not be unpacked'
  return 1
}

get_dns() {
  say "unpacking BIND and Knot from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$dns" bind9 bind9-dnsutils knot && dns_works "$dns" && return
  say 'BIND and Knot could not be unpacked'
  return 1
}

get_prometheus() {
  say "unpacking Prometheus from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$prometheus" prometheus && prometheus_works "$prometheus" && return
  say 'Prometheus could not be unpacked'
  return 1
}

get_chromium() {
  say "unpacking Chromium from this machine's Debian archive into $folder (nothing is installed)"
  unpack "$chromium" chromium-headless-shell chromium-common fonts-liberation && chromium_works "$chromium" && return
  say 'Chromium could not be unpacked'
  return 1
}

cache=$(cache_folder) # each alone, or its failure would be no end
codename=$(debian_codename)
folder=$cache/servers-$codename-$(dpkg --print-architecture)
valkey=${VALKEY_SERVERS:-$folder/valkey}
redis=${REDIS_SERVERS:-$folder/redis}
etcd=$folder/etcd
haproxy=$folder/haproxy
dns=$folder/dns
prometheus=$folder/prometheus
chromium=$folder/chromium

all_there() {
  valkey_works "$valkey" && { [ -z "$with_etcd" ] || etcd_works "$etcd"; } &&
    { [ -z "$with_redis" ] || redis_works "$redis"; } && { [ -z "$with_haproxy" ] || haproxy_works "$haproxy"; } &&
    { [ -z "$with_dns" ] || dns_works "$dns"; } && { [ -z "$with_prometheus" ] || prometheus_works "$prometheus"; } &&
    { [ -z "$with_chromium" ] || chromium_works "$chromium"; }
}

if ! all_there; then
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9 # another run may be at it: then all is there afterwards
  if [ -n "${VALKEY_SERVERS:-}" ] && ! valkey_works "$valkey"; then
    say "VALKEY_SERVERS=$valkey has no servers that run"
    exit 1
  fi
  if [ -n "$with_redis" ] && [ -n "${REDIS_SERVERS:-}" ] && ! redis_works "$redis"; then
    say "REDIS_SERVERS=$redis has no Redis that runs"
    exit 1
  fi
  valkey_works "$valkey" || get_valkey || exit 1
  [ -z "$with_redis" ] || redis_works "$redis" || get_redis || exit 1
  [ -z "$with_etcd" ] || etcd_works "$etcd" || get_etcd || exit 1
  [ -z "$with_haproxy" ] || haproxy_works "$haproxy" || get_haproxy || exit 1
  [ -z "$with_dns" ] || dns_works "$dns" || get_dns || exit 1
  [ -z "$with_prometheus" ] || prometheus_works "$prometheus" || get_prometheus || exit 1
  [ -z "$with_chromium" ] || chromium_works "$chromium" || get_chromium || exit 1
fi

if [ -z "$print_env" ]; then
  printf '%s\n' "$valkey"
else
  printf 'export VALKEY_SERVERS=%q\n' "$valkey"
  [ -z "$with_redis" ] || printf 'export REDIS_SERVERS=%q\n' "$redis"
  # shellcheck disable=SC2016
  add_to_path() { printf 'export PATH=%q:"$PATH"\n' "$1"; }
  [ -z "$with_etcd" ] || add_to_path "$etcd/bin"
  [ -z "$with_haproxy" ] || add_to_path "$haproxy/bin"
  [ -z "$with_dns" ] || add_to_path "$dns/bin"
  [ -z "$with_prometheus" ] || add_to_path "$prometheus/bin"
  [ -z "$with_chromium" ] || add_to_path "$chromium/bin"
fi
