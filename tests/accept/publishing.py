"""The ways to publish, each with what its rounds need: keys, rights, objects, and a witness of its
own that shares no code with the program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import Value  # noqa: E402
from lab.kube_rights import least_rules  # noqa: E402
from lab.kubernetes import PROGRAM_RULES, Namespace  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.pod_watch import PodWatch  # noqa: E402
from lab.service_watch import ServiceWatch  # noqa: E402

SERVICE = "valkey-primary"


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


class ServiceWitness:
    def __init__(self, namespace: Namespace, *, slices: str = "") -> None:
        """`slices`: the version of discovery.k8s.io; empty: by the Service's selector."""
        self._pods = {pod["status"]["podIP"]: name for name, pod in namespace.pods().items()}
        self._stack = ExitStack()
        self._watch = self._stack.enter_context(ServiceWatch(namespace, SERVICE, slices=slices))

    @property
    def last_version(self) -> int:
        return self._watch.last_version

    def published(self) -> list[str]:
        return [self._pod_at(place) for place in self._watch.now()]

    def moves(self, after: int) -> list[Move]:
        moves: list[Move] = []
        before: tuple[str, ...] = ()
        for version in self._watch.versions():
            if version.leads_to != before and version.version > after:
                moves += [Move(self._pod_at(place), version.received) for place in version.leads_to]
            before = version.leads_to
        return moves

    def check(self) -> None:
        self._watch.wait_as_now()
        self._watch.check()

    def story(self) -> str:
        return "\n".join(map(str, self._watch.versions()))

    def close(self) -> None:
        self._stack.close()

    def _pod_at(self, place: str) -> str:
        """A slice names addresses, a selector the pod itself."""
        return self._pods.get(place, place)


def slice_witness(namespace: Namespace) -> ServiceWitness:
    group = namespace.kubernetes.admin.get("/apis/discovery.k8s.io")
    return ServiceWitness(namespace, slices=group["preferredVersion"]["version"])


def service_that_selects(selector: dict[str, str]) -> Callable[[Namespace], None]:
    def make(namespace: Namespace) -> None:
        spec = {"ports": [{"name": "valkey", "port": 6379}], "selector": selector}
        namespace.kubernetes.admin.post(
            f"{namespace.path}/services", {"metadata": {"name": SERVICE}, "spec": spec}
        )

    return make


PUBLISHING = {
    "label": Publishing(
        {"publish": "label"}, PROGRAM_RULES, prepare=lambda _: None, witness=LabelWitness
    ),
    "endpointslice": Publishing(
        {"publish": "endpointslice", "service": SERVICE},
        least_rules("endpointslice"),
        prepare=service_that_selects({}),
        witness=slice_witness,
    ),
    "service-selector": Publishing(
        {"publish": "service-selector", "service": SERVICE},
        least_rules("service-selector"),
        prepare=service_that_selects({"app.kubernetes.io/name": "valkey"}),
        witness=ServiceWitness,
    ),
}
