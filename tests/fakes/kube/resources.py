"""The resources that the fake serves: one table, from which routes and discovery follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind of object. `versions` are served alike; the first one is the preferred one."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True
    status: bool = False  # has a status subresource
    fields: tuple[str, ...] = ()  # top-level fields beside kind, apiVersion and metadata
    create_on_update: bool = False  # PUT creates what is not there
    generation: bool = False  # metadata.generation counts changes of what is not metadata, status
    short_names: tuple[str, ...] = ()
    dns_label: bool = False  # the name must be one DNS label, not a subdomain
    returns_deleted: bool = False  # DELETE answers the object instead of a Status

    def api_version(self, version: str) -> str:
        return f"{self.group}/{version}" if self.group else version

    @property
    def list_kind(self) -> str:
        return self.kind + "List"

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _core(plural: str, kind: str, *fields: str, **options: object) -> Resource:
    return Resource("", ("v1",), plural, kind, fields=fields, **options)  # type: ignore[arg-type]


def _apps(plural: str, kind: str) -> Resource:
    return Resource("apps", ("v1",), plural, kind, status=True, generation=True,
                    fields=("spec", "status"))


def _rbac(plural: str, kind: str, namespaced: bool, *fields: str) -> Resource:
    return Resource("rbac.authorization.k8s.io", ("v1",), plural, kind, namespaced=namespaced,
                    fields=fields, create_on_update=True)


RESOURCES = [
    _core("pods", "Pod", "spec", "status", status=True, short_names=("po",), returns_deleted=True),
    _core("services", "Service", "spec", "status", status=True, short_names=("svc",),
          dns_label=True),
    _core("endpoints", "Endpoints", "subsets", short_names=("ep",), create_on_update=True),
    _core("events", "Event", "involvedObject", "reason", "message", "source", "firstTimestamp",
          "lastTimestamp", "count", "type", "eventTime", "series", "action", "related",
          "reportingComponent", "reportingInstance", short_names=("ev",), create_on_update=True),
    _core("namespaces", "Namespace", "spec", "status", namespaced=False, status=True,
          short_names=("ns",), dns_label=True, returns_deleted=True),
    _core("nodes", "Node", "spec", "status", namespaced=False, status=True, short_names=("no",)),
    _core("configmaps", "ConfigMap", "data", "binaryData", "immutable", short_names=("cm",)),
    _core("secrets", "Secret", "data", "stringData", "type", "immutable"),
    _core("serviceaccounts", "ServiceAccount", "secrets", "imagePullSecrets",
          "automountServiceAccountToken", short_names=("sa",), returns_deleted=True),
    # 1.20 has v1beta1 alone, 1.21 to 1.24 both, later ones v1 alone.
    Resource("discovery.k8s.io", ("v1", "v1beta1"), "endpointslices", "EndpointSlice",
             fields=("addressType", "endpoints", "ports"), generation=True),
    Resource("coordination.k8s.io", ("v1",), "leases", "Lease", fields=("spec",),
             create_on_update=True),
    _apps("statefulsets", "StatefulSet"),
    _apps("daemonsets", "DaemonSet"),
    _apps("deployments", "Deployment"),
    _rbac("roles", "Role", True, "rules"),
    _rbac("rolebindings", "RoleBinding", True, "subjects", "roleRef"),
    _rbac("clusterroles", "ClusterRole", False, "rules", "aggregationRule"),
    _rbac("clusterrolebindings", "ClusterRoleBinding", False, "subjects", "roleRef"),
]

PODS = RESOURCES[0]
NAMESPACES = next(resource for resource in RESOURCES if resource.plural == "namespaces")
SERVICE_ACCOUNTS = next(r for r in RESOURCES if r.plural == "serviceaccounts")


def find(group: str, version: str, plural: str) -> Resource | None:
    for resource in RESOURCES:
        if resource.group == group and resource.plural == plural and version in resource.versions:
            return resource
    return None


def groups() -> dict[str, list[str]]:
    """Group to its versions, the preferred one first, without the core group."""
    found: dict[str, list[str]] = {"authentication.k8s.io": ["v1"], "authorization.k8s.io": ["v1"]}
    for resource in RESOURCES:
        if resource.group:
            versions = found.setdefault(resource.group, [])
            versions += [version for version in resource.versions if version not in versions]
    return found
