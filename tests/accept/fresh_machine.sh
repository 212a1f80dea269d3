#!/usr/bin/env bash
# Runs the README's two commands on a Debian 12 that has nothing but apt, as a new user would. Wants root; see
# tests/accept/debian_root.sh for how. Takes no arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec ./debian_root.sh bookworm 'bash tests/run.sh' 'bash packaging/demo.sh'
