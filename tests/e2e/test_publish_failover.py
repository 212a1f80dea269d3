"""The main job, published through a Service: Sentinel moves the primary, and the Service leads to it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, EndToEnd, main  # noqa: E402
from lab import configuration  # noqa: E402
from lab.kube_rights import least_rules  # noqa: E402
from lab.kubernetes import PROGRAM_RULES  # noqa: E402
from lab.service_watch import ServiceWatch  # noqa: E402


class PublishedThroughServices(EndToEnd):
    """Targets beside that of the label. A slice takes loopback addresses, which the instances have
    here, in the v1beta1 of 1.20 alone: that is the real server."""

    def setUp(self) -> None:
        super().setUp()
        namespace = self.stage.namespace
        self.ways = ["service-selector"] + (["endpointslice"] if BACKEND == "real" else [])
        namespace.set_rules([*PROGRAM_RULES,
                             *(rule for way in self.ways for rule in least_rules(way))])
        self.watches: dict[str, ServiceWatch] = {}
        for way in self.ways:
            by_slice = way == "endpointslice"
            spec = {"ports": [{"name": "valkey", "port": 6379}]}
            if not by_slice:
                spec["selector"] = {"app.kubernetes.io/name": "valkey"}  # type: ignore[assignment]
            namespace.kubernetes.admin.post(f"{namespace.path}/services",
                                            {"metadata": {"name": way}, "spec": spec})
            self.watches[way] = self.enterContext(ServiceWatch(
                namespace, way, slices="v1beta1" if by_slice else ""))
            self.stage.add_configuration(configuration.kubernetes_target(
                namespace.kubeconfig(), namespace.name, name=way, publish=way, service=way))

    def test_the_service_follows_a_killed_primary_and_a_planned_failover(self) -> None:
        self.stage.start()
        for kind in ("kill", "planned"):
            failover = self.fail_over(kind)
            for way, watch in self.watches.items():
                by_slice = way == "endpointslice"
                watch.wait_for([failover.new.host if by_slice else failover.new.name])
                watch.check()
            self.stage.wait_right(primary=failover.new)
        self.stage.check()


if __name__ == "__main__":
    main()
