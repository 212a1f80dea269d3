"""Each part's most telling figure as a curve with its straight line. Pure; the picture suits light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence

from curve import line
from plan import PARTS, Point, figures_of, points_of
from report import FIGURES

DRAWN = {"groups": ("private_kb",), "pods": ("private_kb",), "storm": ("storm_ms", "floor_ms"), "instances": ("writes",)}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 230, 62, 16, 40, 34
STYLE = """\
text { font: 12px sans-serif; fill: #24292f } .title { font-weight: bold } .axis { stroke: #8c959f } circle { fill: #1f6feb }
.line { stroke: #1f6feb; stroke-width: 1.5 } .second circle { fill: #8c959f } .second .line { stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } circle { fill: #4493f8 } .line { stroke: #4493f8 } }"""


def picture(points: Sequence[Point]) -> str:
    """One field for each part that was measured, two in a row."""
    parts = [part for part in PARTS if points_of(points, part)]
    rows = (len(parts) + 1) // 2
    told = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {max(1, rows) * HEIGHT}" role="img" '
        'aria-label="what grows, and how">',
        f"<style>{STYLE}</style>",
    ]
    for at, part in enumerate(parts):
        told.append(f'<g transform="translate({at % 2 * WIDTH} {at // 2 * HEIGHT})">')
        told += _field(part, points_of(points, part))
        told.append("</g>")
    return "\n".join([*told, "</svg>"]) + "\n"


def _field(part: str, measured: Sequence[Point]) -> list[str]:
    drawn = {figure: found for figure in DRAWN[part] if (found := figures_of(measured, figure))}
    widest = max((size for found in drawn.values() for size, _ in found), default=1)
    highest = max((value for found in drawn.values() for _, value in found), default=0) * 1.1 or 1

    def x(size: float) -> float:
        return LEFT + size / widest * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - min(max(value, 0) / highest, 1) * (HEIGHT - TOP - BOTTOM)

    told = [
        f'<text class="title" x="8" y="20">{part}: {FIGURES[DRAWN[part][0]]}</text>',
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{y(0):.1f}"/>',
        f'<text x="{LEFT - 6}" y="{y(0):.1f}" text-anchor="end">0</text>',
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{highest:,.0f}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 14}" text-anchor="end">{widest:,}</text>',
    ]
    for at, found in enumerate(drawn.values()):
        told.append('<g class="second">' if at else "<g>")
        if (fitted := line(found)) is not None:
            told.append(
                f'<line class="line" x1="{x(0):.1f}" x2="{x(widest):.1f}" y1="{y(fitted.at(0)):.1f}" '
                f'y2="{y(fitted.at(widest)):.1f}"/>'
            )
        told += [f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="4"/>' for size, value in found]
        told.append("</g>")
    return told
