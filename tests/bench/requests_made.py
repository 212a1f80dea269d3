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
    received: float  # time.monotonic()
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


def requests_made(lines: Sequence[dict[str, Any]], namespace: str, to_monotonic: float) -> list[Request]:
    """Those that were answered, but for watches; /readyz and the like are of no namespace. `to_monotonic`: what has to be
    added to time.time() for time.monotonic()."""
    return [
        Request(
            f"{line['verb']} {line['objectRef']['resource']}",
            _seconds(line["requestReceivedTimestamp"]) + to_monotonic,
            _seconds(line["stageTimestamp"]) + to_monotonic,
            line.get("responseStatus", {}).get("code", 0),
        )
        for line in lines
        if line["stage"] == "ResponseComplete"
        and line["verb"] != "watch"
        and line.get("objectRef", {}).get("namespace") == namespace
    ]


def writes_of(requests: Sequence[Request], event: float, published: float) -> dict[str, Any]:
    """The writes after an event, as the server saw them; times in ms, the event's and the publication's by the same clock
    as the requests'. What led to the publication is all that was received before it. The last write took so long from the end
    of the one before: the server may have its head earlier."""
    writes = sorted((each for each in requests if each.is_write), key=lambda each: each.received)
    told = [[each.what, _ms(each.received - event), _ms(each.done - event), each.code] for each in writes]
    led = [each for each in writes if each.received < published]
    if not led:
        return {"writes_ms": told}
    done = max(each.done for each in led)
    found: dict[str, Any] = {
        "event_to_written_ms": _ms(done - event),
        "event_to_first_write_ms": _ms(led[0].received - event),
        "written_to_observed_ms": _ms(published - done),
    }
    ends = sorted(each.done for each in led)
    if len(ends) > 1:
        found["first_writes_took_ms"] = _ms(ends[-2] - led[0].received)
    found["last_write_took_ms"] = _ms(ends[-1] - (ends[-2] if len(ends) > 1 else led[0].received))
    return found | {"writes_ms": told}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
