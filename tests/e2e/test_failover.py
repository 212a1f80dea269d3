"""The main job: Sentinel moves the primary, and the label and the file follow."""

from case import EndToEnd, main


class Failover(EndToEnd):
    def test_the_label_follows_a_killed_primary(self) -> None:
        self.check_failover("kill")

    def test_the_label_follows_a_planned_failover(self) -> None:
        self.check_failover("planned")

    def test_the_label_follows_one_failover_after_the_other(self) -> None:
        self.stage.start()
        for _ in range(3):
            failover = self.fail_over("planned")
            self.stage.wait_right(primary=failover.new, timeout=1.0)
        self.stage.check()

    def test_the_label_is_off_the_old_pod_before_it_is_on_the_new_one(self) -> None:
        self.stage.start()
        before = self.stage.watch.last_version
        failover = self.fail_over("planned")
        self.stage.wait_right(primary=failover.new)
        changes = [
            (change.pod, change.labelled)
            for change in self.stage.watch.label_changes()
            if change.version > before
        ]
        self.assertEqual(changes, [(failover.old.name, False), (failover.new.name, True)])

    def test_a_paused_primary_that_comes_back_gets_no_label(self) -> None:
        self.stage.start()
        trigger = self.group.pause_primary()
        failover = self.group.wait_failover(trigger)
        self.stage.wait_right(primary=failover.new)
        before = self.stage.watch.last_version
        failover.old.resume()  # believes itself primary until Sentinel reaches it
        self.group.heal(failover)
        self.group.wait_healthy()
        self.stage.check()
        self.assertEqual(self.stage.namespace.labelled(), [failover.new.name])
        self.assertEqual([c for c in self.stage.watch.label_changes() if c.version > before], [])

    def check_failover(self, kind: str) -> None:
        self.stage.start()
        before = self.stage.watch.last_version
        group = self.group
        trigger = group.kill_primary() if kind == "kill" else group.sentinel_failover()
        failover = group.wait_failover(trigger)
        self.stage.wait_right(primary=failover.new, timeout=2.0)
        switch = self.stage.switch(group, failover, before)
        group.heal(failover)
        group.wait_healthy()
        self.stage.wait_right(primary=failover.new)
        self.stage.check()
        self.assertLess(switch.came, 1.0, "seconds from the news to the label")
        content = self.stage.file_content(group)
        self.assertEqual(content["group"], group.name)
        self.assertEqual(content["epoch"], group.sentinels.all[0].epoch(group.name))
        addresses = {(replica["host"], replica["port"]) for replica in content["replicas"]}
        others = {i.address for i in group.instances if i is not failover.new}
        self.assertLessEqual(addresses, others)


if __name__ == "__main__":
    main()
