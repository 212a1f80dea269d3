"""Puts what was measured into a page, in the place of what an earlier run put there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BEGIN = "<!-- measured: written by tests/bench/run.sh --page -->"
IN_SHORT = "<!-- measured, in short: written by tests/bench/run.sh --page -->"
END = "<!-- /measured -->"


def put_into(page: str, lines: Sequence[str], in_short: Sequence[str]) -> str:
    """All lines, or those in short, by which of the two places the page has."""
    begins = BEGIN if BEGIN in page else IN_SHORT
    before, begin, rest = page.partition(begins + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for it: {BEGIN} or {IN_SHORT}, and {END}, each on a line of its own")
    told = lines if begins == BEGIN else in_short
    return before + begin + "\n".join(told).strip("\n") + "\n" + end + after


def measured(circumstances: Mapping[str, str], tables: Sequence[str], verdicts: Mapping[str, bool], picture: str) -> list[str]:
    """As Markdown; the picture by its path from the page."""
    goals = [f"- {'met' if met else '**not met**'}: {text}" for text, met in verdicts.items()]
    told = ", ".join(f"{name}: {text}" for name, text in circumstances.items())
    return [f"Measured with {told}.", "", f"![event to published]({picture})", *tables, "Goals:", "", *goals]


def measured_in_short(circumstances: Mapping[str, str], table: Sequence[str], picture: str, how: str) -> list[str]:
    """With its heading: a page has none before there is something to tell."""
    told = ", ".join(f"{name}: {text}" for name, text in circumstances.items())
    return [
        *("", "## How fast", ""),
        f"From a failover to clients that are led right, beside the least that two writes can cost (`floor`): [how]({how}). Measured with {told}.",
        *("", *table, "", f"![event to published]({picture})", ""),
    ]
