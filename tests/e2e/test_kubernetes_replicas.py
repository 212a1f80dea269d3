"""The label of healthy replicas, against the fake and the real API server: it follows what Sentinel
says, beside the label of the primary and never in its way."""

from __future__ import annotations

import statistics
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.kubernetes import FakeKubernetes, Pod  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.safety import TwoAtOnceError  # noqa: E402

REPLICA = "valkey-replica"


class ReplicaCase(PluginCase):
    def labels(self, label: str) -> dict[str, str]:
        """Of the pods that the witness saw last."""
        last: dict[str, dict[str, str]] = {}
        for version in self.watch.versions():
            last[version.name] = {} if version.type == "DELETED" else version.labels
        return {name: labels[label] for name, labels in last.items() if label in labels}

    def wait_labels(self, label: str, expected: dict[str, str], timeout: float = 8) -> None:
        self.watch.wait_for(lambda: self.labels(label) == expected, timeout,
                            f"{label} is {expected}")

    def relabellings(self) -> int:
        return sum(event.kind == "log" and "healthy replica: label" in event.text
                   for host in self.hosts for event in host.events)

    def patches(self) -> int:
        return sum(host.count("patches_total") for host in self.hosts)


class OwnLabel(ReplicaCase):
    def replica_host(self, **settings: str) -> PluginHost:
        return self.host(**{"replica_label": REPLICA, **settings})

    def test_healthy_replicas_get_it_and_those_that_are_down_lose_it(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2], down=ADDRESSES[2:])
        self.wait_labels(REPLICA, {"valkey-1": "true"})
        host.applied(mark=mark)
        host.wait("log", mark=mark, text="valkey-2, no healthy replica: label valkey-replica taken")
        self.assertEqual(host.count("patches_total", mark=mark), 1)
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.never_two()

    def test_a_failover_takes_it_off_the_new_primary_in_the_promotion_itself(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        mark = host.apply(GROUP, 2, ADDRESSES[1], replicas=ADDRESSES[2:])
        host.applied(mark=mark)
        self.assertEqual(host.count("patches_total", mark=mark), 2)
        host.apply(GROUP, 2, ADDRESSES[1], replicas=[ADDRESSES[0], ADDRESSES[2]])
        self.wait_labels(REPLICA, {"valkey-0": "true", "valkey-2": "true"})
        host.wait("log", text="valkey-0, a healthy replica", mark=mark)
        self.assertEqual(host.count("patches_total", mark=mark), 3)
        self.assertFalse([version for version in self.watch.versions()
                          if version.labels.get("valkey-master") == version.labels.get(REPLICA)
                          == "true"])
        self.never_two()

    def test_fences_that_go_out_anyway_carry_it(self) -> None:
        host = self.replica_host(otherwise="no")
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        host.applied(mark=mark)
        self.wait_labels(REPLICA, {"valkey-0": "no", "valkey-1": "true", "valkey-2": "no"})
        self.assertEqual(host.count("patches_total", mark=mark), 3)

    def test_nothing_is_written_where_all_is_right(self) -> None:
        one = self.replica_host()
        one.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        two = self.replica_host()
        mark = two.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        two.applied()
        # What would be written for a replica of its own comes after all that might be for these.
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20"))
        two.apply(GROUP, 1, ADDRESSES[0], replicas=[*ADDRESSES[1:], "10.244.0.20"])
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true", "valkey-3": "true"})
        two.wait("log", text="valkey-3, a healthy replica", mark=mark)
        self.assertEqual(two.count("patches_total", mark=mark), 1)

    def test_a_label_that_somebody_wiped_comes_back(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        gone = self.namespace.remove_label("valkey-1", REPLICA)["metadata"]["resourceVersion"]
        self.watch.wait_for_version(gone)
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})

    def test_two_who_disagree_write_less_and_less(self) -> None:
        one, two = self.replica_host(), self.replica_host()
        one.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        one.applied()
        two.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        two.applied()
        changes = [version for version in self.watch.versions("valkey-2")]
        self.watch.wait_for(lambda: len(self.watch.versions("valkey-2")) >= len(changes) + 4, 40,
                            "they have both written twice")
        written = [version.wall for version in self.watch.versions("valkey-2")][-4:]
        self.assertGreater(written[-1] - written[-2], 1)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])

    def test_a_replica_without_a_pod_is_told_and_labelled_when_it_comes(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=[*ADDRESSES[1:], "10.244.0.77"])
        host.applied()
        host.wait("problem", id="replica-without-pod", severity="degraded", text="10.244.0.77")
        self.namespace.add_pod(Pod("valkey-7", "10.244.0.77"))
        self.wait_labels(REPLICA, {f"valkey-{i}": "true" for i in (1, 2, 7)})
        host.wait("problem_clear", id="replica-without-pod")

    def test_a_primary_outside_of_the_cluster_may_have_replicas_within(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, "192.0.2.99", replicas=ADDRESSES)
        host.wait("complete", outcome="rejected", text="no pod of the group is 192.0.2.99")
        self.wait_labels(REPLICA, {f"valkey-{i}": "true" for i in range(3)})

    def test_a_paused_group_keeps_its_labels(self) -> None:
        host = self.replica_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.namespace.annotate("valkey-0", "valkey-reconciler.io/paused", "maintenance")
        mark = len(host.events)
        host.wait("problem", id="paused")
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        host.applied(mark=mark)
        time.sleep(0.5)  # for what must not come
        self.assertEqual(self.labels(REPLICA), {"valkey-1": "true", "valkey-2": "true"})
        self.namespace.annotate("valkey-0", "valkey-reconciler.io/paused", None)
        self.wait_labels(REPLICA, {"valkey-1": "true"})

    def test_an_instance_with_a_lower_decision_leaves_it_alone(self) -> None:
        one = self.replica_host()
        one.apply(GROUP, 5, ADDRESSES[0], replicas=ADDRESSES[1:])
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        old = self.replica_host()
        old.apply(GROUP, 4, ADDRESSES[1], replicas=[ADDRESSES[0]])
        old.wait("complete", outcome="rejected")
        self.namespace.annotate("valkey-1", "noise", "1")
        one.apply(GROUP, 5, ADDRESSES[0], replicas=ADDRESSES[1:2])
        self.wait_labels(REPLICA, {"valkey-1": "true"})
        self.assertEqual(old.count("patches_total"), 0)

    def test_many_instances_write_no_more_than_pods_and_two(self) -> None:
        for i, node in enumerate(("node-a", "node-b", "node-c")):
            self.namespace.recreate_pod(f"valkey-{i}")
            self.namespace.add_pod(Pod(f"near-{i}", f"10.244.1.{i}", node=node))
        near = [f"10.244.1.{i}" for i in range(3)]
        hosts = [self.replica_host(node_name=f"node-{letter}") for letter in "abcdefgh"]
        written, relabelled = [], []
        for epoch in range(1, 8):
            old, primary, third = (near[(epoch + i) % 3] for i in range(3))
            before, before_labels = self.patches(), self.relabellings()
            for host in hosts:
                host.apply(GROUP, epoch, primary, replicas=[third])
            took = [int(host.applied(20, epoch=str(epoch)).took_us) for host in hosts]
            for host in hosts:
                host.apply(GROUP, epoch, primary, replicas=[old, third])
            self.wait_labels(REPLICA, {f"near-{near.index(address)}": "true"
                                       for address in (old, third)}, 20)
            relabelled.append(self.relabellings() - before_labels)
            if min(took) < 20_000:  # a machine that is not overloaded: the others come after it
                written.append(self.patches() - before)
        self.assertLessEqual(statistics.median(relabelled), 2, relabelled)
        if len(written) >= 5:
            self.assertLessEqual(statistics.median(written), 6 + 2, written)
        self.never_two()


class SharedLabel(ReplicaCase):
    """One label that says `primary`, `replica` or something else."""

    def role_host(self, **settings: str) -> PluginHost:
        return self.host(**{"label": "role", "value": "primary", "replica_label": "role",
                            "replica_value": "replica", **settings})

    def roles(self, *roles: str) -> dict[str, str]:
        return {f"valkey-{i}": role for i, role in enumerate(roles) if role}

    def test_one_label_says_either_role(self) -> None:
        host = self.role_host()
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied(mark=mark)
        self.wait_labels("role", self.roles("primary", "replica", "replica"))
        self.assertEqual(host.count("patches_total", mark=mark), 3)
        mark = host.apply(GROUP, 2, ADDRESSES[1], replicas=ADDRESSES[2:])
        host.applied(mark=mark)
        self.assertEqual(host.count("patches_total", mark=mark), 2)
        self.wait_labels("role", self.roles("", "primary", "replica"))
        host.apply(GROUP, 2, ADDRESSES[1], replicas=[ADDRESSES[0], ADDRESSES[2]])
        self.wait_labels("role", self.roles("replica", "primary", "replica"))
        self.never_two_primaries()

    def test_true_or_false_on_every_pod(self) -> None:
        host = self.role_host(label="valkey-master", value="true", replica_label="valkey-master",
                              replica_value="false", otherwise="false")
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        self.wait_labels("valkey-master", self.roles("true", "false", "false"))
        host.apply(GROUP, 2, ADDRESSES[2], replicas=ADDRESSES[1:2])
        self.wait_labels("valkey-master", self.roles("false", "false", "true"))
        self.never_two()

    def test_a_suspected_primary_is_no_replica_either(self) -> None:
        host = self.role_host(otherwise="none")
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels("role", self.roles("primary", "replica", "replica"))
        host.apply(GROUP, 1, ADDRESSES[0], step=1, suspected=True, replicas=ADDRESSES[1:])
        self.wait_labels("role", self.roles("none", "replica", "replica"))
        host.apply(GROUP, 1, ADDRESSES[0], step=2, replicas=ADDRESSES[1:])
        self.wait_labels("role", self.roles("primary", "replica", "replica"))
        self.never_two_primaries()

    def test_whatever_somebody_else_says_is_put_right(self) -> None:
        host = self.role_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        mark = len(host.events)
        self.namespace.label("valkey-0", "role", "replica", manager="kubectl-label")
        host.wait("log", text="was taken off by kubectl-label", level="warning", mark=mark)
        host.applied(mark=mark)
        self.wait_labels("role", self.roles("primary", "replica", "replica"))
        mark = len(host.events)
        self.namespace.label("valkey-2", "role", "primary", manager="kubectl-label")
        host.wait("log", text="was set by kubectl-label", level="warning", mark=mark)
        host.applied(mark=mark)
        self.wait_labels("role", self.roles("primary", "replica", "replica"))

    def test_a_primarys_label_set_by_hand_goes_by_a_fence_alone(self) -> None:
        """Also where the pod was about to be marked as a replica, and the fence waits."""
        host = self.role_host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels("role", self.roles("primary", "replica", "replica"))
        while not any(event.kind == "problem" for event in host.events):
            mark = len(host.events)
            self.namespace.label("valkey-1", "role", "primary")
            host.applied(mark=mark)
        host.wait("problem", id="contested")  # what follows is put off for a second
        for _ in range(3):
            self.namespace.recreate_pod("valkey-2")
            self.namespace.label("valkey-2", "role", "primary")
            self.wait_labels("role", self.roles("primary", "replica", "replica"))
        versions = self.watch.versions("valkey-2")
        for before, after in zip(versions, versions[1:]):
            if before.uid != after.uid:
                continue
            if before.labels.get("role") == "primary" != after.labels.get("role"):
                self.assertNotEqual(before.annotations, after.annotations, "a fence leaves a stamp")

    def never_two_primaries(self) -> None:
        roles: dict[str, str] = {}
        for version in self.watch.versions():
            roles[version.name] = version.labels.get("role", "")
            if list(roles.values()).count("primary") > 1:
                raise TwoAtOnceError(f"two primaries at {version}")


class Refusals(PluginCase):
    def test_settings_that_contradict_each_other_are_refused(self) -> None:
        host = self.enterContext(PluginHost(
            "kubernetes", [GROUP], kubeconfig=self.namespace.kubeconfig(), label="role",
            value="primary", replica_label="role", replica_value="primary"))
        refused = host.wait("refused")
        self.assertIn("`role=primary` is what marks the primary", refused.text)


@unittest.skipUnless(BACKEND == "fake", "only a fake refuses on demand")
class Trouble(ReplicaCase):
    private = True

    def test_a_refused_replica_label_neither_delays_nor_fails_the_promotion(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA)
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-2\b.*", count=0, status=500)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.applied(mark=mark)
        host.wait("problem", id="replica-label-refused", severity="degraded", mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.kubernetes.clear_faults()
        self.wait_labels(REPLICA, {}, 30)
        host.wait("problem_clear", id="replica-label-refused", mark=mark)
        self.assertFalse([event for event in host.events[mark:]
                          if event.kind == "problem" and event.severity == "blocking"])
        self.never_two()

    def test_a_refusal_by_what_a_conflict_is_answered_with_is_told_too(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA)
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-2\b.*", count=0, status=422,
                              user=".*serviceaccount.*")
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        self.wait_labels(REPLICA, {"valkey-1": "true"})
        host.wait("problem", id="replica-label-refused", severity="degraded", mark=mark, timeout=40)
        self.kubernetes.clear_faults()
        host.wait("problem_clear", id="replica-label-refused", mark=mark, timeout=40)

    def test_a_refusal_is_told_only_while_the_label_is_followed(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA)
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-2\b.*", count=0, status=500,
                              user=".*serviceaccount.*")
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        host.wait("problem", id="replica-label-refused", mark=mark)
        self.namespace.annotate("valkey-0", "valkey-reconciler.io/paused", "maintenance")
        host.wait("problem_clear", id="replica-label-refused", mark=mark)

    def test_where_the_server_asks_to_wait_no_pod_is_written_to(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA)
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-2\b.*", status=429,
                              headers={"Retry-After": "3"})
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        busy = host.wait("count", name="patches_total", value="429", mark=mark)
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        written = host.wait("count", name="patches_total", value="ok", mark=mark)
        self.assertGreaterEqual(written.time - busy.time, 3)
        self.wait_labels(REPLICA, {}, 30)

    def test_where_the_server_asks_a_failover_to_wait_its_replicas_wait_too(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host, other = self.host(replica_label=REPLICA), self.host()
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-1\b.*", status=429,
                              headers={"Retry-After": "3"})
        mark = host.apply(GROUP, 2, ADDRESSES[1], replicas=ADDRESSES[2:])
        busy = host.wait("complete", outcome="retry", mark=mark)
        other.apply(GROUP, 2, ADDRESSES[1])
        host.applied(mark=mark)
        mark = host.apply(GROUP, 2, ADDRESSES[1], replicas=[ADDRESSES[0], ADDRESSES[2]])
        written = host.wait("count", name="patches_total", mark=mark)
        self.assertGreaterEqual(written.time - busy.time, 2.95)
        self.wait_labels(REPLICA, {"valkey-0": "true", "valkey-2": "true"})

    def test_without_an_answer_it_takes_no_promotion_with_it(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA, request_timeout="2s")
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-2\b.*", delay_ms=10000)
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        wait_until(lambda: self.kubernetes.faults()[0]["hits"] == 1, 10, "it is sent")
        # The second of these is under way when the time of that is over.
        self.kubernetes.fault(r"PATCH /api/v1/.*/valkey-[01]\b.*", count=2, delay_ms=1200)
        host.apply(GROUP, 2, ADDRESSES[1])
        host.applied(mark=mark, epoch="2")
        host.wait("problem", id="replica-label-refused", severity="degraded", mark=mark,
                  text="no answer within 2000 ms")
        self.assertFalse([event for event in host.events[mark:]
                          if event.kind == "complete" and event.outcome == "retry"
                          or event.kind == "problem" and event.severity == "blocking"])

    def test_what_else_an_answer_shows_is_not_missed(self) -> None:
        """The watch tells of it later, when it is no news any more."""
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(replica_label=REPLICA)
        host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        host.applied()
        self.wait_labels(REPLICA, {"valkey-1": "true", "valkey-2": "true"})
        ours = r".*labelSelector=.*"
        wait_until(lambda: self.kubernetes.watches("silence", ours, seconds=3) == 1, 10, "a watch")
        self.namespace.label("valkey-2", "valkey-master", "true")
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2])
        host.wait("log", text="valkey-2, no healthy replica", mark=mark)
        host.wait("log", text="valkey-2 unlabelled", mark=mark)


if __name__ == "__main__":
    main()
