"""The rounds as a table, and what of the goals is met. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routes import CONNECTIONS, HEARERS, KINDS, LISTENER, WAYS, route_name, stream_name

from lab.rounds import Round

FIGURES = {
    "lost": "acknowledged writes lost",
    "lost_ms": "ms from the first lost one to the last",
    "failed_ms": "ms in which writes failed",
}
FEWER = 20.0  # times, with `promotion`, in a planned failover, with a connection for each write

# Kind, connection, hearer, way, figure, statistic.
Table = dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, float]]]]]]


def tabulate(rounds: Sequence[Round]) -> Table:
    """Cells without rounds are not there."""
    table: Table = {}
    for kind in KINDS:
        entries = [entry for entry in rounds if entry["kind"] == kind]
        for connection in CONNECTIONS:
            for hearer in HEARERS:
                for way in WAYS:
                    name = stream_name(route_name(hearer, way), connection)
                    if cells := [e["streams"][name] for e in entries if name in e["streams"]]:
                        row = table.setdefault(kind, {}).setdefault(connection, {})
                        row.setdefault(hearer, {})[way] = {
                            figure: spread(cell[figure] for cell in cells) for figure in FIGURES
                        }
    return table


def spread(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "mean": statistics.fmean(ordered),
        "median": statistics.median(ordered),
        "p90": ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))],
        "max": ordered[-1],
    }


def lines(table: Table, interval: float) -> list[str]:
    """One block for each kind, connection and figure: median and max."""
    told = []
    for kind, of_kind in table.items():
        for connection, rows in of_kind.items():
            for figure, words in FIGURES.items():
                count = max(cell[figure]["n"] for row in rows.values() for cell in row.values())
                told += [
                    "",
                    f"{kind}, connection {connection}: {words} (median / max, n = {count:.0f}; "
                    f"a write every {interval:g} ms)",
                    f"{'':20}" + "".join(f"{way:>18}" for way in WAYS),
                ]
                told += [
                    f"{hearer:20}" + "".join(f"{_cell(row, way, figure):>18}" for way in WAYS)
                    for hearer, row in rows.items()
                ]
    return told


def _cell(row: dict[str, dict[str, dict[str, float]]], way: str, figure: str) -> str:
    if way not in row:
        return "-"
    return f"{row[way][figure]['median']:.0f} / {row[way][figure]['max']:.0f}"


@dataclass(frozen=True)
class Ratio:
    """How many fewer writes are lost than by the listener and a label: of the sums over all rounds. Where none was
    lost, one is counted: it is at least so many."""

    hearer: str
    way: str
    times: float


def ratios(table: Table) -> list[Ratio]:
    rows = table.get("planned", {}).get("new", {})
    if "label" not in rows.get(LISTENER, {}):
        return []
    base = _sum(rows[LISTENER]["label"])
    return [
        Ratio(hearer, way, base / max(1.0, _sum(cell)))
        for hearer, row in rows.items()
        for way, cell in row.items()
    ]


def _sum(cell: dict[str, dict[str, float]]) -> float:
    return cell["lost"]["n"] * cell["lost"]["mean"]


def judge(table: Table, rounds: Sequence[Round], wanted: int) -> dict[str, bool]:
    """Each goal, with whether it is met."""
    verdicts = {}
    times = next(
        (each.times for each in ratios(table) if (each.hearer, each.way) == ("promotion", "label")),
        0.0,
    )
    verdicts[
        f"planned, a new connection for each write, by the label: promotion loses >= {FEWER:g} times "
        f"fewer writes than {LISTENER}: {times:.1f}"
    ] = times >= FEWER
    right = sum(1 for entry in rounds if entry["ok"])
    verdicts[f"{wanted} rounds: {right} right"] = right >= wanted
    return verdicts
