"""From rounds to figures: medians and tails of each way, and what they are beside the floor. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.rounds import Round

FLOOR = "floor"
ALL = "all"  # kinds of failovers together
REST = "rest"


@dataclass(frozen=True)
class Spread:
    median: float
    p90: float
    max: float
    n: int


# kind, way, figure
Figures = dict[str, dict[str, dict[str, Spread]]]


def spread(values: Iterable[float]) -> Spread | None:
    ordered = sorted(values)
    if not ordered:
        return None
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return Spread(statistics.median(ordered), p90, ordered[-1], len(ordered))


def tabulate(rounds: Sequence[Round]) -> Figures:
    """Of the right rounds."""
    at_rest = {entry["way"]: entry for entry in rounds if entry["kind"] == REST}
    failovers = [with_own_cpu(entry, at_rest.get(entry["way"])) for entry in rounds if entry["kind"] != REST]
    kinds = sorted({entry["kind"] for entry in failovers})
    figures = {kind: _of_ways([entry for entry in failovers if entry["kind"] == kind]) for kind in kinds}
    return {ALL: _of_ways(failovers), **figures, REST: _of_ways(list(map(_flat, at_rest.values())))}


def with_own_cpu(entry: Round, at_rest: Round | None) -> Round:
    """What the failover itself took: without what it would have taken in that time anyhow."""
    if at_rest is None or "cpu_ms" not in entry:
        return entry
    anyhow = at_rest["rest_cpu_percent"] / 100 * entry["window_s"] * 1000
    return {**entry, "own_cpu_ms": max(0.0, entry["cpu_ms"] - anyhow)}


def ratio(figures: Figures, way: str, figure: str, *, statistic: str = "median", kind: str = ALL) -> float | None:
    """To the floor's of the same run; None where one of the two was not measured."""
    ours, floors = value(figures, way, figure, statistic, kind), value(figures, FLOOR, figure, statistic, kind)
    return None if ours is None or not floors else ours / floors


def ratios_of_blocks(rounds: Sequence[Round], way: str, figure: str, size: int) -> list[float]:
    """The ratio of the medians by the first `size` rounds of both, by the next ones, and so on: what one run differs from itself."""

    def medians(of: str) -> list[float]:
        values = [float(entry[figure]) for entry in rounds if entry["way"] == of and figure in entry]
        return [statistics.median(values[at : at + size]) for at in range(0, len(values) - size + 1, size)]

    return [ours / floors for ours, floors in zip(medians(way), medians(FLOOR))]


def value(figures: Figures, way: str, figure: str, statistic: str = "median", kind: str = ALL) -> float | None:
    found = figures.get(kind, {}).get(way, {}).get(figure)
    return None if found is None else float(getattr(found, statistic))


def _flat(at_rest: Round) -> Round:
    """With the figures of each process as figures of their own: "pss_kb of labeler"."""
    return at_rest | {
        f"{name} of {process['name']}": found
        for process in at_rest.get("by_process", [])
        for name, found in process.items()
        if name != "name"
    }


def _of_ways(entries: Sequence[Round]) -> dict[str, dict[str, Spread]]:
    ways = list(dict.fromkeys(str(entry["way"]) for entry in entries))
    return {way: _of_one([entry for entry in entries if entry["way"] == way]) for way in ways}


def _of_one(entries: Sequence[Round]) -> dict[str, Spread]:
    found: dict[str, Spread] = {}
    for name in dict.fromkeys(name for entry in entries for name in entry):
        values = [entry[name] for entry in entries if isinstance(entry.get(name), (int, float))]
        if name not in ("round", "ok", "seconds") and (each := spread(map(float, values))) is not None:
            found[name] = each
    return found
