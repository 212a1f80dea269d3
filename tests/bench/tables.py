"""The figures as tables for people, which are Markdown too. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from figures import ALL, REST, Figures, Spread, ratio, value
from goals import MAIN

Cell = Callable[[Figures, str], str]


def _number(found: float | None, unit: str = "") -> str:
    if found is None:
        return "-"
    return f"{found:.{0 if found >= 100 else 1 if found >= 10 else 2}f}{unit}"


def _median(figure: str, kind: str = ALL) -> Cell:
    return lambda figures, way: _number(value(figures, way, figure, kind=kind))


def _all_three(figure: str) -> Cell:
    def cell(figures: Figures, way: str) -> str:
        found: Spread | None = figures[ALL].get(way, {}).get(figure)
        return "-" if found is None else " / ".join(map(_number, (found.median, found.p90, found.max)))

    return cell


def _beside_floor(figure: str) -> Cell:
    return lambda figures, way: _number(ratio(figures, way, figure))


def _count(figures: Figures, way: str) -> str:
    found = figures[ALL].get(way, {}).get("event_to_published_ms")
    return "-" if found is None else str(found.n)


SPEED: dict[str, Cell] = {
    "n": _count,
    "event to published, ms: median / p90 / max": _all_three("event_to_published_ms"),
    "beside floor": _beside_floor("event_to_published_ms"),
    "event to EndpointSlice": _median("event_to_slice_ms"),
    "T0 to event": _median("t0_to_event_ms"),
    "T0 to published: planned": _median("t0_to_published_ms", "planned"),
    "kill": _median("t0_to_published_ms", "kill"),
    "cold start": _median("cold_start_ms"),
}
WHERE: dict[str, Cell] = {
    "event to written": _median("event_to_written_ms"),
    "beside floor": _beside_floor("event_to_written_ms"),
    "event to Sentinel's answer": _median("event_to_answer_ms"),
    "event to first write": _median("event_to_first_write_ms"),
    "writes before the last": _median("first_writes_took_ms"),
    "from there to the last": _median("last_write_took_ms"),
    "written to observed": _median("written_to_observed_ms"),
}
COSTS: dict[str, Cell] = {
    "processes": _median("processes", REST),
    "PSS, kB": _median("pss_kb", REST),
    "alone, kB": _median("alone_kb", REST),
    "CPU at rest, %": _median("rest_cpu_percent", REST),
    "wake-ups a second": _median("rest_wakeups_per_s", REST),
    "CPU of a failover, ms": _median("own_cpu_ms"),
    "writes": _median("writes"),
    "reads": _median("reads"),
    "Events": _median("events"),
}
IN_SHORT: dict[str, Cell] = {
    "event to published, ms": _median("event_to_published_ms"),
    "beside floor": _beside_floor("event_to_published_ms"),
    "T0 to published, planned, ms": _median("t0_to_published_ms", "planned"),
    "cold start, ms": _median("cold_start_ms"),
    "memory (PSS), kB": _median("pss_kb", REST),
    "CPU of a failover, ms": _median("own_cpu_ms"),
}


def table_in_short(figures: Figures) -> list[str]:
    return _table(IN_SHORT, figures, list(figures[ALL]))


def tables(figures: Figures) -> list[str]:
    """Lines. A way that was not measured in one has no row there."""
    at_rest, played = list(figures[REST]), list(figures[ALL])
    main = figures[REST].get(MAIN, {})
    return [
        *("", "How fast, in ms (medians but where it says otherwise)", "", *_table(SPEED, figures, played)),
        *("", "Where the time goes, in ms (medians; as the API server's audit log has it)", "", *_table(WHERE, figures, played)),
        *("", "What it takes (medians)", "", *_table(COSTS, figures, list(dict.fromkeys(played + at_rest))), ""),
        *((f"{MAIN} at rest, by process", "", *_by_process(main), "") if main else ()),
    ]


def _by_process(figures: dict[str, Spread]) -> list[str]:
    names = [figure.removeprefix("pss_kb of ") for figure in figures if figure.startswith("pss_kb of ")]
    columns = {"PSS, kB": "pss_kb", "CPU, %": "cpu_percent", "wake-ups a second": "wakeups_per_s"}
    rows = [[name, *(_number(figures[f"{figure} of {name}"].median) for figure in columns.values())] for name in names]
    return _lines([["process", *columns], *rows])


def _table(columns: dict[str, Cell], figures: Figures, ways: Sequence[str]) -> list[str]:
    return _lines([["way", *columns], *([way, *(cell(figures, way) for cell in columns.values())] for way in ways)])


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(word.ljust(width) for word, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
