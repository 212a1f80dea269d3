"""The program under callgrind: how many instructions of its own each of its processes carries out. They do not depend on how
busy the machine is, but on processor, compiler and libraries."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path


def started_by(folder: Path) -> tuple[str, ...]:
    """The words before its own command; what is counted goes to `folder`."""
    return (
        *("valgrind", "-q", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no"),
        f"--callgrind-out-file={folder}/out.%p",
    )


@contextlib.contextmanager
def counted(pids: Sequence[int]) -> Iterator[None]:
    """What they carry out meanwhile."""
    for pid in pids:
        _control("-i", "on", str(pid))
    yield
    for pid in pids:
        _control("-i", "off", str(pid))
        _control("-d", str(pid))


def files(folder: Path) -> list[Path]:
    """Of one process each."""
    return sorted(folder.glob("out.*.1"))


def total(text: str) -> int:
    """Of the text of one file."""
    found = re.search(r"^totals: (\d+)", text, re.MULTILINE)
    if not found:
        raise ValueError("what callgrind wrote has no totals")
    return int(found[1])


def instructions(folder: Path, pids: Sequence[int]) -> int:
    """Of all these processes together."""
    totals = [total(file.read_text()) for file in files(folder)]
    # callgrind_control ends with 0 where it reached nobody.
    if len(totals) != len(pids) or not all(totals):
        raise ValueError(f"callgrind counted {totals} instructions of {len(pids)} processes")
    return sum(totals)


def command(text: str) -> str:
    """Whose text it is."""
    found = re.search(r"^cmd: +(\S+)", text, re.MULTILINE)
    return Path(found[1]).name if found else "?"


def _control(*words: str) -> None:
    subprocess.run(["callgrind_control", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
