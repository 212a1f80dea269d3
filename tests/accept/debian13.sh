#!/usr/bin/env bash
# Builds the project on Debian 13, without warnings, and runs its unit and process tests there. Wants root; see
# tests/accept/debian_root.sh for how. Takes no arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec ./debian_root.sh trixie "bash tests/run.sh --werror -L 'unit|process'"
