"""How much proof is wanted, and what becomes of a primary that is down, with all parts together."""

from __future__ import annotations

from case import EndToEnd, main

from lab.kubernetes import Kubernetes
from lab.stage import Stage


class Promotion(EndToEnd):
    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(
            Stage(
                kubernetes,
                [self.group],
                of_sentinels={"instances": {}},
                of_groups={"act_on": "promotion"},
            )
        )

    def test_the_label_follows_a_planned_failover_before_any_sentinel_names_it(self) -> None:
        self.check("planned")

    def test_the_label_follows_a_killed_primary_before_any_sentinel_names_the_new_one(self) -> None:
        self.check("kill")

    def check(self, kind: str) -> None:
        self.stage.start()
        before = self.stage.watch.last_version
        failover = self.fail_over(kind)
        self.stage.wait_right(primary=failover.new)
        self.stage.check()
        switch = self.stage.switch(self.group, failover, before)
        self.assertLess(switch.came, 0.0, "seconds from the first announcement to the label")
        changes = [
            (change.pod, change.labelled)
            for change in self.stage.watch.label_changes()
            if change.version > before
        ]
        self.assertEqual(
            changes,
            [(failover.old.name, False), (failover.new.name, True)],
            "once there, and confirmed without moving",
        )


class EarlyDemotion(EndToEnd):
    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(
            Stage(kubernetes, [self.group], of_groups={"demote_on": "odown"})
        )

    def test_a_killed_primary_loses_its_label_before_there_is_another_one(self) -> None:
        self.stage.start()
        before = self.stage.watch.last_version
        failover = self.fail_over("kill")
        self.stage.wait_right(primary=failover.new)
        self.stage.check()
        switch = self.stage.switch(self.group, failover, before)
        assert switch.left is not None
        self.assertLess(switch.left, 0.0, "seconds from the first announcement")

    def test_a_paused_primary_that_comes_back_in_time_gets_its_label_back(self) -> None:
        self.stage.start()
        before = self.stage.watch.last_version
        with self.group.without_failover():
            trigger = self.group.pause_primary()
            self.stage.watch.wait_for_no_label(10.0)
            self.assertIsNone(self.stage.file_primary(self.group))
            trigger.old.resume()
            self.stage.wait_right(primary=trigger.old)
        self.stage.check()
        changes = [
            (change.pod, change.labelled)
            for change in self.stage.watch.label_changes()
            if change.version > before
        ]
        self.assertEqual(changes, [(trigger.old.name, False), (trigger.old.name, True)])
        self.group.wait_healthy()


if __name__ == "__main__":
    main()
