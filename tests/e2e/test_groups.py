"""Several groups on the same Sentinels: each has its own label, and none waits for another."""

from case import BACKEND, EndToEnd, main

from lab import configuration
from lab.kubernetes import LABEL, Kubernetes, Pod, open_kubernetes
from lab.processes import wait_until
from lab.program import Program
from lab.stage import Stage
from lab.valkey import ValkeyGroup


class Groups(EndToEnd):
    other: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup("shop.sessions"))
        cls.other = cls.enterClassContext(
            ValkeyGroup("carts", replicas=1, sentinels=cls.group.sentinels)
        )

    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(Stage(kubernetes, [self.group, self.other]))

    def test_each_group_is_followed_by_itself(self) -> None:
        self.stage.start()
        untouched = self.stage.watches[self.other.name].last_version
        failover = self.fail_over("planned")
        self.stage.wait_right(self.group, primary=failover.new, timeout=1.0)
        changes = self.stage.watches[self.other.name].label_changes()
        self.assertEqual([c for c in changes if c.version > untouched], [])

        trigger = self.other.sentinel_failover()
        failover = self.other.wait_failover(trigger)
        self.stage.wait_right(self.other, primary=failover.new, timeout=1.0)
        self.other.heal(failover)
        self.other.wait_healthy()
        self.stage.check()

    def test_both_fail_over_at_once(self) -> None:
        self.stage.start()
        groups = (self.group, self.other)
        triggers = [group.sentinel_failover() for group in groups]
        failovers = [group.wait_failover(each) for group, each in zip(groups, triggers)]
        for group, failover in zip(groups, failovers):
            self.stage.wait_right(group, primary=failover.new, timeout=1.0)
            group.heal(failover)
            group.wait_healthy()
        self.stage.check()


class OneTarget(EndToEnd):
    """One target for both, in one namespace: the selector tells their pods apart."""

    other: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup("sessions"))
        cls.other = cls.enterClassContext(
            ValkeyGroup("carts", replicas=1, sentinels=cls.group.sentinels)
        )

    def setUp(self) -> None:
        self.namespace = open_kubernetes(BACKEND).namespace("groups")
        self.addCleanup(self.namespace.delete)
        self.groups = (self.group, self.other)
        for group in self.groups:
            self.namespace.add_pods(
                Pod(f"{group.name}-{index}", instance.host, app=group.name)
                for index, instance in enumerate(group.instances)
            )

    def test_the_selector_tells_pods_of_groups_apart(self) -> None:
        text = configuration.configuration(
            configuration.sentinel(self.group.sentinels, [group.name for group in self.groups]),
            configuration.kubernetes_target(
                self.namespace.kubeconfig(),
                self.namespace.name,
                selector="app.kubernetes.io/name={group}",
            ),
        )
        with Program(self.group.folder, text) as program:
            self.program = program
            program.wait_ready()
            self.assertEqual(self.namespace.labelled(), self.expected())
            failover = self.fail_over("planned")
            program.wait_for_log(failover.new.host, since=failover.begun)
            self.wait_expected()

    def expected(self) -> list[str]:
        return sorted(
            f"{group.name}-{group.instances.index(group.primary())}" for group in self.groups
        )

    def wait_expected(self) -> None:
        expected = self.expected()
        wait_until(
            lambda: self.namespace.labelled() == expected, 5, f"{LABEL} is on {expected} alone"
        )

    def tell_why(self) -> str:
        return self.program.log_text() if hasattr(self, "program") else ""


if __name__ == "__main__":
    main()
