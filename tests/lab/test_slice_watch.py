#!/usr/bin/env python3
"""The witness of EndpointSlices tells which addresses were ready, in all slices of its Service.

python3 tests/lab/test_slice_watch.py fake|real [unittest's arguments]; 77 where there is no real one.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import backends, open_kubernetes  # noqa: E402
from lab.slice_watch import SliceWatch  # noqa: E402


class Watching(unittest.TestCase):
    backend = "fake"

    def setUp(self) -> None:
        kubernetes = open_kubernetes(self.backend)
        self.admin = kubernetes.admin
        namespace = kubernetes.namespace("slices")
        self.addCleanup(namespace.delete)
        version = self.admin.get("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"]
        self.path = f"/apis/{version}/namespaces/{namespace.name}/endpointslices"
        self.slices = SliceWatch(namespace, "valkey-primary")
        self.addCleanup(self.slices.close)

    def make(self, name: str, *addresses: str, service: str = "valkey-primary") -> None:
        self.admin.post(self.path, {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": [_endpoint(address) for address in addresses],
            "ports": [],
        })

    def change(self, name: str, *endpoints: Json) -> None:
        self.admin.merge_patch(f"{self.path}/{name}", {"endpoints": list(endpoints)})

    def test_addresses_of_all_slices_count_together(self) -> None:
        self.make("one", "10.244.0.11")
        self.slices.wait_named("10.244.0.11", 5)
        self.make("other", "10.244.0.13", service="other")
        self.make("two", "10.244.0.12")
        self.change("one")
        named = self.slices.wait_named("10.244.0.12", 5)
        self.assertEqual(
            [set(), {"10.244.0.11"}, {"10.244.0.11", "10.244.0.12"}, {"10.244.0.12"}],
            [each.addresses for each in self.slices.history()],
        )
        self.assertEqual([named], self.slices.history(named.received))

    def test_what_is_not_ready_or_deleted_is_not_named(self) -> None:
        self.make("one", "10.244.0.11")
        self.make("two", "10.244.0.12")
        self.change("one", _endpoint("10.244.0.11", ready=False))
        self.slices.wait_named("10.244.0.12", 5)
        self.change("one", _endpoint("10.244.0.11"))
        self.admin.delete(f"{self.path}/two")
        self.slices.wait_named("10.244.0.11", 5)
        with self.assertRaisesRegex(TimeoutError, "name .*10.244.0.11.*, not 10.244.0.12"):
            self.slices.wait_named("10.244.0.12", 0.1)


def _endpoint(address: str, ready: bool = True) -> Json:
    return {"addresses": [address], "conditions": {"ready": ready}}


if __name__ == "__main__":
    Watching.backend = sys.argv.pop(1) if len(sys.argv) > 1 else "fake"
    if Watching.backend not in backends():
        print("skipped: no real Kubernetes API server (KUBERNETES_LAB is not set)")
        sys.exit(77)
    unittest.main()
