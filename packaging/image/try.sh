#!/usr/bin/env bash
# Runs the image's root file system as a container would, where containers can't be run: as process 1 of its own PID
# namespace, an ordinary user, root read-only, no way to more rights, nothing of the environment but what is given. The
# network is the machine's. Needs root.
#
#   packaging/image/try.sh [option...] FOLDER [argument of valkey-reconciler...]
#     --env NAME=VALUE      a variable
#     --volume HOST:INNER   a folder of the machine, to be found at INNER, somewhere below /run; written with its own rights
set -euo pipefail

if [ "${1:-}" = --inside ]; then # in the namespaces made below
  root=$2 volumes=$3 count=$4
  shift 4
  variables=("${@:1:count}")
  shift "$count"
  mount --bind "$root" "$root"
  mount -o remount,bind,ro,nosuid,nodev "$root"
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
  for device in null zero random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs "$root/run"
  while IFS=: read -r host inner; do
    [ -n "$host" ] || continue
    mkdir -p "$root$inner"
    mount --bind "$host" "$root$inner"
  done <<<"$volumes"
  install -d -g 65532 -m 2777 "$root/run/valkey-reconciler" # as the kubelet makes an emptyDir, by `fsGroup`
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
    chroot --userspec=65532:65532 --groups=65532 "$root" "$@"
fi

variables=() volumes=''
while [ $# -gt 0 ]; do
  case $1 in
    --env) variables+=("${2:?--env wants NAME=VALUE}"); shift ;;
    --volume) volumes+="${2:?--volume wants HOST:INNER}"$'\n'; shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 64 ;;
    *) break ;;
  esac
  shift
done
root=$(realpath "${1:?try: which root file system}")
shift
exec unshare --mount --pid --ipc --uts --fork "$0" --inside "$root" "$volumes" "${#variables[@]}" \
  "${variables[@]}" /usr/bin/valkey-reconciler "$@"
