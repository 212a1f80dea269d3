"""What was asked of the API server for one failover, out of its audit log. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Request:
    what: str  # such as "patch pods"
    received: float  # time.time()
    done: float
    code: int

    @property
    def is_write(self) -> bool:
        """Of an object that matters: Events are told of by themselves."""
        return self.what.split()[0] in WRITES and not self.is_event

    @property
    def is_event(self) -> bool:
        return self.what == "create events"

    @property
    def is_read(self) -> bool:
        return self.what.split()[0] in ("get", "list")


def requests_made(lines: Sequence[dict[str, Any]], namespace: str) -> list[Request]:
    """Those that were answered, but for watches; /readyz and the like are of no namespace."""
    return [
        Request(
            f"{line['verb']} {line['objectRef']['resource']}",
            _seconds(line["requestReceivedTimestamp"]),
            _seconds(line["stageTimestamp"]),
            line.get("responseStatus", {}).get("code", 0),
        )
        for line in lines
        if line["stage"] == "ResponseComplete"
        and line["verb"] != "watch"
        and line.get("objectRef", {}).get("namespace") == namespace
    ]


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
