"""Puts what was measured into a page, in the place of what an earlier run put there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BEGIN = "<!-- measured: written by tests/bench/run.sh --page -->"
END = "<!-- /measured -->"


def put_into(page: str, lines: Sequence[str]) -> str:
    before, begin, rest = page.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for it: {BEGIN} and {END}, each on a line of its own")
    return before + begin + "\n".join(lines).strip("\n") + "\n" + end + after


def measured(circumstances: Mapping[str, str], tables: Sequence[str], verdicts: Mapping[str, bool], picture: str) -> list[str]:
    """As Markdown; the picture by its path from the page."""
    goals = [f"- {'met' if met else '**not met**'}: {text}" for text, met in verdicts.items()]
    told = ", ".join(f"{name}: {text}" for name, text in circumstances.items())
    return [f"Measured with {told}.", "", f"![event to published]({picture})", *tables, "Goals:", "", *goals]
