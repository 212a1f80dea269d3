"""What the tests of a plugin alone share: pods, a witness and hosts for the plugin, no Valkey."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import Kubernetes, Namespace, open_kubernetes  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.pod_watch import PodWatch  # noqa: E402

GROUP = "myprimary"
ADDRESSES = [f"10.244.0.{10 + i}" for i in range(3)]


class PluginCase(unittest.TestCase):
    """Three pods, valkey-0 to -2, in a namespace of each test."""

    private = False
    options: tuple[str, ...] = ()  # of a private API server

    def setUp(self) -> None:
        self.kubernetes: Kubernetes = open_kubernetes(BACKEND, private=self.private,
                                                      options=self.options)
        if self.private:
            self.addCleanup(self.kubernetes.close)
        self.namespace: Namespace = self.kubernetes.namespace("plugin")
        self.namespace.add_valkey_pods(ADDRESSES)
        self.watch: PodWatch = self.enterContext(PodWatch(self.namespace))
        self.hosts: list[PluginHost] = []

    def host(self, **settings: str | Path) -> PluginHost:
        """One more instance of the plugin, which has listed its pods."""
        settings = {"kubeconfig": self.namespace.kubeconfig(), **settings}
        host = self.enterContext(PluginHost("kubernetes", [GROUP], **settings))
        self.hosts.append(host)
        host.wait("log", text="connected")
        return host

    def stamps(self) -> dict[str, str]:
        return {name: pod["metadata"].get("annotations", {}).get("valkey-reconciler.io/stamp", "")
                for name, pod in self.namespace.pods().items()}

    def rules(self, *verbs: str) -> list[Json]:
        return [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]

    def never_two(self) -> None:
        newest = max(int(pod["metadata"]["resourceVersion"])
                     for pod in self.namespace.pods().values())
        self.watch.wait_for_version(newest)
        self.watch.check()
