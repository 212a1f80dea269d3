"""What goes wrong without a failover comes right without one."""

import time

from case import EndToEnd, main

from lab.kubernetes import LABEL
from lab.pod_watch import LabelChange


class Drift(EndToEnd):
    def setUp(self) -> None:
        super().setUp()
        self.stage.start()
        self.primary = self.group.primary().name
        self.replica = self.group.replicas()[0].name

    def test_a_label_removed_by_hand_comes_back(self) -> None:
        answer = self.stage.namespace.remove_label(self.primary, LABEL)
        self.assert_right_within(1.0, after=answer)
        self.stage.check()

    def test_a_label_with_another_value_is_set_right(self) -> None:
        answer = self.stage.namespace.label(self.primary, LABEL, "maybe")
        self.assert_right_within(1.0, after=answer)
        self.stage.check()

    def test_a_second_label_set_by_hand_is_taken_off(self) -> None:
        answer = self.stage.namespace.label(self.replica, LABEL, "true")
        self.assert_right_within(1.0, after=answer)
        taken = [change for change in self.changes(answer) if not change.labelled]
        self.assertIn(self.replica, [change.pod for change in taken])

    def test_a_label_moved_by_hand_is_moved_back(self) -> None:
        self.stage.namespace.remove_label(self.primary, LABEL)
        answer = self.stage.namespace.label(self.replica, LABEL, "true")
        self.assert_right_within(1.0, after=answer)

    def test_stamps_wiped_by_hand_are_no_obstacle(self) -> None:
        for pod in self.stage.namespace.pods():
            self.stage.namespace.annotate(pod, "valkey-reconciler.io/stamp", None)
        answer = self.stage.namespace.remove_label(self.primary, LABEL)
        self.assert_right_within(1.0, after=answer)
        self.stage.check()
        failover = self.fail_over("planned")
        self.stage.wait_right(primary=failover.new)
        self.stage.check()

    def test_a_pod_recreated_under_its_name_gets_the_label_again(self) -> None:
        old = self.stage.namespace.pod(self.primary)["metadata"]["uid"]
        answer = self.stage.namespace.recreate_pod(self.primary)
        self.assert_right_within(1.0, after=answer)
        self.assertNotEqual(self.stage.namespace.pod(self.primary)["metadata"]["uid"], old)
        self.stage.check()

    def test_a_replicas_pod_recreated_under_its_name_does_not_get_in_the_way(self) -> None:
        self.stage.namespace.recreate_pod(self.replica)
        failover = self.fail_over("planned")
        self.stage.wait_right(primary=failover.new, timeout=2.0)
        self.stage.check()

    def test_a_pod_recreated_with_another_address_is_followed_by_address(self) -> None:
        """The pods of primary and replica are made anew, each with the address of the other."""
        namespace = self.stage.namespace
        hosts = {instance.name: instance.host for instance in self.group.instances}
        namespace.recreate_pod(self.primary, hosts[self.replica])
        answer = namespace.recreate_pod(self.replica, hosts[self.primary])
        version = int(answer["metadata"]["resourceVersion"])
        self.stage.watch.wait_for_label(self.replica, 2.0, after=version)
        self.stage.check()

    def assert_right_within(self, seconds: float, after: dict) -> None:  # type: ignore[type-arg]
        """After a write of somebody else, of which this is the answer."""
        version = int(after["metadata"]["resourceVersion"])
        self.stage.watch.wait_for_version(version)
        written = next(
            seen.received for seen in self.stage.watch.versions() if seen.version >= version
        )
        self.stage.watch.wait_for_label(self.primary, seconds + 2.0, after=version - 1)
        self.assertLess(time.monotonic() - written, seconds)

    def changes(self, after: dict) -> list[LabelChange]:  # type: ignore[type-arg]
        version = int(after["metadata"]["resourceVersion"])
        return [c for c in self.stage.watch.label_changes() if c.version > version]


if __name__ == "__main__":
    main()
