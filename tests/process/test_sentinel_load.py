"""Many groups in one sentinel-watcher: all of them fail over at once, and what each costs."""

from __future__ import annotations

import shutil
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel_process import FakeSentinelProcess, group_name, instance  # noqa: E402
from lab.addresses import AddressBlock  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import is_sanitized  # noqa: E402
from lab.resp import pairs  # noqa: E402
from lab.sentinel_events import NEWS, SentinelEvents  # noqa: E402
from lab.sentinels import Sentinel, SentinelOptions, SentinelSet  # noqa: E402
from lab.valkey import Instance, temporary_folder  # noqa: E402
from watcher_alone import SentinelSettings, Topology, Watcher  # noqa: E402

Address = tuple[str, int]
MANY = 1000
REAL = 20
BYTES_FOR_A_GROUP = 2560  # goal: 2,048
LATE = 1.0  # seconds after the last announcement
LATE_SANITIZED = 30.0  # of a build that is many times slower


def allowed() -> float:
    return LATE_SANITIZED if is_sanitized() else LATE


class Newest:
    """The newest topology of each group, without looking at all of them again and again."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.first: dict[tuple[str, Address], Topology] = {}  # that named this primary
        self.of: dict[str, Topology] = {}
        self._read = 0

    def read(self) -> list[Topology]:
        """The newest of each group."""
        for topology in self.watcher.topologies[self._read :]:
            self._read += 1
            self.of[topology.group] = topology
            self.first.setdefault((topology.group, topology.primary), topology)
        return list(self.of.values())

    def wait_right(self, wanted: dict[str, Address], timeout: float) -> None:
        def wrong() -> list[str]:
            named = {topology.group: topology.primary for topology in self.read()}
            return [group for group, primary in wanted.items() if named.get(group) != primary]

        try:
            wait_until(lambda: not wrong(), timeout, "", interval=0.05)
        except TimeoutError:
            raise TimeoutError(
                f"not within {timeout:g} s: all groups are right, of {len(wanted)} not "
                f"{len(wrong())}, such as {wrong()[:3]}\n{self.watcher.story()}"
            ) from None


class ManyGroups(unittest.TestCase):
    """Three Sentinels, each a process that does nothing but answer."""

    def serve_and_watch(self, groups: int) -> tuple[list[FakeSentinelProcess], Newest]:
        sentinels = [self.enterContext(FakeSentinelProcess(groups)) for _ in range(3)]
        names = [group_name(number) for number in range(groups)]
        watcher = self.enterContext(
            Watcher(SentinelSettings([one.address for one in sentinels], list(names)))
        )
        newest = Newest(watcher)
        newest.wait_right({group_name(n): instance(n, 0) for n in range(groups)}, 60)
        wait_until(
            lambda: all(len(topology.replicas) == 2 for topology in newest.read()),
            60,
            "replicas of all",
            interval=0.05,
        )
        for one in sentinels:
            self.assertEqual(one.do("count")["subscribers"], 1)
        return sentinels, newest

    def test_all_fail_over_at_once(self) -> None:
        (leader, *others), newest = self.serve_and_watch(MANY)
        wanted = {group_name(number): instance(number, 1) for number in range(MANY)}
        begun = time.monotonic()
        for one, order in ((leader, "promote"), *((other, "switch") for other in others)):
            one.begin(order)
        ends = [one.end() for one in (leader, *others)]
        last = max(end["last"] for end in ends)
        newest.wait_right(wanted, 60)
        heard = sorted(newest.first[group, to].heard - last for group, to in wanted.items())
        print(
            f"\n{MANY} groups: announced within {last - begun:.3f} s; right after the last "
            f"announcement: median {heard[MANY // 2]:.3f} s, last {heard[-1]:.3f} s"
        )
        self.assertLessEqual(heard[-1], allowed())
        leader.do("switch")
        newest.watcher.wait_for(lambda: not newest.watcher.problems, "nothing is in doubt", 30)
        newest.wait_right(wanted, 1)
        self.assertEqual({newest.of[group].epoch for group in wanted}, {2})
        print(f"memory after that: {newest.watcher.resident_bytes()} bytes")
        questions = sum(one.do("count")["questions"] for one in (leader, *others))
        each = questions / MANY / 3
        print(f"questions asked, from the start on: {each:.1f} for each group and Sentinel")

    def test_a_group_costs_little_memory(self) -> None:
        sizes = []
        for groups in (1, MANY):
            sentinels, newest = self.serve_and_watch(groups)
            asked = [one.do("count")["questions"] for one in sentinels]
            wait_until(  # each group of each Sentinel has been polled since
                lambda: all(
                    one.do("count")["questions"] >= before + 2 * groups
                    for one, before in zip(sentinels, asked)
                ),
                30,
                "all are polled",
                interval=0.2,
            )
            sizes.append(newest.watcher.resident_bytes())
            self.doCleanups()
        each = (sizes[1] - sizes[0]) / (MANY - 1)
        print(f"\nmemory: {sizes[0]} bytes with 1 group, {each:.0f} more for each further one")
        if not is_sanitized():
            self.assertLessEqual(each, BYTES_FOR_A_GROUP)


class RealGroups(unittest.TestCase):
    """Each a primary and a replica of its own, all under the same three Sentinels."""

    def setUp(self) -> None:
        self.folder = temporary_folder("load")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        block = AddressBlock()
        self.addCleanup(block.close)
        self.sentinels = SentinelSet(self.folder, block)
        self.addCleanup(self.sentinels.close)
        hosts = [block.address(100 + number) for number in range(2 * REAL)]
        port = block.free_port(hosts)
        instances = [
            Instance(f"valkey-{number}", host, port, self.folder)
            for number, host in enumerate(hosts)
        ]
        self.groups = {f"real-{n}": tuple(instances[2 * n : 2 * n + 2]) for n in range(REAL)}
        for primary, replica in self.groups.values():
            self.addCleanup(primary.kill)
            self.addCleanup(replica.kill)
            primary.start_as(None)
            replica.start_as(primary.address)
        self.sentinels.start()
        self.events = SentinelEvents(self.sentinels.all)
        self.addCleanup(self.events.close)
        self.events.wait_subscribed()
        for each in instances:
            each.wait_ready()
        for name, (primary, _) in self.groups.items():
            self.sentinels.monitor(name, primary.address, SentinelOptions())
        for sentinel in self.sentinels.all:
            wait_until(
                lambda: all(self.is_known(sentinel, name) for name in self.groups),
                40,
                f"{sentinel} knows all replicas and the other Sentinels",
                interval=0.2,
            )

    def is_known(self, sentinel: Sentinel, name: str) -> bool:
        """So that a failover can begin: it has had an INFO of the replica, and knows its peers."""
        master, replicas = sentinel.query(
            ("SENTINEL", "MASTER", name), ("SENTINEL", "REPLICAS", name)
        )
        known = pairs(master)
        return (
            known["num-other-sentinels"] == "2"
            and known["flags"] == "master"
            and isinstance(replicas, list)
            and len(replicas) == 1
            and pairs(replicas[0])["flags"] == "slave"
            and pairs(replicas[0])["runid"] != ""
        )

    def test_all_fail_over_at_once(self) -> None:
        watcher = self.enterContext(
            Watcher(
                SentinelSettings([one.address for one in self.sentinels.all], list(self.groups))
            )
        )
        newest = Newest(watcher)
        newest.wait_right({name: old.address for name, (old, _) in self.groups.items()}, 20)
        begun = time.monotonic()
        for primary, _ in self.groups.values():
            primary.kill()
        wanted = {name: new.address for name, (_, new) in self.groups.items()}
        newest.wait_right(wanted, 60)
        for sentinel in self.sentinels.all:
            for name, address in wanted.items():
                said = self.events.wait_for(
                    lambda event: event.channel == "+switch-master"
                    and (event.sentinel, event.group()) == (sentinel.name, name),
                    since=begun,
                    timeout=60,
                )
                assert said is not None, f"{sentinel} announces {name}"
                self.assertEqual(said.address(), address)
        announced: dict[str, list[float]] = {}
        for event in self.events.since(begun):
            if event.channel in NEWS:
                announced.setdefault(event.group(), []).append(event.time)
        after_first, after_last = (
            sorted(
                newest.first[name, to].heard - of(announced[name]) for name, to in wanted.items()
            )
            for of in (min, max)
        )
        told = max(max(times) for times in announced.values()) - begun
        print(
            f"\n{REAL} real groups: all announced {told:.2f} s after the kill; right after the "
            f"group's first announcement: median {after_first[REAL // 2]:.3f} s, last "
            f"{after_first[-1]:.3f} s; after its last: last {after_last[-1]:.3f} s"
        )
        self.assertLessEqual(after_last[-1], allowed())
        moves = [t for t in watcher.topologies if t.primary != wanted[t.group] and t.heard > begun]
        self.assertEqual([t for t in moves if t.epoch > 0], [], "no third primary")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
