"""Who is asking (client certificates, service account tokens) and what they may do (RBAC).

Rights are real Role and ClusterRole objects with their bindings, read from the store at each
request. Tokens are JWTs as the real ones, but signed with HMAC: nobody but the server checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import status
from .resources import PODS, SERVICE_ACCOUNTS
from .status import Cause, Json
from .store import Store

EXPIRY_LEEWAY = 60.0  # as the real one
CACHE_SECONDS = 10.0  # a token that was right is not looked at again for so long
AUDIENCE = "https://kubernetes.default.svc.cluster.local"

_PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY_PATHS = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")


@dataclass(frozen=True)
class User:
    name: str
    groups: tuple[str, ...]
    uid: str = ""

    @property
    def is_admin(self) -> bool:
        return "system:masters" in self.groups


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True)
class Attributes:
    """What is asked for, in RBAC's terms; `path` alone for what is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def user_of_certificate(certificate: dict[str, Any] | None) -> User | None:
    """`certificate` is what ssl's getpeercert() gives: CN is the name, each O a group."""
    if not certificate:
        return None
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in subject if key == "commonName"), "")
    groups = tuple(value for key, value in subject if key == "organizationName")
    return User(name, (*groups, "system:authenticated"))


class Tokens:
    """Service account tokens. The key is a file, so they outlive a restart."""

    def __init__(self, store: Store, key_file: Path) -> None:
        self._store = store
        if not key_file.exists():
            key_file.touch(0o600)
            key_file.write_bytes(secrets.token_bytes(32))
        self._key = key_file.read_bytes()
        self._known: dict[str, tuple[float, User]] = {}
        self._revoked: set[str] = set()

    def mint(self, namespace: str, name: str, seconds: float, bound: Json | None = None,
             is_prompt: bool = False) -> tuple[str, float]:
        """A token and the time of its end; raises the real one's errors.

        A prompt one, which no real server makes, ends just then: without leeway or cache.
        """
        account = self._store.get(SERVICE_ACCOUNTS.key, (namespace, name))
        if account is None:
            raise status.not_found("serviceaccounts", "", name)
        private: Json = {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]},
        }
        if bound:
            pod = self._store.get(PODS.key, (namespace, bound.get("name", "")))
            if bound.get("kind") != "Pod" or pod is None:
                raise status.not_found("pods", "", bound.get("name", ""))
            if pod["spec"].get("serviceAccountName") != name:
                raise status.bad_request(
                    f'cannot bind token for serviceaccount "{name}" to pod running with different '
                    "serviceaccount name.")
            private["pod"] = {"name": bound["name"], "uid": pod["metadata"]["uid"]}
        issued = time.time()
        claims = {
            "aud": [AUDIENCE],
            "exp": issued + seconds,
            "iat": issued,
            "iss": AUDIENCE,
            "kubernetes.io": private,
            "nbf": issued,
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "jti": secrets.token_hex(8),
            "prompt": is_prompt,
        }
        content = ".".join((_b64({"alg": "HS256", "typ": "JWT"}), _b64(claims)))
        return f"{content}.{self._signature(content)}", issued + seconds

    def revoke(self, token: str) -> None:
        """At once, past the cache: what the real one can only do by the death of a pod."""
        self._revoked.add(token)

    def user(self, token: str) -> User:
        if token in self._revoked:
            raise status.unauthorized()
        until, user = self._known.get(token, (0.0, ANONYMOUS))
        if time.monotonic() < until:
            return user
        user, is_prompt = self._check(token)
        if not is_prompt:
            self._known[token] = (time.monotonic() + CACHE_SECONDS, user)
        return user

    def _check(self, token: str) -> tuple[User, bool]:
        content, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            raise status.unauthorized()
        claims = json.loads(base64.urlsafe_b64decode(content.split(".")[1] + "=="))
        is_prompt = bool(claims["prompt"])
        if time.time() > claims["exp"] + (0 if is_prompt else EXPIRY_LEEWAY):
            raise status.unauthorized()
        private = claims["kubernetes.io"]
        namespace = private["namespace"]
        account = private["serviceaccount"]
        self._must_live(SERVICE_ACCOUNTS.key, namespace, account)
        if "pod" in private:
            self._must_live(PODS.key, namespace, private["pod"])
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}",
                  "system:authenticated")
        return User(claims["sub"], groups, account["uid"]), is_prompt

    def _must_live(self, resource: str, namespace: str, wanted: Json) -> None:
        item = self._store.get(resource, (namespace, wanted["name"]))
        if item is None or item["metadata"]["uid"] != wanted["uid"]:
            raise status.unauthorized()

    def _signature(self, content: str) -> str:
        digest = hmac.new(self._key, content.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_token_request(spec: Json) -> None:
    seconds = spec.get("expirationSeconds", 3600)
    if seconds < 600:
        raise status.invalid("TokenRequest", "authentication.k8s.io", "", [
            Cause.value("spec.expirationSeconds", seconds,
                        "may not specify a duration less than 10 minutes")])


class Rights:
    """RBAC as the store has it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def why_allowed(self, user: User, wanted: Attributes) -> str | None:
        """The reason, in the real one's words; None where it is not allowed."""
        if user.is_admin:
            return ""
        if _built_in(user, wanted):
            return 'RBAC: allowed by ClusterRoleBinding "system:discovery"'
        for (_, name), binding in self._table("clusterrolebindings").items():
            if self._grants(binding, "", user, wanted):
                return self._reason("ClusterRoleBinding", name, binding, "")
        if wanted.namespace:
            for (namespace, name), binding in self._table("rolebindings").items():
                if namespace == wanted.namespace and self._grants(binding, namespace, user, wanted):
                    return self._reason("RoleBinding", f"{name}/{namespace}", binding, namespace)
        return None

    def require(self, user: User, wanted: Attributes) -> str:
        reason = self.why_allowed(user, wanted)
        if reason is None:
            raise forbidden(user, wanted)
        return reason

    def _grants(self, binding: Json, namespace: str, user: User, wanted: Attributes) -> bool:
        if not any(_is_subject(user, subject) for subject in binding.get("subjects") or []):
            return False
        reference = binding.get("roleRef", {})
        if reference.get("kind") == "ClusterRole":
            role = self._table("clusterroles").get(("", reference.get("name", "")))
        else:
            role = self._table("roles").get((namespace, reference.get("name", "")))
        return any(_covers(rule, wanted) for rule in (role or {}).get("rules") or [])

    def _reason(self, kind: str, name: str, binding: Json, namespace: str) -> str:
        role, subject = binding["roleRef"], binding["subjects"][0]
        who = f'{subject["name"]}/{subject["namespace"]}' if "namespace" in subject else (
            subject["name"])
        return (f'RBAC: allowed by {kind} "{name}" of {role["kind"]} "{role["name"]}" to '
                f'{subject["kind"]} "{who}"')

    def _table(self, plural: str) -> dict[tuple[str, str], Json]:
        return self._store.table(f"{plural}.rbac.authorization.k8s.io").items


def forbidden(user: User, wanted: Attributes) -> status.ApiError:
    if wanted.path:
        return status.ApiError(
            403, "Forbidden",
            f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"', {})
    kind = status.qualified(wanted.resource, wanted.group)
    named = f' "{wanted.name}"' if wanted.name else ""
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return status.ApiError(
        403, "Forbidden",
        f'{kind}{named} is forbidden: User "{user.name}" cannot {wanted.verb} resource '
        f'"{wanted.full_resource}" in API group "{wanted.group}" {where}',
        status.details_of(wanted.name, wanted.group, wanted.resource))


def _built_in(user: User, wanted: Attributes) -> bool:
    if wanted.path:
        if wanted.verb != "get":
            return False
        if wanted.path in _PUBLIC_PATHS:
            return True
        return "system:authenticated" in user.groups and _path_matches(
            _DISCOVERY_PATHS, wanted.path)
    return ("system:authenticated" in user.groups and wanted.verb == "create"
            and wanted.group == "authorization.k8s.io"
            and wanted.resource in ("selfsubjectaccessreviews", "selfsubjectrulesreviews"))


def _path_matches(patterns: tuple[str, ...] | list[str], path: str) -> bool:
    return any(path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
               for pattern in patterns)


def _is_subject(user: User, subject: Json) -> bool:
    match subject.get("kind"):
        case "ServiceAccount":
            return user.name == (f"system:serviceaccount:{subject.get('namespace', '')}:"
                                 f"{subject.get('name', '')}")
        case "User":
            return user.name == subject.get("name")
        case "Group":
            return subject.get("name") in user.groups
    return False


def _covers(rule: Json, wanted: Attributes) -> bool:
    verbs = rule.get("verbs") or []
    if "*" not in verbs and wanted.verb not in verbs:
        return False
    if wanted.path:
        return _path_matches(rule.get("nonResourceURLs") or [], wanted.path)
    groups = rule.get("apiGroups") or []
    if "*" not in groups and wanted.group not in groups:
        return False
    resources = rule.get("resources") or []
    if not ("*" in resources or wanted.full_resource in resources
            or (wanted.subresource and f"*/{wanted.subresource}" in resources)):
        return False
    names = rule.get("resourceNames") or []
    return not names or wanted.name in names


def _b64(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
