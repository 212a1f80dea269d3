"""The sentinel-watcher and which Sentinels there are: told of, under two addresses, and what must
not get lost meanwhile."""

from __future__ import annotations

import unittest

# First, since it sets sys.path:
from test_sentinel_watcher import WithFakes

from fakes.sentinel import FakePeer


class Discovery(WithFakes):
    def test_those_that_sentinels_tell_of_are_heard(self) -> None:
        first, second, third = self.sentinels
        first.peers = [
            FakePeer(second.address, second.id),
            FakePeer(("localhost", third.port), third.id),
        ]
        self.watch(addresses=[first.address])
        second.wait_subscribed()
        third.wait_subscribed()

    def test_where_one_does_not_tell_its_id_nobody_else_is_heard(self) -> None:
        first, second, third = self.sentinels
        first.refused_commands = {"MYID"}
        first.peers = [
            FakePeer(second.address, second.id),
            FakePeer(("localhost", third.port), third.id),
        ]
        watcher = self.watch(addresses=[first.address], poll_interval=100, resolve_interval=100)
        watcher.wait_problem("sentinel-discovery")
        asked = first.asked("SENTINEL", "MASTER")
        first.wait_for(
            lambda: first.asked("SENTINEL", "MASTER") >= asked + 10, "it is asked on and on"
        )
        self.assertEqual((second.accepted, third.accepted), (0, 0))


if __name__ == "__main__":
    unittest.main()
