"""What all processes of one instance take, as the kernel counts it, and what they asked of the API server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from consumption import memory, name_of, spent
from lab.kube_client import Json
from lab.program import Program
from plan import Point


def pids_of(program: Program) -> list[int]:
    return [program.pid, *(each.pid for each in program.processes())]


def memory_of(pids: Iterable[int]) -> Point:
    """kB of all of them: proportional, and private; the latter of each process, too."""
    measured = {pid: memory(pid) for pid in pids}
    by_process: Counter[str] = Counter()
    for pid, each in measured.items():
        by_process[name_of(pid)] += each.private
    return {
        "pss_kb": sum(each.pss for each in measured.values()),
        "private_kb": sum(each.private for each in measured.values()),
        **{f"private_kb of {name}": kb for name, kb in by_process.items()},
    }


def at_rest(pids: Sequence[int], seconds: float) -> Point:
    before, began = spent(pids), time.monotonic()
    time.sleep(seconds)
    took, passed = spent(pids).since(before), time.monotonic() - began
    return {
        "rest_cpu_percent": took.cpu / passed * 100,
        "rest_wakeups_per_s": took.switches / passed,
    }


def asked(lines: Iterable[Json], namespace: str) -> Counter[str]:
    """Of the API server, by verb and resource; a watch counts when it has ended."""
    return Counter(
        f"{line['verb']} {line['objectRef']['resource']}"
        for line in lines
        if line.get("objectRef", {}).get("namespace") == namespace
        and line["stage"] == "ResponseComplete"
    )
