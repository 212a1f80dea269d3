"""What many people run, at its best: hears `+switch-master` of one Sentinel, takes the label off the old primary's pod,
waits for the answer, and puts it on the new one's, over a connection that is kept. Driven by child.py; the settings are
    {"kubernetes": FOLDER, "namespace": N, "label": L, "pods": {IP: NAME}, "group": G, "sentinel": [HOST, PORT]}
It stands in for a smaller one in C: it sends the same patches in the same order."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.kubernetes import Kubernetes  # noqa: E402
from lab.resp import Connection  # noqa: E402


def switched(payload: str, group: str) -> tuple[str, str] | None:
    """The old and the new address of `<name> <old-ip> <old-port> <new-ip> <new-port>`; None: of another group."""
    name, old, _, new, _ = payload.rsplit(" ", 4)
    return (old, new) if name == group else None


class Labeler:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._kubernetes = Kubernetes("real", Path(settings["kubernetes"]))
        self._path = f"/api/v1/namespaces/{settings['namespace']}/pods"
        self._label: str = settings["label"]
        self._pods: dict[str, str] = settings["pods"]

    def move(self, old: str | None, new: str) -> None:
        if old is not None:
            self._patch(old, None)
        self._patch(new, "true")

    def _patch(self, address: str, value: str | None) -> None:
        self._kubernetes.admin.merge_patch(
            f"{self._path}/{self._pods[address]}", {"metadata": {"labels": {self._label: value}}}
        )


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    group, sentinel = settings["group"], settings["sentinel"]
    labeler = Labeler(settings)
    messages = Connection(*sentinel).subscribe("+switch-master")
    with Connection(*sentinel) as asking:
        reply = asking.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", group)
    assert isinstance(reply, list)
    labeler.move(None, reply[0])
    print(json.dumps("ready"), flush=True)
    for _, payload in messages:
        if addresses := switched(payload, group):
            labeler.move(*addresses)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
