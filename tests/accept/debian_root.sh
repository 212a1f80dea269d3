#!/usr/bin/env bash
# Runs commands in a bare root of a Debian release, on a copy of the project: what a user's fresh machine would do.
#
#   tests/accept/debian_root.sh RELEASE COMMAND...      such as: tests/accept/debian_root.sh trixie 'bash tests/run.sh'
#
# Each COMMAND is given to a shell in the project's root inside; the first that fails ends it all. The root holds
# apt and what is essential, no more. mmdebstrap makes it from the archive that this machine uses itself; a tarball of it
# is kept in the cache folder for a week. Mounts and processes live in namespaces of their own and end with
# this script, whatever ends it. Wants root. ROOT_FOLDER (default: /var/tmp) is where the root is unpacked, for this run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/debian_archive.sh
. tests/debian_archive.sh

if [ $# -lt 2 ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' tests/accept/debian_root.sh >&2
  exit 64
fi
release=$1
shift
[ "$(id -u)" -eq 0 ] || { echo 'a root of another Debian is made and entered by root only' >&2; exit 77; }

say() { printf '== %s: %s\n' "$release" "$*"; }

cache=$(cache_folder)
tarball=$cache/root-$release-$(dpkg --print-architecture).tar
folder=$(mktemp -d "${ROOT_FOLDER:-/var/tmp}/valkey-reconciler-$release.XXXXXX")
inside=''

# shellcheck disable=SC2317 # the trap below calls it
finish() {
  if [ -n "$inside" ]; then # the first process of the namespace: all others, and the mounts, end with it
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
  fi
  rm -rf --one-file-system "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make_tarball() {
  local uri new with
  new=$(mktemp "$tarball.XXXXXX")
  say 'making the root'
  tests/dependencies.sh ci
  for uri in $(debian_archives); do
    debian_sources "$uri" "$release" "$release-updates" >"$folder/sources.list"
    debian_transport >"$folder/apt.conf"
    case $uri in https:*) with=(--include=ca-certificates) ;; *) with=() ;; esac
    if mmdebstrap --quiet --mode=root --variant=minbase --format=tar --aptopt="$folder/apt.conf" \
      "${with[@]}" "$release" "$new" "$folder/sources.list" 2>"$folder/log"; then
      mv "$new" "$tarball"
      return
    fi
  done
  tail -n 20 "$folder/log" >&2
  rm -f "$new"
  return 1
}

[ -n "$(find "$tarball" -mtime -7 2>/dev/null)" ] || make_tarball
root=$folder/root
mkdir "$root"
tar -C "$root" -xpf "$tarball"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
mkdir "$root/project"
git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$root/project" --no-same-owner

# enter COMMAND: with a /proc, /sys and /dev of its own, and an environment as after a login.
enter() {
  # shellcheck disable=SC2016 # expanded inside
  setsid setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private bash -c '
    set -e
    mount -t proc proc "$1/proc"
    mount -t sysfs -o ro sysfs "$1/sys"
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    mkdir "$1"/dev/{pts,shm}
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    for node in null zero full random urandom tty; do touch "$1/dev/$node"; mount --bind "/dev/$node" "$1/dev/$node"; done
    ln -s pts/ptmx "$1/dev/ptmx"
    ln -s /proc/self/fd "$1/dev/fd"
    ln -s fd/0 "$1/dev/stdin"
    ln -s fd/1 "$1/dev/stdout"
    ln -s fd/2 "$1/dev/stderr"
    # This bash stays, as process 1 that reaps orphans.
    exec chroot "$1" env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      bash -c "cd /project && { $2; }; exit \$?"' enter "$root" "$1" &
  inside=$!
  local status=0
  wait "$inside" || status=$?
  inside=''
  return "$status"
}

for command in "$@"; do
  start=$SECONDS
  say "$command"
  status=0
  enter "$command" || status=$?
  say "$command: $([ "$status" -eq 0 ] && echo passed || echo "FAILED ($status)") after $((SECONDS - start)) s"
  [ "$status" -eq 0 ] || exit "$status"
done
