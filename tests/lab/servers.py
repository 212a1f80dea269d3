"""Finds the executables of Valkey (or Redis), in $VALKEY_SERVERS or by tests/servers.sh."""

from __future__ import annotations

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


class ServersMissing(Exception):
    """No usable servers; the text says where they were looked for."""


@dataclass(frozen=True)
class Servers:
    """One installation, either of Valkey or of Redis: never a mixture."""

    product: str  # "valkey" or "redis"
    server: Path
    sentinel: Path
    cli: Path

    def version(self) -> str:
        """Such as "8.0.1"."""
        said = subprocess.run(
            [self.server, "--version"], check=True, capture_output=True, text=True
        ).stdout
        for word in said.split():
            if word.startswith("v="):
                return word[2:]
        raise ServersMissing(f"{self.server} --version says {said!r}")


@functools.cache
def find_servers() -> Servers:
    folder = os.environ.get("VALKEY_SERVERS") or _run_servers_script()
    return _installation(Path(folder))


def _installation(folder: Path) -> Servers:
    for product in ("valkey", "redis"):
        server, sentinel, cli = (
            folder / "bin" / f"{product}-{part}" for part in ("server", "sentinel", "cli")
        )
        if all(os.access(path, os.X_OK) for path in (server, sentinel, cli)):
            return Servers(product, server, sentinel, cli)
    raise ServersMissing(
        f"{folder}/bin holds neither valkey-server, valkey-sentinel, valkey-cli nor the "
        "same of redis; unset VALKEY_SERVERS to have tests/servers.sh get them"
    )


def _run_servers_script() -> str:
    script = TESTS / "servers.sh"
    done = subprocess.run(["bash", script], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise ServersMissing(
            f"{script} failed with status {done.returncode}; what it said is above"
        )
    return done.stdout.strip()
