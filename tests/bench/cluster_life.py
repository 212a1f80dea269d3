"""What goes on in every cluster, however idle: controller-manager and scheduler renew their leases. Without it nothing
else is written to the API server of a laboratory until the failover."""

from __future__ import annotations

import threading
import time

from lab.kube_client import KubeClient

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
HOLDERS = ("kube-controller-manager", "kube-scheduler")
RENEWED = 2.0  # seconds, each of them


class ClusterLife:
    """From its creation to close(), in a thread of its own."""

    def __init__(self, admin: KubeClient) -> None:
        self._admin = admin
        for holder in HOLDERS:
            spec = {"holderIdentity": "lab", "leaseDurationSeconds": 15, "renewTime": _now()}
            admin.post(LEASES, {"metadata": {"name": holder}, "spec": spec})
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True, name="leases")
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)

    def _renew(self) -> None:
        turn = 0
        while not self._closing.wait(RENEWED / len(HOLDERS)):
            holder = HOLDERS[turn % len(HOLDERS)]
            self._admin.merge_patch(f"{LEASES}/{holder}", {"spec": {"renewTime": _now()}})
            turn += 1


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000Z"
