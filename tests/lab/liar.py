"""A server that answers whatever it is asked by one and the same thing, be it nonsense."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]

# What no target may take for an answer of its server.
NONSENSE: list[Answer] = [
    *((200, body) for body in (
        b"", b"{", b"null", b"true ", b"[]", b"{}", b"[{}]", b"\0\xff\xfe", b'{"header":1}',
        b'{"header":{},"kvs":[{"value":"!"}]}', b'{"header":{},"kvs":[{"mod_revision":"1e9","value":""}]}',
        b'[{"ModifyIndex":-1,"Value":""}]', b'[{"ModifyIndex":5,"Value":"!"}]',
        b"[" * 100_000, b"x" * 5_000_000)),
    *((status, b"no\n") for status in (204, 301, 400, 401, 403, 404, 409, 429, 500, 503)),
    (404, b""), (503, b"busy\xff\x1b[31m"),
]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that had heard enough


class Liar:
    """Owned by a test; `with Liar() as liar:`."""

    def __init__(self) -> None:
        self.answer: Answer | None = (200, b"")  # none: 400, and the request in return
        liar = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = liar.answer or (400, b"x" * 190 + bytes(self.headers) + asked)
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Liar:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
