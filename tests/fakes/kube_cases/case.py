"""What the tests of both API servers share."""

from __future__ import annotations

import threading
import time
import unittest
from typing import Any, cast

from lab.kube_client import MERGE_PATCH, Answer, Json, KubeClient, WatchStream
from lab.kubernetes import Kubernetes, Pod, open_kubernetes
from lab.processes import wait_until


PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MODIFIED = ("the object has been modified; please apply your changes to the latest version and try "
            "again")
DEADLINE = 10.0


class Watching:
    """A watch that collects its events on a thread."""

    def __init__(self, client: KubeClient, path: str, **query: Any) -> None:
        headers = {"Accept": query.pop("accept")} if "accept" in query else {}
        self.stream = WatchStream(client, path, query, headers=headers)
        self.events: list[Json] = []
        self.ended_at = 0.0
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        for event in self.stream:
            self.events.append(event)
        self.ended_at = time.monotonic()

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def wait(self, count: int) -> list[Json]:
        wait_until(lambda: len(self.events) >= count, DEADLINE,
                   f"{count} events; there are {self.types()}")
        return self.events

    def wait_version(self, version: str) -> list[Json]:
        wait_until(lambda: any(e["object"]["metadata"]["resourceVersion"] == version
                               for e in self.events), DEADLINE, f"an event of {version}")
        return self.events

    def wait_end(self, timeout: float = DEADLINE) -> None:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the watch did not end"

    def is_open(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self.stream.close()
        self._thread.join(5)


class OnOneBackend(unittest.TestCase):
    """`backend` is set by `main`."""

    backend = "fake"
    kubernetes: Kubernetes

    @classmethod
    def setUpClass(cls) -> None:
        cls.kubernetes = open_kubernetes(cls.backend)

    def setUp(self) -> None:
        self.namespace = self.kubernetes.namespace("fake-test")
        self.addCleanup(self.namespace.delete)
        self.admin = self.kubernetes.admin
        self.pods = f"{self.namespace.path}/pods"

    def pod(self, name: str = "a", **options: Any) -> Json:
        return self.namespace.add_pod(Pod(name, options.pop("ip", "127.40.3.11"), **options))

    def patch(self, name: str, body: Any, content_type: str = MERGE_PATCH, **query: Any) -> Answer:
        return self.admin.request("PATCH", f"{self.pods}/{name}", body, content_type=content_type,
                                  query=query)

    def version(self, name: str = "a") -> str:
        return str(self.namespace.pod(name)["metadata"]["resourceVersion"])

    def names(self, **query: Any) -> list[str]:
        listed = self.admin.get(self.pods, **query)
        return [item["metadata"]["name"] for item in listed["items"]]

    def client(self, token: str = "") -> KubeClient:
        client = self.kubernetes.client(token)
        self.addCleanup(client.close)
        return client

    def watch(self, **query: Any) -> Watching:
        watching = Watching(self.admin, query.pop("path", self.pods),
                            **{"timeoutSeconds": 30, **query})
        self.addCleanup(watching.close)
        return watching

    def check_failure(self, answer: Answer, code: int, reason: str, message: str) -> Json:
        """A Status with just this message; returns its details."""
        self.assertEqual(code, answer.code, answer.text[:1000])
        body = answer.json
        self.assertEqual(("Status", "v1", "Failure", code),
                         (body["kind"], body["apiVersion"], body["status"], body["code"]))
        self.assertEqual(reason, body.get("reason", ""))
        self.assertEqual(message, body["message"])
        return cast(Json, body.get("details", {}))
