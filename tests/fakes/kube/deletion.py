"""Deletion: grace, finalizers, preconditions, and what becomes of a namespace's contents."""

from __future__ import annotations

import asyncio

from . import status
from .resources import NAMESPACES, RESOURCES, Resource
from .status import Json
from .store import Name, Store
from .write import Write, get, now


class Deletion:
    """Owned by the API, beside `Objects`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # A pod is marked, then removed, by two writes. What others write to it in between is
        # answered, by 200 and the pod as it would have become, and not kept. Of the real one those
        # are the writes of a few milliseconds.
        self.seconds_between = 0.0

    def is_between(self, item: Json) -> bool:
        metadata = item["metadata"]
        return bool(metadata.get("deletionTimestamp") and not metadata.get("finalizers")
                    and not metadata.get("deletionGracePeriodSeconds"))

    def delete(self, write: Write, options: Json) -> Json:
        """Returns the object, or the Status that says that it is gone."""
        item = get(self._store, write.resource, write.key)
        metadata = item["metadata"]
        conditions = options.get("preconditions") or {}
        if conditions.get("uid", metadata["uid"]) != metadata["uid"]:
            raise self._precondition(write, "UID", conditions["uid"], metadata["uid"],
                                     "deleted and then recreated")
        version = conditions.get("resourceVersion", metadata["resourceVersion"])
        if version != metadata["resourceVersion"]:
            raise self._precondition(write, "ResourceVersion", version,
                                     metadata["resourceVersion"], "modified")
        if write.dry_run:
            return item
        if write.resource is NAMESPACES:
            return self._delete_namespace(write, item)
        grace = self._grace(write, item, options)
        if metadata.get("deletionTimestamp") and grace >= metadata.get(
                "deletionGracePeriodSeconds", 0) and (grace or metadata.get("finalizers")):
            return item
        if grace or metadata.get("finalizers") or write.resource.plural == "pods":
            metadata = {**metadata, "deletionTimestamp": now(grace),
                        "deletionGracePeriodSeconds": grace}
            item = self._store.put(write.resource.key, write.key, {**item, "metadata": metadata})
        if not grace and not metadata.get("finalizers"):
            if self.seconds_between and write.resource.plural == "pods":
                asyncio.get_running_loop().call_later(
                    self.seconds_between, self._remove_this, write.resource, write.key, item)
                return item
            self.remove(write.resource, write.key)
            if not write.resource.returns_deleted:
                return status.success({
                    **status.details_of(write.name, write.resource.group, write.resource.plural),
                    "uid": metadata["uid"],
                })
        return item

    def remove(self, resource: Resource, name: Name) -> None:
        self._store.delete(resource.key, name)
        namespace = self._store.get(NAMESPACES.key, ("", name[0]))
        if namespace and namespace["status"]["phase"] == "Terminating":
            self._finish_namespace(name[0])

    def _remove_this(self, resource: Resource, name: Name, item: Json) -> None:
        there = self._store.get(resource.key, name)
        if there and there["metadata"]["uid"] == item["metadata"]["uid"]:
            self.remove(resource, name)

    def empty_namespace(self, namespace: str) -> None:
        for resource, name in self._contents(namespace):
            if self._store.get(resource.key, name) is not None:
                write = Write(resource, resource.versions[0], *name)
                self.delete(write, {"gracePeriodSeconds": 0})
        self._finish_namespace(namespace)

    def _precondition(self, write: Write, what: str, wanted: str, have: str,
                      why: str) -> status.ApiError:
        return status.conflict(
            write.kind, write.resource.group, write.name,
            f"the {what} in the precondition ({wanted}) does not match the {what} in record "
            f"({have}). The object might have been {why}")

    def _grace(self, write: Write, item: Json, options: Json) -> int:
        if write.resource.plural != "pods":
            return 0
        if not item["spec"].get("nodeName"):
            return 0
        if item["status"].get("phase") in ("Failed", "Succeeded"):
            return 0
        grace = options.get("gracePeriodSeconds")
        if grace is None:
            grace = item["spec"].get("terminationGracePeriodSeconds", 30)
        return max(int(grace), 0)

    def _delete_namespace(self, write: Write, item: Json) -> Json:
        """Marks it; `empty_namespace` does, a little later, what the controller does."""
        if item["metadata"].get("deletionTimestamp"):
            return item
        metadata = {**item["metadata"], "deletionTimestamp": now()}
        return self._store.put(NAMESPACES.key, write.key, {
            **item, "metadata": metadata, "status": {**item["status"], "phase": "Terminating"}})

    def _finish_namespace(self, namespace: str) -> None:
        if not self._contents(namespace) and self._store.get(NAMESPACES.key, ("", namespace)):
            self._store.delete(NAMESPACES.key, ("", namespace))

    def _contents(self, namespace: str) -> list[tuple[Resource, Name]]:
        return [(resource, name) for resource in RESOURCES if resource.namespaced
                for name in self._store.table(resource.key).items if name[0] == namespace]
