"""HTTP/1.1 over asyncio streams: requests in, responses or open streams out, keep-alive.

No HTTP/2: the standard library has none. Knows nothing of Kubernetes.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 8 * 1024 * 1024


class Drop(Exception):
    """Raised by a handler: close the connection at once, without another byte."""


class Malformed(Exception):
    """Not HTTP, or more of it than is taken."""


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    certificate: dict[str, Any] | None
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = unquote(parts.path)
        pairs = parse_qs(parts.query, keep_blank_values=True)
        self.query = {key: values[0] for key, values in pairs.items()}


@dataclass
class Response:
    code: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, code: int, value: Any) -> Response:
        return cls(code, encode(value) + b"\n", {"Content-Type": "application/json"})

    @classmethod
    def text(cls, code: int, value: str) -> Response:
        return cls(code, value.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Connection:
    """What a request's handler may want to know of the connection that it came by."""

    on_close: Callable[[], None] | None = None


class Stream:
    """A chunked answer without a known end; given to a `StreamHandler`."""

    def __init__(self, writer: asyncio.StreamWriter, connection: Connection) -> None:
        self._writer = writer
        self._connection = connection

    def on_close(self, callback: Callable[[], None] | None) -> None:
        """Calls back, once, when the client is gone; None takes the wish back."""
        self._connection.on_close = callback

    async def start(self, headers: dict[str, str]) -> None:
        self._writer.write(_head(200, {**headers, "Transfer-Encoding": "chunked"}))
        await self._writer.drain()

    async def send(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


StreamHandler = Callable[[Stream], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response | StreamHandler]]


class Server:
    """Serves one TLS port; `handler` answers each request. Driven by the event loop."""

    def __init__(self, handler: Handler, context: ssl.SSLContext) -> None:
        self._handler = handler
        self._context = context
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, port: int) -> int:
        self._server = await asyncio.start_server(
            self._serve, address, port, ssl=self._context, limit=_LONGEST_HEAD, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        watching = asyncio.create_task(_tell_close(writer, connection))
        try:
            while await self._one(reader, writer, connection):
                pass
        except Drop:
            writer.transport.abort()
        except Malformed as error:
            writer.write(_whole(Response.text(400, f"400 Bad Request: {error}"), False, False))
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            connection.on_close = None
            writer.close()
            await watching

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                   connection: Connection) -> bool:
        """Reads and answers one request; false when the connection is to end."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Malformed("header too long") from None
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Malformed("request line")
        headers: dict[str, str] = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Malformed("header line")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = Request(words[0], words[1], headers, await _read_body(reader, headers),
                          writer.get_extra_info("peercert"))
        keep = (headers.get("connection", "").lower() != "close" and words[2] != "HTTP/1.0")
        answer = await self._handler(request)
        if isinstance(answer, Response):
            writer.write(_whole(answer, keep, request.method == "HEAD"))
            await writer.drain()
            return keep
        await answer(Stream(writer, connection))
        return keep and not reader.at_eof()


async def _tell_close(writer: asyncio.StreamWriter, connection: Connection) -> None:
    try:
        await writer.wait_closed()
    except (OSError, ssl.SSLError):
        pass  # reset is gone, too
    if connection.on_close is not None:
        connection.on_close()


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            if len(body) + size > _LONGEST_BODY:
                raise Malformed("body too long")
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _LONGEST_BODY:
        raise Malformed("content length")
    return await reader.readexactly(int(length))


def _head(code: int, headers: dict[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {code} {phrase}", "Cache-Control: no-cache, private",
             f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _whole(response: Response, keep: bool, head_only: bool) -> bytes:
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    if not keep:
        headers["Connection"] = "close"
    return _head(response.code, headers) + (b"" if head_only else response.body)
