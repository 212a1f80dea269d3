"""A tiny RESP2 client: commands with a deadline, pipelines, and a blocking subscription."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Union

Reply = Union[str, int, None, list, "RespError"]
Word = Union[str, bytes, int]


class RespError(Exception):
    """An error reply of the server, such as "NOAUTH Authentication required."."""


def encode(words: Sequence[Word]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """One connection. Every failure of the transport is an OSError."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float = 2.0,
        username: str = "",
        password: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket)
        self._timeout = timeout
        self._buffer = bytearray()
        if password:
            try:
                self.command("AUTH", *([username] if username else []), password)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def shut_down(self) -> None:
        """Ends a read that another thread is blocked in."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def command(self, *words: Word, timeout: float | None = None) -> Reply:
        reply = self.pipeline([words], timeout=timeout)[0]
        if isinstance(reply, RespError):
            raise reply
        return reply

    def pipeline(
        self, commands: Sequence[Sequence[Word]], *, timeout: float | None = None
    ) -> list[Reply]:
        """Sends all in one write. An error reply stands in the list, it is not raised."""
        self._socket.settimeout(self._timeout if timeout is None else timeout)
        self._socket.sendall(b"".join(encode(words) for words in commands))
        return [self._read() for _ in commands]

    def subscribe(self, *patterns: str) -> Iterator[tuple[str, str]]:
        """Subscribes by pattern; returns once all are acknowledged. Items are (channel, payload);
        the end of the connection is a ConnectionError."""
        self._socket.settimeout(self._timeout)
        self._socket.sendall(encode(["PSUBSCRIBE", *patterns]))
        for _ in patterns:
            reply = self._read()
            if isinstance(reply, RespError):
                raise reply
        return self._messages()

    def wait_for_end(self, timeout: float) -> bool:
        """True when the other side closed the connection within that time; no reply may be due."""
        self._socket.settimeout(timeout)
        try:
            return self._socket.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def _messages(self) -> Iterator[tuple[str, str]]:
        self._socket.settimeout(None)
        while True:
            message = self._read()
            if isinstance(message, list) and message[0] == "pmessage":
                yield message[2], message[3]

    def _read(self) -> Reply:
        line = self._read_line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            length = int(rest)
            return (
                None
                if length < 0
                else self._read_exactly(length + 2)[:-2].decode(errors="surrogateescape")
            )
        if kind == b"*":
            length = int(rest)
            return None if length < 0 else [self._read() for _ in range(length)]
        raise ConnectionError(f"not RESP2: {line!r}")

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._fill()
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _fill(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data


def pairs(reply: Reply) -> dict[str, str]:
    """A flat reply of names and values (SENTINEL MASTER) as a dictionary."""
    assert isinstance(reply, list), reply
    return dict(zip(reply[::2], reply[1::2]))
