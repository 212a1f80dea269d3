"""What the tests of the two ways to publish through a Service share: pods, the Service, a witness of where it leads."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP  # noqa: E402
from lab.kube_client import JSON_PATCH, Json  # noqa: E402
from lab.kube_rights import least_rules  # noqa: E402
from lab.kubernetes import Kubernetes, Namespace, open_kubernetes  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.service_watch import POD_NAME, STAMP, ServiceWatch  # noqa: E402

SERVICE = "valkey"
SLICE = f"{SERVICE}-valkey-reconciler"
PAUSED = "valkey-reconciler.io/paused"


class ServiceCase(unittest.TestCase):
    """Three pods and their Service in a namespace of each test, and just the rights that are documented."""

    way = ""
    private = False
    selector: dict[str, str] = {}

    def setUp(self) -> None:
        self.kubernetes: Kubernetes = self.open()
        if self.private:
            self.addCleanup(self.kubernetes.close)
        self.namespace: Namespace = self.kubernetes.namespace("publish", least_rules(self.way))
        self.namespace.add_valkey_pods(ADDRESSES)
        self.make_service()
        self.watch: ServiceWatch = self.enterContext(self.witness(SERVICE))

    def open(self) -> Kubernetes:
        return open_kubernetes(BACKEND, private=self.private)

    @property
    def by_slice(self) -> bool:
        return self.way == "endpointslice"

    def witness(self, service: str) -> ServiceWatch:
        return ServiceWatch(self.namespace, service,
                            slices=self.slice_version if self.by_slice else "")

    @property
    def slice_version(self) -> str:
        """The one that a program has to speak here."""
        group = self.kubernetes.admin.get("/apis/discovery.k8s.io")
        versions = [entry["version"] for entry in group["versions"]]
        return "v1" if "v1" in versions else "v1beta1"

    @property
    def slices(self) -> str:
        return (f"/apis/discovery.k8s.io/{self.slice_version}/namespaces/{self.namespace.name}"
                "/endpointslices")

    def make_service(self, name: str = SERVICE, **spec: Any) -> Json:
        spec = {"ports": [{"name": "valkey", "port": 6379}], **spec}
        if self.selector:
            spec["selector"] = self.selector
        return self.kubernetes.admin.post(f"{self.namespace.path}/services",
                                          {"metadata": {"name": name}, "spec": spec})

    def service(self, name: str = SERVICE) -> Json:
        return self.kubernetes.admin.get(f"{self.namespace.path}/services/{name}")

    def patch_service(self, patch: Json, manager: str = "somebody") -> Json:
        return self.kubernetes.admin.merge_patch(
            f"{self.namespace.path}/services/{SERVICE}", patch, fieldManager=manager)

    def slice(self, name: str = SLICE) -> Json:
        return self.kubernetes.admin.get(f"{self.slices}/{name}")

    def patch_slice(self, *operations: Json, manager: str = "somebody") -> Json:
        return self.kubernetes.admin.call(
            "PATCH", f"{self.slices}/{SLICE}", list(operations), content_type=JSON_PATCH,
            query={"fieldManager": manager})

    def stamp(self) -> str:
        holder = self.slice() if self.by_slice else self.service()
        return str(holder["metadata"].get("annotations", {}).get(STAMP, ""))

    def place(self, pod: int) -> str:
        """What the witness says where the Service leads to that pod."""
        return ADDRESSES[pod] if self.by_slice else f"valkey-{pod}"

    def host(self, **settings: str | Path) -> PluginHost:
        settings = {"kubeconfig": self.namespace.kubeconfig(), "publish": self.way,
                    "service": SERVICE, **settings}
        host = self.enterContext(PluginHost("kubernetes", [GROUP], **settings))
        host.wait("log", text="connected")
        return host

    def lead_to(self, host: PluginHost, epoch: int, pod: int, **options: Any) -> int:
        mark = host.apply(GROUP, epoch, ADDRESSES[pod], **options)
        host.applied(mark=mark)
        return mark

    def never_two(self) -> None:
        self.watch.check()


def move_selector(pod: str | None) -> Json:
    return {"spec": {"selector": {POD_NAME: pod}}}
