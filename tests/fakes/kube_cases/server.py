"""What is done to the server itself, by signals."""

from __future__ import annotations

import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from fakes.kube_cases.case import DEADLINE, Watching
from lab.kubernetes import Namespace, Pod, PrivateKubernetes, open_kubernetes
from lab.processes import wait_until


class OnAPrivateServer(unittest.TestCase):
    """What is done to the server itself, by signals."""

    backend = "fake"

    @contextmanager
    def opened(self) -> Iterator[tuple[PrivateKubernetes, Namespace, str]]:
        kubernetes = cast(PrivateKubernetes, open_kubernetes(self.backend, private=True))
        with kubernetes:
            namespace = kubernetes.namespace()
            pod = namespace.add_pod(Pod("a", "127.40.3.11"))
            yield kubernetes, namespace, pod["metadata"]["resourceVersion"]

    def test_killed_frozen_and_terminated(self) -> None:
        """One server for all of it: a real one takes seconds to start."""
        with self.opened() as (kubernetes, namespace, begin):
            self.check_freezing(kubernetes, namespace)
            self.check_death_and_return(kubernetes, namespace, begin)
            self.check_termination(kubernetes, namespace)

    def check_freezing(self, kubernetes: PrivateKubernetes, namespace: Namespace) -> None:
        """Frozen: requests hang; thawed: the same watch goes on."""
        version = namespace.pod("a")["metadata"]["resourceVersion"]
        watching = Watching(kubernetes.admin, f"{namespace.path}/pods", resourceVersion=version,
                            timeoutSeconds=60)
        kubernetes.freeze()
        try:
            with self.assertRaises(TimeoutError):
                kubernetes.admin_client(timeout=0.7).request("GET", "/readyz")
            self.assertTrue(watching.is_open())
        finally:
            kubernetes.thaw()
        namespace.label("a", "x", "1")
        self.assertEqual("MODIFIED", watching.wait(1)[0]["type"])
        watching.close()

    def check_death_and_return(self, kubernetes: PrivateKubernetes, namespace: Namespace,
                               begin: str) -> None:
        path = f"{namespace.path}/pods"
        watching = Watching(kubernetes.admin, path, resourceVersion=begin, timeoutSeconds=60)
        watching.wait(1)
        kubernetes.kill()
        watching.wait_end()
        self.assertFalse(watching.stream.whole, "the stream ends without a last chunk")
        with self.assertRaises(ConnectionRefusedError):
            kubernetes.admin_client(timeout=2).request("GET", "/readyz")
        kubernetes.revive()
        self.assertEqual(["a"], list(namespace.pods()))
        program = namespace.client()
        program.get(path)
        program.close()
        late = Watching(kubernetes.admin, path, resourceVersion=begin, timeoutSeconds=60)
        late.wait_end()
        self.assertEqual(["ERROR"], late.types())
        self.assertTrue(late.stream.whole)
        error = late.events[0]["object"]
        self.assertEqual(("Status", 410, "Expired"), (error["kind"], error["code"],
                                                      error["reason"]))
        self.assertRegex(error["message"], rf"^too old resource version: {begin} \(\d+\)$")
        exact = kubernetes.admin.get(path, resourceVersion=begin, resourceVersionMatch="Exact")
        self.assertEqual(begin, exact["items"][0]["metadata"]["resourceVersion"],
                         "lists of old versions can still be had")

    def check_termination(self, kubernetes: PrivateKubernetes, namespace: Namespace) -> None:
        path = f"{namespace.path}/pods"
        watching = Watching(kubernetes.admin, path, timeoutSeconds=60)
        watching.wait(1)
        kubernetes.terminate()
        wait_until(kubernetes.is_refusing, DEADLINE, "new connections are refused")
        time.sleep(1.0)
        self.assertTrue(watching.is_open(), "an open watch stays, and is silent")
        self.assertEqual(1, len(watching.events))
        watching.close()
