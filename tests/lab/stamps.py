"""The writes that stamped pods, as the versions of the pods tell of them: none is left out,
whatever became of its answer (plugins/kubernetes/stamp.h has the format)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.pod_watch import PodVersion

STAMP = "valkey-reconciler.io/stamp"


@dataclass(frozen=True)
class Write:
    decision: str  # era.epoch.step and address
    kind: str  # "promoted" or "fenced"
    unique: str  # no other write has it
    pod: str
    version: int


def writes(versions: Iterable[PodVersion]) -> list[Write]:
    """In their order."""
    found: dict[str, Write] = {}
    for version in versions:
        words = version.annotations.get(STAMP, "").split()
        if len(words) < 5:
            continue
        decision, kind, unique = f"{words[1]} {words[2]}", words[3], words[4]
        found.setdefault(unique, Write(decision, kind, unique, version.name, version.version))
    return list(found.values())


def carried_out_again(written: Iterable[Write]) -> list[Write]:
    """Promotions for a decision for which there was one before. There is no reason for one where
    nobody else writes to the pods."""
    seen: set[str] = set()
    again = []
    for write in written:
        if write.kind != "promoted":
            continue
        if write.decision in seen:
            again.append(write)
        seen.add(write.decision)
    return again
