"""The whole program with several targets at once, each with its real server: real Sentinels move the
primary, and HAProxy, the names of BIND and Knot, a program and a file follow."""

from __future__ import annotations

import shutil
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import configuration  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.targets import PLACES, SERVED, HaproxyPlace, ServedPlace  # noqa: E402
from lab.valkey import Failover, Instance, ValkeyGroup, temporary_folder  # noqa: E402

SKIPPED = 77
FOLLOWS_WITHIN = 5.0


class Targets(unittest.TestCase):
    """One group for all tests; servers and program of its own for each."""

    group: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup())

    def setUp(self) -> None:
        self.folder = temporary_folder("targets")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.places = {name: kind(self.folder, self.group) for name, kind in PLACES.items()}
        for place in self.places.values():
            self.addCleanup(place.close)
            place.start()
        head = configuration.sentinel(self.group.sentinels, [self.group.name])
        tables = [place.table() for place in self.places.values()]
        self.program = self.enterContext(
            Program(self.folder, configuration.configuration(head, *tables)))
        self.program.wait_ready()
        self.wait_right(self.group.primary())

    def tearDown(self) -> None:
        for place in self.places.values():
            place.check()

    @property
    def haproxy(self) -> HaproxyPlace:
        place = self.places["haproxy"]
        assert isinstance(place, HaproxyPlace)
        return place

    @property
    def served(self) -> dict[str, ServedPlace]:
        return {name: place for name, place in self.places.items() if isinstance(place, ServedPlace)}

    def wait_right(self, primary: Instance, timeout: float = 10.0, *, but: str = "") -> None:
        for name, place in self.places.items():
            if name != but:
                place.wait_right(primary, timeout)

    def fail_over(self, kind: str) -> Failover:
        group = self.group
        trigger = group.kill_primary() if kind == "kill" else group.sentinel_failover()
        return group.wait_failover(trigger)

    def heal(self, failover: Failover) -> None:
        self.group.heal(failover)
        self.group.wait_healthy()

    def test_all_follow_one_failover_after_the_other(self) -> None:
        for kind in ("planned", "kill", "planned"):
            failover = self.fail_over(kind)
            self.wait_right(failover.new, FOLLOWS_WITHIN)
            self.heal(failover)
            self.wait_right(failover.new, FOLLOWS_WITHIN)

    def test_a_session_to_the_old_primary_is_cut_though_that_lives_on(self) -> None:
        with self.haproxy.client() as client:
            client.command("SET", "key", "value")
            failover = self.fail_over("planned")
            self.haproxy.wait_right(failover.new, FOLLOWS_WITHIN)
            with self.assertRaises(OSError):
                client.command("SET", "key", "lost")
        with self.haproxy.client() as client:
            client.command("SET", "key", "kept")
        self.heal(failover)

    def test_servers_that_are_killed_during_a_failover_are_right_when_they_are_back(self) -> None:
        for place in self.served.values():
            place.server().kill()
        failover = self.fail_over("kill")
        for place in self.served.values():
            place.restart()
        self.wait_right(failover.new, 20.0)
        self.heal(failover)

    def test_a_server_that_hangs_delays_no_other_target(self) -> None:
        for name, place in self.served.items():
            place.server().pause()
            try:
                failover = self.fail_over("planned")
                begun = time.monotonic()
                self.wait_right(failover.new, FOLLOWS_WITHIN, but=name)
                self.assertLess(time.monotonic() - begun, FOLLOWS_WITHIN)
            finally:
                place.server().resume()
            place.wait_right(failover.new, 20.0)
            self.heal(failover)


if __name__ == "__main__":
    stop_on_signals()
    if missing := {kind.missing for kind in SERVED.values() if kind.missing}:
        print(f"skipped: servers are missing; see {', '.join(sorted(missing))}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
