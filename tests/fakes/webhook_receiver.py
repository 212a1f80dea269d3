#!/usr/bin/env python3
"""A receiver of webhooks as plugins/webhook/README.md asks for one: it believes signed and fresh messages
only, takes each once, remembers the decision over its own death, and refuses a lower one by 409.
`PUT /answers` with a JSON list of [status, headers, body] says what the next messages are answered instead;
status 0 never answers, status 1 takes the message and answers after a second, and a body of null never comes."""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OLDEST_S = 300
SLOW = 1


Answer = tuple[int, dict[str, str], str | None]


class Receiver:
    def __init__(self, folder: Path, secret: bytes) -> None:
        self._file = folder / "messages.jsonl"
        self._secret = secret
        self._lock = threading.Lock()
        self.answers: list[Answer] = []
        self._keys: set[str] = set()
        self._highest: dict[str, list[int]] = {}
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                message = json.loads(line)
                if message["taken"]:
                    self._remember(message["key"], json.loads(message["body"]))

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        with self._lock:
            status, more, text = self.answers.pop(0) if self.answers else self._judged(headers, body)
            key = headers.get("Idempotency-Key", "")
            taken = status in (SLOW, 200)
            with self._file.open("a") as file:
                file.write(json.dumps({"headers": headers, "body": body.decode(), "key": key,
                                       "taken": taken, "status": status}) + "\n")
            if taken:
                self._remember(key, json.loads(body))
            return status, more, text

    def _remember(self, key: str, message: dict[str, Any]) -> None:
        self._keys.add(key)
        self._highest[message["group"]] = self._decision(message)

    @staticmethod
    def _decision(message: dict[str, Any]) -> list[int]:
        return [message["era"], message["epoch"]]

    def _judged(self, headers: dict[str, str], body: bytes) -> Answer:
        status = self._judge(headers, body)
        return status, {}, "" if status < 400 else f"status {status}, says the receiver\n"

    def _judge(self, headers: dict[str, str], body: bytes) -> int:
        key = headers.get("Idempotency-Key", "")
        if self._secret and not self._is_signed(headers, key, body):
            return 401
        if key in self._keys:
            return 208
        message = json.loads(body)
        lower = self._decision(message) < self._highest.get(message["group"], [])
        return 409 if lower else 200

    def _is_signed(self, headers: dict[str, str], key: str, body: bytes) -> bool:
        parts = dict(part.split("=", 1)
                     for part in headers.get("Valkey-Reconciler-Signature", "t=0").split(","))
        text = f"{parts['t']}.{key}.".encode() + body
        right = hmac.new(self._secret, text, hashlib.sha256).hexdigest()
        return (abs(time.time() - int(parts["t"])) < OLDEST_S
                and hmac.compare_digest(right, parts.get("v1", "")))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        body = self._body()
        status, headers, text = self.receiver.answer(dict(self.headers.items()), body)
        if status == 0:
            threading.Event().wait()
        if status == SLOW:
            time.sleep(1)
            status = 200
        self._say(status, headers, text)

    def do_PUT(self) -> None:
        self.receiver.answers = [(status, headers, text)
                                 for status, headers, text in json.loads(self._body())]
        self._say(200, {}, "")

    def do_GET(self) -> None:
        self._say(200, {}, "")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _say(self, status: int, headers: dict[str, str], text: str | None) -> None:
        body = b" " if text is None else text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if text is None:
            threading.Event().wait()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--secret", default="")
    parser.add_argument("--certificate", nargs=3, metavar=("CERT", "KEY", "CA"),
                        help="speaks TLS with clients that have a certificate of this CA")
    options = parser.parse_args()
    Handler.receiver = Receiver(options.folder, options.secret.encode())
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    if options.certificate:
        cert, key, authority = options.certificate
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
