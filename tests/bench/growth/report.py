"""What was measured as tables, and each figure's line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from curve import Line, line
from plan import PARTS, Point, figures_of, points_of

# Those that are shown, in this order; the first ones' lines are drawn, too.
FIGURES = {
    "private_kb": "private memory of all processes, kB",
    "pss_kb": "proportional set size of all processes, kB",
    "private_kb of valkey-reconciler": "private, supervisor, kB",
    "private_kb of sentinel-watcher": "private, watcher, kB",
    "private_kb of labeler": "private, labeler, kB",
    "rest_cpu_percent": "CPU at rest, % of a core",
    "rest_wakeups_per_s": "wake-ups at rest, a second",
    "ready_s": "exec to ready, s",
    "lists": "lists to become ready",
    "requests_at_rest": "requests in the time at rest",
    "processes": "processes",
    "storm_ms": "first announcement to the last label, ms",
    "floor_ms": "the floor's same patches, ms",
    "by_floor": "storm / floor",
    "announced_ms": "until all are announced, ms",
    "first_patch_ms": "until the first patch, ms",
    "patches": "patches",
    "at_once": "patches at once, at the server",
    "refused": "patches that were refused",
    "events_before_end": "Events before the last label",
    "cpu_ms": "CPU of a storm, ms",
    "private_kb_after": "private memory after the storms, kB",
    "writes": "writes for a failover (median)",
    "most_writes": "writes for a failover (most)",
    "late_ms": "first news to the label, ms (median)",
    "sentinel_connections": "clients' connections of one Sentinel",
}


def lines_of(points: Sequence[Point]) -> dict[str, dict[str, Line]]:
    """By part and figure."""
    found: dict[str, dict[str, Line]] = {}
    for part in PARTS:
        measured = points_of(points, part)
        for figure in FIGURES:
            if (fitted := line(figures_of(measured, figure))) is not None:
                found.setdefault(part, {})[figure] = fitted
    return found


def tables(points: Sequence[Point]) -> list[str]:
    told = []
    lines = lines_of(points)
    for part, (one, _) in PARTS.items():
        measured = points_of(points, part)
        if not measured:
            continue
        rows = [[part, *(f"{point['size']:,}" for point in measured), f"for each {one}", "left over (rms, most)"]]
        for figure, title in FIGURES.items():
            if any(figure in point for point in measured):
                cells = [_number(point[figure]) if figure in point else "" for point in measured]
                rows.append([title, *cells, *_fitted(lines.get(part, {}).get(figure))])
        told += ["", *_table(rows)]
    return told


def _fitted(of: Line | None) -> tuple[str, str]:
    return ("", "") if of is None else (_number(of.slope), f"{_number(of.left)}, {_number(of.most_left)}")


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = [
        "| " + " | ".join(word.ljust(width) if not at else word.rjust(width) for at, (word, width) in enumerate(zip(row, widths))) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) if not at else "-" * (width + 1) + ":" for at, width in enumerate(widths)) + "|"
    return [text[0], rule, *text[1:]]
