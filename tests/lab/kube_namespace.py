"""A namespace of one test: its pods, and the rights and credentials that the program has in it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kube_client import ApiFailure, Json, KubeClient
from lab.processes import wait_until

if TYPE_CHECKING:
    from lab.kubernetes import Kubernetes

LABEL = "valkey-master"
ACCOUNT = "valkey-reconciler"

# What the program needs for `publish = "label"`, and nothing else.
PROGRAM_RULES: list[Json] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]


@dataclass
class Pod:
    """A pod to make. Several addresses by comma; labels beside app.kubernetes.io/name."""

    name: str
    ip: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    node: str = "lab-node-0"  # empty: on none, for good
    hostname: str = ""  # empty: the pod's name
    subdomain: str = "valkey"
    app: str = "valkey"  # empty: without the label app.kubernetes.io/name
    ready: bool = True
    port: int = 6379
    grace: int = 0  # terminationGracePeriodSeconds
    finalizers: list[str] = field(default_factory=list)

    def manifest(self) -> Json:
        labels = {"statefulset.kubernetes.io/pod-name": self.name, **self.labels}
        if self.app:
            labels["app.kubernetes.io/name"] = self.app
        metadata: Json = {"name": self.name, "labels": labels}
        if self.annotations:
            metadata["annotations"] = self.annotations
        if self.finalizers:
            metadata["finalizers"] = self.finalizers
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {
                **({"nodeName": self.node} if self.node else {"schedulerName": "nobody"}),
                "hostname": self.hostname or self.name,
                "subdomain": self.subdomain,
                "terminationGracePeriodSeconds": self.grace,
                "serviceAccountName": ACCOUNT,
                "containers": [{
                    "name": "valkey",
                    "image": "valkey/valkey:8",
                    "ports": [{"name": "valkey", "containerPort": self.port}],
                }],
            },
        }

    def status(self) -> Json:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = "True" if self.ready else "False"
        ips = [ip for ip in self.ip.split(",") if ip]
        addresses = {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]} if ips else {}
        return {"status": {
            "phase": "Running" if ips else "Pending",
            **addresses,
            "hostIP": "192.0.2.10",
            "startTime": now,
            "conditions": [
                {"type": name, "status": value, "lastTransitionTime": now}
                for name, value in (("Initialized", "True"), ("Ready", ready),
                                    ("ContainersReady", ready), ("PodScheduled", "True"))
            ],
            "containerStatuses": [{
                "name": "valkey",
                "image": "valkey/valkey:8",
                "imageID": "lab://valkey",
                "containerID": f"lab://{self.name}",
                "ready": self.ready,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }],
        }}


class Namespace:
    """A namespace of one test, made by `Kubernetes.namespace`."""

    def __init__(self, kubernetes: Kubernetes, name: str, folder: Path,
                 rules: list[Json]) -> None:
        self.kubernetes = kubernetes
        self.name = name
        self.path = f"/api/v1/namespaces/{name}"
        self._folder = folder
        self._rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}"
        self._made: dict[str, Pod] = {}
        self._audit_start = kubernetes.audit_size()
        folder.mkdir(parents=True)
        admin = self._admin
        admin.post(f"{self.path}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
        admin.post(f"{self._rbac}/roles", {"metadata": {"name": ACCOUNT}, "rules": rules})
        admin.post(f"{self._rbac}/rolebindings", {
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": name}],
        })
        self.token = self.new_token()
        self._rules: list[Json] = []
        self._wait_rules(rules)

    @property
    def _admin(self) -> KubeClient:
        return self.kubernetes.admin

    # Pods

    def add_pods(self, pods: Iterable[Pod]) -> list[Json]:
        """Makes them, Running and Ready, in this order; returns them as the API has them."""
        return [self.add_pod(pod) for pod in pods]

    def add_pod(self, pod: Pod) -> Json:
        self._admin.post(f"{self.path}/pods", pod.manifest())
        self._made[pod.name] = pod
        end = time.monotonic() + 2
        while True:
            try:
                return self._set_status(pod.name)
            except ApiFailure as failure:
                if failure.answer.code != 404 or time.monotonic() > end:
                    raise
            # With patches to the pod that vanished still under way, 1.20 was seen to lose the new one of its name, too: made
            # again, as a StatefulSet would.
            answer = self._admin.request("POST", f"{self.path}/pods", pod.manifest())
            assert answer.code in (201, 409), answer

    def create_pod(self, pod: Pod) -> Json:
        """As it is before a kubelet has heard of it: without a status."""
        self._made[pod.name] = pod
        return self._admin.post(f"{self.path}/pods", pod.manifest())

    def add_valkey_pods(self, ips: Iterable[str]) -> list[Json]:
        """valkey-0, valkey-1, ... with these addresses, on lab-node-0, lab-node-1, ..., or on none where there are real ones."""
        nodes = "" if self.kubernetes.has_kubelets else "lab-node-{}"
        return self.add_pods(Pod(f"valkey-{i}", ip, node=nodes.format(i)) for i, ip in enumerate(ips))

    def pods(self) -> dict[str, Json]:
        items = self._admin.get(f"{self.path}/pods")["items"]
        return {item["metadata"]["name"]: item for item in items}

    def pod(self, name: str) -> Json:
        return self._admin.get(f"{self.path}/pods/{name}")

    def labelled(self, label: str = LABEL, value: str = "true") -> list[str]:
        return sorted(name for name, pod in self.pods().items()
                      if pod["metadata"].get("labels", {}).get(label) == value)

    def label(self, pod: str, key: str, value: str, manager: str = "somebody") -> Json:
        return self.patch_pod(pod, {"metadata": {"labels": {key: value}}}, manager)

    def remove_label(self, pod: str, key: str, manager: str = "somebody") -> Json:
        return self.patch_pod(pod, {"metadata": {"labels": {key: None}}}, manager)

    def annotate(self, pod: str, key: str, value: str | None, manager: str = "somebody") -> Json:
        return self.patch_pod(pod, {"metadata": {"annotations": {key: value}}}, manager)

    def patch_pod(self, pod: str, patch: Json, manager: str = "somebody") -> Json:
        """A merge patch by the administrator."""
        return self._admin.merge_patch(f"{self.path}/pods/{pod}", patch, fieldManager=manager)

    def set_address(self, pod: str, ip: str) -> Json:
        self._made[pod].ip = ip
        return self._set_status(pod)

    def set_ready(self, pod: str, ready: bool) -> Json:
        self._made[pod].ready = ready
        return self._set_status(pod)

    def delete_pod(self, pod: str, grace: int = 0) -> None:
        """With a grace it stays, Terminating, until it is deleted without one."""
        self._admin.delete(f"{self.path}/pods/{pod}", gracePeriodSeconds=grace)

    def recreate_pod(self, pod: str, ip: str = "") -> Json:
        """As a StatefulSet does: same name, another uid, none of the labels that came later."""
        made = self._made[pod]
        made.ip = ip or made.ip
        answer = self._admin.request("DELETE", f"{self.path}/pods/{pod}",
                                     query={"gracePeriodSeconds": 0})
        assert answer.code in (200, 404), answer
        return self.add_pod(made)

    def make_missing_pods(self) -> list[str]:
        """As a StatefulSet does, with those that are not there though nobody deleted them: see `add_pod`. Their names."""
        missing = sorted(self._made.keys() - self.pods().keys())
        self.add_pods([self._made[name] for name in missing])
        return missing

    # Rights and credentials

    def set_rules(self, rules: Iterable[Json]) -> None:
        """Returns when they are in force."""
        rules = list(rules)
        self._admin.merge_patch(f"{self._rbac}/roles/{ACCOUNT}", {"rules": rules})
        self._wait_rules(rules)

    def new_token(self, seconds: int = 86400, pod: str = "", account: str = ACCOUNT) -> str:
        """One bound to a pod is refused once that is gone (the real one takes up to 10 s)."""
        spec: Json = {"expirationSeconds": seconds}
        if pod:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod}
        answer = self._admin.post(f"{self.path}/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
        return str(answer["status"]["token"])

    def client(self, timeout: float = 30.0) -> KubeClient:
        """With the rights that the program has."""
        return self.kubernetes.client(self.token, timeout)

    def kubeconfig(self, token: str = "", name: str = "kubeconfig", url: str = "") -> Path:
        """For the program: its server, its CA, its token, this namespace; readable to us only.
        `url`: where it finds the server, when that is not where we do."""
        ca = base64.b64encode(self.kubernetes.ca.read_bytes()).decode()
        file = self._folder / name
        file.touch(0o600)
        file.write_text(f"""\
apiVersion: v1
kind: Config
current-context: lab
contexts: [{{name: lab, context: {{cluster: lab, user: program, namespace: {self.name}}}}}]
clusters: [{{name: lab, cluster: {{server: "{url or self.kubernetes.url}", \
certificate-authority-data: {ca}}}}}]
users: [{{name: program, user: {{token: {token or self.token}}}}}]
""")
        return file

    def service_account_dir(self, token: str = "") -> Path:
        """token, ca.crt and namespace, as a pod finds them. Call it again to write another token,
        in one step, as the kubelet does."""
        folder = self._folder / "serviceaccount"
        folder.mkdir(exist_ok=True)
        (folder / "ca.crt").write_bytes(self.kubernetes.ca.read_bytes())
        (folder / "namespace").write_text(self.name)
        fresh = folder / ".token"
        fresh.touch(0o600)
        fresh.write_text(token or self.token)
        fresh.rename(folder / "token")
        return folder

    # What happened

    def events(self) -> list[Json]:
        """The Events (of the API) in this namespace."""
        return list(self._admin.get(f"{self.path}/events")["items"])

    def audit(self, verb: str = "", resource: str = "") -> list[Json]:
        """What was asked of the API here, but by the administrator, and is done already."""
        return [line for line in self.kubernetes.audit(self._audit_start)
                if line.get("objectRef", {}).get("namespace") == self.name
                and (not verb or line["verb"] == verb)
                and (not resource or line["objectRef"]["resource"] == resource)]

    def delete(self) -> None:
        """Pods go at once; the namespace itself when the controller, if any, gets to it."""
        self._admin.call("DELETE", f"{self.path}/pods", {"gracePeriodSeconds": 0})
        self._admin.delete(self.path)

    def _set_status(self, pod: str) -> Json:
        return self._admin.merge_patch(f"{self.path}/pods/{pod}/status", self._made[pod].status())

    def _wait_rules(self, rules: list[Json]) -> None:
        """Rights reach the authorizer by a watch of its own, some milliseconds later."""
        before, now = _rights(self._rules), _rights(rules)
        client = self.client()

        def in_force() -> bool:
            return all(self._may(client, right) == (right in now) for right in before | now)

        wait_until(in_force, 10, f"the rules of {self.name} are in force")
        client.close()
        self._rules = rules

    def _may(self, client: KubeClient, right: tuple[str, str, str]) -> bool:
        group, resource, verb = right
        resource, _, subresource = resource.partition("/")
        answer = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": self.name, "verb": verb, "group": group, "resource": resource,
                "subresource": subresource}}})
        return bool(answer["status"]["allowed"])


def _rights(rules: list[Json]) -> set[tuple[str, str, str]]:
    return {(group, resource, verb)
            for rule in rules if not rule.get("resourceNames")
            for group in rule.get("apiGroups", [])
            for resource in rule.get("resources", [])
            for verb in rule["verbs"]}
