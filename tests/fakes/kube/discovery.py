"""Discovery documents and the other paths that are no resources."""

from __future__ import annotations

from . import resources, status
from .http import Response
from .status import Json

VERSION: Json = {
    "major": "1",
    "minor": "20",
    "gitVersion": "v1.20.2-fake",
    "gitCommit": "fake",
    "gitTreeState": "archive",
    "buildDate": "2021-01-13T00:00:00Z",
    "goVersion": "go1.15.15",
    "compiler": "gc",
    "platform": "linux/amd64",
}

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def answer(path: str) -> Response:
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["readyz" | "healthz" | "livez"]:
            return Response.text(200, "ok")
        case ["version"]:
            return Response.json(200, VERSION)
        case ["api"]:
            return Response.json(200, {"kind": "APIVersions", "versions": ["v1"],
                                       "serverAddressByClientCIDRs": []})
        case ["apis"]:
            return Response.json(200, {
                "kind": "APIGroupList", "apiVersion": "v1",
                "groups": [_group(name, versions)
                           for name, versions in resources.groups().items()]})
        case ["api", "v1"]:
            return Response.json(200, _resources("", "v1"))
        case ["apis", group] if group in resources.groups():
            return Response.json(200, {"kind": "APIGroup", "apiVersion": "v1",
                                       **_group(group, resources.groups()[group])})
        case ["apis", group, version] if version in resources.groups().get(group, []):
            return Response.json(200, _resources(group, version))
        case ["apis", group, _] if group in resources.groups():
            raise status.no_such_resource()
        case [] | ["apis"]:
            return Response.json(200, {"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez",
                                                 "/readyz", "/version"]})
    return Response.text(404, "404 page not found\n")


def _group(name: str, versions: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(group: str, version: str) -> Json:
    entries: list[Json] = []
    for resource in resources.RESOURCES:
        if resource.group != group or version not in resource.versions:
            continue
        entry: Json = {"name": resource.plural, "singularName": "",
                       "namespaced": resource.namespaced, "kind": resource.kind, "verbs": _VERBS}
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        entries.append(entry)
        if resource.status:
            entries.append({"name": f"{resource.plural}/status", "singularName": "",
                            "namespaced": resource.namespaced, "kind": resource.kind,
                            "verbs": ["get", "patch", "update"]})
    if group == "authorization.k8s.io":
        entries.append({"name": "selfsubjectaccessreviews", "singularName": "",
                        "namespaced": False, "kind": "SelfSubjectAccessReview",
                        "verbs": ["create"]})
    if group == "":
        entries.append({"name": "serviceaccounts/token", "singularName": "", "namespaced": True,
                        "group": "authentication.k8s.io", "version": "v1",
                        "kind": "TokenRequest", "verbs": ["create"]})
    return {"kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version, "resources": entries}
