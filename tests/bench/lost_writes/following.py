"""Which addresses the labelled pods, or the EndpointSlices of a Service, name at the moment."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

from lab.kube_client import ApiFailure, Json, KubeClient, WatchStream


def addresses(item: Json) -> frozenset[str]:
    """Of a pod, or the ready ones of an EndpointSlice; not said means ready."""
    if "status" in item:
        return frozenset({item["status"].get("podIP", "")} - {""})
    return frozenset(
        address
        for endpoint in item.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") is not False
        for address in endpoint["addresses"]
    )


class Following:
    """Lists and watches what a label selector selects, in a thread of its own that ends with the process; `told` is
    called there with all addresses together at each change."""

    def __init__(
        self, client: KubeClient, path: str, selector: str, told: Callable[[list[str]], None]
    ) -> None:
        self._client, self._path, self._told = client, path, told
        self._query = {"labelSelector": selector}
        self._by_object: dict[str, frozenset[str]] = {}
        self._version = self._list()
        threading.Thread(target=self._run, name=path, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._watch()
                self._version = self._list()
            except (OSError, http.client.HTTPException, ApiFailure):
                time.sleep(0.1)

    def _list(self) -> str:
        listed = self._client.get(self._path, **self._query)
        self._by_object = {
            item["metadata"]["name"]: addresses(item) for item in listed["items"]
        }
        self._tell()
        return str(listed["metadata"]["resourceVersion"])

    def _watch(self) -> None:
        query = {"resourceVersion": self._version, **self._query}
        for event in WatchStream(self._client, self._path, query, silence=3600.0):
            if event["type"] == "ERROR":
                return
            item = event["object"]
            gone = event["type"] == "DELETED"
            self._by_object[item["metadata"]["name"]] = frozenset() if gone else addresses(item)
            self._tell()

    def _tell(self) -> None:
        self._told(sorted(frozenset().union(*self._by_object.values())))
