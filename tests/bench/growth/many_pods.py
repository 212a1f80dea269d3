"""A namespace with many pods, which are made by several threads at once, and groups that select three of them each."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from fakes.sentinel_process import INSTANCES, group_name, instance
from lab.kubernetes import Kubernetes, Namespace, Pod

MAKERS = 6
OF_GROUP = "growth-group"  # a label
SELECTOR = f"app.kubernetes.io/name=valkey,{OF_GROUP}={{group}}"
OF_ALL = "app.kubernetes.io/name=valkey"


def pod_name(group: int, index: int) -> str:
    return f"valkey-{group:04}-{index}"


class ManyPods:
    """`extra` pods beside those of the groups belong to none, but are selected by OF_ALL."""

    def __init__(self, kubernetes: Kubernetes, prefix: str) -> None:
        self.namespace: Namespace = kubernetes.namespace(prefix)
        self.groups = self.extra = 0

    def grow(self, groups: int, extra: int = 0) -> None:
        """To so many of both; never back."""
        new = [
            Pod(pod_name(group, index), instance(group, index)[0], {OF_GROUP: group_name(group)})
            for group in range(self.groups, groups)
            for index in range(INSTANCES)
        ]
        new += [Pod(f"other-{number:05}", f"10.200.{number // 250}.{number % 250 + 1}") for number in range(self.extra, extra)]
        self._make(new)
        self.groups, self.extra = max(groups, self.groups), max(extra, self.extra)

    def delete(self) -> None:
        self.namespace.delete()

    def _make(self, pods: Iterable[Pod]) -> None:
        with ThreadPoolExecutor(MAKERS) as makers:
            list(makers.map(self.namespace.add_pod, pods))
