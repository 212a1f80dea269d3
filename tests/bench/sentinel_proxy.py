#!/usr/bin/env python3
"""Stands before the Sentinels and prints, as a line of JSON, each moment from which a client could know something: taken
just before the bytes are handed on. A process of its own, so that no other thread makes it late; proxied_sentinels.py
starts it, gives it the addresses on standard input, and ends it by closing that."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from sentinel_stream import SentinelStream


@dataclass
class End:
    """One end of a connection that passes through."""

    socket: socket.socket
    sentinel: int  # its number
    peer: End | None = None
    said: SentinelStream | None = field(default=None)  # at the Sentinel's end


class Proxy:
    def __init__(self, routes: list[dict]) -> None:
        self._selector = selectors.DefaultSelector()
        self._targets = [tuple(route["to"]) for route in routes]
        for number, route in enumerate(routes):
            listener = socket.create_server(tuple(route["at"]))
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, number))
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)

    def run(self) -> None:
        print(json.dumps({"kind": "ready"}), flush=True)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                act, what = key.data
                act(key.fileobj, what)

    def _accept(self, listener: socket.socket, number: int) -> None:
        client = End(listener.accept()[0], number)
        try:
            sentinel = End(socket.create_connection(self._targets[number]), number, client)
        except OSError:
            client.socket.close()
            return
        client.peer, sentinel.said = sentinel, SentinelStream()
        for end in (client, sentinel):
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, selectors.EVENT_READ, (self._pass, end))

    def _pass(self, _: socket.socket, end: End) -> None:
        assert end.peer is not None
        try:
            data = end.socket.recv(65536)
            now = time.monotonic()
            if data:
                end.peer.socket.sendall(data)
        except OSError:
            data = b""
        if not data:
            for each in (end, end.peer):
                if each.socket.fileno() >= 0:
                    self._selector.unregister(each.socket)
                    each.socket.close()
        elif end.said is not None:
            for said in end.said.feed(data):
                print(json.dumps({"time": now, "sentinel": end.sentinel, **vars(said)}), flush=True)


if __name__ == "__main__":
    Proxy(json.loads(sys.stdin.readline())).run()
