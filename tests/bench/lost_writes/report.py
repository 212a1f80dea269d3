"""The rounds as tables, and which goals are met. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from routes import CONNECTIONS, HEARERS, KINDS, LISTENER, WAYS, route_name, stream_name

from lab.rounds import Round

FIGURES = {
    "lost": "acknowledged writes that are lost",
    "lost_ms": "ms from the first of them to the last",
    "failed_ms": "ms in which writes failed",
    "failed_after_t0_ms": "of these, ms after the new primary takes writes",
}
FEWER = 20.0  # times
BY = ("promotion", "label")  # with a connection for each write, in planned failovers

Content = TypeVar("Content")
Spread = dict[str, float]
Row = dict[str, dict[str, Spread]]  # way, figure
Table = dict[str, dict[str, dict[str, Row]]]  # kind, connection, hearer


def tabulate(rounds: Sequence[Round]) -> Table:
    """Cells without rounds are not there."""
    table: Table = {}
    for kind in KINDS:
        entries = [entry["streams"] for entry in rounds if entry["kind"] == kind]
        for connection in CONNECTIONS:
            rows = {hearer: _row(entries, hearer, connection) for hearer in HEARERS}
            if any(rows.values()):
                table.setdefault(kind, {})[connection] = rows
    return table


def _row(entries: list[dict[str, dict[str, float]]], hearer: str, connection: str) -> Row:
    row: Row = {}
    for way in WAYS:
        name = stream_name(route_name(hearer, way), connection)
        if cells := [streams[name] for streams in entries if name in streams]:
            row[way] = {figure: spread(cell[figure] for cell in cells) for figure in FIGURES}
    return row


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "mean": statistics.fmean(ordered),
        "median": statistics.median(ordered),
        "p90": ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))],
        "max": ordered[-1],
    }


def words(of: Spread) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in of.items() if name != "n")


def lines(table: Table) -> list[str]:
    """One block for each kind, connection and figure."""
    told = []
    for kind, of_kind in table.items():
        for connection, rows in of_kind.items():
            for figure, what in FIGURES.items():
                cells = [cell[figure] for row in rows.values() for cell in row.values()]
                title = f"\n{kind}, connection {connection}: {what}"
                if not any(cell["max"] for cell in cells):
                    told.append(f"{title}: 0 everywhere")
                    continue
                told.append(f"{title} (median / max of {max(cell['n'] for cell in cells)})")
                told += _block(rows, lambda row, way: _cell(row, way, figure))
    return told


def _block(rows: Mapping[str, Content], cell: Callable[[Content, str], str]) -> list[str]:
    return [f"{'':20}" + "".join(f"{way:>18}" for way in WAYS)] + [
        f"{hearer:20}" + "".join(f"{cell(row, way):>18}" for way in WAYS)
        for hearer, row in rows.items()
    ]


def _cell(row: Row, way: str, figure: str) -> str:
    if way not in row:
        return "-"
    return f"{row[way][figure]['median']:.0f} / {row[way][figure]['max']:.0f}"


@dataclass(frozen=True)
class Ratio:
    """So many times fewer writes are lost than by the listener and a label, over all rounds together. Where none is,
    one is counted: then it is at least so many."""

    hearer: str
    way: str
    times: float


def ratios(table: Table) -> list[Ratio]:
    """Of planned failovers, with a connection for each write."""
    rows = table.get("planned", {}).get("new", {})
    if "label" not in rows.get(LISTENER, {}):
        return []
    base = _lost(rows[LISTENER]["label"])
    return [
        Ratio(hearer, way, base / max(1.0, _lost(cell)))
        for hearer, row in rows.items()
        for way, cell in row.items()
    ]


def ratio_lines(found: list[Ratio]) -> list[str]:
    if not found:
        return []
    rows: dict[str, dict[str, str]] = {}
    for each in found:
        rows.setdefault(each.hearer, {})[each.way] = f"{each.times:.1f}"
    title = f"\nplanned, connection new: so many times fewer are lost than by {LISTENER} and a label (all rounds together)"
    return [title, *_block(rows, lambda row, way: row.get(way, "-"))]


def _lost(cell: dict[str, Spread]) -> float:
    return cell["lost"]["n"] * cell["lost"]["mean"]


def judge(table: Table, rounds: Sequence[Round], wanted: int) -> dict[str, bool]:
    """Each goal, with whether it is met."""
    times = next((each.times for each in ratios(table) if (each.hearer, each.way) == BY), 0.0)
    right = sum(1 for entry in rounds if entry["ok"])
    return {
        f"planned, connection new: {' and a '.join(BY)} lose >= {FEWER:g} times fewer acknowledged writes than "
        f"{LISTENER} and a label: {times:.1f} times": times >= FEWER,
        f"{wanted} rounds: {right} right": right >= wanted,
    }
