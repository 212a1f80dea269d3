"""The API: from a request to an answer. Knows the verbs; the parts know how each is done."""

from __future__ import annotations

import asyncio
import json
import random
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from . import discovery, listing, resources, selectors, status
from .audit import Audit
from .auth import ANONYMOUS, Attributes, Rights, Tokens, User, check_token_request
from .auth import user_of_certificate
from .control import Control
from .deletion import Deletion
from .faults import Fault, Faults
from .forms import Form, wanted_form
from .http import Drop, Request, Response, Stream, StreamHandler
from .objects import Objects
from .resources import NAMESPACES, Resource
from .routes import Route, route
from .status import ApiError, Json
from .store import Store
from .watch import Watch
from .write import Write, get, now

_NAMESPACE_CLEANUP_DELAY = 0.05


@dataclass
class Options:
    history: int = 10000
    bookmark_seconds: float = 60.0
    audit: bool = False


class Api:
    """Owns the store and everything around it; `handle` is called by the HTTP server."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.store = Store(folder / "data.jsonl", options.history)
        self.tokens = Tokens(self.store, folder / "pki" / "token.key")
        self.faults = Faults()
        self.watches: dict[Watch, str] = {}  # with its "path?query"
        self._options = options
        self.deletion = Deletion(self.store)
        self._objects = Objects(self.store, self.deletion)
        self._rights = Rights(self.store)
        self._audit = Audit(folder / "audit.log" if options.audit else None)
        self._control = Control(self)
        for name in ("default", "kube-system"):
            if self.store.get(NAMESPACES.key, ("", name)) is None:
                write = Write(NAMESPACES, "v1", "", manager="fake")
                self._objects.create(write, json.dumps({"metadata": {"name": name}}).encode())
                self.store.compact()

    async def handle(self, request: Request) -> Response | StreamHandler:
        received = time.time()
        where = route(request)
        user: User | None = None
        note: Json = {}
        fault: Fault | None = None
        answer: Response | StreamHandler
        failure = ""
        try:
            user = self._user(request)
            if self._control.has(request.path):
                if not user.is_admin:
                    raise status.ApiError(403, "Forbidden", "control is for the admin")
                return self._control.handle(request)
            fault = self.faults.meet(_names(request, where), user.name)
            answer = await self._faulty(fault) or await self._answer(
                request, where, user, note)
        except ApiError as error:
            failure = error.reason
            answer = Response.json(error.code, error.body())
        except Drop:
            raise
        except Exception as error:  # a hole in the fake: say so, and go on
            traceback.print_exc()
            answer = Response.json(500, status.internal(f"the fake failed: {error!r}").body())
        if fault is not None and fault.when == "after":
            answer = await _meet(fault) or answer
        if isinstance(answer, Response):
            stage = "ResponseStarted" if answer.code == 401 else "ResponseComplete"
            self._log(stage, user, where, request, received, answer.code, note, failure)
            return answer
        return self._logged(answer, user, where, request, received, note)

    def close(self) -> None:
        for watch in self.watches:
            watch.cut()
        self._audit.close()
        self.store.close()

    async def _faulty(self, fault: Fault | None) -> Response | None:
        if fault is None or fault.when != "before":
            return None
        return await _meet(fault)

    def _user(self, request: Request) -> User:
        authorization = request.headers.get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        user = user_of_certificate(request.certificate)
        if user is not None:
            return user
        if scheme.lower() == "bearer" and token.strip():
            return self.tokens.user(token.strip())
        return ANONYMOUS

    async def _answer(self, request: Request, where: Route, user: User,
                      note: Json) -> Response | StreamHandler:
        note["authorization.k8s.io/decision"] = "forbid"
        note["authorization.k8s.io/reason"] = self._rights.require(user, where.wanted)
        note["authorization.k8s.io/decision"] = "allow"
        if not where.is_resource:
            return discovery.answer(request.path)
        wanted = where.wanted
        if wanted.group == "authorization.k8s.io":
            return self._review(wanted, user, request)
        resource = resources.find(wanted.group, where.version, wanted.resource)
        if resource is None:
            if wanted.group in resources.groups() or not wanted.group:
                raise status.no_such_resource()
            return Response.text(404, "404 page not found\n")
        if wanted.subresource == "token" and resource is resources.SERVICE_ACCOUNTS:
            return self._mint(wanted, request)
        if wanted.subresource and not (wanted.subresource == "status" and resource.status):
            raise status.no_such_resource()
        namespaced = resource.namespaced and bool(wanted.namespace)
        if resource.namespaced and not namespaced and wanted.verb not in ("list", "watch"):
            raise status.method_not_allowed()
        return await self._verb(request, where, resource)

    async def _verb(self, request: Request, where: Route,
                    resource: Resource) -> Response | StreamHandler:
        wanted = where.wanted
        accept = request.headers.get("accept", "")
        form = wanted_form(accept, where.version, resource, wanted.verb in (
            "list", "deletecollection"))
        namespace = wanted.namespace if resource.namespaced else ""
        write = Write(resource, where.version, namespace, wanted.name, wanted.subresource,
                      _manager(request), "dryRun" in request.query)
        media = request.headers.get("content-type", "").split(";")[0].strip()
        if request.method in ("POST", "PUT") and media not in ("", "application/json"):
            raise status.unsupported_media_type(
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json")
        match (request.method, wanted.verb):
            case "GET", "get":
                await listing.wait_for_version(self.store, request.query.get("resourceVersion", ""))
                item = get(self.store, resource, write.key)
                return Response.json(200, form.one(resource, item))
            case "GET", "list":
                return Response.json(200, await listing.list_objects(
                    self.store, resource, form, namespace, request.query))
            case "GET", "watch":
                return self._watch(request, resource, form, namespace, wanted.name)
            case "POST", "create" if not wanted.name:
                item = self._objects.create(write, request.body)
                return Response.json(201, form.one(resource, item))
            case "PUT", "update" if wanted.name:
                item, is_new = self._objects.update(write, request.body)
                return Response.json(201 if is_new else 200, form.one(resource, item))
            case "PATCH", "patch" if wanted.name:
                item = self._objects.patch(write, request.body, media)
                return Response.json(200, form.one(resource, item))
            case "DELETE", "delete":
                item = self.deletion.delete(write, _delete_options(request))
                self._soon_empty(resource, wanted.name)
                return Response.json(200, form.one(resource, item))
            case "DELETE", "deletecollection":
                listed = await listing.list_objects(self.store, resource, form, namespace,
                                                    request.query)
                for item in listed["items"]:
                    one = Write(resource, where.version, namespace, item["metadata"]["name"])
                    self.deletion.delete(one, _delete_options(request))
                return Response.json(200, listed)
        raise status.method_not_allowed()

    def _watch(self, request: Request, resource: Resource, form: Form, namespace: str,
               name: str) -> StreamHandler:
        query = request.query
        labels = selectors.parse_labels(query.get("labelSelector", ""))
        field_text = query.get("fieldSelector", "")
        if name:
            field_text = f"{field_text},metadata.name={name}"
        fields = selectors.parse_fields(field_text, resource.plural)
        version = listing.parse_version(query.get("resourceVersion") or "0")
        timeout = float(query.get("timeoutSeconds") or 0) or random.uniform(1800, 3600)
        marks = query.get("allowWatchBookmarks", "").lower() in ("true", "1")
        watch = Watch(self.store, resource, form, namespace, labels, fields, version, timeout,
                      self._options.bookmark_seconds if marks else 0.0)
        self.watches[watch] = request.target

        async def run(stream: Stream) -> None:
            try:
                await watch.run(stream)
            finally:
                watch.close()
                del self.watches[watch]

        return run

    def _review(self, wanted: Attributes, user: User, request: Request) -> Response:
        if wanted.resource != "selfsubjectaccessreviews" or wanted.verb != "create":
            raise status.no_such_resource()
        body = _parse(request.body)
        spec = body.get("spec", {})
        asked = spec.get("resourceAttributes")
        if asked is None:
            path = spec.get("nonResourceAttributes", {})
            attributes = Attributes(path.get("verb", ""), path=path.get("path", ""))
        else:
            attributes = Attributes(**{
                key: asked.get(key, "")
                for key in ("verb", "group", "resource", "subresource", "namespace", "name")})
        reason = self._rights.why_allowed(user, attributes)
        result: Json = {"allowed": reason is not None}
        if reason:
            result["reason"] = reason
        return Response.json(201, {
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "metadata": {"creationTimestamp": None}, "spec": spec, "status": result})

    def _mint(self, wanted: Attributes, request: Request) -> Response:
        if request.method != "POST":
            raise status.method_not_allowed()
        spec = _parse(request.body).get("spec") or {}
        check_token_request(spec)
        seconds = spec.get("expirationSeconds", 3600)
        token, end = self.tokens.mint(wanted.namespace, wanted.name, seconds,
                                      spec.get("boundObjectRef"))
        return Response.json(201, {
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"creationTimestamp": None},
            "spec": {"audiences": ["https://kubernetes.default.svc.cluster.local"],
                     "expirationSeconds": seconds,
                     "boundObjectRef": spec.get("boundObjectRef")},
            "status": {"token": token, "expirationTimestamp": now(int(end - time.time()))}})

    def _soon_empty(self, resource: Resource, namespace: str) -> None:
        """The namespace controller's work, shortly after the answer."""
        if resource is NAMESPACES:
            asyncio.get_running_loop().call_later(
                _NAMESPACE_CLEANUP_DELAY, self.deletion.empty_namespace, namespace)

    def _logged(self, handler: StreamHandler, user: User | None, where: Route, request: Request,
                received: float, note: Json) -> StreamHandler:
        async def run(stream: Stream) -> None:
            self._log("ResponseStarted", user, where, request, received, 200, note, "")
            try:
                await handler(stream)
            finally:
                self._log("ResponseComplete", user, where, request, received, 200, note, "")
        return run

    def _log(self, stage: str, user: User | None, where: Route, request: Request,
             received: float, code: int, note: Json, failure: str) -> None:
        self._audit.write(stage, user, where.wanted, request.target, where.version, received, code,
                          note, failure, request.headers.get("user-agent", ""))


async def _meet(fault: Fault) -> Response | None:
    """None where the fault was nothing but a delay."""
    if fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    if fault.drop:
        raise Drop
    if not fault.status:
        return None
    if isinstance(fault.body, str):
        answer = Response.text(fault.status, fault.body)
    elif fault.body is None:
        answer = Response.json(fault.status, ApiError(
            fault.status, "", "a fault that a test asked for").body())
    else:
        answer = Response.json(fault.status, fault.body)
    answer.headers.update(fault.headers)
    return answer


def _names(request: Request, where: Route) -> list[str]:
    """What a fault may call this request."""
    return [f"{request.method} {request.path}", f"{request.method} {request.target}",
            f"{where.wanted.verb.upper()} {request.path}"]


def _manager(request: Request) -> str:
    name = request.query.get("fieldManager")
    agent = request.headers.get("user-agent", "").split("/")[0]
    return name or agent or "unknown"


def _delete_options(request: Request) -> Json:
    options = _parse(request.body) if request.body else {}
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    return options


def _parse(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise status.bad_request(str(error)) from None
    if not isinstance(value, dict):
        raise status.bad_request("an object is expected")
    return value


