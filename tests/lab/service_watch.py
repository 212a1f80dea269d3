"""An independent witness of where a Service leads: its selector, or its EndpointSlices, at every
version. It has a connection and a thread of its own, and shares no code with the program."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.kube_client import ApiFailure, Json, KubeClient, WatchStream
from lab.kubernetes import Namespace
from lab.safety import TwoAtOnceError

POD_NAME = "statefulset.kubernetes.io/pod-name"
STAMP = "valkey-reconciler.io/stamp"


@dataclass(frozen=True)
class Version:
    """Where the Service leads, by one object, from this version on."""

    version: int
    object: str
    leads_to: tuple[str, ...]  # addresses of a slice; the pod's name in a selector
    stamp: str
    received: float  # time.monotonic()


class ServiceWatch:
    """Owned by a test; complete from its start on. By slices of one Service, or by its selector."""

    def __init__(self, namespace: Namespace, service: str, *, slices: str = "") -> None:
        """`slices`: the version of discovery.k8s.io; empty: the selector is watched."""
        self._client: KubeClient = namespace.kubernetes.admin_client(timeout=30)
        self._by_slice = bool(slices)
        if slices:
            self._path = f"/apis/discovery.k8s.io/{slices}/namespaces/{namespace.name}/endpointslices"
            self._query = {"labelSelector": f"kubernetes.io/service-name={service}"}
        else:
            self._path = f"{namespace.path}/services"
            self._query = {"fieldSelector": f"metadata.name={service}"}
        self._changed = threading.Condition()
        self._versions: list[Version] = []
        self._now: dict[str, tuple[str, ...]] = {}
        self._two: list[tuple[int, dict[str, tuple[str, ...]]]] = []
        self._gap = ""
        self._last = 0
        self._stopping = False
        self._stream: WatchStream | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch of {service}", daemon=True)

    def __enter__(self) -> ServiceWatch:
        listed = self._client.get(self._path, **self._query)
        for item in listed["items"]:
            self._note(item, gone=False)
        self._last = int(listed["metadata"]["resourceVersion"])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        if self._stream is not None:
            self._stream.close()
        self._thread.join(5)

    @property
    def last_version(self) -> int:
        with self._changed:
            return self._last

    def versions(self) -> list[Version]:
        with self._changed:
            return list(self._versions)

    def now(self) -> list[str]:
        """Where the Service leads, all objects together."""
        with self._changed:
            return self._all()

    def wait_for(self, leads_to: list[str], timeout: float = 10.0, after: int = 0) -> Version:
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                fitting = [v for v in self._versions
                           if v.version > after and list(v.leads_to) == leads_to]
                if self._all() == leads_to and (fitting or not after):
                    return (fitting or self._versions or [Version(0, "", (), "", 0.0)])[-1]
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout:g} s: {leads_to}; it is {self._now}")
                self._changed.wait(left)

    def wait_until(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        end = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout:g} s: {what}; it is {self._now}")
                self._changed.wait(left)

    def wait_as_now(self, timeout: float = 10.0) -> None:
        """Until all has been seen that was written before this call."""
        items = self._client.get(self._path, **self._query)["items"]
        newest = max((int(item["metadata"]["resourceVersion"]) for item in items), default=0)
        self.wait_until(lambda: self._last >= newest, timeout, f"version {newest} is seen")

    def check(self) -> None:
        """At no version did the Service lead to two places; and all versions were seen."""
        assert not self._gap, self._gap
        if self._two:
            raise TwoAtOnceError(str(self._two))

    def _all(self) -> list[str]:
        return sorted(place for places in self._now.values() for place in places)

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._watch()
            except (OSError, http.client.HTTPException, ApiFailure):
                time.sleep(0.05)

    def _watch(self) -> None:
        self._stream = WatchStream(self._client, self._path, {
            **self._query, "resourceVersion": self._last, "timeoutSeconds": 20}, 30)
        for event in self._stream:
            if event["type"] == "ERROR":
                self._gap = f"not seen after {self._last}: {event['object']}"
                return
            self._note(event["object"], gone=event["type"] == "DELETED")

    def _note(self, item: Json, gone: bool) -> None:
        metadata = item["metadata"]
        version = int(metadata["resourceVersion"])
        places = () if gone else self._places(item)
        with self._changed:
            self._now[metadata["name"]] = places
            stamp = metadata.get("annotations", {}).get(STAMP, "")
            self._versions.append(Version(version, metadata["name"], places, stamp,
                                          time.monotonic()))
            self._last = max(self._last, version)
            if len(self._all()) > 1:
                self._two.append((version, dict(self._now)))
            self._changed.notify_all()

    def _places(self, item: Json) -> tuple[str, ...]:
        if not self._by_slice:
            name = item["spec"].get("selector", {}).get(POD_NAME)
            return (name,) if name and name.islower() else ()
        return tuple(address for endpoint in item.get("endpoints") or []
                     for address in endpoint["addresses"])
