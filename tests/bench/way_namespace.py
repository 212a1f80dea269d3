"""The namespace of one way: the group's pods, a Service, and where that leads."""

from __future__ import annotations

from collections.abc import Mapping

from lab.kube_client import Json
from lab.kubernetes import LABEL, PROGRAM_RULES, Kubernetes
from ways import SERVICE

APP = {"app.kubernetes.io/name": "valkey"}
POD_NAME = "statefulset.kubernetes.io/pod-name"
READ_AND_WRITE = ["get", "list", "watch", "create", "patch"]
RULES: list[Json] = [
    *PROGRAM_RULES,
    {"apiGroups": [""], "resources": ["services"], "verbs": READ_AND_WRITE},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ_AND_WRITE},
]

# What the observer watches of a way to publish.
OBSERVED = {"label": "label", "endpointslice": "slice", "service-selector": "selector"}
SELECTORS: dict[str, dict[str, str]] = {
    "label": {**APP, LABEL: "true"},
    "endpointslice": {},
    "service-selector": APP,
}


class WayNamespace:
    def __init__(self, kubernetes: Kubernetes, publish: str, pods: Mapping[str, str]) -> None:
        """`pods`: address by name, which is valkey-0 and so on."""
        self._publish, self._pods = publish, pods
        self._admin = kubernetes.admin
        self.namespace = kubernetes.namespace("bench", RULES)
        self.namespace.add_valkey_pods(pods.values())
        self._service = f"{self.namespace.path}/services/{SERVICE}"
        spec: Json = {"ports": [{"name": "valkey", "port": 6379}], "selector": SELECTORS[publish]}
        self._admin.post(f"{self.namespace.path}/services", {"metadata": {"name": SERVICE}, "spec": spec})
        version = self._admin.get("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"]
        self._slices = f"/apis/{version}/namespaces/{self.namespace.name}/endpointslices"

    @property
    def name(self) -> str:
        return self.namespace.name

    def leads_to(self, pod: str) -> str:
        """As the observer tells it, where all is right."""
        return self._pods[pod] if self._publish == "endpointslice" else pod

    def mislead(self, primary: str) -> None:
        """As somebody else might who is wrong: clients are led to a replica's pod, or nowhere yet."""
        wrong = next(pod for pod in self._pods if pod != primary)
        if self._publish == "label":
            for pod in self._pods:
                if pod != wrong:
                    self.namespace.remove_label(pod, LABEL)
            self.namespace.label(wrong, LABEL, "true")
        elif self._publish == "endpointslice":
            for item in self._admin.get(self._slices)["items"]:
                item["endpoints"][0]["addresses"] = [self._pods[wrong]]
                patch = {"endpoints": item["endpoints"]}
                self._admin.merge_patch(f"{self._slices}/{item['metadata']['name']}", patch)
        elif POD_NAME in self._admin.get(self._service)["spec"]["selector"]:
            patch = {"spec": {"selector": {POD_NAME: wrong}}}
            self._admin.merge_patch(self._service, patch)
