#!/usr/bin/env python3
"""Stands before the Sentinels, speaks TLS with their clients, and prints, as a line of JSON, each moment from which a client
could know something: taken just before the bytes are handed on. A process of its own, so that no other thread makes it
late; proxied_sentinels.py starts it, gives it addresses and certificates on standard input, and ends it by closing that."""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import sys
import time
from dataclasses import dataclass

from sentinel_stream import SentinelStream


class ToSentinel:
    """The end at a Sentinel, in the plain."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bytes | None:
        """Nothing: it has ended."""
        return self.socket.recv(65536) or None


class ToClient:
    """The end at a client, by TLS."""

    def __init__(self, accepted: socket.socket, context: ssl.SSLContext) -> None:
        self.socket = accepted
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._is_up = False

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self.socket.sendall(self._out.read())

    def receive(self) -> bytes | None:
        """What was decrypted, which may be nothing yet; None: it has ended."""
        data = self.socket.recv(65536)
        if not data:
            return None
        self._in.write(data)
        plain = b""
        try:
            if not self._is_up:
                self._tls.do_handshake()
                self._is_up = True
            while more := self._tls.read(65536):
                plain += more
        except ssl.SSLWantReadError:
            pass
        if self._out.pending:
            self.socket.sendall(self._out.read())
        return plain


@dataclass
class Through:
    """A connection that passes through."""

    client: ToClient
    sentinel: ToSentinel
    number: int  # of the Sentinel
    said: SentinelStream


class Proxy:
    def __init__(self, routes: list[dict]) -> None:
        self._selector = selectors.DefaultSelector()
        self._targets = [tuple(route["to"]) for route in routes]
        self._contexts = []
        for number, route in enumerate(routes):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(route["certificate"], route["key"])
            self._contexts.append(context)
            listener = socket.create_server(tuple(route["at"]))
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, number))
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)

    def run(self) -> None:
        print(json.dumps({"kind": "ready"}), flush=True)
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                if key.fileobj.fileno() >= 0:  # else its other end has just ended
                    act, what = key.data
                    act(key.fileobj, what)

    def _accept(self, listener: socket.socket, number: int) -> None:
        client = ToClient(listener.accept()[0], self._contexts[number])
        try:
            through = Through(client, ToSentinel(self._targets[number]), number, SentinelStream())
        except OSError:
            client.socket.close()
            return
        for end, hear in ((through.client, self._from_client), (through.sentinel, self._from_sentinel)):
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, selectors.EVENT_READ, (hear, through))

    def _from_client(self, _: socket.socket, through: Through) -> None:
        try:
            data = through.client.receive()
            if data:
                through.sentinel.send(data)
        except OSError:
            data = None
        if data is None:
            self._end(through)

    def _from_sentinel(self, _: socket.socket, through: Through) -> None:
        try:
            data = through.sentinel.receive()
            now = time.monotonic()
            if data:
                through.client.send(data)
        except OSError:
            data = None
        if data is None:
            self._end(through)
            return
        for said in through.said.feed(data):
            print(json.dumps({"time": now, "sentinel": through.number, **vars(said)}), flush=True)

    def _end(self, through: Through) -> None:
        for end in (through.client, through.sentinel):
            self._selector.unregister(end.socket)
            end.socket.close()


if __name__ == "__main__":
    Proxy(json.loads(sys.stdin.readline())).run()
