"""What a request is about, in the API's terms (apiserver's RequestInfo)."""

from __future__ import annotations

from dataclasses import dataclass

from .auth import Attributes
from .http import Request

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch",
          "DELETE": "delete"}


@dataclass(frozen=True)
class Route:
    """`wanted` is what RBAC is asked; `version` is empty for what is no resource."""

    wanted: Attributes
    version: str = ""

    @property
    def is_resource(self) -> bool:
        return bool(self.version)


def route(request: Request) -> Route:
    method = request.method.lower()
    parts = [part for part in request.path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Route(Attributes(_VERBS.get(request.method, method), path=request.path))
    verb = _VERBS.get(request.method, method)
    if rest[0] == "watch" and len(rest) > 1:
        rest, verb = rest[1:], "watch"
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if not name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    if verb == "list" and _is_true(request.query.get("watch")):
        verb = "watch"
    return Route(Attributes(verb, group, resource, subresource, namespace, name), version)


def _is_true(value: str | None) -> bool:
    return value is not None and value.lower() not in ("false", "0")
