"""A timeline that is printed while it happens: relative milliseconds, who, what."""

from __future__ import annotations

import heapq
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

# Reports of one instant come by several ways; each line waits this long for an earlier one.
HOLD_BACK = 0.15

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


def colours_wanted() -> bool:
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


class Timeline:
    """Lines may be added from any thread, in any order within HOLD_BACK."""

    def __init__(self) -> None:
        self._colours = colours_wanted()
        self._zero = time.monotonic()
        self._waiting: list[tuple[float, int, str, str, str]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._quiet = True
        threading.Thread(target=self._print_when_due, daemon=True).start()

    def paint(self, text: str, *styles: str) -> str:
        codes = ";".join(_CODES[style] for style in styles if style)
        return f"\033[{codes}m{text}\033[0m" if self._colours and codes else text

    def say(self, text: str = "") -> None:
        """Outside the timeline: headings and results."""
        self._flush()
        print(text, flush=True)

    def heading(self, text: str) -> None:
        self.say(f"\n{self.paint(text, 'bold')}")

    def begin(self, moment: float) -> None:
        """From here lines are taken; their times are relative to this moment."""
        with self._changed:
            self._zero, self._quiet = moment, False

    def end(self) -> None:
        """All that was added is printed; what comes until the next begin() is not."""
        time.sleep(HOLD_BACK)  # the time in which an earlier report may still come
        self._flush()
        with self._changed:
            self._quiet = True

    def add(self, moment: float, who: str, what: str, style: str = "") -> None:
        with self._changed:
            if not self._quiet and moment >= self._zero:
                heapq.heappush(self._waiting, (moment, next(self._order), who, what, style))
                self._changed.notify()

    def _print_when_due(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                due = self._waiting[0][0] + HOLD_BACK - time.monotonic()
                if due <= 0:
                    self._print_first()
                else:
                    self._changed.wait(due)

    def _flush(self) -> None:
        with self._changed:
            while self._waiting:
                self._print_first()

    def _print_first(self) -> None:
        moment, _, who, what, style = heapq.heappop(self._waiting)
        when = self.paint(f"{(moment - self._zero) * 1000:8.0f} ms", "dim")
        print(f"{when}  {self.paint(f'{who:<18}', style)} {what}", flush=True)


def table(rows: Sequence[tuple[str, ...]], say: Callable[[str], None]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
