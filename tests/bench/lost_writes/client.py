"""Clients that write numbered keys, each through a route of its own: one process for all of them, so that none waits
for another. Driven by child.py; the settings are
    {"interval": SECONDS, "answer_within": SECONDS, "streams": {NAME: {"host": "127.0.0.1", "port": 7001, "keeps": true}}}
then `"begin"`-`"end"` frames one round:
    {"do": "begin", "prefix": "r0"}   every stream writes PREFIX:NAME:0, PREFIX:NAME:1, ... from now on
    {"do": "acknowledged"}            {NAME: when its last acknowledged write was begun}
    {"do": "end"}                     {NAME: [[number, begun, ended, acknowledged], ...]}
A stream that `keeps` its connection makes a new one when that ends, when an answer is an error (READONLY) or when there
is none in time, as client libraries do; any other makes one for each write."""

from __future__ import annotations

import errno
import json
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.resp import encode  # noqa: E402


class Pace(NamedTuple):
    """In seconds, both from the begin of an attempt."""

    interval: float
    answer_within: float  # connecting included


class Stream:
    def __init__(
        self, name: str, settings: dict[str, Any], pace: Pace, selector: selectors.BaseSelector
    ) -> None:
        self.name = name
        self._address = (settings["host"], settings["port"])
        self._keeps: bool = settings["keeps"]
        self._pace = pace
        self._selector = selector
        self._socket: socket.socket | None = None
        self._begun: float | None = None  # of the attempt under way
        self._connecting = False
        self._answer = b""
        self._prefix = ""
        self.attempts: list[tuple[int, float, float, bool]] = []
        self.acknowledged = 0.0
        self.due = float("inf")  # to begin an attempt, or to give one up

    def begin(self, prefix: str, now: float) -> None:
        self._prefix, self.attempts, self.acknowledged, self.due = prefix, [], 0.0, now

    def end(self) -> None:
        """An attempt under way is none."""
        self._drop()
        self._begun, self.due = None, float("inf")

    def act(self, now: float) -> None:
        """At `due`."""
        if self._begun is not None:
            self._over(now, False)
            return
        self._begun, self.due = now, now + self._pace.answer_within
        if self._socket is None:
            self._connect(now)
        else:
            self._send(now)

    def on_ready(self, now: float) -> None:
        if self._socket is None:  # dropped in this very turn
            return
        if self._connecting:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                self._over(now, False)
                return
            self._connecting = False
            self._selector.modify(self._socket, selectors.EVENT_READ, self)
            self._send(now)
            return
        try:
            data = self._socket.recv(4096)
        except OSError:
            data = b""
        self._answer += data
        if self._begun is None:  # an end that nobody waited for
            self._drop()
        elif not data:
            self._over(now, False)
        elif b"\r\n" in self._answer:
            self._over(now, self._answer.startswith(b"+OK\r\n"))

    def _connect(self, now: float) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connecting = True
        self._selector.register(self._socket, selectors.EVENT_WRITE, self)
        if self._socket.connect_ex(self._address) not in (0, errno.EINPROGRESS):
            self._over(now, False)

    def _send(self, now: float) -> None:
        assert self._socket is not None
        number = len(self.attempts)
        self._answer = b""
        words = encode(["SET", f"{self._prefix}:{self.name}:{number}", number])
        try:
            # With QUIT the server is the one that closes, and no port waits here for two minutes.
            self._socket.sendall(words if self._keeps else words + encode(["QUIT"]))
        except OSError:
            self._over(now, False)

    def _over(self, now: float, acknowledged: bool) -> None:
        assert self._begun is not None
        self.attempts.append((len(self.attempts), self._begun, now, acknowledged))
        if acknowledged:
            self.acknowledged = self._begun
        if not (acknowledged and self._keeps):
            self._drop()
        self.due = max(now, self._begun + self._pace.interval)
        self._begun = None

    def _drop(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._connecting = None, False


class Clients:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._pace = Pace(settings["interval"], settings["answer_within"])
        self._selector = selectors.DefaultSelector()
        self._streams = [
            Stream(name, each, self._pace, self._selector)
            for name, each in settings["streams"].items()
        ]

    def answer(self, order: dict[str, str]) -> Any:
        if order["do"] == "begin":
            now = time.monotonic()
            for index, stream in enumerate(self._streams):  # not all at the same instant
                stream.begin(order["prefix"], now + self._pace.interval * index / len(self._streams))
            return len(self._streams)
        if order["do"] == "acknowledged":
            return {stream.name: stream.acknowledged for stream in self._streams}
        for stream in self._streams:
            stream.end()
        return {stream.name: stream.attempts for stream in self._streams}

    def serve(self) -> None:
        """Until standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            due = min(stream.due for stream in self._streams)
            timeout = None if due == float("inf") else max(0.0, due - time.monotonic())
            for key, _ in self._selector.select(timeout):
                if key.data is not None:
                    key.data.on_ready(time.monotonic())
                elif not self._obey():
                    return
            now = time.monotonic()
            for stream in self._streams:
                if stream.due <= now:
                    stream.act(now)

    def _obey(self) -> bool:
        """One order at a time is sent, so nothing is left in the buffer behind a line."""
        if not (line := sys.stdin.readline()):
            return False
        print(json.dumps(self.answer(json.loads(line))), flush=True)
        return True


def main() -> None:
    clients = Clients(json.loads(sys.stdin.readline()))
    print(json.dumps("ready"), flush=True)
    clients.serve()


if __name__ == "__main__":
    main()
