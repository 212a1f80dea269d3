"""A real HAProxy with one backend, and witnesses of where it leads."""

from __future__ import annotations

import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.addresses import free_port
from lab.processes import Process, wait_until
from lab.safety import TwoAtOnceError

Address = tuple[str, int]

MAINTENANCE = 0x01 | 0x02 | 0x20  # of srv_admin_state


def find_haproxy() -> str | None:
    """tests/servers.sh --with-haproxy puts it on PATH."""
    return shutil.which("haproxy")


@dataclass(frozen=True)
class ServerState:
    name: str
    address: Address
    admin: int

    @property
    def is_ready(self) -> bool:
        return not self.admin & MAINTENANCE


class HAProxy:
    """Owned by a test, in its main thread. Its servers start in maintenance, as its page advises,
    unless `start_ready`. `retries` to connect, a second apart, are HAProxy's own default."""

    def __init__(self, folder: Path, backend: str, servers: Sequence[tuple[str, Address]], *,
                 start_ready: bool = False, level: str = "admin", retries: int = 3) -> None:
        self.backend = backend
        self.socket = folder / "haproxy.sock"
        self.control = folder / "haproxy-of-the-test.sock"
        self.tcp = ("127.0.0.1", free_port())
        self.port = free_port()
        disabled = "" if start_ready else " disabled"
        lines = [
            "global",
            f"  stats socket {self.socket} mode 600 level {level}",
            f"  stats socket {self.tcp[0]}:{self.tcp[1]} level {level}",
            f"  stats socket {self.control} mode 600 level admin",
            "defaults",
            "  mode tcp",
            f"  retries {retries}",
            "  timeout connect 2s",
            "  timeout client 10m",
            "  timeout server 10m",
            "frontend valkey",
            f"  bind 127.0.0.1:{self.port}",
            f"  default_backend {backend}",
            f"backend {backend}",
            *(f"  server {name} {host}:{port}{disabled}" for name, (host, port) in servers),
        ]
        file = folder / "haproxy.cfg"
        file.write_text("\n".join(lines) + "\n")
        self._argv: list[str | Path] = [find_haproxy() or "haproxy", "-db", "-f", file]
        self._folder = folder
        self._old: list[Process] = []
        self.process = self._new_process()

    def _new_process(self, *arguments: str) -> Process:
        return Process("haproxy", [*self._argv, *arguments], folder=self._folder,
                       log=self._folder / "haproxy.log")

    def __enter__(self) -> HAProxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for process in (self.process, *self._old):
            process.kill()

    def start(self) -> None:
        self.process.start()
        wait_until(self._answers, 20, "HAProxy answers")

    def restart(self) -> None:
        """Killed and started: all that it was told is forgotten."""
        self.process.kill()
        self.start()

    def reload(self) -> None:
        """A new process takes the sockets over; the old one lives on with its connections."""
        old = self.process
        self._old.append(old)
        self.process = self._new_process("-sf", str(old.pid))
        self.process.start()
        wait_until(lambda: f"Pid: {self.process.pid}\n" in self.command("show info"), 20,
                   "the new process has the socket")

    def _answers(self) -> bool:
        try:
            return bool(self.states())
        except OSError:
            return False

    def command(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.control))
            control.sendall(line.encode() + b"\n")
            return _read_all(control)

    def states(self) -> list[ServerState]:
        header, *rows = self.command(f"show servers state {self.backend}").splitlines()[1:]
        names = header.removeprefix("# ").split(" ")
        fields = [dict(zip(names, row.split(" "))) for row in rows if row]
        return [ServerState(f["srv_name"], (f["srv_addr"], int(f["srv_port"])),
                            int(f["srv_admin_state"])) for f in fields]

    def ready(self) -> list[Address]:
        return [state.address for state in self.states() if state.is_ready]

    def wait_ready(self, address: Address | None, timeout: float = 10.0) -> None:
        """Until it leads there and nowhere else; None: nowhere."""
        wanted = [] if address is None else [address]
        wait_until(lambda: self.ready() == wanted, timeout, f"HAProxy leads to {wanted} alone")

    def connect(self) -> socket.socket:
        """A client's connection through it."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        client.settimeout(5)
        return client


def _read_all(control: socket.socket) -> str:
    text = b""
    while part := control.recv(65536):
        text += part
    return text.decode()


class ReadyWatch:
    """Samples `show servers state` with a ms between two samples, and keeps each change of what is
    ready."""

    def __init__(self, haproxy: HAProxy) -> None:
        self._haproxy = haproxy
        self._stop = threading.Event()
        self.samples = 0
        self.changes: list[tuple[float, tuple[str, ...]]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ReadyWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def changes_so_far(self, timeout: float = 10.0) -> int:
        """How many, what is ready now included: a sample that began after the call has ended."""
        wanted = self.samples + 2
        wait_until(lambda: self.samples >= wanted, timeout, "two more samples")
        return len(self.changes)

    def never_two(self) -> None:
        if not self._stop.is_set() and not self._thread.is_alive():
            raise RuntimeError("nobody looks any more")
        if two := [change for change in self.changes if len(change[1]) > 1]:
            raise TwoAtOnceError(f"HAProxy led to two: {two}")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                states = self._haproxy.states()
            except (OSError, ValueError, LookupError):  # not there, or killed in the midst of an answer
                self._stop.wait(0.01)
                continue
            ready = tuple(f"{s.name} at {s.address}" for s in states if s.is_ready)
            if not self.changes or self.changes[-1][1] != ready:
                self.changes.append((time.monotonic(), ready))
            self.samples += 1
            self._stop.wait(0.001)


class OldRuntime:
    """The runtime socket of a HAProxy that knows `show servers state` and `set server ... state`, and
    nothing else."""

    def __init__(self, path: Path, backend: str, servers: dict[str, str]) -> None:
        maintenance = {name: 1 for name in servers}

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for command in self.rfile.readline().decode().strip().split("; "):
                    self.wfile.write((self.answer(command.split(" ")) + "\n").encode())

            def answer(self, words: list[str]) -> str:
                if words[:3] == ["show", "servers", "state"]:
                    rows = (f"1 {backend} 1 {name} {servers[name]} {maintenance[name]} - 6379\n"
                            for name in servers)
                    return ("1\n# be_id be_name srv_id srv_name srv_addr srv_admin_state srv_fqdn "
                            "srv_port\n" + "".join(rows))
                if words[:2] == ["set", "server"]:
                    maintenance[words[2].split("/")[1]] = int(words[4] == "maint")
                    return ""
                return f"Unknown command: '{words[0]}'.\n"

        self._maintenance = maintenance
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def ready(self) -> list[str]:
        return [name for name, maintenance in self._maintenance.items() if not maintenance]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
