"""Each part as a scene that measures one size after the other, small before large."""

from __future__ import annotations

import contextlib
import os
import statistics

from many_pods import OF_ALL, SELECTOR, ManyPods
from one_instance import OneInstance
from plan import Point
from storm import Storm
from taken import asked, at_rest, memory_of

from fakes.sentinel_process import INSTANCES
from lab.kubernetes import Kubernetes

SETTLED_AFTER = 2  # polls of each group


class Groups:
    """So many groups of three pods in one instance."""

    def __init__(self, kubernetes: Kubernetes, rest: float) -> None:
        self._kubernetes, self._rest = kubernetes, rest
        self._pods = ManyPods(kubernetes, "groups")

    def measure(self, size: int) -> Point:
        self._pods.grow(size)
        return self._measure(size, size, SELECTOR) | {"pods_of_a_group": INSTANCES}

    def close(self) -> None:
        self._pods.delete()

    def _measure(self, size: int, groups: int, selector: str) -> Point:
        audited, name = self._kubernetes.audit_size(), self._pods.namespace.name
        with OneInstance(self._pods.namespace, groups, selector) as instance:
            instance.wait_polled(groups, SETTLED_AFTER)
            started = asked(self._kubernetes.audit(audited), name)
            audited = self._kubernetes.audit_size()
            taken = at_rest(instance.pids, self._rest)
            resting = asked(self._kubernetes.audit(audited), name)
            return {
                "size": size,
                "load": os.getloadavg()[0],
                "ready_s": instance.ready_after,
                "lists": started["list pods"],
                "requests_at_rest": resting.total(),
                **taken,
                **memory_of(instance.pids),
            }


class Pods(Groups):
    """One group that selects so many pods, of which three are its own."""

    def measure(self, size: int) -> Point:
        self._pods.grow(1, max(0, size - INSTANCES))
        return self._measure(size, 1, OF_ALL)


class Storms:
    """All groups of one instance fail over at once; by turns with the floor's same patches."""

    def __init__(self, kubernetes: Kubernetes, rounds: int, events: bool) -> None:
        self._kubernetes, self._rounds, self._events = kubernetes, rounds, events

    def measure(self, size: int) -> Point:
        """With pods of its own: those of another size remember the epochs of its Sentinels."""
        with contextlib.ExitStack() as opened:
            pods, floors = ManyPods(self._kubernetes, "storm"), ManyPods(self._kubernetes, "floor")
            for each in (pods, floors):
                opened.callback(each.delete)
                each.grow(size)
            return self._measure(size, pods, floors)

    def close(self) -> None:
        pass

    def _measure(self, size: int, pods: ManyPods, floors: ManyPods) -> Point:
        with OneInstance(pods.namespace, size, SELECTOR, events=self._events) as instance:
            before = memory_of(instance.pids)
            storm = Storm(self._kubernetes, instance, size, pods, floors)
            ours, floors = [], []
            for _ in range(self._rounds):
                ours.append(storm.play())
                floors.append(storm.play_floor())
            after = memory_of(instance.pids)
        medians = {figure: statistics.median(each[figure] for each in ours) for figure in ours[0]}
        floor = statistics.median(floors)
        ratios = [each["storm_ms"] / of_floor for each, of_floor in zip(ours, floors)]
        return {
            "size": size,
            "load": os.getloadavg()[0],
            "rounds": self._rounds,
            **medians,
            "floor_ms": floor,
            "by_floor": medians["storm_ms"] / floor,
            "by_floor_best": min(ratios),
            "by_floor_worst": max(ratios),
            "private_kb_before": before["private_kb"],
            "private_kb_after": after["private_kb"],
            "each": [[each["storm_ms"], of_floor] for each, of_floor in zip(ours, floors)],
        }
