"""A Sentinel that is cut off together with the old primary, each side with watchers of its own."""

from __future__ import annotations

import unittest

# First, since it sets sys.path:
from wrong_sentinels import WrongSentinels, played_again

from lab.namespaces import TwoSides, why_not
from lab.processes import stop_on_signals, wait_until
from lab.servers import find_servers
from lab.valkey import ValkeyGroup

LACKING = why_not()
OLD_PRIMARY, LONELY = 11, 21  # the last parts of their addresses


@unittest.skipIf(LACKING, LACKING)
class CutOff(WrongSentinels):
    def make_group(self) -> ValkeyGroup:
        find_servers()  # where they must be fetched first, that takes the network of the machine
        self.sides = TwoSides((OLD_PRIMARY, LONELY))  # the group closes it
        self.enterContext(self.sides.near.entered())
        group = ValkeyGroup(block=self.sides, options=self.options)
        for server in (group.instances[0], group.sentinels.all[0]):
            self.assertIn(int(server.host.rsplit(".")[-1]), self.sides.far_hosts)
            server.namespace = self.sides.far
        return group

    @played_again
    def test_one_that_is_cut_off_together_with_the_old_primary(self) -> None:
        lonely, *majority = self.group.sentinels.all
        old = self.group.instances[0]
        with self.sides.far.entered():
            far = self.watch("on the far side")
        for one in far:
            one.watcher.wait_primary(old.address, self.group.name)
        epoch = lonely.epoch(self.group.name)

        self.sides.cut()
        near = [one for one in self.watchers.all if one not in far]
        wait_until(lambda: self.majority.primary() not in (None, old.address), 30, "a failover")
        new = self.group.at(self.majority.primary() or old.address)
        for one in near:
            one.watcher.wait_primary(new.address, self.group.name)
        self.watch("newcomer")
        with self.sides.far.entered():
            newcomers = self.watch("newcomer on the far side")
        for one in newcomers:
            one.misled_under = epoch + 1
        # One that can't know better believes the lonely one, and does no harm by it.
        newcomers[0].watcher.wait_primary(old.address, self.group.name)
        self.assertEqual(lonely.primary(self.group.name), old.address)
        self.assertEqual(lonely.epoch(self.group.name), epoch)
        self.assertGreater(majority[0].epoch(self.group.name), epoch)
        for one in far:
            self.assertEqual(self.watchers.moves(one), [old.address])

        self.sides.heal()
        self.wait_says(lonely, new.address)
        self.watchers.wait_primary(new.address, 15)
        self.group.wait_healthy(40)  # Sentinel demotes the old primary some 11 s later
        self.watchers.check_end()
        for one in near:
            self.assertEqual(self.watchers.moves(one), [old.address, new.address])


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
