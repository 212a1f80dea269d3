"""What the tests of wrong Sentinels share: watchers of each `act_on` side by side, and a judge."""

from __future__ import annotations

import functools
import sys
import time
import unittest
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.majority_watch import MajorityWatch  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.resp import RespError  # noqa: E402
from lab.role_watch import RoleWatch  # noqa: E402
from lab.sentinels import Sentinel, SentinelOptions  # noqa: E402
from lab.valkey import Failover, ValkeyGroup  # noqa: E402
from watcher_alone import (  # noqa: E402
    ACT_ON,
    AccessSettings,
    GroupSettings,
    SentinelSettings,
    Topology,
    Watcher,
)

Address = tuple[str, int]

# A topology can be heard here before the judge has asked the Sentinels.
SLACK = 0.3
# What is asked of a Sentinel that lives in the past is answered by then.
RESET_AFTER = 2.0


@dataclass
class Judged:
    """One watcher, and what it may do."""

    name: str
    act_on: str
    watcher: Watcher
    # It hears nobody but a Sentinel that lives in the past: then it can't know better, and what
    # it says must be of an epoch that does no harm.
    misled_under: int | None = None
    # Where two Sentinels were told to fail over at once, what one announces may not come to be.
    may_follow_one: bool = False


@dataclass
class Watchers:
    """All of one scenario. check() fails when one ever named a wrong primary: one that no majority
    of the Sentinels named at that time or later under that epoch or a higher one."""

    group: str
    majority: MajorityWatch
    roles: RoleWatch
    all: list[Judged] = field(default_factory=list)

    def primary_of(self, one: Judged) -> Address | None:
        newest = one.watcher.newest(self.group)
        return None if newest is None else self.majority.known_as(newest.primary)

    def wait_primary(self, primary: Address, timeout: float = 10.0) -> None:
        for one in self.all:
            one.watcher.wait_for(
                lambda: self.primary_of(one) == primary, f"{one.name} names {primary}", timeout
            )

    def moves(self, one: Judged) -> list[Address]:
        """The primaries that it named, one after the other."""
        told = [self.majority.known_as(t.primary) for t in one.watcher.of(self.group)]
        return [p for i, p in enumerate(told) if i == 0 or told[i - 1] != p]

    def check(self) -> None:
        for one in self.all:
            told = one.watcher.of(self.group)
            for before, topology in zip([None, *told], told):
                fault = self._fault(one, before, topology)
                assert not fault, (
                    f"the watcher with {one.name} {fault}: {topology}\nbefore: {before}\n"
                    f"the Sentinels:\n{self.majority.story()}\n{one.watcher.story()}"
                )
            assert one.watcher.returncode() is None, f"{one.name} ended\n{one.watcher.story()}"

    def check_end(self, timeout: float = 10.0) -> None:
        """All name what the majority names, and have settled for it."""

        def settled() -> bool:
            primary = self.majority.primary()
            return primary is not None and all(
                (newest := one.watcher.newest(self.group)) is not None
                and self.majority.known_as(newest.primary) == primary
                and (newest.step % 2, newest.state) == (0, 0)
                for one in self.all
            )

        try:
            wait_until(settled, timeout, "")
        except TimeoutError:
            raise TimeoutError(
                f"not within {timeout:g} s: all name {self.majority.primary()}, and have settled; "
                f"{[(one.name, one.watcher.newest(self.group)) for one in self.all]}\n"
                f"{self.majority.story()}"
            ) from None

    def _fault(self, one: Judged, before: Topology | None, topology: Topology) -> str:
        named = self.majority.known_as(topology.primary)
        if named in (self.majority.known_as((host, port)) for host, port, _ in topology.replicas):
            return "named one instance as primary and as replica"
        if before is not None:
            last, this = ((t.era, t.epoch, t.step) for t in (before, topology))
            if this < last:
                return f"went backwards from {last}"
            if this == last:  # then it is about the replicas alone
                same = named == self.majority.known_as(before.primary)
                return "" if same else "named another primary by the same decision"
        if topology.step % 2 == 1 or topology.state != 0:
            if topology.state == 0 and not self._turned(topology):
                return "took an instance for promoted whose ROLE never was master"
            return ""
        since = topology.heard - SLACK
        if self.majority.named(topology.primary, topology.epoch, since):
            return ""
        if one.misled_under is not None and topology.epoch < one.misled_under:
            return ""
        if one.may_follow_one and one.act_on != "agreement":
            if self.majority.named_by_one(
                topology.primary, topology.epoch, since
            ) and self._turned(topology):
                return ""
        return "named a wrong primary"

    def _turned(self, topology: Topology) -> bool:
        turned = self.roles.turns()
        return any(
            turn.address == self.majority.known_as(topology.primary)
            and turn.time <= topology.heard + SLACK
            for turn in turned
        )


class WrongSentinels(unittest.TestCase):
    """Each test has a real group with three Sentinels, all of them right, and watchers that know
    it. In the end what these said is judged."""

    options = SentinelOptions()

    hosts: Mapping[str, str] = {}  # names to addresses, where there are names

    def make_group(self) -> ValkeyGroup:
        return ValkeyGroup(options=self.options)

    def setUp(self) -> None:
        self.group = self.enterContext(self.make_group())
        self.sleepers: set[str] = set()
        self.majority = self.enterContext(
            MajorityWatch(self.group.sentinels.all, self.group.name, self.hosts)
        )
        self.watchers = Watchers(self.group.name, self.majority, self.group.roles)
        self.watch()
        self.watchers.wait_primary(self.group.primary().address)

    def tearDown(self) -> None:
        self.watchers.check()

    def stood_still(self) -> bool:
        """Whether a Sentinel is in tilt mode that no test has put there: the machine stood still,
        and for 30 s there are no failovers."""
        return any(
            event.channel == "+tilt" and event.sentinel not in self.sleepers
            for event in self.group.events.since(0.0)
        )

    def watch(self, label: str = "", **settings: object) -> list[Judged]:
        """One more watcher for each `act_on`."""
        before = len(self.watchers.all)
        for act_on in ACT_ON:
            self.watch_one(act_on, f"{act_on} {label}".strip(), **settings)
        return self.watchers.all[before:]

    def watch_one(self, act_on: str, name: str, **settings: object) -> Judged:
        given: dict[str, object] = {
            "addresses": [sentinel.address for sentinel in self.group.sentinels.all],
            "groups": [
                GroupSettings(self.group.name, act_on, reset_after=int(RESET_AFTER * 1000))
            ],
            "instances": AccessSettings(),
            "backoff_max": 300,
        }
        watcher = self.enterContext(
            Watcher(SentinelSettings(**(given | settings)))  # type: ignore[arg-type]
        )
        judged = Judged(name, act_on, watcher)
        self.watchers.all.append(judged)
        return judged

    # What is done to the group

    def fail_over(self, leader: Sentinel | None = None) -> Failover:
        """A planned one, to its end; the watchers have followed, and all are in step again."""
        failover = self.group.wait_failover(self.group.sentinel_failover(leader))
        self.group.heal(failover)
        self.watchers.wait_primary(failover.new.address)
        self.group.wait_healthy()
        return failover

    def monitor_anew(self, sentinel: Sentinel, primary: Address) -> None:
        options = self.group.options
        for reply in sentinel.query(
            ("SENTINEL", "REMOVE", self.group.name),
            ("SENTINEL", "MONITOR", self.group.name, *primary, self.group.sentinels.quorum),
            (
                "SENTINEL",
                "SET",
                self.group.name,
                "down-after-milliseconds",
                int(options.down_after * 1000),
                "failover-timeout",
                int(options.failover_timeout * 1000),
            ),
        ):
            if isinstance(reply, RespError):
                raise reply

    def wait_says(self, sentinel: Sentinel, primary: Address, timeout: float = 15.0) -> None:
        wait_until(
            lambda: self.majority.word_of(sentinel).address == primary,
            timeout,
            f"{sentinel} names {primary}",
        )

    def wait_asked(self, sentinel: Sentinel, by: Sequence[Judged], timeout: float = 5.0) -> None:
        """Until all these watchers have asked that Sentinel, over connections made since."""

        def asked() -> bool:
            clients = str(sentinel.command("CLIENT", "LIST")).splitlines()
            subscribed = [line for line in clients if " sub=0 " not in line]
            commands = [line for line in clients if " cmd=sentinel|" in line]
            # Beside the watchers, the judge and the lab ask; the lab listens by pattern.
            return len(subscribed) >= len(by) and len(commands) >= len(by) + 1

        wait_until(asked, timeout, f"{len(by)} watchers have asked {sentinel}")

    def silence(self, sentinels: Sequence[Sentinel]) -> float:
        """As long as it lasts, who connects is let in and never answered; since when."""
        for sentinel in sentinels:
            self.sleepers.add(sentinel.name)
            sentinel.pause()
        return time.monotonic()


def played_again(test: Callable[[Any], None]) -> Callable[[Any], None]:
    """Once, where the machine stood still: then it says nothing of the watchers."""

    @functools.wraps(test)
    def play(self: Any) -> None:
        try:
            test(self)
        except (AssertionError, TimeoutError, OSError):
            self.watchers.check()
            if not self.stood_still():
                raise
            print("\nthe machine stood still: played again")
            self.doCleanups()
            self.setUp()
            test(self)

    return play
