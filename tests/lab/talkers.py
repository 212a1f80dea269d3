"""TCP servers that say who they are, for tests of where a connection leads."""

from __future__ import annotations

import socketserver
import threading


class Talker:
    """Says its name to whoever connects, then keeps the connection open."""

    def __init__(self, host: str, port: int, name: str) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.sendall(name.encode())
                self.request.recv(1)  # until the other side closes

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.name = name
        self.address = (host, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
