"""Pods that are odd, on the fake and the real API server: each still gets its label, or is rightly
left without."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.kubernetes import Pod  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402

SHARED = "10.244.0.40"


class OddPods(PluginCase):
    def test_one_that_a_finalizer_keeps_terminating_is_demoted(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20", finalizers=["example.com/hold"]))
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.20")
        host.applied()
        self.namespace.delete_pod("valkey-3")
        mark = host.apply(GROUP, 2, ADDRESSES[0])
        host.applied(mark=mark)
        self.assertEqual(host.count("patches_total", mark=mark), 2)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.assertIn("deletionTimestamp", self.namespace.pod("valkey-3")["metadata"])
        self.never_two()
        self.namespace.patch_pod("valkey-3", {"metadata": {"finalizers": None}})

    def test_one_that_terminates_for_long_gets_the_label_where_it_is_the_primary(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20", grace=3600))
        self.namespace.delete_pod("valkey-3", grace=3600)
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.20")
        host.applied()
        self.assertEqual(self.namespace.labelled(), ["valkey-3"])

    def test_one_that_is_not_ready_gets_the_label(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20", ready=False))
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.20")
        host.applied()
        self.assertEqual(self.namespace.labelled(), ["valkey-3"])
        before = self.stamps()
        self.namespace.set_ready("valkey-3", True)
        self.namespace.set_ready("valkey-1", False)
        mark = host.apply(GROUP, 1, "10.244.0.20")
        host.applied(mark=mark)
        self.assertEqual(self.stamps(), before)

    def test_an_address_that_is_used_again_means_the_pod_that_has_it_now(self) -> None:
        self.namespace.add_pods([Pod("valkey-3", SHARED, grace=3600), Pod("valkey-4", SHARED)])
        self.namespace.delete_pod("valkey-3", grace=3600)
        host = self.host()
        host.apply(GROUP, 1, SHARED)
        host.applied()
        self.assertEqual(self.namespace.labelled(), ["valkey-4"])

    def test_of_two_pods_with_one_address_none_is_labelled_until_one_is_gone(self) -> None:
        self.namespace.add_pods([Pod("valkey-3", SHARED), Pod("valkey-4", SHARED)])
        host = self.host()
        host.apply(GROUP, 1, SHARED)
        host.wait("complete", outcome="rejected", text="pods valkey-3 and valkey-4 both are")
        host.wait("problem", id="no-pod")
        self.assertEqual(self.namespace.labelled(), [])
        self.namespace.delete_pod("valkey-3")
        self.watch.wait_for_label("valkey-4", 5)
        host.wait("problem_clear", id="no-pod")

    def test_pods_that_share_the_nodes_address_are_told_apart_by_their_port(self) -> None:
        self.namespace.add_pods([Pod("host-0", SHARED, port=6379), Pod("host-1", SHARED, port=6380)])
        host = self.host()
        host.apply(GROUP, 1, SHARED, 6380)
        host.applied()
        self.assertEqual(self.namespace.labelled(), ["host-1"])
        mark = host.apply(GROUP, 2, SHARED, 6379)
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["host-0"])
        self.never_two()

    def test_one_without_an_address_is_labelled_when_it_has_one(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.namespace.add_pod(Pod("valkey-3", ""))
        host.apply(GROUP, 2, "10.244.0.20")
        host.wait("problem", id="no-pod", text="no pod of the group is 10.244.0.20")
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        made = self.namespace.set_address("valkey-3", "10.244.0.20")
        found = self.watch.wait_for_label("valkey-3", 5)
        self.assertGreater(found.version, int(made["metadata"]["resourceVersion"]))
        host.wait("problem_clear", id="no-pod")
        self.never_two()

    def test_a_pod_with_two_addresses_is_meant_by_either(self) -> None:
        self.namespace.add_pods([Pod("dual-0", "10.244.0.30,fd00::30"),
                                 Pod("dual-1", "fd00::31,10.244.0.31")])
        host = self.host()
        for epoch, (address, pod) in enumerate(
                [("fd00::30", "dual-0"), ("10.244.0.31", "dual-1"), ("10.244.0.30", "dual-0"),
                 ("fd00:0:0::31", "dual-1")], start=1):
            mark = host.apply(GROUP, epoch, address)
            host.applied(mark=mark)
            self.assertEqual(self.namespace.labelled(), [pod], address)
        self.never_two()

    def test_a_primary_outside_of_the_cluster_costs_the_old_one_its_label(self) -> None:
        host = self.host(no_match_after="300ms")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.apply(GROUP, 2, "192.0.2.99")
        host.wait("problem", id="no-pod", severity="blocking")
        self.watch.wait_for_no_label(5)
        mark = host.apply(GROUP, 3, ADDRESSES[1])
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def test_a_replica_that_was_promoted_before_its_pod_was_seen_is_labelled_when_it_is(
            self) -> None:
        host = self.host(no_match_after="1m")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.apply(GROUP, 2, "10.244.0.20")
        host.wait("problem", id="no-pod")
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20"))
        self.watch.wait_for_label("valkey-3", 5)
        self.never_two()


class TwoGroups(PluginCase):
    def test_two_stateful_sets_in_one_namespace_have_a_label_each(self) -> None:
        for i, instance in enumerate(("red", "blue")):
            self.namespace.add_pods(
                Pod(f"{instance}-{j}", f"10.244.{i + 2}.{j}",
                    labels={"app.kubernetes.io/instance": instance}) for j in range(2))
        host = self.enterContext(PluginHost(
            "kubernetes", ["red", "blue"], kubeconfig=self.namespace.kubeconfig(),
            selector="app.kubernetes.io/name=valkey,app.kubernetes.io/instance={group}"))
        host.apply("red", 1, "10.244.2.0")
        host.apply("blue", 7, "10.244.3.1")
        host.applied(group="red")
        host.applied(group="blue")
        self.assertEqual(self.namespace.labelled(), ["blue-1", "red-0"])
        mark = host.apply("red", 2, "10.244.2.1")
        host.applied(mark=mark, group="red")
        self.assertEqual(self.namespace.labelled(), ["blue-1", "red-1"])
        self.assertFalse([name for name, stamp in self.stamps().items()
                          if name.startswith("valkey") and stamp])

    def test_two_groups_under_one_selector_and_label_do_not_share_it(self) -> None:
        other = self.enterContext(PluginHost("kubernetes", ["other"],
                                             kubeconfig=self.namespace.kubeconfig()))
        other.apply("other", 9, ADDRESSES[2])
        other.applied()
        self.namespace.add_pod(Pod("mine-0", "10.244.0.50"))
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.50")
        host.wait("complete", outcome="rejected", text="belongs to group other")
        host.wait("problem", id="other-group", severity="blocking")
        self.assertEqual(self.namespace.labelled(), ["valkey-2"])
        self.never_two()


if __name__ == "__main__":
    main()
