"""What a target costs its neighbours when it misbehaves: nothing. The time from the news to the confirmed write is measured in
two programs by turns, one with healthy targets alone and one with a bad one beside them; a scripted Sentinel of each makes failovers."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
import unittest
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from case import FAST, misbehaving, plugin_target  # noqa: E402

from fakes.sentinel import FakeSentinel  # noqa: E402
from lab.configuration import configuration, table  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import LABELER, LogEntry, Program  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
GOAL = 1.2
MEASURED = 4.0  # seconds, in which a bad one dies or is killed several times;
AT_MOST = 30.0  # more where the machine has other things to do


class Side:
    """One program with its Sentinel and some healthy file targets."""

    def __init__(self, case: unittest.TestCase, name: str, healthy: list[str], *bad: str) -> None:
        self.folder = temporary_folder(name)
        case.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sentinel = case.enterContext(FakeSentinel())
        targets = []
        for target in healthy:
            (self.folder / target).mkdir()
            targets.append(table("target", name=target, plugin="file",
                                 directory=str(self.folder / target)))
        head = "\n".join([table("sentinel", name="main", addresses=[self.sentinel.name]),
                          table("sentinel.group", name=GROUP)])
        self.healthy = healthy
        self.delays: dict[str, list[float]] = {target: [] for target in healthy}
        self.program = Program(self.folder, configuration(FAST, head, *targets, *bad))
        self.done: dict[tuple[str, int], float] = {}  # when a target was done with an epoch, by its own clock
        self.program.on_log(self.read)
        case.enterContext(self.program)
        self.wait_done(1)

    def read(self, entry: LogEntry) -> None:
        if entry.message.startswith("in sync with primary"):
            when = datetime.fromisoformat(entry.fields["time"]).timestamp()
            self.done.setdefault((entry.fields["target"], entry.fields["epoch"]), when)

    def wait_done(self, epoch: int) -> None:
        wait_until(lambda: all((target, epoch) in self.done for target in self.healthy),
                   20.0, f"all healthy targets are done with epoch {epoch}", interval=0.002)

    def fail_over(self) -> None:
        group = self.sentinel.groups[GROUP]
        old, new = group.primary, (f"10.0.{group.epoch % 250}.2", 6379)
        group.primary, group.epoch = new, group.epoch + 1
        began = time.time()
        self.sentinel.publish("+switch-master", f"{GROUP} {old[0]} {old[1]} {new[0]} {new[1]}")
        self.wait_done(group.epoch)
        for target in self.healthy:
            self.delays[target].append(self.done[target, group.epoch] - began)


class Neighbours(unittest.TestCase):
    def check_unchanged(self, alone: Side, beside: Side, *named: str) -> None:
        """And the log of the second one has lines like `named`."""
        ratios: dict[str, float] = {}
        began, rounds = time.monotonic(), 0
        while (gone := time.monotonic() - began) < AT_MOST:
            rounds += 1
            for side in (alone, beside) if rounds % 2 else (beside, alone):
                side.fail_over()
            if gone < MEASURED:
                continue
            ratios = {target: statistics.median(beside.delays[target])
                      / statistics.median(alone.delays[target]) for target in alone.healthy}
            if max(ratios.values()) <= GOAL:
                break
        print(f"{rounds} rounds:", {t: f"{r:.2f} of {statistics.median(alone.delays[t]) * 1e3:.1f} ms"
                                  for t, r in ratios.items()}, file=sys.stderr)
        self.assertLessEqual(max(ratios.values()), GOAL, ratios)
        for line in named:
            beside.program.wait_for_log(line, 20.0)
        for target in beside.healthy:
            self.assertNotRegex(beside.program.log_text(), rf"labeler {target} .*(died|killed)")

    def check(self, way: str, *named: str) -> None:
        alone = Side(self, "alone", ["file"])
        beside = Side(self, "beside", ["file"], plugin_target(way, deadline="300ms"))
        self.check_unchanged(alone, beside, *named)

    def test_one_that_crashes(self) -> None:
        self.check("crash", r"labeler crash \(plugin .*/crash\.so\) died.*signal 6")

    def test_one_that_spins(self) -> None:
        self.check("spin", r"labeler spin \(plugin .*/spin\.so\) is silent for \d+ ms: killed")

    def test_one_that_completes_twice(self) -> None:
        self.check("twice", r"twice\.so completed a request that is not open")

    def test_one_that_never_completes(self) -> None:
        self.check("never", r"never\.so was not done within 300 ms", r"never\.so did not complete")

    def test_one_that_calls_from_another_thread(self) -> None:
        self.check("thread", r'"target":"thread".*from another thread|from another thread.*"target":"thread"')

    def test_one_that_is_replaced_by_another_version_while_the_program_runs(self) -> None:
        alone = Side(self, "alone", ["file"])
        plugins = temporary_folder("plugins")
        self.addCleanup(shutil.rmtree, plugins, ignore_errors=True)
        plugin = plugins / "replaced.so"
        shutil.copy(misbehaving("nothing"), plugin)
        beside = Side(self, "beside", ["file"],
                      table("target", name="replaced", plugin=str(plugin)))
        shutil.copy(misbehaving("version"), plugins / "new.so")
        (plugins / "new.so").rename(plugin)
        beside.program.kill_child(LABELER, target="replaced")
        self.check_unchanged(alone, beside, r"replaced\.so.*speaks version 7")

    def test_one_of_three_that_hangs(self) -> None:
        alone = Side(self, "alone", ["one", "two"])
        hanging = table("target", name="hanging", plugin="exec", command=["/usr/bin/sleep", "60"],
                        arguments="none", deadline="1s")
        beside = Side(self, "beside", ["one", "two"], hanging)
        self.check_unchanged(alone, beside, r"plugin exec was not done within 1000 ms.*\"hanging\"")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
