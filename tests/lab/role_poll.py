#!/usr/bin/env python3
"""Asks instances for their ROLE, over and over, and prints a line of JSON whenever a replica has
turned primary. A program of its own, so that no other thread makes it late; role_watch.py starts
it, gives it the settings on standard input, and ends it by closing that.

Sentinel has an instance cut its connections as it changes its role, in one transaction: the end of
ours is the moment, once the next answer says "master"."""

from __future__ import annotations

import errno
import json
import select
import socket
import sys
import time

DOWN_FOR = 0.05  # until one that refuses is tried again
REPLY_WITHIN = 1.0  # one that is stopped accepts, and says nothing


class Instance:
    def __init__(self, index: int, settings: dict) -> None:
        self._index = index
        self._address = (settings["host"], settings["port"])
        self._login = _request("AUTH", *settings["login"]) if settings["login"] else b""
        self._interval: float = settings["interval"]
        self.socket: socket.socket | None = None
        self.is_connecting = False
        self._buffer = b""
        self._unanswered = False
        self.due = 0.0  # to connect, to ask, or to give up waiting for the answer
        self._asked = 0.0
        self._replica_at: float | None = None  # when it was last asked and said so
        self._cut: float | None = None  # since then

    def act(self, now: float) -> None:
        """At `due`."""
        if self.socket is None:
            self._connect(now)
        elif self.is_connecting or self._unanswered:
            self._drop()
            self.due = now
        else:
            self._ask(now)

    def on_writable(self, now: float) -> None:
        assert self.socket is not None
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            self._refused(now)
            return
        self.is_connecting = False
        self._ask(now, self._login)

    def on_readable(self, now: float) -> None:
        if self.socket is None:  # dropped in this very turn
            return
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._ended(now)
            return
        self._buffer += data
        # "+OK" of the login is no array; the role is the array's first word.
        start = self._buffer.find(b"*")
        lines = self._buffer[start:].split(b"\r\n") if start >= 0 else []
        if self._unanswered and len(lines) > 3:
            self._answered(lines[2], now)

    def _connect(self, now: float) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer, self._unanswered, self.is_connecting = b"", False, True
        self.due = now + REPLY_WITHIN
        if self.socket.connect_ex(self._address) not in (0, errno.EINPROGRESS):
            self._refused(now)

    def _ask(self, now: float, login: bytes = b"") -> None:
        assert self.socket is not None
        self._buffer, self._unanswered = b"", True
        self._asked, self.due = now, now + REPLY_WITHIN
        try:
            self.socket.sendall(login + _request("ROLE"))
        except OSError:
            self._ended(now)

    def _answered(self, role: bytes, now: float) -> None:
        if role == b"master" and self._replica_at is not None:
            turned = now if self._cut is None else self._cut
            told = {"index": self._index, "time": turned, "after": self._replica_at, "before": now}
            print(json.dumps(told), flush=True)
        self._replica_at = self._asked if role == b"slave" else None
        self._cut = None
        self._buffer, self._unanswered = b"", False
        self.due = max(now, self._asked + self._interval)

    def _ended(self, now: float) -> None:
        self._drop()
        self._cut = self._cut or now
        self._connect(now)  # at once: it may have become primary

    def _refused(self, now: float) -> None:
        """It is down. What it was before says nothing about what it will be."""
        self._drop()
        self._replica_at = self._cut = None
        self.due = now + max(DOWN_FOR, self._interval)

    def _drop(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket, self.is_connecting, self._unanswered = None, False, False


def _request(*words: str) -> bytes:
    bulks = (b"$%d\r\n%s\r\n" % (len(data), data) for data in map(str.encode, words))
    return b"*%d\r\n%s" % (len(words), b"".join(bulks))


def main() -> None:
    instances = [
        Instance(index, settings) for index, settings in enumerate(json.loads(sys.stdin.readline()))
    ]
    while True:
        now = time.monotonic()
        for instance in instances:
            if instance.due <= now:
                instance.act(now)
        reading = {i.socket: i for i in instances if i.socket and not i.is_connecting}
        writing = {i.socket: i for i in instances if i.socket and i.is_connecting}
        due = min(instance.due for instance in instances)
        readable, writable, _ = select.select(
            [sys.stdin, *reading], [*writing], [], max(0.0, due - time.monotonic())
        )
        now = time.monotonic()
        if sys.stdin in readable:
            return
        for ready in readable:
            reading[ready].on_readable(now)
        for ready in writable:
            writing[ready].on_writable(now)


if __name__ == "__main__":
    main()
