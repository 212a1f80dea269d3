"""What processes take, as the kernel counts it: memory, processor, wake-ups."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    pss: int  # kB, as the next
    private: int  # what no file stands behind
    files: dict[str, int]  # resident, by file


@dataclass(frozen=True)
class Spent:
    cpu: float  # seconds, with those of children that have ended
    switches: int  # voluntary ones: each is followed by a wake-up

    def since(self, before: Spent) -> Spent:
        return Spent(self.cpu - before.cpu, self.switches - before.switches)


def memory(pid: int) -> Memory:
    return read_smaps(Path(f"/proc/{pid}/smaps").read_text())


def read_smaps(text: str) -> Memory:
    pss = private = rss = 0
    files: dict[str, int] = {}
    mapping = ""
    for line in text.splitlines():
        if header := _HEADER.match(line):
            mapping = header[1]
            continue
        key, _, rest = line.partition(":")
        if key == "Pss":
            pss += int(rest.split()[0])
        elif key == "Rss":
            rss = int(rest.split()[0])
        elif key == "Anonymous":
            anonymous = int(rest.split()[0])
            private += anonymous
            files[mapping] = files.get(mapping, 0) + rss - anonymous
    return Memory(pss, private, files)


def alone(processes: Iterable[Memory]) -> int:
    """kB that they take together in a container of their own: all that is private, and of each file what most have of it."""
    private, files = 0, dict[str, int]()
    for each in processes:
        private += each.private
        for name, size in each.files.items():
            files[name] = max(files.get(name, 0), size)
    return private + sum(files.values())


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0].rpartition("/")[2]


def spent(pids: Iterable[int]) -> Spent:
    """Of all of them. One that ends meanwhile has to be the child of another one, which is looked at later."""
    cpu, switches = 0.0, 0
    for pid in pids:
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            # The scheduler's own count, in nanoseconds: ticks of 10 ms are too coarse for a process at rest.
            cpu += sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
            switches += sum(int(_SWITCHES.findall((task / "status").read_text())[0]) for task in tasks)
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu += (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            continue
    return Spent(cpu, switches)


_HEADER = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")
_SWITCHES = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)
