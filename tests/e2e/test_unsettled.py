"""The plugin `kubernetes` and decisions that are not settled: provisional promotions and suspected
primaries, how they end, and what is made of them when those who made them are gone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.kubernetes import LABEL  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402

OLD, NEW, OTHER = ADDRESSES
PATIENCE = 15  # seconds that an unsettled decision stands in the way of a settled one


class UnsettledCase(PluginCase):
    def decide(self, host: PluginHost, address: str, step: int, epoch: int = 5, *,
               suspected: bool = False) -> int:
        """And waits until that is applied. Gives where in the host's events it begins."""
        mark = host.apply(GROUP, epoch, address, step=step, suspected=suspected)
        host.applied(mark=mark, epoch=str(epoch), step=str(step))
        return mark

    def labelled_are(self, *pods: str) -> None:
        self.assertEqual(self.namespace.labelled(), list(pods))

    def moves(self) -> list[tuple[str, bool]]:
        """What became of the label so far: pod, on or off."""
        newest = max(int(pod["metadata"]["resourceVersion"])
                     for pod in self.namespace.pods().values())
        self.watch.wait_for_version(newest)
        return [(change.pod, change.labelled) for change in self.watch.label_changes()]

    def highest(self) -> str:
        return max(stamp.split()[1] for stamp in self.stamps().values() if stamp)


class Deciding(UnsettledCase):
    def test_a_suspected_primary_loses_its_label_and_gets_it_back(self) -> None:
        one, two = self.host(), self.host()
        for step in range(0, 6, 2):
            for host in (one, two):
                self.decide(host, OLD, step)
            self.labelled_are("valkey-0")
            for host in (one, two):
                self.decide(host, OLD, step + 1, suspected=True)
            self.labelled_are()
        self.decide(two, NEW, 0, epoch=6)
        self.labelled_are("valkey-1")
        self.never_two()

    def test_a_suspected_primary_stays_without_label_whoever_sets_it(self) -> None:
        host = self.host()
        self.decide(host, OLD, 0)
        self.decide(host, OLD, 1, suspected=True)
        for pod in ("valkey-0", "valkey-2"):
            version = self.namespace.label(pod, LABEL, "true")["metadata"]["resourceVersion"]
            self.watch.wait_for_version(version)
            self.watch.wait_for_no_label(2)
        self.decide(host, OLD, 2)
        self.labelled_are("valkey-0")

    def test_a_provisional_promotion_moves_the_label_and_is_confirmed(self) -> None:
        host = self.host()
        self.decide(host, OLD, 0)
        self.decide(host, NEW, 1)
        self.labelled_are("valkey-1")
        mark = self.decide(host, NEW, 0, epoch=6)
        self.labelled_are("valkey-1")
        self.assertEqual(host.count("patches_total", mark=mark), 3)  # all get the new stamp
        self.assertEqual(self.moves(), [("valkey-0", True), ("valkey-0", False),
                                        ("valkey-1", True)])
        self.never_two()

    def test_a_provisional_promotion_is_taken_back_and_another_one_follows(self) -> None:
        host = self.host()
        for step, (address, pod) in enumerate(((OLD, 0), (NEW, 1), (OLD, 0), (OTHER, 2), (OLD, 0))):
            self.decide(host, address, step)
            self.labelled_are(f"valkey-{pod}")
        self.never_two()

    def test_instances_that_heard_less_wait_for_the_end_of_it(self) -> None:
        bold, calm = self.host(), self.host()
        self.decide(bold, OLD, 0)
        self.decide(calm, OLD, 0)
        mark = len(calm.events)
        self.decide(bold, OLD, 1, suspected=True)
        self.decide(bold, NEW, 3)
        calm.wait("problem", id="higher-decision", mark=mark,
                  text=f"step 3 ({NEW}:6379), and this is epoch 5 ({OLD}:6379); where both stay "
                       f"so for {PATIENCE} s, this goes above it")
        self.decide(bold, NEW, 0, epoch=6)
        mark = self.decide(calm, NEW, 0, epoch=6)
        calm.wait("problem_clear", id="higher-decision", mark=mark)
        self.assertEqual(self.moves(), [("valkey-0", True), ("valkey-0", False),
                                        ("valkey-1", True)])
        self.never_two()

    def test_an_unsettled_decision_gives_way_to_a_settled_one_of_its_epoch(self) -> None:
        bold, calm = self.host(), self.host()
        self.decide(bold, NEW, 1)
        self.decide(calm, OLD, 2)
        self.labelled_are("valkey-0")
        for suspected in (False, True):
            mark = bold.apply(GROUP, 5, NEW, step=1, suspected=suspected)
            bold.wait("complete", outcome="rejected", mark=mark, text="remembers epoch 5 step 2")
        self.labelled_are("valkey-0")
        self.never_two()


class Restarting(UnsettledCase):
    """Steps are counted from the start of a program: the next one says 0 again."""

    def settles_in_time(self, late: PluginHost, mark: int, step: int) -> None:
        """`late` was told a settled decision; it goes above the step before `step`."""
        rejected = late.wait("complete", outcome="rejected", mark=mark)
        applied = late.applied(PATIENCE + 2, mark)
        self.assertGreater(applied.time - rejected.time, PATIENCE - 0.5)
        self.assertLess(applied.time - rejected.time, PATIENCE + 2)
        late.wait("log", level="warning", text=f"; step {step} is taken", mark=mark)
        late.wait("problem_clear", id="higher-decision", mark=mark)
        self.assertEqual(self.highest(), f"0.5.{step}")

    def test_a_suspicion_of_those_who_are_gone_ends(self) -> None:
        first = self.host()
        self.decide(first, OLD, 0)
        self.decide(first, OLD, 1, suspected=True)
        first.kill()
        late, other = self.host(), self.host()
        mark = late.apply(GROUP, 5, OLD)
        other_mark = other.apply(GROUP, 5, OLD)
        self.settles_in_time(late, mark, 2)
        other.applied(PATIENCE, other_mark)
        self.labelled_are("valkey-0")
        # And they count on from there.
        for host in (late, other):
            self.decide(host, OLD, 1, suspected=True)
        self.labelled_are()
        self.assertEqual(self.highest(), "0.5.3")
        for host in (late, other):
            self.decide(host, OLD, 2)
        self.labelled_are("valkey-0")
        self.assertEqual(self.highest(), "0.5.4")
        self.never_two()

    def test_a_promotion_of_those_who_are_gone_is_taken_back(self) -> None:
        first = self.host()
        self.decide(first, OLD, 0)
        self.decide(first, NEW, 1)
        first.kill()
        late = self.host()
        mark = late.apply(GROUP, 5, OLD)
        self.settles_in_time(late, mark, 2)
        self.labelled_are("valkey-0")
        self.decide(late, NEW, 1)
        self.labelled_are("valkey-1")
        self.assertEqual(self.highest(), "0.5.3")
        self.never_two()

    def test_who_starts_amid_a_suspicion_goes_on_with_it(self) -> None:
        first = self.host()
        self.decide(first, OLD, 2)
        self.decide(first, OLD, 3, suspected=True)
        first.kill()
        late = self.host()
        mark = self.decide(late, OLD, 1, suspected=True)
        self.assertEqual(late.count("patches_total", mark=mark), 0)
        self.decide(late, OLD, 2)
        self.labelled_are("valkey-0")
        self.assertEqual(self.highest(), "0.5.4")
        self.never_two()

    def test_a_settled_decision_is_never_gone_above(self) -> None:
        self.decide(self.host(), NEW, 2)
        past = self.host()
        mark = past.apply(GROUP, 5, OLD)
        self.assertNotIn("goes above",
                         past.wait("complete", outcome="rejected", mark=mark).text)
        time.sleep(PATIENCE + 2)  # for what must not come
        self.assertEqual(past.count("patches_total"), 0)
        self.assertEqual(self.moves(), [("valkey-1", True)])


if __name__ == "__main__":
    main()
