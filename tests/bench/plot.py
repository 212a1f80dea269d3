"""The time from the event to published as a picture: for each way a dot at the median, a line to p90, a small dot at the maximum,
on a logarithmic scale. Pure; the picture needs nothing else, and suits light and dark pages."""

from __future__ import annotations

import math
from html import escape

from figures import ALL, FLOOR, Figures, Spread

WIDTH, LEFT, RIGHT, TOP, ROW = 860, 210, 150, 46, 24
STYLE = """\
text { font: 12px sans-serif; fill: #24292f } .title { font-weight: bold } .grid { stroke: #d0d7de }
.others { fill: #8c959f } .program { fill: #1f6feb } .tail { stroke: #57606a; stroke-width: 1.5 } .most { fill: #57606a }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #30363d } .tail { stroke: #9198a1 }
.most { fill: #9198a1 } .program { fill: #4493f8 } }"""


def plot(figures: Figures, figure: str = "event_to_published_ms") -> str:
    found = {way: each[figure] for way, each in figures[ALL].items() if figure in each}
    ordered = sorted(found.items(), key=lambda item: item[1].median)
    height = TOP + ROW * len(ordered) + 12
    low, high = _decades(found)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="event to published, in ms, of each way">',
        f"<style>{STYLE}</style>",
        '<text class="title" x="8" y="18">event to published: median (dot), p90 (line), maximum (small dot)</text>',
    ]
    for decade in range(low, high + 1):
        x = _x(10.0**decade, low, high)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - 8}"/>')
        parts.append(f'<text x="{x:.1f}" y="{TOP - 9}" text-anchor="middle">{10.0**decade:g} ms</text>')
    floor = found.get(FLOOR)
    for row, (way, each) in enumerate(ordered):
        parts += _row(way, each, floor, TOP + ROW * row, low, high)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _decades(found: dict[str, Spread]) -> tuple[int, int]:
    values = [value for each in found.values() for value in (each.median, each.max)] or [1.0, 10.0]
    low = math.floor(math.log10(max(0.01, min(values))))
    return low, max(low + 1, math.ceil(math.log10(max(0.01, *values))))


def _x(value: float, low: int, high: int) -> float:
    place = (math.log10(max(value, 10.0**low)) - low) / (high - low)
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _row(way: str, each: Spread, floor: Spread | None, y: float, low: int, high: int) -> list[str]:
    median, p90, most = (_x(value, low, high) for value in (each.median, each.p90, each.max))
    beside = f", {each.median / floor.median:.2f} x floor" if floor and way != FLOOR else ""
    kind = "program" if "/" in way else "others"
    return [
        f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(way)}</text>',
        f'<line class="tail" x1="{median:.1f}" x2="{p90:.1f}" y1="{y + 11.5}" y2="{y + 11.5}"/>',
        f'<circle class="{kind}" cx="{median:.1f}" cy="{y + 11.5}" r="5"/>',
        f'<circle class="most" cx="{most:.1f}" cy="{y + 11.5}" r="2.5"/>',
        f'<text x="{WIDTH - RIGHT + 8}" y="{y + 15}">{each.median:.1f} ms{beside}</text>',
    ]
