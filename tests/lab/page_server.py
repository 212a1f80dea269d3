"""The page as the program serves it, with its headers, beside a /status of the test's own; all of it
below a path, as a proxy might have it."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.program import Program

BELOW = "/reconciler/"
_OF_THE_CONNECTION = ("connection", "date", "content-length")


class PageServer:
    """What it says at /status may be changed at any time."""

    def __init__(self, program: Program) -> None:
        self.status: dict[str, Any] = {}
        self.code = 200
        self.is_away = False  # connections are cut without an answer
        self.takes = 0.0  # seconds, for an answer
        self.asked_at: list[float] = []  # when for /status, in time.monotonic()
        self._program = program
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):  # a page that was closed meanwhile
                    outer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def asked(self) -> int:
        return len(self.asked_at)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{BELOW}"

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = "/" + request.path.removeprefix(BELOW)
        if path != "/status":
            code, headers, body = self._of_the_program(path)
        else:
            self.asked_at.append(time.monotonic())
            if self.is_away:
                request.close_connection = True
                return
            time.sleep(self.takes)
            body = json.dumps(self.status).encode()
            code, headers = self.code, [("Content-Type", "application/json")]
        request.send_response(code)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def _of_the_program(self, path: str) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._program.http_port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            headers = [pair for pair in answer.getheaders() if pair[0].lower() not in _OF_THE_CONNECTION]
            return answer.status, headers, answer.read()
        finally:
            connection.close()
