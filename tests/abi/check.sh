#!/usr/bin/env bash
# Whether the plugin interface is still that of version 1's first release, whose shape plugin-v1.abi records: structs may have
# grown at their end, nothing else. Also shows that the comparison sees what it must see. Needs abigail-tools.
#
#   tests/abi/check.sh             compares
#   tests/abi/check.sh --record    records today's shape instead: until the first release only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
header=../../plugins/valkey_reconciler_plugin.h
recorded=valkey_reconciler_plugin.h # of the first release, for plugins that tests build

temporary=$(mktemp -d "${TMPDIR:-/tmp}/valkey-reconciler-abi.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

# build FOLDER: an object with the types of the header there.
build() { cc -g -shared -fPIC -I"$1" surface.c -o "$1/surface.so"; }

# compare FOLDER: says what is different. abidiff's own status (4) is the same for growth and for a break.
compare() { (abidiff --no-show-locs plugin-v1.abi "$1/surface.so" || [ $? -eq 4 ] || echo failed) | python3 judge.py; }

mkdir "$temporary/today"
cp "$header" "$temporary/today"
build "$temporary/today"
if [ "${1:-}" = --record ]; then
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file plugin-v1.abi "$temporary/today/surface.so"
  cp "$header" "$recorded"
  exit
fi
compare "$temporary/today"

# seen NAME SED-SCRIPT: a header that was changed so must be told apart.
seen() {
  mkdir "$temporary/$1"
  sed "$2" "$header" >"$temporary/$1/${header##*/}"
  if cmp -s "$header" "$temporary/$1/${header##*/}" ||
    { build "$temporary/$1" && compare "$temporary/$1"; } 2>/dev/null; then
    echo "abi: not noticed: $1" >&2
    exit 1
  fi
}
seen field_in_the_middle 's/^  uint32_t era;/  uint32_t earlier; uint32_t earliest;\n&/'
seen field_in_a_gap 's/^  uint64_t epoch;/  uint32_t in_the_gap;\n&/'
seen field_gone '/^  uint64_t deadline_ms;/d'
seen type_of_a_field 's/^  int64_t minimum;/  const char* minimum;/'
seen function_with_another_argument 's/^  void (\*cancel)(void\* instance/&, int why/'
seen flag_with_another_number 's/VR_KEY_SECRET = 1u << 1/VR_KEY_SECRET = 1u << 5/'
seen enumerator_with_another_number 's/^  VR_REJECTED = 2/  VR_REJECTED = 5/'

mkdir "$temporary/grown"
python3 grow.py "$header" "$temporary/grown/${header##*/}"
build "$temporary/grown"
compare "$temporary/grown" || {
  echo "abi: growth at the end of a struct is taken for a break" >&2
  exit 1
}
