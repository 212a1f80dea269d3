"""Where the forwarder leads connections, by a label and by EndpointSlices.

python3 tests/bench/lost_writes/test_forwarder.py fake|real [unittest's arguments]; 77 where there is no real one.
"""

from __future__ import annotations

import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from child import Child  # noqa: E402

from lab.addresses import AddressBlock  # noqa: E402
from lab.kubernetes import LABEL, Kubernetes, backends, open_kubernetes  # noqa: E402
from lab.processes import wait_until  # noqa: E402

SLICE = "valkey-primary"


class Leading(unittest.TestCase):
    backend = "fake"

    def setUp(self) -> None:
        kubernetes: Kubernetes = open_kubernetes(self.backend)
        self.admin = kubernetes.admin
        self.namespace = kubernetes.namespace("forward")
        self.addCleanup(self.namespace.delete)
        block = AddressBlock()
        self.addCleanup(block.close)
        self.hosts = [block.address(11 + index) for index in range(2)]
        port = block.free_port(self.hosts)
        self.servers = [socket.create_server((host, port)) for host in self.hosts]
        for server in self.servers:
            server.settimeout(0.2)
            self.addCleanup(server.close)
        self.namespace.add_valkey_pods(self.hosts)
        version = self.admin.get("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"]
        self.slices = f"/apis/{version}/namespaces/{self.namespace.name}/endpointslices"
        self.forwarder = Child("forwarder.py", {
            "kubernetes": str(kubernetes.folder),
            "port": port,
            "routes": {
                "label": {"path": f"{self.namespace.path}/pods", "selector": f"{LABEL}=true"},
                "slice": {"path": self.slices, "selector": f"kubernetes.io/service-name={SLICE}"},
            },
        })
        self.addCleanup(self.forwarder.close)

    def connect(self, route: str) -> socket.socket:
        port = self.forwarder.first_answer[route]
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.addCleanup(client.close)
        return client

    def reach(self, route: str) -> tuple[socket.socket, socket.socket] | None:
        """Both ends of a new connection; None: it was refused, as early as while it connects."""
        try:
            client = self.connect(route)
            client.sendall(b"?")
        except ConnectionError:
            return None
        for server in self.servers:
            try:
                end, _ = server.accept()
            except TimeoutError:
                continue
            end.settimeout(5)
            self.addCleanup(end.close)
            self.assertEqual(end.recv(1), b"?")
            return client, end
        return None

    def leads_to(self, route: str) -> str:
        ends = self.reach(route)
        return ends[1].getsockname()[0] if ends else ""

    def wait_leads(self, route: str, host: str) -> None:
        wait_until(lambda: self.leads_to(route) == host, 5.0, f"{route} leads to {host}")

    def test_without_a_label_it_refuses(self) -> None:
        with self.assertRaises(ConnectionResetError):
            self.connect("label").recv(1)

    def test_new_connections_follow_the_label_and_open_ones_stay(self) -> None:
        self.namespace.label("valkey-0", LABEL, "true")
        self.wait_leads("label", self.hosts[0])
        ends = self.reach("label")
        assert ends is not None
        client, end = ends
        self.namespace.remove_label("valkey-0", LABEL)
        self.wait_leads("label", "")
        self.namespace.label("valkey-1", LABEL, "true")
        self.wait_leads("label", self.hosts[1])
        end.sendall(b"still here")
        self.assertEqual(client.recv(64), b"still here")
        end.close()
        self.assertEqual(client.recv(1), b"", "the server's end is the client's")

    def test_a_slice_of_the_service_leads_to_its_ready_address(self) -> None:
        if "v1beta1" not in self.slices:
            self.skipTest("slices take loopback addresses in v1beta1 alone: that is the real server")
        self.admin.post(self.slices, {
            "metadata": {"name": "one", "labels": {"kubernetes.io/service-name": SLICE}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [self.hosts[0]], "conditions": {"ready": True}}],
            "ports": [],
        })
        self.wait_leads("slice", self.hosts[0])
        self.admin.delete(f"{self.slices}/one")
        self.wait_leads("slice", "")


if __name__ == "__main__":
    Leading.backend = sys.argv.pop(1) if len(sys.argv) > 1 else "fake"
    if Leading.backend not in backends():
        print("skipped: no real Kubernetes API server (KUBERNETES_LAB is not set)")
        sys.exit(77)
    unittest.main()
