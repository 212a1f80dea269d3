#!/usr/bin/env python3
"""Failovers whose leading Sentinel is killed as soon as the new primary has turned primary (T0):
before it could tell anybody. The surviving Sentinels then keep the promotion, or take it back. In
the end a watcher with `act_on = "promotion"` must name the primary that the majority of the
Sentinels names.

  planned    SENTINEL FAILOVER: the old primary lives, and its replica is made one again
  kill       SIGKILL of the primary: of the promoted one the survivors may know only how far it had
             come up to 10 s before, so that they promote the other one, or the same again
  long dead  it is called down only after all have asked both replicas: they promote the same again
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "process"))

from lab.processes import wait_until  # noqa: E402
from lab.resp import RespError  # noqa: E402
from lab.rounds import Options, Round, parse, run, summarise  # noqa: E402
from lab.role_watch import Turned  # noqa: E402
from lab.sentinels import Sentinel, SentinelOptions  # noqa: E402
from lab.sentinel_events import NEWS, Event  # noqa: E402
from lab.valkey import Address, Instance, ValkeyGroup  # noqa: E402
from watcher_alone import (  # noqa: E402
    AccessSettings,
    GroupSettings,
    SentinelSettings,
    Topology,
    Watcher,
)

KINDS = ("planned", "kill", "long dead")
LONG_DEAD = 12.0  # Sentinels ask a replica every 10 s
# Twice that after the failed one, the survivors begin another.
OPTIONS = SentinelOptions(failover_timeout=3.0)
# The survivors look at a replica every 10 s, and wait for 8 s before they make it one again.
SETTLED_WITHIN = 60.0
FOLLOWS_WITHIN = 5.0
HEARS_AGAIN_WITHIN = 30.0


@dataclass(frozen=True)
class Loss:
    """The leader of a failover, killed at `moment` (time.monotonic())."""

    leader: Sentinel
    moment: float
    turned: Turned


class Scene:
    """One group, one watcher. The leader dies in the thread that hears of T0."""

    def __init__(self, _: Options) -> None:
        self._begun = time.monotonic()
        self._armed = False
        self._loss: Loss | None = None
        self._watcher: Watcher | None = None
        self.group = ValkeyGroup(options=OPTIONS, role_interval=0.001)
        try:
            self.group.start()
            self.group.roles.on_turn(self._kill_leader)
            self._watcher = Watcher(
                SentinelSettings(
                    [sentinel.address for sentinel in self.group.sentinels.all],
                    [GroupSettings(self.group.name, act_on="promotion")],
                    instances=AccessSettings(),
                )
            )
        except BaseException:
            self.close()
            raise

    def run_round(self, number: int) -> Round:
        kind = KINDS[number % len(KINDS)]
        group, watcher = self.group, self._watcher
        assert watcher is not None
        old = group.primary()
        watcher.wait_primary(old.address)
        # The leader of the round before is back only now, and may be the leader again.
        watcher.wait_no_problem("sentinel-unreachable", timeout=HEARS_AGAIN_WITHIN)
        told = len(watcher.of())
        self._call_down_after(LONG_DEAD if kind == "long dead" else OPTIONS.down_after)
        group.events.forget(before=time.monotonic())
        self._begun, self._loss, self._armed = time.monotonic(), None, True
        if kind == "planned":
            group.sentinel_failover()
        else:
            group.kill_primary()
        wait_until(lambda: self._loss is not None, 30, "an instance turns primary")
        loss = self._loss
        assert loss is not None
        loss.leader.kill()  # it is dead; what is left of it goes
        if word := self._word_of_leader():
            raise AssertionError(
                f"{word.time - loss.turned.time:.3f} s after T0 the leader had said {word}"
            )

        final = self._wait_settled()
        settled = time.monotonic()
        watcher.wait_primary(final.address, timeout=FOLLOWS_WITHIN)
        moves = _moves(watcher.of()[told:], old.address)
        self._heal(loss.leader, old)
        newest = watcher.newest()
        if newest is None or newest.primary != final.address:
            raise AssertionError(f"right at first, the watcher went on to {newest}")

        right = {old.address, loss.turned.address, final.address}
        if strange := [move for move in moves if move.primary not in right]:
            raise AssertionError(f"the watcher named one that never was primary: {strange}")

        def after_t0(moment: float) -> float:
            return (moment - loss.turned.time) * 1000

        early = [move.heard for move in moves if move.primary == loss.turned.address]
        if not early or after_t0(early[0]) > 1000:
            raise AssertionError(f"the watcher did not hear of the promotion by itself: {moves}")
        return {
            "kind": kind,
            "promotion": "kept" if final.address == loss.turned.address else "taken back",
            "named": [f"{move.primary[0]} at {after_t0(move.heard):.0f}" for move in moves],
            "leader_killed_ms": after_t0(loss.moment),
            "named_ms": after_t0(early[0]),
            "settled_ms": after_t0(settled),
            "right_ms": after_t0(moves[-1].heard if moves else loss.turned.time),
        }

    def is_void(self) -> bool:
        """No leader was lost between T0 and its first word of it."""
        return self._loss is None or self._word_of_leader() is not None

    def save(self, folder: Path) -> None:
        if self._watcher is not None:
            (folder / "watcher.txt").write_text(self._watcher.story() + "\n")
        said = "\n".join(map(str, self.group.events.since(self._begun)))
        (folder / "sentinels.txt").write_text(said + "\n")

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
        self.group.close()

    def _call_down_after(self, seconds: float) -> None:
        for sentinel in self.group.sentinels.all:
            sentinel.command(
                *("SENTINEL", "SET", self.group.name),
                *("down-after-milliseconds", int(seconds * 1000)),
            )

    def _kill_leader(self, turned: Turned) -> None:
        """On the first turn of a round: who named the candidate leads."""
        if not self._armed:
            return
        self._armed = False
        selected = [
            event
            for event in self.group.events.since(self._begun)
            if event.channel == "+selected-slave" and event.address() == turned.address
        ]
        leader = next(s for s in self.group.sentinels.all if s.name == selected[-1].sentinel)
        leader.send(signal.SIGKILL)
        self._loss = Loss(leader, time.monotonic(), turned)

    def _word_of_leader(self) -> Event | None:
        """Of the new primary, before it died: then the others may have heard of it."""
        loss = self._loss
        return next(
            (
                event
                for event in self.group.events.since(self._begun)
                if loss is not None
                and event.channel in NEWS
                and event.sentinel == loss.leader.name
                and event.time < loss.moment + 1.0  # later it is one that was started anew
            ),
            None,
        )

    def _wait_settled(self) -> Instance:
        """Until the surviving Sentinels name one primary and every living instance agrees."""
        found: list[Instance] = []

        def settled() -> bool:
            named = {sentinel.primary(self.group.name) for sentinel in self.group.sentinels.alive()}
            if len(named) != 1 or (address := named.pop()) is None:
                return False
            primary = self.group.at(address)
            found[:] = [primary]
            return all(
                _follows(instance, primary)
                for instance in self.group.instances
                if instance.is_alive() or instance is primary
            )

        wait_until(settled, SETTLED_WITHIN, "the surviving Sentinels and the instances agree")
        return found[0]

    def _heal(self, leader: Sentinel, old: Instance) -> None:
        leader.start()
        leader.wait_ready()
        if not old.is_alive():
            self.group.restart(old)
        self.group.events.wait_subscribed()
        self.group.wait_healthy()


def _follows(instance: Instance, primary: Instance) -> bool:
    try:
        role = instance.command("ROLE")
    except (OSError, RespError):
        return False
    assert isinstance(role, list)
    if instance is primary:
        return role[0] == "master"
    return role[0] == "slave" and (role[1], role[2]) == primary.address


def _moves(topologies: list[Topology], old: Address) -> list[Topology]:
    """Those that name another primary than the one before them."""
    before = [old, *(topology.primary for topology in topologies)]
    return [topology for last, topology in zip(before, topologies) if topology.primary != last]


def main() -> int:
    options = parse(str(__doc__), rounds=30, name="lost-leaders", kubernetes=False)
    rounds = run(options, Scene)
    figures = {
        "T0 to the leader's death": "leader_killed_ms",
        "T0 to the watcher naming it": "named_ms",
        "T0 to the watcher's last word": "right_ms",
        "T0 to all agreeing": "settled_ms",
    }
    status = summarise(rounds, options.rounds, figures)
    ends = Counter((entry["kind"], entry["promotion"]) for entry in rounds if entry["ok"])
    for (kind, promotion), count in sorted(ends.items()):
        print(f"{count:4} {kind:10} {promotion}")
    if {promotion for _, promotion in ends} != {"kept", "taken back"}:
        print("not both occurred: a promotion that was kept, and one that was taken back")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
