#!/usr/bin/env python3
"""Runs one of these tests with the servers of Redis in the place of Valkey's:

    python3 tests/process/on_redis.py test_sentinel_real.py [its arguments]

REDIS_SERVERS names their folder (tests/servers.sh --with-redis --env sets it); without it the test
is skipped (status 77)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NOT_RUN = 77


def main() -> None:
    test, *arguments = sys.argv[1:]
    servers = os.environ.get("REDIS_SERVERS")
    if not servers:
        print(
            f"skipped: {test} on Redis, since REDIS_SERVERS is not set: "
            'eval "$(tests/servers.sh --with-redis --env)"'
        )
        sys.exit(NOT_RUN)
    file = Path(__file__).with_name(test)
    os.execve(
        sys.executable,
        [sys.executable, str(file), *arguments],
        os.environ | {"VALKEY_SERVERS": servers},
    )


if __name__ == "__main__":
    main()
