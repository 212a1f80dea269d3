"""What became of the writes of one client in a failover. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Attempt(NamedTuple):
    """One write; times are of time.monotonic()."""

    number: int
    begun: float
    ended: float
    acknowledged: bool


@dataclass(frozen=True)
class Losses:
    acknowledged: int
    lost: int  # of these: not there afterwards
    lost_ms: float  # from the first lost one's acknowledgement to the last one's
    failed: int
    failed_ms: float  # from the first try that failed to the next acknowledgement, all such times together
    failed_after_t0_ms: float  # what of that comes after the new primary takes writes
    write_ms: float  # what an acknowledged write took, in the median


def losses(attempts: Sequence[Attempt], kept: Container[int], t0: float) -> Losses:
    """`kept`: the numbers that the new primary holds when all is over."""
    acknowledged = [attempt for attempt in attempts if attempt.acknowledged]
    lost = [attempt for attempt in acknowledged if attempt.number not in kept]
    failing = _failing(attempts)
    took = [attempt.ended - attempt.begun for attempt in acknowledged]
    return Losses(
        acknowledged=len(acknowledged),
        lost=len(lost),
        lost_ms=(lost[-1].ended - lost[0].ended) * 1000 if lost else 0.0,
        failed=len(attempts) - len(acknowledged),
        failed_ms=sum(end - begin for begin, end in failing) * 1000,
        failed_after_t0_ms=sum(max(0.0, end - max(t0, begin)) for begin, end in failing) * 1000,
        write_ms=statistics.median(took) * 1000 if took else 0.0,
    )


def _failing(attempts: Sequence[Attempt]) -> list[tuple[float, float]]:
    """From when to when; the last may not have ended."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for attempt in attempts:
        if since is None and not attempt.acknowledged:
            since = attempt.begun
        elif since is not None and attempt.acknowledged:
            found.append((since, attempt.ended))
            since = None
    return found if since is None else [*found, (since, attempts[-1].ended)]
