#!/usr/bin/env bash
# The root file system of the image, made on a Debian machine: the program, its children, the chosen plugins, those of the
# machine's libraries that these name, and what TLS and name lookup read. No shell, nothing that is set-uid.
#
#   packaging/image/rootfs.sh [option...] FOLDER      FOLDER must not exist
#     --build BUILD      take this build as it is; default: packaging/build.sh builds in build-package/
#     --plugins 'A B'    default: kubernetes file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build='' plugins='kubernetes file' root=''
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=${2:?--build wants a folder}; shift ;;
    --plugins) plugins=${2?--plugins wants a list}; shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 64 ;;
    *) root=$1 ;;
  esac
  shift
done
if [ -z "$root" ] || [ -e "$root" ]; then
  echo "rootfs: wants a folder that is not there yet" >&2
  exit 64
fi

[ -r /etc/ssl/certs/ca-certificates.crt ] || { echo 'rootfs: wants the package ca-certificates' >&2; exit 69; }
if [ -n "$build" ] && ! grep -q '^CMAKE_INSTALL_PREFIX:PATH=/usr$' "$build/CMakeCache.txt"; then
  echo "rootfs: note: $build is not for the prefix /usr, and looks for its configuration elsewhere than in /etc" >&2
fi

if [ -z "$build" ]; then
  build='build-package'
  packaging/build.sh "$build"
fi

umask 022
installed=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-rootfs.XXXXXX")
trap 'rm -rf "$installed"' EXIT
DESTDIR=$installed cmake --install "$build" --prefix /usr --strip >/dev/null

mkdir -p "$root"/{dev,proc,sys,run,tmp,etc/ssl/certs,usr/bin,usr/lib/ssl,usr/libexec,usr/share,var/lib/dpkg/status.d}
chmod 1777 "$root/tmp"
# As on the machine that the libraries are from: a library is found under both names of its folder.
for name in bin lib lib64; do
  [ ! -L "/$name" ] || ln -s "usr/$name" "$root/$name"
done
ln -s /run "$root/var/run" # where a pod finds its service account

# parts: all that is of this program, below $installed.
parts=(usr/bin/valkey-reconciler usr/libexec/valkey-reconciler/{sentinel-watcher,labeler})
for plugin in $plugins; do
  part=$(cd "$installed" && find usr/lib* -path "*/valkey-reconciler/plugins/$plugin.so")
  parts+=("${part:?there is no plugin $plugin}")
done
for part in "${parts[@]}"; do
  install -D "$installed/$part" "$root/$part"
done

needed=$(cd "$installed" && ldd "${parts[@]}")
if grep 'not found' <<<"$needed" >&2; then
  echo "rootfs.sh: these libraries are not on this machine" >&2
  exit 1
fi
libraries=$(sed -nE 's/.* => (\/[^ ]+) .*/\1/p; s/^\s+(\/[^ ]+) .*/\1/p' <<<"$needed" | sort -u)
for library in $libraries; do
  install -D "$library" "$root$(realpath "$(dirname "$library")")/$(basename "$library")"
done

# Of the packages that these are from, the licences, and what scanners read to know of them.
for library in $libraries; do # registered under one of these names, since /usr was merged
  realpath "$library"
  realpath "$library" | sed 's,^/usr,,'
done | xargs dpkg-query --search /usr/sbin/update-ca-certificates 2>/dev/null | sed 's/:.*//' | sort -u >"$installed/packages" || true
xargs dpkg-query --status <"$installed/packages" |
  awk -v to="$root/var/lib/dpkg/status.d/" 'BEGIN { RS = ""; FS = "\n" } { print >(to substr($1, 10)) }'
while read -r package; do
  install -D -m 644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done <"$installed/packages"
# TLS: whom OpenSSL and libcurl trust, under both their names for it, and Debian's settings.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -L /etc/ssl/openssl.cnf "$root/etc/ssl/"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"

# Names: glibc's own order asks DNS first.
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf '%s\n' 'root:x:0:0::/:' 'valkey-reconciler:x:65532:65532::/:' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'valkey-reconciler:x:65532:' >"$root/etc/group"
install -D -m 644 LICENSE "$root/usr/share/doc/valkey-reconciler/copyright"
