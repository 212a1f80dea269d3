"""The goals of growth, each met or not by what was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from curve import Line, line
from plan import Point, figures_of, points_of

KB_FOR_A_GROUP = 6.0
KB_FOR_A_POD = 1.0
STORM = 200  # groups
STORM_BY_FLOOR = 1.25
INSTANCES = 200
MORE_WRITES_THAN_PODS = 2


def judge(points: Sequence[Point]) -> dict[str, bool]:
    """By the text of each goal that was measured, with its figure."""
    return _memory(points) | _storm(points) | _instances(points)


def memory_of_group(points: Sequence[Point]) -> tuple[float, float] | None:
    """kB for each group without its pods, and with them."""
    groups, pods = points_of(points, "groups"), slope_of(points, "pods", "private_kb")
    with_pods = line(figures_of(groups, "private_kb"))
    if with_pods is None:
        return None
    each = groups[-1]["pods_of_a_group"] * (pods.slope if pods else 0.0)
    return with_pods.slope - each, with_pods.slope


def slope_of(points: Sequence[Point], part: str, figure: str) -> Line | None:
    return line(figures_of(points_of(points, part), figure))


def _memory(points: Sequence[Point]) -> dict[str, bool]:
    verdicts = {}
    if (found := memory_of_group(points)) is not None:
        alone, whole = found
        text = f"memory grows by <= {KB_FOR_A_GROUP:g} kB for each group: {alone:.2f} kB ({whole:.2f} with its pods)"
        verdicts[text] = alone <= KB_FOR_A_GROUP
    if (pods := slope_of(points, "pods", "private_kb")) is not None:
        text = f"memory grows by <= {KB_FOR_A_POD:g} kB for each watched pod: {pods.slope:.2f} kB"
        verdicts[text] = pods.slope <= KB_FOR_A_POD
    return verdicts


def _storm(points: Sequence[Point]) -> dict[str, bool]:
    largest = [point for point in points_of(points, "storm") if point["size"] <= STORM]
    if not largest:
        return {}
    last = largest[-1]
    text = f"a storm of {last['size']} groups ends within {STORM_BY_FLOOR:g} x floor's same patches: {last['by_floor']:.2f} x"
    return {text: last["size"] == STORM and last["by_floor"] <= STORM_BY_FLOOR}


def _instances(points: Sequence[Point]) -> dict[str, bool]:
    measured = points_of(points, "instances")
    if not measured:
        return {}
    last = measured[-1]
    most = last["pods_of_a_group"] + MORE_WRITES_THAN_PODS
    text = f"{last['size']} instances: writes for a failover <= {most} in the median: {last['writes']:g}"
    return {text: last["size"] >= INSTANCES and last["writes"] <= most}
