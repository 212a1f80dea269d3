"""A small client of a Kubernetes API server: kept connections, JSON in and out, watches."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiFailure(Exception):
    """An answer that was not expected; carries it."""

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(f"{what}: HTTP {answer.code}: {answer.text[:2000]}")
        self.answer = answer


@dataclass(frozen=True)
class Answer:
    code: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Json:
        value: Json = json.loads(self.text)
        return value

    @property
    def message(self) -> str:
        """Of a Status."""
        return str(self.json.get("message", ""))


class KubeClient:
    """Speaks to one server as one user: by a client certificate, by a token, or as nobody.

    Each thread (and each process after a fork) has a connection of its own.
    """

    def __init__(self, url: str, ca: Path, certificate: tuple[Path, Path] | None = None,
                 token: str = "", timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._context = ssl.create_default_context(cafile=ca)
        if certificate:
            self._context.load_cert_chain(*certificate)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout
        self._kept = threading.local()

    def connect(self, timeout: float | None = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._host, self._port, context=self._context, timeout=timeout or self._timeout
        )

    def request(self, method: str, path: str, body: Any = None, *,
                content_type: str = "application/json",
                query: Mapping[str, Any] | None = None,
                headers: Mapping[str, str] | None = None) -> Answer:
        """Whatever the answer is. `body` is sent as it is where it is bytes."""
        if query:
            path = f"{path}?{urlencode(query)}"
        all_headers = {**self._headers, **(headers or {})}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            all_headers["Content-Type"] = content_type
        connection, is_fresh = self._connection()
        try:
            return self._exchange(connection, method, path, data, all_headers)
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
            if is_fresh:
                raise
            # The kept connection had ended before: the server did not see the request. (Where it
            # was killed in the middle it may have; what tests write can be written twice.)
            connection, _ = self._connection()
            return self._exchange(connection, method, path, data, all_headers)

    def call(self, method: str, path: str, body: Any = None, *, ok: tuple[int, ...] = (200, 201),
             **options: Any) -> Json:
        """The answer's JSON; ApiFailure where its code is none of `ok`."""
        answer = self.request(method, path, body, **options)
        if answer.code not in ok:
            raise ApiFailure(f"{method} {path}", answer)
        return answer.json

    def get(self, path: str, **query: Any) -> Json:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any) -> Json:
        return self.call("POST", path, body)

    def merge_patch(self, path: str, body: Any, **query: Any) -> Json:
        """Again where the server gave up since others changed the object each time that it tried."""
        for _ in range(10):
            answer = self.request("PATCH", path, body, content_type=MERGE_PATCH, query=query)
            if answer.code != 409:
                break
        if answer.code not in (200, 201):
            raise ApiFailure(f"PATCH {path}", answer)
        return answer.json

    def delete(self, path: str, **query: Any) -> Json:
        return self.call("DELETE", path, query=query)

    def close(self) -> None:
        """Of the calling thread's connection."""
        self._forget()

    def _connection(self) -> tuple[http.client.HTTPSConnection, bool]:
        kept = getattr(self._kept, "connection", None)
        if kept is not None and self._kept.pid == os.getpid() and kept.sock is not None:
            return kept, False
        self._kept.connection = self.connect()
        self._kept.pid = os.getpid()
        return self._kept.connection, True

    def _forget(self) -> None:
        kept = getattr(self._kept, "connection", None)
        if kept is not None and self._kept.pid == os.getpid():
            kept.close()
        self._kept.connection = None

    def _exchange(self, connection: http.client.HTTPSConnection, method: str, path: str,
                  data: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            connection.request(method, path, body=data, headers=dict(headers))
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self._forget()
            raise
        return Answer(response.status, text, dict(response.getheaders()))


class WatchStream:
    """One open watch on a connection of its own: iterate over its events; `close` from any thread.

    `whole` tells, once the iteration ended, whether the stream ended with its last chunk (a
    timeout) or broke (the server died).
    """

    def __init__(self, client: KubeClient, path: str, query: Mapping[str, Any],
                 silence: float = 30.0, headers: Mapping[str, str] | None = None) -> None:
        self.whole = False
        self._connection = client.connect(silence)
        self._connection.request("GET", f"{path}?{urlencode({'watch': 'true', **query})}",
                                 headers={**client._headers, **(headers or {})})
        self._socket = self._connection.sock
        self.response = self._connection.getresponse()
        self._input: IO[bytes] = self.response.fp
        if self.response.status != 200:
            text = self.response.read().decode(errors="replace")
            self._connection.close()
            raise ApiFailure(f"watch {path}", Answer(self.response.status, text, {}))

    def __iter__(self) -> Iterator[Json]:
        # By hand: http.client does not tell a last chunk from the end of the connection.
        rest = b""
        try:
            while size := int(self._input.readline(), 16):
                chunk = self._input.read(size + 2)
                if len(chunk) < size + 2:
                    return
                *lines, rest = (rest + chunk[:-2]).split(b"\n")
                for line in lines:
                    yield json.loads(line)
            self.whole = True
        except (OSError, ValueError):
            pass  # broken, or closed by `close` in the middle of a read
        finally:
            self.response.close()
            self._connection.close()

    def close(self) -> None:
        try:
            if self._socket is not None:
                self._socket.shutdown(2)
        except OSError:
            pass  # not connected any more
        self._connection.close()
