"""An independent witness of the EndpointSlices of one Service: which addresses they named when."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

from lab.kube_client import ApiFailure, Json, WatchStream
from lab.kubernetes import Namespace

_SERVICE = "kubernetes.io/service-name"


@dataclass(frozen=True)
class Named:
    """The addresses that were ready, in all slices, from a moment (time.monotonic()) on."""

    received: float
    addresses: frozenset[str]


class SliceWatch:
    """Owned by a test. Complete from its start on, unless its connection breaks: then it lists."""

    def __init__(self, namespace: Namespace, service: str) -> None:
        self._client = namespace.kubernetes.admin_client()
        versions = self._client.get("/apis/discovery.k8s.io")
        version = versions["preferredVersion"]["groupVersion"]
        self._path = f"/apis/{version}/namespaces/{namespace.name}/endpointslices"
        self._query = {"labelSelector": f"{_SERVICE}={service}"}
        self._changed = threading.Condition()
        self._slices: dict[str, frozenset[str]] = {}
        self._history: list[Named] = []
        self._stream: WatchStream | None = None
        self._stopping = False
        self._version = self._list()
        self._thread = threading.Thread(target=self._run, name=f"slices of {service}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping = True
        if self._stream is not None:
            self._stream.close()
        self._thread.join(5)

    def history(self, since: float = 0.0) -> list[Named]:
        with self._changed:
            return [named for named in self._history if named.received >= since]

    def wait_named(self, address: str, timeout: float) -> Named:
        """Until the slices name this address and no other; since when they do."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._now() == {address}, timeout):
                raise TimeoutError(
                    f"the EndpointSlices name {sorted(self._now())}, not {address}, after "
                    f"{timeout:g} s"
                )
            return self._history[-1]

    def _now(self) -> frozenset[str]:
        return self._history[-1].addresses if self._history else frozenset()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._watch()
                self._version = self._list()
            except (OSError, http.client.HTTPException, ApiFailure):
                time.sleep(0.1)
        self._client.close()

    def _list(self) -> str:
        listed = self._client.get(self._path, **self._query)
        self._note({item["metadata"]["name"]: _ready(item) for item in listed["items"]})
        return str(listed["metadata"]["resourceVersion"])

    def _watch(self) -> None:
        query = {"resourceVersion": self._version, **self._query}
        self._stream = WatchStream(self._client, self._path, query, silence=3600.0)
        for event in () if self._stopping else self._stream:
            if event["type"] == "ERROR":
                return
            item = event["object"]
            slices = dict(self._slices)
            slices[item["metadata"]["name"]] = _ready(item)
            if event["type"] == "DELETED":
                del slices[item["metadata"]["name"]]
            self._note(slices)

    def _note(self, slices: dict[str, frozenset[str]]) -> None:
        named = Named(time.monotonic(), frozenset().union(*slices.values()))
        with self._changed:
            self._slices = slices
            if not self._history or self._history[-1].addresses != named.addresses:
                self._history.append(named)
            self._changed.notify_all()


def _ready(item: Json) -> frozenset[str]:
    """Of one slice; not said means ready."""
    return frozenset(
        address
        for endpoint in item.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") is not False
        for address in endpoint["addresses"]
    )
