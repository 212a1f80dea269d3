"""Leads connections where a label or EndpointSlices say, as kube-proxy would: a new one to an address that is named at
that moment, and it is refused where there is none; one that is open stays where it is. Driven by child.py; the settings are
    {"kubernetes": FOLDER, "port": 6379, "routes": {NAME: {"path": "/api/v1/...", "selector": "a=b"}}}
and the answer is {NAME: port}, of 127.0.0.1. What kube-proxy takes on top of that on a node is not in it."""

from __future__ import annotations

import json
import random
import selectors
import socket
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from following import Following  # noqa: E402

from lab.kubernetes import Kubernetes  # noqa: E402

_RESET = struct.pack("ii", 1, 0)


class Route:
    """One listener; `addresses` is replaced by the thread that follows."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.addresses: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)

    def lead_to(self, addresses: list[str]) -> None:
        self.addresses = addresses

    def connect(self) -> socket.socket | None:
        """Under way to one of them."""
        addresses = self.addresses
        if not addresses:
            return None
        there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        there.setblocking(False)
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        there.connect_ex((random.choice(addresses), self._port))
        return there


class Forwarder:
    def __init__(self, routes: list[Route]) -> None:
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._connecting: set[socket.socket] = set()  # their clients are not read from yet
        for route in routes:
            self._selector.register(route.listener, selectors.EVENT_READ, route)

    def serve(self) -> None:
        """Until standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                if isinstance(key.data, Route):
                    self._accept(key.data)
                else:
                    self._pass_on(key.data)

    def _accept(self, route: Route) -> None:
        try:
            here, _ = route.listener.accept()
        except OSError:  # it gave up meanwhile
            return
        there = route.connect()
        if there is None:
            here.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            here.close()
            return
        here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peers[here], self._peers[there] = there, here
        self._connecting.add(there)
        self._selector.register(there, selectors.EVENT_WRITE, there)

    def _pass_on(self, end: socket.socket) -> None:
        peer = self._peers.get(end)
        if peer is None:  # closed in this very turn
            return
        if end in self._connecting:
            if end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                self._close(end, peer)
                return
            self._connecting.discard(end)
            self._selector.modify(end, selectors.EVENT_READ, end)
            self._selector.register(peer, selectors.EVENT_READ, peer)
            return
        try:
            if data := end.recv(65536):
                peer.sendall(data)  # a few bytes, for which there is always room
                return
        except OSError:
            pass
        self._close(end, peer)

    def _close(self, *ends: socket.socket) -> None:
        for end in ends:
            del self._peers[end]
            if end in self._selector.get_map():
                self._selector.unregister(end)
            self._connecting.discard(end)
            end.close()


def main() -> None:
    sys.setswitchinterval(0.0005)  # news of an address wait for no copying
    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    kubernetes = Kubernetes("real", Path(settings["kubernetes"]))
    routes = {name: Route(settings["port"]) for name in settings["routes"]}
    for name, follows in settings["routes"].items():
        Following(
            kubernetes.admin_client(), follows["path"], follows["selector"], routes[name].lead_to
        )
    ports = {name: route.listener.getsockname()[1] for name, route in routes.items()}
    print(json.dumps(ports), flush=True)
    Forwarder(list(routes.values())).serve()


if __name__ == "__main__":
    main()
