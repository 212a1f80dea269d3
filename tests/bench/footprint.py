"""What the program takes at rest, and over failovers: memory and CPU time of its processes, with real Sentinels and the
API server of $RECONCILER_BACKEND. Prints a table. PSS is low where others on this machine use the same libraries; "alone"
is what they take together in a container of their own: all that is private, and of each file what most of them have of it.

    RECONCILER_BACKEND=real python3 tests/bench/footprint.py --rest 120 --failovers 5 --tls
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from consumption import Memory, alone, memory, spent

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.certificates import CertificateAuthority  # noqa: E402
from lab.configuration import Value  # noqa: E402
from lab.kubernetes import open_kubernetes  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.program import identify  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402


@dataclass(frozen=True)
class Sample:
    memory: Memory
    cpu: float  # seconds so far
    wakeups: int  # likewise


def sample(stage: Stage) -> dict[str, Sample]:
    supervisor = identify(stage.program.pid)
    assert supervisor is not None
    return {
        f"{process.name} {stage.program.target_of(process)}".strip(): _sample(process.pid)
        for process in [supervisor, *stage.program.processes()]
    }


def _sample(pid: int) -> Sample:
    so_far = spent([pid])
    return Sample(memory(pid), so_far.cpu, so_far.switches)


def show(what: str, before: dict[str, Sample], after: dict[str, Sample], seconds: float) -> None:
    took = {name: 1000 * (now.cpu - before[name].cpu) / seconds for name, now in after.items()}
    woke = {name: (now.wakeups - before[name].wakeups) / seconds for name, now in after.items()}
    print(f"\n{what}, {seconds:.0f} s".ljust(26), "PSS kB  private kB  CPU ms/s  wake-ups/s")
    for name, now in after.items():
        print(f"  {name:22} {now.memory.pss:7} {now.memory.private:11} {took[name]:9.2f} {woke[name]:11.1f}")
    memories = [now.memory for now in after.values()]
    private = sum(each.private for each in memories)
    print(f"  {'all':22} {sum(each.pss for each in memories):7} {private:11} {sum(took.values()):9.2f} {sum(woke.values()):11.1f}")
    print(f"  alone: {alone(memories)} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rest", type=float, default=120.0, help="seconds at rest")
    parser.add_argument("--failovers", type=int, default=5)
    parser.add_argument("--tls", action="store_true", help="to the Sentinels")
    given = parser.parse_args()
    stop_on_signals()
    kubernetes = open_kubernetes(os.environ.get("RECONCILER_BACKEND", "fake"))
    with ExitStack() as opened:
        folder = temporary_folder("footprint")
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        authority = CertificateAuthority(folder) if given.tls else None
        group = opened.enter_context(ValkeyGroup(tls=authority.server if authority else None))
        tls: dict[str, Value] = {"tls": {"enabled": True, "ca_file": str(authority.file)}} if authority else {}
        stage = opened.enter_context(Stage(kubernetes, [group], log_level="info", of_sentinels=tls))
        stage.start()
        began, start = time.monotonic(), sample(stage)
        time.sleep(given.rest)
        show("at rest", start, sample(stage), time.monotonic() - began)
        began, start = time.monotonic(), sample(stage)
        for _ in range(given.failovers):
            failover = group.wait_failover(group.sentinel_failover())
            group.heal(failover)
            group.wait_healthy()
            stage.wait_right(primary=failover.new)
        show(f"{given.failovers} failovers", start, sample(stage), time.monotonic() - began)
        stage.check()


if __name__ == "__main__":
    main()
