"""Those that hear of a failover, each with a namespace of its own and all the ways in which it leads clients."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from routes import HAPROXY_WAYS, LABEL_WAYS, LISTENER, WAYS

from lab import configuration
from lab.configuration import Value
from lab.haproxy import HAProxy
from lab.kube_client import Json
from lab.kube_rights import least_rules
from lab.kubernetes import LABEL, PROGRAM_RULES, Kubernetes
from lab.program import Program
from lab.valkey import ValkeyGroup

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ways import Place, floor  # noqa: E402

_APP = {"app.kubernetes.io/name": "valkey"}
_SELECTORS = {
    "service": {**_APP, LABEL: "true"},
    "endpointslice": {},
    "service-selector": _APP,
}
_RULES: list[Json] = [
    *PROGRAM_RULES, *least_rules("endpointslice"), *least_rules("service-selector")
]


@dataclass(frozen=True)
class Follow:
    """What the forwarder of a route goes by."""

    path: str
    selector: str


class Publisher:
    """start() to close() by the scene, in its main thread."""

    def __init__(self, name: str, kubernetes: Kubernetes, group: ValkeyGroup) -> None:
        self.name = name
        self.namespace = kubernetes.namespace("writes", _RULES)
        self.namespace.add_valkey_pods([instance.host for instance in group.instances])
        version = kubernetes.admin.get("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"]
        self._slices = f"/apis/{version}/namespaces/{self.namespace.name}/endpointslices"

    def start(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def follows(self) -> dict[str, Follow]:
        """By way."""
        raise NotImplementedError

    def ports(self) -> dict[str, int]:
        """Of 127.0.0.1, by way, of those that need no forwarder."""
        return {}

    def _follow(self, way: str) -> Follow:
        if way == "label":
            return Follow(f"{self.namespace.path}/pods", f"{LABEL}=true")
        return Follow(self._slices, f"kubernetes.io/service-name={way}")

    def _add_service(self, way: str, port: int) -> None:
        spec = {
            "ports": [{"name": "valkey", "port": port, "targetPort": port}],
            "selector": _SELECTORS[way],
        }
        self.namespace.kubernetes.admin.post(
            f"{self.namespace.path}/services", {"metadata": {"name": way}, "spec": spec}
        )


class Listener(Publisher):
    """`floor` at one Sentinel for good, with its +switch-master alone."""

    def __init__(self, kubernetes: Kubernetes, group: ValkeyGroup, folder: Path) -> None:
        super().__init__(LISTENER, kubernetes, group)
        self._add_service("service", group.instances[0].port)
        pods = {instance.name: instance.host for instance in group.instances}
        sentinel = group.sentinels.all[0]
        place = Place(self.namespace, group.name, pods, [sentinel.host], sentinel.port, None, folder)
        self._floor = floor(place, ["--switch-only"])

    def start(self) -> None:
        self._floor.start()

    def close(self) -> None:
        self._floor.stop()

    def follows(self) -> dict[str, Follow]:
        return {way: self._follow(way) for way in LABEL_WAYS}


class ReconcilerPublisher(Publisher):
    """One run of the program with a target for each way."""

    def __init__(
        self, act_on: str, kubernetes: Kubernetes, group: ValkeyGroup, folder: Path
    ) -> None:
        super().__init__(act_on, kubernetes, group)
        for way in _SELECTORS:
            self._add_service(way, group.instances[0].port)
        self._haproxies = {way: self._haproxy(way, group, folder) for way in HAPROXY_WAYS}
        asked: dict[str, Value] = {} if act_on == "announcement" else {"instances": {}}
        text = configuration.configuration(
            configuration.sentinel(
                group.sentinels, [group.name], of_groups={"act_on": act_on}, **asked
            ),
            self._kubernetes_target("label"),
            *(self._kubernetes_target(way, service=way) for way in ("endpointslice", "service-selector")),
            *(
                configuration.table(
                    "target", name=way, plugin="haproxy", socket=str(haproxy.socket),
                    cut_sessions=way != "haproxy",
                )
                for way, haproxy in self._haproxies.items()
            ),
        )
        self.program = Program(folder, text, name=act_on, log_level="info")

    def start(self) -> None:
        for haproxy in self._haproxies.values():
            haproxy.start()
        self.program.start()
        self.program.wait_ready(30.0)

    def close(self) -> None:
        with contextlib.ExitStack() as closing:
            for haproxy in self._haproxies.values():
                closing.callback(haproxy.close)
            closing.callback(self.program.close)

    def follows(self) -> dict[str, Follow]:
        return {way: self._follow(way) for way in WAYS if way not in HAPROXY_WAYS}

    def ports(self) -> dict[str, int]:
        return {way: haproxy.port for way, haproxy in self._haproxies.items()}

    def _haproxy(self, way: str, group: ValkeyGroup, folder: Path) -> HAProxy:
        own = folder / f"{self.name}-{way}"
        own.mkdir()
        servers = [(each.name, each.address) for each in group.instances]
        return HAProxy(own, group.name, servers, retries=0 if way.endswith("-0") else 3)

    def _kubernetes_target(self, way: str, **keys: Value) -> str:
        return configuration.kubernetes_target(
            self.namespace.kubeconfig(), self.namespace.name, name=way, publish=way, **keys
        )
