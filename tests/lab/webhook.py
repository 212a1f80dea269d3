"""The receiver of fakes/webhook_receiver.py as a process, and what it was told."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.addresses import free_port
from lab.certificates import CertificateAuthority
from lab.processes import Process, wait_until

SECRET = "not to be seen"
_RECEIVER = Path(__file__).resolve().parent.parent / "fakes" / "webhook_receiver.py"


@dataclass(frozen=True)
class Message:
    headers: dict[str, str]
    body: dict[str, Any]
    key: str
    status: int  # that it was answered by


class Receiver:
    """Owned by a test, in its main thread. What it has taken survives its death."""

    def __init__(self, folder: Path, authority: CertificateAuthority | None = None) -> None:
        self.folder = folder
        self.secret_file = folder / "secret"
        self.secret_file.write_text(SECRET + "\n")
        self.port = free_port("127.0.0.1")
        self.url = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}/hook"
        argv: list[str | Path] = [sys.executable, _RECEIVER, "--port", str(self.port),
                                  "--folder", folder, "--secret", SECRET]
        if authority:
            own = authority.issue("receiver", "127.0.0.1")
            argv += ["--certificate", own.cert_file, own.key_file, authority.file]
        self.process = Process("receiver", argv, folder=folder, log=folder / "receiver.log")

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def start(self) -> None:
        self.process.start()
        try:
            wait_until(self._listens, 20, "the receiver listens")
        except TimeoutError:
            raise TimeoutError(self.process.log_tail()) from None

    def restart(self) -> None:
        self.process.kill()
        self.start()

    def will_answer(self, *answers: tuple[int, dict[str, str]], body: str | None = "") -> None:
        """To the next messages; it judges those after them itself. A body of None never comes."""
        asked = [(status, headers, body) for status, headers in answers]
        request = urllib.request.Request(self.url, json.dumps(asked).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=5).close()

    def messages(self) -> list[Message]:
        file = self.folder / "messages.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [Message(m["headers"], json.loads(m["body"]), m["key"], m["status"])
                for m in map(json.loads, lines)]

    def taken(self) -> list[dict[str, Any]]:
        return [message.body for message in self.messages() if message.status == 200]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
