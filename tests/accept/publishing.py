"""The ways to publish, each with what its rounds need: keys, rights, objects, and a witness of its
own that shares no code with the program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import Value  # noqa: E402
from lab.kubernetes import PROGRAM_RULES, Namespace  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.pod_watch import PodWatch  # noqa: E402


@dataclass(frozen=True)
class Move:
    """From `received` (time.monotonic()) on this pod was published as the primary."""

    pod: str
    received: float


class Witness(Protocol):
    """What clients were led to, at every version; it runs until close()."""

    @property
    def last_version(self) -> int:
        ...

    def published(self) -> list[str]:
        """The pods that are published as the primary at this moment."""

    def moves(self, after: int) -> list[Move]:
        """Later than a version, in their order."""

    def check(self) -> None:
        """AssertionError where two were published at one version, or where that can't be told."""

    def story(self) -> str:
        """All of it, for people."""

    def close(self) -> None:
        ...


@dataclass(frozen=True)
class Publishing:
    keys: Mapping[str, Value]  # of the target
    rules: list[Json]
    prepare: Callable[[Namespace], None]  # makes what has to be there beside the pods
    witness: Callable[[Namespace], Witness]


class LabelWitness:
    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._watch = PodWatch(namespace)
        self._watch.start()

    @property
    def last_version(self) -> int:
        return self._watch.last_version

    def published(self) -> list[str]:
        return self._watch.labelled_now()

    def moves(self, after: int) -> list[Move]:
        return [
            Move(change.pod, change.received)
            for change in self._watch.label_changes()
            if change.labelled and change.version > after
        ]

    def check(self) -> None:
        pods = self._namespace.pods().values()
        self._watch.wait_for_version(max(int(pod["metadata"]["resourceVersion"]) for pod in pods))
        self._watch.check()

    def story(self) -> str:
        return "\n".join(map(str, [*self._watch.versions(), *self._watch.label_changes()]))

    def close(self) -> None:
        self._watch.close()


PUBLISHING = {
    "label": Publishing(
        {"publish": "label"}, PROGRAM_RULES, prepare=lambda _: None, witness=LabelWitness
    ),
}
