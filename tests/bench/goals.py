"""The goals, each judged by the figures of one run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from figures import ALL, REST, Figures, ratio, value

MAIN = "announcement/label"  # what users have who set nothing
BY_SLICE = "announcement/endpointslice"
EARLIEST = "promotion/label"
PODS = 3


@dataclass(frozen=True)
class Goal:
    text: str
    bound: float
    found: Callable[[Figures], float | None]
    unit: str = ""
    at_least: bool = False  # else at most


def _beside_floor(way: str, statistic: str = "median") -> Callable[[Figures], float | None]:
    return lambda figures: ratio(figures, way, "event_to_published_ms", statistic=statistic)


def _of(way: str, figure: str, kind: str = ALL) -> Callable[[Figures], float | None]:
    return lambda figures: value(figures, way, figure, kind=kind)


def _slice_beside_labels(figures: Figures) -> float | None:
    """How much longer the fastest way by a label takes until an EndpointSlice names the new primary."""
    by_label = [
        figure["event_to_slice_ms"].median
        for way, figure in figures[ALL].items()
        if "event_to_slice_ms" in figure and not way.endswith(("/endpointslice", "/service-selector"))
    ]
    ours = value(figures, BY_SLICE, "event_to_published_ms")
    return min(by_label) / ours if by_label and ours else None


GOALS = (
    Goal(f"{MAIN}: event to label, median, beside floor", 1.10, _beside_floor(MAIN), "x"),
    Goal(f"{MAIN}: event to label, p90, beside floor", 1.20, _beside_floor(MAIN, "p90"), "x"),
    Goal(f"{BY_SLICE}: event to EndpointSlice, median, beside floor's label", 0.65, _beside_floor(BY_SLICE), "x"),
    Goal("an EndpointSlice by way of any label and the controller-manager, beside it", 15, _slice_beside_labels, "x", True),
    Goal(f"{EARLIEST}: T0 to label, planned, median", 30, _of(EARLIEST, "t0_to_published_ms", "planned"), " ms"),
    Goal(f"{MAIN}: cold start, median", 80, _of(MAIN, "cold_start_ms"), " ms"),
    Goal(f"{MAIN}: PSS of all processes at rest", 15 * 1024, _of(MAIN, "pss_kb", REST), " kB"),
    Goal(f"{MAIN}: CPU at rest", 0.1, _of(MAIN, "rest_cpu_percent", REST), " % of a core"),
    Goal(f"{MAIN}: wake-ups at rest", 5, _of(MAIN, "rest_wakeups_per_s", REST), " a second"),
    Goal(f"{MAIN}: own CPU of a failover, median", 3, _of(MAIN, "own_cpu_ms"), " ms"),
    Goal(f"{MAIN}: writes of a failover, median", PODS + 2, _of(MAIN, "writes")),
)


OF_WRITING = GOALS[:3]  # what events alone can tell


def judge(figures: Figures, wanted: int, goals: Sequence[Goal] = GOALS) -> dict[str, bool]:
    """Each goal, with what was found, and whether it is met. What was not measured is not met."""
    verdicts = {}
    for goal in goals:
        found = goal.found(figures)
        sign = ">=" if goal.at_least else "<="
        shown = "not measured" if found is None else f"{found:.3g}{goal.unit}"
        met = found is not None and (found >= goal.bound if goal.at_least else found <= goal.bound)
        verdicts[f"{goal.text} {sign} {goal.bound:g}{goal.unit}: {shown}"] = met
    counts = {way: figure["event_to_published_ms"].n for way, figure in figures[ALL].items()}
    verdicts[f"{wanted} failovers each: {min(counts.values(), default=0)} at least"] = bool(counts) and all(
        count >= wanted for count in counts.values()
    )
    return verdicts
