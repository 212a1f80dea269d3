#!/usr/bin/env python3
"""Watches all namespaces as the administrator and prints a line of JSON for each change of where clients are led: the pods
with the label, the addresses of EndpointSlices, the pod in a Service's selector. A process of its own, which shares no code
with any way; observed.py starts it with the lab's folder, and ends it by closing standard input."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.kube_client import Json, KubeClient, WatchStream  # noqa: E402
from lab.kubernetes import administrator  # noqa: E402

LABEL = "valkey-master"
SERVICE = "kubernetes.io/service-name"
POD_NAME = "statefulset.kubernetes.io/pod-name"

printing = threading.Lock()


def pod(item: Json) -> tuple[str, list[str]]:
    metadata = item["metadata"]
    return metadata["name"], [metadata["name"]] if metadata.get("labels", {}).get(LABEL) == "true" else []


def slice_of_service(item: Json) -> tuple[str, list[str]]:
    addresses = [address for endpoint in item.get("endpoints") or [] for address in endpoint["addresses"]]
    return item["metadata"]["name"], addresses if SERVICE in item["metadata"].get("labels", {}) else []


def service(item: Json) -> tuple[str, list[str]]:
    named = (item["spec"].get("selector") or {}).get(POD_NAME)
    return item["metadata"]["name"], [named] if named else []


class Watch:
    """Of one kind, in all namespaces: what each object leads to, and together those of its namespace."""

    def __init__(self, client: KubeClient, what: str, path: str, read: Callable[[Json], tuple[str, list[str]]]) -> None:
        self._client, self._what, self._path, self._read = client, what, path, read
        self._led: dict[str, dict[str, list[str]]] = {}
        self._told: dict[str, list[str]] = {}

    def run(self) -> None:
        listed = self._client.get(self._path)
        for item in listed["items"]:
            self._note("ADDED", item, time.monotonic())
        version = listed["metadata"]["resourceVersion"]
        self._print({"kind": "ready", "what": self._what})
        for event in WatchStream(self._client, self._path, {"resourceVersion": version, "timeoutSeconds": 86400}, 86400.0):
            now = time.monotonic()
            if event["type"] == "ERROR":
                break
            self._note(event["type"], event["object"], now)
        self._print({"kind": "broken", "what": self._what})

    def _note(self, change: str, item: Json, now: float) -> None:
        namespace = item["metadata"]["namespace"]
        name, leads_to = self._read(item)
        led = self._led.setdefault(namespace, {})
        led[name] = [] if change == "DELETED" else leads_to
        together = sorted(place for places in led.values() for place in places)
        if together != self._told.get(namespace, []):
            self._told[namespace] = together
            self._print({"kind": "led", "what": self._what, "time": now, "namespace": namespace, "to": together})

    @staticmethod
    def _print(line: Json) -> None:
        with printing:
            print(json.dumps(line), flush=True)


def main() -> None:
    client = administrator(Path(sys.argv[1]))
    slices = client.get("/apis/discovery.k8s.io")["preferredVersion"]["groupVersion"]
    for watch in (
        Watch(client, "label", "/api/v1/pods", pod),
        Watch(client, "slice", f"/apis/{slices}/endpointslices", slice_of_service),
        Watch(client, "selector", "/api/v1/services", service),
    ):
        threading.Thread(target=watch.run, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
