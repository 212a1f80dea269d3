"""What the API server fills in and refuses for each kind, as far as tests come across it."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

from .resources import Resource
from .status import Cause, Json
from .validation import dns_label_causes

_TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for key in ("not-ready", "unreachable")
]

_FREE_SPEC_FIELDS = ("containers", "initContainers", "activeDeadlineSeconds", "tolerations")


def tidy_metadata(metadata: Json) -> None:
    """What decoding and encoding leave of metadata: no empty maps, no nulls."""
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if values:
            metadata[field] = {key: "" if value is None else value
                               for key, value in sorted(values.items())}
        else:
            metadata.pop(field, None)
    for field in ("finalizers", "ownerReferences"):
        if not metadata.get(field):
            metadata.pop(field, None)
    for field in [field for field in metadata if field not in METADATA_ORDER]:
        del metadata[field]


METADATA_ORDER = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation",
    "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels",
    "annotations", "ownerReferences", "finalizers", "managedFields",
)


def defaults(resource: Resource, item: Json) -> None:
    """Fills in what the client left out; also after each update, as the real one does."""
    match resource.plural:
        case "pods":
            _pod_defaults(item)
        case "services":
            _service_defaults(item)
        case "endpoints":
            for subset in item.get("subsets") or []:
                for port in subset.get("ports") or []:
                    port.setdefault("protocol", "TCP")
        case "endpointslices":
            for port in item.get("ports") or []:
                port.setdefault("protocol", "TCP")
                port.setdefault("name", "")
            for endpoint in item.get("endpoints") or []:
                endpoint.setdefault("conditions", {})
        case "events":
            item.setdefault("source", {})
            for field in ("firstTimestamp", "lastTimestamp", "eventTime"):
                item.setdefault(field, None)
            item.setdefault("reportingComponent", "")
            item.setdefault("reportingInstance", "")
        case "namespaces":
            item.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            item.setdefault("status", {}).setdefault("phase", "Active")
        case "nodes":
            item.setdefault("spec", {})
            item.setdefault("status", {})


def _pod_defaults(item: Json) -> None:
    spec = item.setdefault("spec", {})
    for container in spec.get("containers") or []:
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", "IfNotPresent")
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("tolerations", _TOLERATIONS)
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    status = item.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", "BestEffort")
    _agree_on_addresses(status)


def _agree_on_addresses(status: Json) -> None:
    """podIP is the first of podIPs; where they differ the client wrote podIP, and it counts."""
    ips = status.get("podIPs") or []
    ip = status.get("podIP")
    if not ip and ips:
        status["podIP"] = ips[0]["ip"]
    elif ip and (not ips or ips[0].get("ip") != ip):
        status["podIPs"] = [{"ip": ip}]


def _service_defaults(item: Json) -> None:
    spec = item.setdefault("spec", {})
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if "clusterIP" not in spec:
        spec["clusterIP"] = f"10.96.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
    spec["clusterIPs"] = [spec["clusterIP"]]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    item.setdefault("status", {"loadBalancer": {}})


def causes(resource: Resource, version: str, old: Json | None, item: Json) -> list[Cause]:
    """Why the kind's own fields make the object invalid."""
    match resource.plural:
        case "pods":
            return _pod_causes(old, item)
        case "endpoints":
            return _endpoints_causes(item)
        case "endpointslices":
            return _slice_causes(version, old, item)
        case "events":
            namespace = item.get("involvedObject", {}).get("namespace", "")
            if namespace != item["metadata"].get("namespace"):
                return [Cause.value("involvedObject.namespace", namespace,
                                    "does not match event.namespace")]
        case "rolebindings" | "clusterrolebindings":
            if old is not None and old.get("roleRef") != item.get("roleRef"):
                return [Cause.value("roleRef", "", "cannot change roleRef")]
    return []


def _pod_causes(old: Json | None, item: Json) -> list[Cause]:
    spec = item.get("spec", {})
    if not spec.get("containers"):
        return [Cause.required("spec.containers")]
    if old is None:
        found = []
        for field in ("hostname", "subdomain"):
            if spec.get(field):
                found += dns_label_causes(f"spec.{field}", spec[field])
        return found
    if _fixed(old["spec"]) != _fixed(spec):
        return [
            Cause.forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`, "
                "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or "
                "`spec.tolerations` (only additions to existing tolerations)",
            )
        ]
    return []


def _fixed(spec: Json) -> Json:
    """What of a pod's spec may not change."""
    fixed: Json = {key: value for key, value in spec.items() if key not in _FREE_SPEC_FIELDS}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {key: value for key, value in container.items() if key != "image"}
            for container in spec.get(field) or []
        ]
    return fixed


def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _loopback(field: str, text: str) -> list[Cause]:
    address = _address(text)
    if address is None or not address.is_loopback:
        return []
    network = "127.0.0.0/8" if address.version == 4 else "::1/128"
    return [Cause.value(field, text, f"may not be in the loopback range ({network})")]


def _endpoints_causes(item: Json) -> list[Cause]:
    found: list[Cause] = []
    for i, subset in enumerate(item.get("subsets") or []):
        for kind in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(kind) or []):
                where = f"subsets[{i}].{kind}[{j}].ip"
                text = address.get("ip", "")
                if _address(text) is None:
                    found.append(Cause.value(where, text, "must be a valid IP address, (e.g. "
                                             "10.9.8.7 or 2001:db8::ffff)"))
                found += _loopback(where, text)
    return found


def _slice_causes(version: str, old: Json | None, item: Json) -> list[Cause]:
    kind = item.get("addressType")
    if not kind:
        return [Cause.required("addressType")]
    found: list[Cause] = []
    for i, endpoint in enumerate(item.get("endpoints") or []):
        for j, text in enumerate(endpoint.get("addresses") or []):
            where = f"endpoints[{i}].addresses[{j}]"
            address = _address(text)
            if kind in ("IPv4", "IPv6"):
                if address is None or address.version != int(kind[-1]):
                    found.append(Cause.value(where, text, f"must be a valid {kind} address"))
                elif version == "v1":  # since 1.20.7 (CVE-2021-25737); 1.20.2 takes them
                    found += _loopback(where, text)
    if old is not None and old.get("addressType") != kind:
        found.append(Cause.value("addressType", kind, "field is immutable"))
    return found
