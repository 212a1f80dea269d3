"""One lab in which failovers follow each other, heard by all listeners at once."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "process"))

from lab.rounds import Round  # noqa: E402
from lab.valkey import Address, Failover, Instance, Trigger, ValkeyGroup  # noqa: E402
from watcher_alone import (  # noqa: E402
    AccessSettings,
    GroupSettings,
    SentinelSettings,
    Watcher,
)

SCENARIOS = ("kill", "stop", "planned", "stuck")
WATCHERS = ("announcement", "agreement", "promotion")
SUBSCRIBER = "subscriber"
LISTENERS = (*WATCHERS, SUBSCRIBER)

ROLE_INTERVAL = 0.001
HEARD_WITHIN = 5.0  # after the Sentinels agree


class HearingScene:
    """Three watchers on one real group, a plain subscriber, and the poller that knows T0."""

    def __init__(self, scenario: str) -> None:
        self._scenario = scenario
        self._begun = time.monotonic()
        self._watchers: dict[str, Watcher] = {}
        self.group = ValkeyGroup(role_interval=ROLE_INTERVAL)
        try:
            self.group.start()
            self._stuck = self._unpromotable_replica() if scenario == "stuck" else None
            self._watchers = {act_on: self._watcher(act_on) for act_on in WATCHERS}
        except BaseException:
            self.close()
            raise

    def run_round(self, number: int) -> Round:
        group = self.group
        old = group.primary().address
        for watcher in self._watchers.values():
            watcher.wait_primary(old)
        told = {act_on: len(watcher.of()) for act_on, watcher in self._watchers.items()}
        group.events.forget(before=time.monotonic())
        self._begun = time.monotonic()
        subscribed = random.choice(group.sentinels.all)

        failover = group.wait_failover(self._begin())
        measured: Round = {"scenario": self._scenario, "subscribed": subscribed.name}
        measured |= self._measure(failover, subscribed.name, told)
        self._heal(failover)
        # At the end of the round: what came late, or went back again, counts too.
        measured["wrong"] = [
            f"{act_on}: {_words(primaries)}"
            for act_on, watcher in self._watchers.items()
            if (primaries := _primaries(watcher, told[act_on], old)) != [old, failover.new.address]
        ]
        if self.group.had_another(self._begun):
            raise AssertionError("another failover followed on its heels")
        return measured

    def is_void(self) -> bool:
        return not self.group.had_one_alone(self._begun)

    def save(self, folder: Path) -> None:
        for act_on, watcher in self._watchers.items():
            (folder / f"{act_on}.txt").write_text(watcher.story() + "\n")
        said = "\n".join(map(str, self.group.events.since(self._begun)))
        (folder / "sentinels.txt").write_text(said + "\n")

    def close(self) -> None:
        for watcher in self._watchers.values():
            watcher.close()
        self.group.close()

    def _watcher(self, act_on: str) -> Watcher:
        return Watcher(
            SentinelSettings(
                [sentinel.address for sentinel in self.group.sentinels.all],
                [GroupSettings(self.group.name, act_on=act_on)],
                instances=None if act_on == "announcement" else AccessSettings(),
            )
        )

    def _begin(self) -> Trigger:
        group = self.group
        if self._scenario == "stop":
            return group.pause_primary()
        if self._scenario == "planned":
            return group.sentinel_failover()
        if self._stuck is not None:
            # It keeps the link that it has; the next primary refuses this password.
            self._stuck.command("CONFIG", "SET", "masterauth", "wrong")
        return group.kill_primary()

    def _measure(self, failover: Failover, subscribed: str, told: dict[str, int]) -> Round:
        turned = failover.turned
        if turned is None or turned.address != failover.new.address:
            raise AssertionError(f"T0 of {failover.new} was not seen: {turned}")
        heard: dict[str, float | None] = {
            act_on: self._heard(watcher, failover, told[act_on])
            for act_on, watcher in self._watchers.items()
        }
        switched = self.group.events.wait_for(
            lambda event: event.channel == "+switch-master" and event.sentinel == subscribed,
            since=failover.begun,
            timeout=0.0,
        )
        heard[SUBSCRIBER] = switched.time if switched else None
        ended = max(
            event.time
            for event in self.group.events.since(failover.begun)
            if event.channel == "+switch-master"
        )
        if self._stuck is not None and ended - turned.time < self.group.options.failover_timeout:
            raise AssertionError("no replica kept the leader from ending its failover")
        return {
            f"{listener}_ms": (moment - turned.time) * 1000
            for listener, moment in heard.items()
            if moment is not None
        } | {
            "last_sentinel_ms": (ended - turned.time) * 1000,
            "t0_early_ms": (turned.time - turned.after) * 1000,
            "t0_late_ms": (turned.before - turned.time) * 1000,
        }

    def _heard(self, watcher: Watcher, failover: Failover, told: int) -> float | None:
        """When the new primary was first named; None: it was not, which run_round() notes."""
        end = max(time.monotonic(), failover.ended + HEARD_WITHIN)
        try:
            watcher.wait_primary(failover.new.address, timeout=end - time.monotonic())
        except TimeoutError:
            return None
        return next(
            topology.heard
            for topology in watcher.of()[told:]
            if topology.primary == failover.new.address and topology.heard >= failover.begun
        )

    def _heal(self, failover: Failover) -> None:
        if self._stuck is not None:
            self._stuck.command("CONFIG", "SET", "masterauth", "")
        failover.old.resume()
        self.group.heal(failover)
        self.group.wait_healthy()
        self.group.events.wait_subscribed()

    def _unpromotable_replica(self) -> Instance:
        replica = self.group.replicas()[-1]
        self.group.set_priorities([replica], 0)
        return replica


def _primaries(watcher: Watcher, told: int, old: Address) -> list[Address]:
    """Which ones it named, one after the other, beginning with the old one."""
    named = [old]
    for topology in watcher.of()[told:]:
        if topology.primary != named[-1]:
            named.append(topology.primary)
    return named


def _words(primaries: list[Address]) -> str:
    return " then ".join(f"{host}:{port}" for host, port in primaries)
