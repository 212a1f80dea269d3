"""What became of the writes of one client. Pure."""

from __future__ import annotations

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


def losses(attempts: Sequence[Attempt], kept: Container[int]) -> Losses:
    """`kept`: the numbers that the primary holds when all is over."""
    acknowledged = [attempt for attempt in attempts if attempt.acknowledged]
    lost = [attempt for attempt in acknowledged if attempt.number not in kept]
    return Losses(
        acknowledged=len(acknowledged),
        lost=len(lost),
        lost_ms=(lost[-1].ended - lost[0].ended) * 1000 if lost else 0.0,
        failed=len(attempts) - len(acknowledged),
        failed_ms=_failing(attempts) * 1000,
    )


def _failing(attempts: Sequence[Attempt]) -> float:
    seconds = 0.0
    since: float | None = None
    for attempt in attempts:
        if since is None and not attempt.acknowledged:
            since = attempt.begun
        elif since is not None and attempt.acknowledged:
            seconds += attempt.ended - since
            since = None
    return seconds if since is None else seconds + attempts[-1].ended - since
