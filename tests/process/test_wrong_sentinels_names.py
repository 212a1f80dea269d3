"""Instances that are known by host names: one that a Sentinel can't resolve, and announced names
that come and go. They stand in a hosts file that this process and its children alone see."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import unittest

# First, since it sets sys.path:
from wrong_sentinels import Judged, WrongSentinels, played_again

from lab.processes import stop_on_signals
from lab.sentinels import Sentinel, SentinelOptions
from lab.valkey import ValkeyGroup, temporary_folder

NAMES = ("valkey-0.reconciler.lab", "valkey-1.reconciler.lab")
POLL = 300
PRIVATE = "RECONCILER_PRIVATE_MOUNTS"


class Names(WrongSentinels):
    options = SentinelOptions(failover_timeout=10)  # no second failover while one is looked at

    def make_group(self) -> ValkeyGroup:
        group = ValkeyGroup(
            replicas=1,
            options=self.options,
            host_names=NAMES,
            sentinel_lines=("sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"),
        )
        self.hosts = {name: each.host for name, each in zip(NAMES, group.instances)}
        self.folder = temporary_folder("names")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        lines = ["127.0.0.1 localhost", *(f"{host} {name}" for name, host in self.hosts.items())]
        text = "\n".join(lines) + "\n"
        (self.folder / "hosts").write_text(text)
        (self.folder / "nsswitch.conf").write_text("hosts: files\n")
        for file in ("hosts", "nsswitch.conf"):
            subprocess.run(["mount", "--bind", self.folder / file, f"/etc/{file}"], check=True)
            self.addCleanup(subprocess.run, ["umount", f"/etc/{file}"], check=True)
        # The last Sentinel has names of its own.
        self.other_hosts = self.folder / "other-hosts"
        self.other_hosts.write_text(text)
        last = group.sentinels.all[-1]
        script = f"mount --bind {self.other_hosts} /etc/hosts && exec {' '.join(last.argv)}"
        last.argv = ["unshare", "-m", "sh", "-c", script]
        return group

    def watch(self, label: str = "", **settings: object) -> list[Judged]:
        return super().watch(label, poll_interval=POLL, **settings)

    @played_again
    def test_a_name_that_one_sentinel_can_not_resolve(self) -> None:
        leader, _, last = self.group.sentinels.all
        old, new = self.group.instances
        self.other_hosts.write_text("127.0.0.1 localhost\n")
        trigger = self.group.sentinel_failover(leader)
        self.watchers.wait_primary(new.address)
        switched = self.group.events.wait_for(
            lambda event: event.channel == "+switch-master" and event.sentinel == last.name,
            since=trigger.moment,
            timeout=20,
        )
        assert switched is not None, f"{last} announces the switch"
        self.assertEqual(switched.address(), new.announced)
        self.wait_says(last, old.address)
        epoch = leader.epoch(self.group.name)
        self.assertEqual(last.epoch(self.group.name), epoch)
        self.watch("newcomer")
        self.watchers.wait_primary(new.address)

        # Nor when the old primary is one no more.
        old.command("REPLICAOF", *new.address)
        time.sleep(3 * POLL / 1000)  # all have asked all of them meanwhile
        self.assertEqual(last.primary(self.group.name), old.announced)
        self.watch("late newcomer")
        self.watchers.wait_primary(new.address)
        self.watchers.check_end()

    @played_again
    def test_announced_names_that_come_and_go(self) -> None:
        old, new = self.group.instances
        sentinels = self.group.sentinels.all

        def announce(names: str, by: list[Sentinel]) -> None:
            for sentinel in by:
                sentinel.command("SENTINEL", "CONFIG", "SET", "announce-hostnames", names)
            time.sleep(5 * POLL / 1000)  # all have asked all of them meanwhile
            for one in self.watchers.all:
                self.assertEqual(self.watchers.moves(one), [old.address])

        announce("no", sentinels[:1])
        announce("no", sentinels[1:2])  # now it is the majority's
        announce("no", sentinels[2:])
        self.watch("newcomer")
        self.watchers.wait_primary(old.address)
        announce("yes", sentinels[:2])
        self.watch("late newcomer")
        self.watchers.wait_primary(old.address)
        announce("yes", sentinels[2:])
        self.fail_over()
        self.assertEqual(self.majority.primary(), new.address)
        for one in self.watchers.all:
            self.assertEqual(self.watchers.moves(one), [old.address, new.address])
        self.watchers.check_end()


def main() -> None:
    """Again in a mount namespace of its own: then nothing is left behind whatever happens."""
    if PRIVATE not in os.environ:
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
            print("skipped: private host names need a mount namespace, and that needs root")
            sys.exit(77)
        os.environ[PRIVATE] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    stop_on_signals()
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
