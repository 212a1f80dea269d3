"""One search by Spin: the verifier is made for the check's switches, run, and its report read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks import FIGHT, HOLDS, TWO_LABELS, WRONG_END, Check

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from lab.processes import die_with_parent, stop_on_signals  # noqa: E402

__all__ = ["FOLDER", "Finding", "Limits", "search", "stop_on_signals"]


@dataclass(frozen=True)
class Limits:
    """What a search may use. One that ends by any of these has not shown that something holds."""

    memory_mb: int
    seconds: float


@dataclass(frozen=True)
class Finding:
    found: str  # what the search found: one of the words of checks.py, or why it was none
    states: int
    depth: int
    seconds: float
    whole: bool  # every state was looked at
    trace: str = ""  # in words, of a counterexample

    def is_as_expected(self, check: Check) -> bool:
        return self.found == check.expects and (self.whole or check.expects != HOLDS)


def search(check: Check, limits: Limits) -> Finding:
    with _work_folder() as folder:
        for source in FOLDER.glob("*.pml"):
            shutil.copy(source, folder)
        defines = [f"-D{switch}" for switch in check.switches]
        model = f"{check.model}.pml"
        _run(["spin", "-a", *defines, model], folder)
        kind = ["-DNP"] if check.expects == FIGHT or check.fights else ["-DSAFETY"]
        compact = ["-DCOLLAPSE"] if check.is_large else []
        flags = [f"-O{check.effort}", "-w", f"-DMEMLIM={limits.memory_mb}"]
        _run(["gcc", *flags, *kind, *compact, "-o", "pan", "pan.c"], folder)
        start = time.monotonic()
        command = ["./pan", f"-m{check.depth}", *(["-l"] if kind == ["-DNP"] else [])]
        try:
            report = _run(command, folder, limits.seconds)
        except subprocess.TimeoutExpired:
            return Finding(f"nothing in {limits.seconds:.0f} s", 0, 0, limits.seconds, False)
        seconds = time.monotonic() - start
        trace = ""
        if (folder / f"{model}.trail").exists():
            trace = _in_words(_run(["spin", "-t", *defines, model], folder))
        return _read(report, seconds, trace)


@contextmanager
def _work_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="valkey-reconciler-model.") as folder:
        yield Path(folder)


def _run(command: list[str], folder: Path, seconds: float = 120) -> str:
    """What it printed. The verifier's status says nothing of what it found."""
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=seconds, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent(),
    )  # fmt: skip
    if done.returncode != 0 and command[0] != "./pan" and "-t" not in command:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}")
    return done.stdout


def _read(report: str, seconds: float, trace: str) -> Finding:
    def number(pattern: str) -> int:
        found = re.search(pattern, report)
        return int(float(found[1])) if found else 0

    errors = re.search(r"errors: (\d+)", report)
    cut_off = [why for why in ("max search depth too small", "out of memory", "not completed")
               if why in report]  # fmt: skip
    whole = errors is not None and not cut_off
    if errors is None:
        found = "no report: " + report.strip()[-300:]
    elif errors[1] == "0":
        found = HOLDS if whole else "; ".join(cut_off)
    else:
        found = _what_broke(report)
    states = number(r"([\d.e+]+) states, stored")
    return Finding(found, states, number(r"depth reached (\d+)"), seconds, whole, trace)


def _what_broke(report: str) -> str:
    """By the text of the assertion, so that a model that ran out of numbers proves nothing."""
    if "non-progress cycle" in report:
        return FIGHT
    broken = re.search(r"assertion violated (.*) \(at depth", report)
    text = broken[1] if broken else report
    if ".by_hand)" in text:
        return TWO_LABELS
    if "end_is_right" in text:
        return WRONG_END
    return f"something else: {text}"


def _in_words(replay: str) -> str:
    """What the model printed on its way, without Spin's own lines."""
    words = re.compile(r"^ *(instance|writer|stray|pod \d|by hand|at the end)|START OF CYCLE")
    return "\n".join(line.strip() for line in replay.splitlines() if words.search(line))
