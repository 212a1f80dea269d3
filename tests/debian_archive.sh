# shellcheck shell=bash
# What the scripts need to know of this machine and its Debian archive; to be sourced.
# No archive is named anywhere: whatever apt uses on this machine, in either format of sources, is used here.

# The release of this machine, such as "bookworm".
debian_codename() {
  # shellcheck disable=SC1091
  (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:?this is no Debian: os-release names no VERSION_CODENAME}")
}

# The folder in which the scripts keep what took long to get; made if need be, always this user's own.
cache_folder() {
  local folder=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  folder=${folder:+$folder/valkey-reconciler}
  if [ -z "$folder" ] || ! mkdir -p "$folder" 2>/dev/null; then
    folder=/var/tmp/valkey-reconciler-$(id -u)
    [ -d "$folder" ] || mkdir -m 700 "$folder"
  fi
  [ -O "$folder" ] || { echo "$folder belongs to somebody else" >&2; return 1; }
  printf '%s\n' "$folder"
}

# The URIs under which apt here finds whole releases (not -updates, not -security), the first configured first. Archives
# of others than Debian may be among them: who uses them takes the first that is signed by Debian's keys.
debian_archives() {
  apt-get --print-uris update 2>/dev/null |
    sed -nE "s|^'(.+)/dists/[a-z]+/InRelease'.*|\1|p" | awk '!seen[$0]++'
}

# debian_sources URI SUITE...: lines for a sources.list of these suites that trust Debian's keys alone.
debian_sources() {
  local uri=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite
  shift
  for suite in "$@"; do
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$suite"
  done
}

# How apt reaches the archive from here (proxies, time-outs, checks), as lines for an apt.conf.
debian_transport() {
  apt-config dump | grep -E '^Acquire::(http|https|Check|Force|Retries|Max)' || true
}
