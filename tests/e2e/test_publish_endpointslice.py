"""`publish = "endpointslice"`: one EndpointSlice of a Service without selector."""

from __future__ import annotations

import sys
import unittest
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e import publish_cases  # noqa: E402
from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP  # noqa: E402
from e2e.service_case import SERVICE, SLICE, ServiceCase  # noqa: E402
from lab.kube_client import JSON_PATCH, ApiFailure, Json  # noqa: E402
from lab.kubernetes import FakeKubernetes, Kubernetes, Pod, open_kubernetes  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.service_watch import STAMP  # noqa: E402


class ByEndpointSlice(publish_cases.PublishCases):
    way = "endpointslice"

    def release(self) -> None:
        self.patch_slice({"op": "add", "value": "released now",
                          "path": f"/metadata/annotations/{STAMP.replace('/', '~1')}"})

    def disturb(self) -> None:
        self.patch_slice({"op": "replace", "path": "/endpoints/0/addresses/0",
                          "value": ADDRESSES[2]})

    def test_the_slice_is_as_kube_proxy_and_kubectl_expect_it(self) -> None:
        self.lead_to(self.host(), 1, 0)
        made = self.slice()
        self.assertEqual(made["metadata"]["labels"], {
            "kubernetes.io/service-name": SERVICE,
            "endpointslice.kubernetes.io/managed-by": "valkey-reconciler.io"})
        (owner,) = made["metadata"]["ownerReferences"]
        self.assertEqual((owner["kind"], owner["name"], owner["uid"], owner["controller"]),
                         ("Service", SERVICE, self.service()["metadata"]["uid"], True))
        self.assertNotIn("blockOwnerDeletion", owner)
        self.assertEqual(made["addressType"], "IPv4")
        (port,) = made["ports"]
        self.assertEqual((port["name"], port["port"], port["protocol"]), ("valkey", 6379, "TCP"))
        (endpoint,) = made["endpoints"]
        self.assertEqual(endpoint["addresses"], [ADDRESSES[0]])
        self.assertTrue(endpoint["conditions"]["ready"])
        pod = self.namespace.pod("valkey-0")
        self.assertEqual(endpoint["targetRef"], {"kind": "Pod", "name": "valkey-0",
                                                 "uid": pod["metadata"]["uid"]})
        if self.slice_version == "v1":
            self.assertEqual(endpoint["nodeName"], "lab-node-0")
        else:
            self.assertEqual(endpoint["topology"]["kubernetes.io/hostname"], "lab-node-0")

    def test_all_ports_of_the_service_are_in_it_by_their_names(self) -> None:
        self.kubernetes.admin.delete(f"{self.namespace.path}/services/{SERVICE}")
        self.make_service(ports=[
            {"name": "db", "port": 6380, "targetPort": "valkey", "appProtocol": "redis"},
            {"name": "metrics", "port": 9121}, {"name": "odd", "port": 7, "targetPort": "none"}])
        self.lead_to(self.host(), 1, 0)
        ports = {port["name"]: (port["port"], port.get("appProtocol"))
                 for port in self.slice()["ports"]}
        self.assertEqual(ports, {"db": (6379, "redis"), "metrics": (9121, None)})

    def test_a_service_whose_ports_do_not_tell_is_refused_until_one_is_named(self) -> None:
        self.kubernetes.admin.delete(f"{self.namespace.path}/services/{SERVICE}")
        self.make_service(ports=[{"name": "a", "port": 1}, {"name": "b", "port": 2}])
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="set service_port")
        host.wait("problem", id="no-service-port", severity="blocking")
        self.lead_to(self.host(service_port="b"), 1, 0)
        self.assertEqual({port["name"]: port["port"] for port in self.slice()["ports"]},
                         {"a": 1, "b": 6379})

    def test_a_service_with_a_selector_is_refused_until_it_has_none(self) -> None:
        self.patch_service({"spec": {"selector": {"app.kubernetes.io/name": "valkey"}}})
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="has a selector")
        host.wait("problem", id="service-has-selector", severity="blocking")
        self.assertEqual(self.watch.versions(), [])
        mark = len(host.events)
        self.patch_service({"spec": {"selector": None}})
        self.watch.wait_for([ADDRESSES[0]])
        host.wait("problem_clear", id="service-has-selector", mark=mark)

    def test_a_slice_that_somebody_deleted_is_made_again(self) -> None:
        hosts = [self.host(), self.host()]
        for host in hosts:
            self.lead_to(host, 1, 0)
        uid = self.slice()["metadata"]["uid"]
        self.kubernetes.admin.delete(f"{self.slices}/{SLICE}")
        self.watch.wait_until(
            lambda: self.watch.now() == [ADDRESSES[0]] and len(self.watch.versions()) >= 3, 10,
            "made again")
        self.assertNotEqual(self.slice()["metadata"]["uid"], uid)
        self.never_two()

    @unittest.skipUnless(BACKEND == "fake", "only a fake keeps an answer back")
    def test_a_slice_that_is_deleted_while_the_answer_to_a_write_is_awaited_is_made_again(
        self,
    ) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host()
        self.lead_to(host, 1, 0)
        self.kubernetes.fault(rf"PATCH {self.slices}/.*", when="after", delay_ms=500)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        self.watch.wait_for([ADDRESSES[1]])
        self.kubernetes.admin.delete(f"{self.slices}/{SLICE}")
        self.watch.wait_for([])
        self.watch.wait_for([ADDRESSES[1]])
        host.applied(mark=mark)
        self.never_two()

    def test_a_service_that_was_made_anew_is_its_owner_from_then_on(self) -> None:
        """Else Kubernetes would collect it, and with it what it remembers."""
        hosts = [self.host(), self.host()]
        for host in hosts:
            self.lead_to(host, 5, 0)
        uid = self.slice()["metadata"]["uid"]
        self.kubernetes.admin.delete(f"{self.namespace.path}/services/{SERVICE}")
        for host in hosts:
            host.wait("problem", id="no-service")
        anew = self.make_service()["metadata"]["uid"]

        def owners() -> list[str]:
            with suppress(ApiFailure):
                return [owner["uid"] for owner in self.slice()["metadata"]["ownerReferences"]]
            return []

        wait_until(lambda: owners() == [anew], 10, "the new Service is the owner")
        for host in hosts:
            host.wait("problem_clear", id="no-service")
        self.watch.wait_as_now()
        seen = {version.leads_to for version in self.watch.versions()}
        if BACKEND == "real":  # Kubernetes may have collected it before it had the new owner
            self.assertEqual(seen - {()}, {(ADDRESSES[0],)})
        else:
            self.assertEqual(self.slice()["metadata"]["uid"], uid)
            self.assertEqual(seen, {(ADDRESSES[0],)})

    def test_a_slice_that_lost_its_label_gets_it_back(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        mark = len(host.events)
        self.patch_slice({"op": "remove", "path": "/metadata/labels"})
        self.watch.wait_until(lambda: len(self.watch.versions()) >= 3, 10, "labelled again")
        self.watch.wait_for([ADDRESSES[0]])
        host.applied(mark=mark)
        self.assertEqual(host.count("patches_total", "409", mark), 1)  # it is there already
        self.never_two()

    def test_another_slice_that_leads_elsewhere_is_a_problem_and_is_left_alone(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        other = {"metadata": {"name": "by-hand", "labels": {
            "kubernetes.io/service-name": SERVICE}}, "addressType": "IPv4",
            "endpoints": [{"addresses": [ADDRESSES[2]]}], "ports": []}
        made = self.kubernetes.admin.post(self.slices, other)
        host.wait("problem", id="other-slice", severity="blocking", text="by-hand")
        mark = len(host.events)
        self.assertEqual(self.slice("by-hand")["metadata"]["resourceVersion"],
                         made["metadata"]["resourceVersion"])
        self.kubernetes.admin.delete(f"{self.slices}/by-hand")
        host.wait("problem_clear", id="other-slice", mark=mark)

    def test_an_address_that_is_no_pods_is_published_and_its_pod_added_when_there_is_one(
            self) -> None:
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.99")
        host.applied()
        self.assertNotIn("targetRef", self.slice()["endpoints"][0])
        self.namespace.add_pod(Pod("valkey-9", "10.244.0.99"))
        self.watch.wait_until(lambda: len(self.watch.versions()) >= 2, 10, "the pod is named")
        self.assertEqual(self.slice()["endpoints"][0]["targetRef"]["name"], "valkey-9")
        self.never_two()

    def test_a_host_name_is_published_by_the_address_of_its_pod(self) -> None:
        host = self.host(no_match_after="300ms")
        host.apply(GROUP, 1, "valkey-1.valkey")
        host.applied()
        self.watch.wait_for([ADDRESSES[1]])
        mark = host.apply(GROUP, 2, "valkey-7.valkey")
        host.wait("complete", outcome="rejected", text="no pod of the group", mark=mark)
        self.watch.wait_for([])

    def test_without_any_right_to_pods_addresses_are_published(self) -> None:
        self.namespace.set_rules([rule for rule in self.namespace._rules
                                  if rule["resources"] != ["pods"]])
        host = self.host()
        self.lead_to(host, 1, 0)
        host.wait("problem", id="list-refused", severity="degraded",
                  text="forbidden: cannot list pods")
        self.lead_to(host, 2, 1)
        self.assertNotIn("targetRef", self.slice()["endpoints"][0])
        self.assertFalse([e for e in host.events
                          if e.kind == "problem" and e.severity == "blocking"])

    def test_a_primary_of_the_other_family_is_refused_until_the_slice_is_deleted(self) -> None:
        host = self.host(no_match_after="10m")
        self.lead_to(host, 1, 0)
        mark = host.apply(GROUP, 2, "fd00::10")
        host.wait("complete", outcome="rejected", text="delete it to have it made anew", mark=mark)
        self.watch.wait_for([ADDRESSES[0]])
        if "ipFamilies" not in self.service()["spec"]:  # else the Service serves IPv4 alone
            self.kubernetes.admin.delete(f"{self.slices}/{SLICE}")
            self.watch.wait_for(["fd00::10"])
        self.never_two()

    def test_a_primary_of_both_families_is_published_by_the_one_of_the_slice(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20,fd00::20"))
        mark = host.apply(GROUP, 2, "fd00::20")
        host.applied(mark=mark)
        self.watch.wait_for(["10.244.0.20"])

    def test_the_replicas_have_a_slice_of_their_own(self) -> None:
        self.make_service("valkey-replicas")
        with self.witness("valkey-replicas") as replicas:
            host = self.host(replica_service="valkey-replicas")
            self.apply_with_replicas(host, 1, 0, [1, 2])
            replicas.wait_until(lambda: replicas.now() == ADDRESSES[1:], 10, "both replicas")
            self.apply_with_replicas(host, 2, 1, [2])
            replicas.wait_until(lambda: replicas.now() == [ADDRESSES[2]], 10, "one is well")
            self.kubernetes.admin.delete(f"{self.slices}/valkey-replicas-valkey-reconciler")
            replicas.wait_until(lambda: replicas.now() == [ADDRESSES[2]], 10, "made again")
        self.never_two()

    def test_whoever_finds_the_replicas_slice_right_keeps_it_so(self) -> None:
        self.make_service("valkey-replicas")
        slice_of_replicas = f"{self.slices}/valkey-replicas-valkey-reconciler"
        with self.witness("valkey-replicas") as replicas:
            writer = self.host(replica_service="valkey-replicas")
            self.apply_with_replicas(writer, 1, 0, [1, 2])
            reader = self.host(replica_service="valkey-replicas")
            self.apply_with_replicas(reader, 1, 0, [1, 2])
            writer.kill()
            seen = len(replicas.versions())
            self.kubernetes.admin.call(
                "PATCH", slice_of_replicas,
                [{"op": "replace", "path": "/endpoints/0/addresses/0", "value": "10.244.0.99"}],
                content_type=JSON_PATCH)
            replicas.wait_until(
                lambda: len(replicas.versions()) >= seen + 2 and replicas.now() == ADDRESSES[1:], 10,
                "somebody changed it, and it is put right")

    def test_what_goes_wrong_with_the_replicas_is_no_matter_of_the_primary(self) -> None:
        self.make_service("valkey-replicas")
        replicas = f"{self.namespace.path}/services/valkey-replicas"
        host = self.host(replica_service="valkey-replicas")
        self.apply_with_replicas(host, 1, 0, [1, 2])
        mark = len(host.events)
        self.kubernetes.admin.merge_patch(replicas, {"spec": {"selector": {"a": "b"}}})
        host.wait("problem", id="replica-service", severity="degraded", text="has a selector",
                  mark=mark)
        self.apply_with_replicas(host, 1, 0, [1, 2])
        mark = len(host.events)
        self.kubernetes.admin.merge_patch(replicas, {"spec": {"selector": None}})
        host.wait("problem_clear", id="replica-service", mark=mark)

    def test_what_is_wrong_with_the_replicas_of_a_paused_group_is_nobodys_problem(self) -> None:
        self.make_service("valkey-replicas")
        host = self.host(replica_service="valkey-replicas")
        self.apply_with_replicas(host, 1, 0, [1, 2])
        mark = len(host.events)
        replicas = f"{self.namespace.path}/services/valkey-replicas"
        self.kubernetes.admin.merge_patch(replicas, {"spec": {"selector": {"a": "b"}}})
        host.wait("problem", id="replica-service", mark=mark)
        self.pause("by jane")
        host.wait("problem", id="paused", mark=mark)
        self.apply_with_replicas(host, 1, 0, [1, 2])
        host.wait("problem_clear", id="replica-service", mark=mark)
        mark = len(host.events)
        self.pause("")
        self.apply_with_replicas(host, 1, 0, [1, 2])
        host.wait("problem", id="replica-service", mark=mark)

    @unittest.skipUnless(BACKEND == "fake", "only a fake refuses on demand")
    def test_a_refusal_of_the_replicas_slice_is_tried_again_by_itself(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.make_service("valkey-replicas")
        host = self.host(replica_service="valkey-replicas")
        self.apply_with_replicas(host, 1, 0, [1, 2])
        self.kubernetes.fault(rf"PATCH {self.slices}/valkey-replicas-.*", status=403)
        mark = host.apply(GROUP, 2, ADDRESSES[1], replicas=[ADDRESSES[2]])
        host.wait("complete", mark=mark)
        host.applied(mark=mark)
        self.assertFalse([e for e in host.events[mark:]
                          if e.kind == "complete" and e.fields["outcome"] != "applied"])
        host.wait("problem", id="replica-service", severity="degraded", mark=mark)
        host.wait("problem_clear", id="replica-service", mark=mark, timeout=20)
        self.never_two()

    def test_the_right_to_pods_may_go_while_it_runs(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.namespace.set_rules([rule for rule in self.namespace._rules
                                  if rule["resources"] != ["pods"]])
        for epoch in (2, 3):
            self.lead_to(self.host(), epoch, epoch - 1)
            mark = host.apply(GROUP, epoch, ADDRESSES[epoch - 1])
            host.applied(mark=mark)
        self.never_two()

    def apply_with_replicas(self, host, epoch: int, pod: int,  # type: ignore[no-untyped-def]
                            replicas: list[int]) -> None:
        mark = host.apply(GROUP, epoch, ADDRESSES[pod],
                          replicas=[ADDRESSES[replica] for replica in replicas])
        host.applied(mark=mark)


class OnAServerOfTheOldVersionAlone(ServiceCase):
    """1.20 and older have v1beta1 only; the fake has both, and is made to hide v1 here."""

    way = "endpointslice"
    private = True

    def open(self) -> Kubernetes:
        kubernetes = open_kubernetes(BACKEND, private=True)
        if isinstance(kubernetes, FakeKubernetes):
            old: Json = {"groupVersion": "discovery.k8s.io/v1beta1", "version": "v1beta1"}
            kubernetes.fault(r"GET /apis/discovery\.k8s\.io", count=0, status=200, body={
                "kind": "APIGroup", "apiVersion": "v1", "name": "discovery.k8s.io",
                "versions": [old], "preferredVersion": old})
            kubernetes.fault(r"\w+ /apis/discovery\.k8s\.io/v1/.*", count=0, status=404)
        return kubernetes

    def test_the_old_version_is_spoken(self) -> None:
        self.assertEqual(self.slice_version, "v1beta1")
        host = self.host()
        self.lead_to(host, 1, 0)
        self.lead_to(host, 2, 1)
        self.watch.wait_for([ADDRESSES[1]])
        (endpoint,) = self.slice()["endpoints"]
        self.assertEqual(endpoint["topology"], {"kubernetes.io/hostname": "lab-node-1"})
        self.assertEqual(host.count("patches_total"), 2)
        self.never_two()


if __name__ == "__main__":
    main()
