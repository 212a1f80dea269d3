#!/usr/bin/env bash
# Builds the image with docker, podman or buildah, whichever is there.
#
#   packaging/image/build.sh [option...]
#     --tool TOOL        docker, podman or buildah; default: the first of them that works
#     --tag NAME         default: valkey-reconciler:VERSION
#     --plugins 'A B'    default: kubernetes file
#     --here             compiles on this machine, a Debian, instead of in a container: needs no base image
#     --build BUILD      with --here: take this build as it is
#     --debian IMAGE     without --here: the base image of the stage that compiles; default: debian:12-slim
#
#   BUILDAH_OPTIONS      before the command, such as: --storage-driver vfs --root FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tool='' plugins='kubernetes file' here='' build=() debian=''
tag=valkey-reconciler:$(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
while [ $# -gt 0 ]; do
  case $1 in
    --tool) tool=${2:?--tool wants a name}; shift ;;
    --tag) tag=${2:?--tag wants a name}; shift ;;
    --plugins) plugins=${2?--plugins wants a list}; shift ;;
    --here) here=1 ;;
    --build) build=(--build "${2:?--build wants a folder}"); shift ;;
    --debian) debian=${2:?--debian wants an image}; shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 64 ;;
  esac
  shift
done
for candidate in docker podman buildah; do
  [ -n "$tool" ] || ! "$candidate" info >/dev/null 2>&1 || tool=$candidate # a client without its daemon says no
done
if [ -z "$tool" ]; then
  echo "build: neither docker nor podman nor buildah works here" >&2
  exit 69
fi

command=("$tool")
if [ "$tool" = buildah ]; then
  read -ra options <<<"${BUILDAH_OPTIONS:-}"
  command+=("${options[@]}")
fi

if [ -z "$here" ]; then
  "${command[@]}" build -f packaging/image/Containerfile -t "$tag" --build-arg PLUGINS="$plugins" \
    ${debian:+--build-arg DEBIAN="$debian"} .
else
  temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-image.XXXXXX")
  trap 'rm -rf "$temporary"' EXIT
  packaging/image/rootfs.sh "${build[@]}" --plugins "$plugins" "$temporary/rootfs"
  # The recipe's last stage, on what was made here.
  sed -n '/^FROM scratch/,$s/^COPY --from=build [^ ]*/COPY ./p; /^FROM scratch/,${/^COPY/!p}' packaging/image/Containerfile >"$temporary/Containerfile"
  "${command[@]}" build -f "$temporary/Containerfile" -t "$tag" "$temporary/rootfs"
fi
echo "built $tag"
