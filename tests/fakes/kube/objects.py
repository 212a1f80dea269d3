"""Create, update and patch: what happens to an object between a request and the store."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import replace
from typing import Any

from . import kinds, managed_fields, patch, status, validation
from .deletion import Deletion
from .resources import NAMESPACES, Resource
from .status import Cause, Json
from .store import Store
from .write import Write, get, now

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class Objects:
    """Owned by the API."""

    def __init__(self, store: Store, deletion: Deletion) -> None:
        self._store = store
        self._deletion = deletion

    def create(self, write: Write, body: bytes) -> Json:
        item = self._decode(write, body)
        metadata = item["metadata"]
        self._match_namespace(metadata, write.namespace,
                              "the namespace of the provided object does not match the namespace "
                              "sent on the request")
        self._check_namespace_takes(write, metadata.get("name", ""))
        if metadata.get("resourceVersion"):
            raise status.internal("resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            suffix = "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
            metadata["name"] = metadata["generateName"] + suffix
        write = replace(write, name=metadata.get("name", ""))
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            metadata.pop(field, None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = now()
        metadata["resourceVersion"] = ""  # has its place; the store fills it in
        if write.resource.status and write.kind != "Node":  # a kubelet registers with its status
            item.pop("status", None)
        if write.resource.generation:
            metadata["generation"] = 1
        self._complete(write, None, item)
        if self._store.get(write.resource.key, write.key) is not None:
            raise status.already_exists(*write.address)
        return item if write.dry_run else self._store.put(write.resource.key, write.key, item)

    def update(self, write: Write, body: bytes) -> tuple[Json, bool]:
        """PUT; returns the object and whether it is new."""
        item = self._decode(write, body)
        metadata = item["metadata"]
        if metadata.get("name", write.name) != write.name:
            raise self._other_name(metadata["name"], write)
        self._match_namespace(metadata, write.namespace,
                              "the namespace of the provided object does not match the namespace "
                              "sent on the request")
        old = self._store.get(write.resource.key, write.key)
        if old is None:
            if write.resource.create_on_update and not write.subresource:
                metadata.pop("resourceVersion", None)
                return self.create(write, json.dumps(item).encode()), True
            raise status.not_found(*write.address)
        uid = metadata.get("uid") or old["metadata"]["uid"]
        if uid != old["metadata"]["uid"]:
            raise status.conflict(
                *write.address,
                f"StorageError: invalid object, Code: 4, Key: /registry/{write.resource.plural}/"
                f"{write.namespace + '/' if write.namespace else ''}{write.name}, ResourceVersion: "
                f"0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in "
                f"object meta: {old['metadata']['uid']}",
            )
        if write.resource.plural == "namespaces":
            item.setdefault("spec", old.get("spec", {}))
        return self._replace(write, old, item), False

    def patch(self, write: Write, body: bytes, content_type: str) -> Json:
        old = get(self._store, write.resource, write.key)
        current = present(write.resource, write.version, clone(old))
        if content_type == JSON_PATCH:
            operations = _parse_json_patch(body)
            item = patch.apply_json_patch(current, operations)
        elif content_type in (MERGE_PATCH, STRATEGIC_PATCH):
            item = patch.merge(current, _parse_merge_patch(body, content_type))
        else:
            raise status.unsupported_media_type()
        wrong = validation.wrong_type(item, write.kind)
        if item.get("kind") != write.kind:
            wrong = "converting to the expected type: unknown conversion"
        if wrong:
            text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            raise status.undecodable_patch(text, wrong)
        metadata = item.get("metadata") or {}
        item["metadata"] = metadata
        if metadata.get("name", write.name) != write.name:
            raise self._other_name(metadata["name"], write)
        self._match_namespace(
            metadata, write.namespace,
            f"the namespace of the object ({metadata.get('namespace')}) does not match the "
            f"namespace on the request ({write.namespace})")
        return self._replace(write, old, item)

    def _replace(self, write: Write, old: Json, item: Json) -> Json:
        """The common end of PUT and PATCH: `item` becomes the successor of `old`."""
        metadata = item["metadata"]
        if metadata.get("resourceVersion"):
            if not metadata["resourceVersion"].isdigit():
                raise status.internal(
                    f'strconv.ParseUint: parsing "{metadata["resourceVersion"]}": invalid syntax')
            if metadata["resourceVersion"] != old["metadata"]["resourceVersion"]:
                raise status.modified(*write.address)
        causes = self._keep_what_is_fixed(write, old, item)
        self._complete(write, old, item, causes)
        if without_bookkeeping(item) == without_bookkeeping(old):
            return old
        if write.dry_run:
            return item
        if self._deletion.is_between(item):
            if not self._deletion.seconds_between:
                self._deletion.remove(write.resource, write.key)
            return item
        return self._store.put(write.resource.key, write.key, item)

    def _keep_what_is_fixed(self, write: Write, old: Json, item: Json) -> list[Cause]:
        """Puts back what a client cannot change; returns causes for what it may not try to."""
        metadata, before = item["metadata"], old["metadata"]
        causes = []
        for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
            wanted = metadata.get(field, before.get(field))
            if wanted != before.get(field):
                # Twice, as the real one does: once by each of its two validations.
                causes += [Cause.value(f"metadata.{field}", wanted, "field is immutable")] * 2
        fresh = [name for name in metadata.get("finalizers") or []
                 if name not in before.get("finalizers", [])]
        if fresh and before.get("deletionTimestamp"):
            shown = ", ".join(json.dumps(name) for name in fresh)
            causes += [Cause.forbidden(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, found new "
                f"finalizers []string{{{shown}}}")] * 2
        for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                      "deletionGracePeriodSeconds", "generation", "generateName",
                      "resourceVersion"):
            if field in before:
                metadata[field] = before[field]
            else:
                metadata.pop(field, None)
        if write.resource.status:
            # A status write may change labels and annotations, too, but no spec.
            kept = "spec" if write.subresource == "status" else "status"
            if kept in old:
                item[kept] = old[kept]
            else:
                item.pop(kept, None)
        return causes

    def _complete(self, write: Write, old: Json | None, item: Json,
                  causes: list[Cause] | None = None) -> None:
        """Defaults, validation and bookkeeping of what is about to be stored."""
        resource = write.resource
        metadata = item["metadata"]
        if resource.namespaced:
            metadata["namespace"] = write.namespace
        else:
            metadata.pop("namespace", None)
        for field in [f for f in item if f != "metadata" and f not in resource.fields]:
            del item[field]
        kinds.tidy_metadata(metadata)
        kinds.defaults(resource, item)
        causes = (causes or []) + validation.metadata_causes(metadata, resource.dns_label)
        causes += kinds.causes(resource, write.version, old, item)
        if causes:
            raise status.invalid(resource.kind, resource.group, write.name, causes)
        if resource.generation and old is not None and _intent(item) != _intent(old):
            metadata["generation"] = old["metadata"].get("generation", 0) + 1
        managed_fields.record(old, item, write.manager, resource.api_version(write.version), now())
        item["metadata"] = {field: metadata[field] for field in kinds.METADATA_ORDER
                            if field in metadata}

    def _decode(self, write: Write, body: bytes) -> Json:
        kind = write.kind
        try:
            item = json.loads(body)
            if not isinstance(item, dict):
                raise ValueError("cannot unmarshal into a struct")
        except ValueError as error:
            shown = body.decode(errors="replace")
            raise status.bad_request(
                f"the object provided is unrecognized (must be of type {kind}): couldn't get "
                f"version/kind; json parse error: {error} ({shown})") from None
        given = item.get("kind") or kind
        if given != kind:
            version = item.get("apiVersion") or write.resource.api_version(write.version)
            raise status.bad_request(
                f'{given} in version "{version}" cannot be handled as a {kind}: converting '
                f"({version}.{given}) to (core.{kind}): unknown conversion")
        wrong = validation.wrong_type(item, kind)
        if wrong:
            raise status.bad_request(
                f'{kind} in version "{write.version}" cannot be handled as a {kind}: {wrong}')
        item["metadata"] = item.get("metadata") or {}
        return item

    def _match_namespace(self, metadata: Json, namespace: str, otherwise: str) -> None:
        if (metadata.get("namespace") or namespace) != namespace:
            raise status.bad_request(otherwise)

    def _other_name(self, name: str, write: Write) -> status.ApiError:
        return status.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({write.name})")

    def _check_namespace_takes(self, write: Write, name: str) -> None:
        if not write.resource.namespaced:
            return
        namespace = get(self._store, NAMESPACES, ("", write.namespace))
        if namespace["status"]["phase"] == "Terminating":
            error = status.ApiError(
                403, "Forbidden",
                f'{status.qualified(write.resource.plural, write.resource.group)} "{name}" is '
                f"forbidden: unable to create new content in namespace {write.namespace} because "
                "it is being terminated",
                status.details_of(name, write.resource.group, write.resource.plural))
            error.details = {**(error.details or {}), "causes": [{
                "reason": "NamespaceTerminating",
                "message": f"namespace {write.namespace} is being terminated",
                "field": "metadata.namespace",
            }]}
            raise error


def clone(value: Any) -> Any:
    """A deep copy of JSON; copy.deepcopy takes ten times as long."""
    if isinstance(value, dict):
        return {key: clone(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [clone(inner) for inner in value]
    return value


def present(resource: Resource, version: str, item: Json) -> Json:
    """The object as it is sent: with kind and apiVersion, which the store does not keep."""
    return {"kind": resource.kind, "apiVersion": resource.api_version(version), **item}


def without_bookkeeping(item: Json) -> Json:
    metadata = {key: value for key, value in item["metadata"].items()
                if key not in ("managedFields", "resourceVersion", "generation")}
    return {**item, "metadata": metadata}


def _intent(item: Json) -> Json:
    return {key: value for key, value in item.items() if key not in ("metadata", "status")}


def _parse_json_patch(body: bytes) -> list[Any]:
    try:
        operations = json.loads(body)
    except ValueError as error:
        raise status.bad_request(str(error)) from None
    if not isinstance(operations, list):
        raise status.bad_request(
            f"json: cannot unmarshal {_go_type(operations)} into Go value of type jsonpatch.Patch")
    return operations


def _parse_merge_patch(body: bytes, content_type: str) -> Json:
    try:
        changes = json.loads(body)
    except ValueError:
        changes = None
    if changes is None:
        raise status.internal("Invalid JSON Patch")
    if not isinstance(changes, dict):
        raise status.undecodable_patch(
            body.decode(errors="replace"),
            f"couldn't get version/kind; json parse error: json: cannot unmarshal "
            f"{_go_type(changes)} into Go value of type struct")
    if content_type == STRATEGIC_PATCH and _has_list(changes):
        # Lists are merged by keys that only the real one's schema knows.
        raise status.unsupported_media_type()
    return changes


def _has_list(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key.startswith("$") or _has_list(inner) for key, inner in value.items())
    return isinstance(value, list)


def _go_type(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "bool"}
    return names.get(type(value), "number")
