#!/usr/bin/env python3
"""The tests' fake Kubernetes API server: python3 tests/fakes/kube_api.py --port 0 --dir DIR

It answers as kube-apiserver 1.20 does, as far as tests look: tests/fakes/test_kube_api.py runs the
same tests against both. It speaks TLS and HTTP/1.1 with keep-alive, but no HTTP/2, which Python's
standard library does not have: a client that offers h2 falls back. What it can do beyond the real
one (faults on demand, history forgotten, tokens that end soon) is in kube/control.py.

DIR is laid out as a real lab's: url, ca.crt, pki/admin.{crt,key}, admin.kubeconfig, audit.log,
pids/kube-apiserver.pid. Started again on the same DIR it has the same objects, but a fresh watch
cache, so watches from old versions get 410. One line on standard output says when it is ready, and
where.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import random
import signal
import ssl
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.kube import certificates  # noqa: E402
from fakes.kube.api import Api, Options  # noqa: E402
from fakes.kube.http import Server  # noqa: E402


class FakeKubeApi:
    """One server in this process. Driven by `run` on an event loop; `start` gives it a thread."""

    def __init__(self, folder: Path, port: int = 0, options: Options | None = None) -> None:
        self._folder = folder
        self._port = port
        self._options = options or Options()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def start(self) -> str:
        """Serves on a thread of its own until `stop`; returns the URL."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(ready.set)),
                                        name="fake-kube-api", daemon=True)
        self._thread.start()
        if not ready.wait(30):
            raise RuntimeError("the fake API server did not start")
        return self.url

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    async def run(self, on_ready: object = None, drain_seconds: float = 0.0) -> None:
        """Serves until `stop` (or TERM, where this is the main thread).

        With `drain_seconds`, TERM does what it does to the real one: new connections are refused
        at once, but open watches stay open, and silent, for so long.
        """
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        certificates.make(self._folder / "pki")
        api = Api(self._folder, self._options)
        server = Server(api.handle, self._tls())
        port = await self._listen(server)
        self.url = f"https://127.0.0.1:{port}"
        self._describe()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._stop.set)
        if callable(on_ready):
            on_ready()
        await self._stop.wait()
        server.stop_listening()
        if drain_seconds:
            for watch in api.watches:
                watch.silence(drain_seconds)
            await asyncio.sleep(drain_seconds)
        api.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _listen(self, server: Server) -> int:
        """On the port asked for; for 0 on one below the ephemeral ones, so that it can be had
        again after a kill."""
        if self._port:
            return await server.listen("127.0.0.1", self._port)
        for _ in range(100):
            try:
                return await server.listen("127.0.0.1", random.randint(10000, 32000))
            except OSError:
                continue
        raise RuntimeError("no free port")

    def _tls(self) -> ssl.SSLContext:
        pki = self._folder / "pki"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki / "ca.crt")
        context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _describe(self) -> None:
        """The files by which clients find the server."""
        pki = self._folder / "pki"
        if not (self._folder / "ca.crt").exists():  # clients may be reading it, after a restart
            (self._folder / "ca.crt").write_bytes((pki / "ca.crt").read_bytes())
        (self._folder / "url").write_text(self.url + "\n")
        (self._folder / "pids").mkdir(exist_ok=True)
        (self._folder / "pids" / "kube-apiserver.pid").write_text(f"{os.getpid()}\n")
        config = self._folder / "admin.kubeconfig"
        config.touch(0o600)
        config.write_text(_ADMIN_KUBECONFIG.format(
            url=self.url, ca=_b64(pki / "ca.crt"), cert=_b64(pki / "admin.crt"),
            key=_b64(pki / "admin.key")))


_ADMIN_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: fake
contexts: [{{name: fake, context: {{cluster: fake, user: admin}}}}]
clusters: [{{name: fake, cluster: {{server: "{url}", certificate-authority-data: {ca}}}}}]
users: [{{name: admin, user: {{client-certificate-data: {cert}, client-key-data: {key}}}}}]
"""


def _b64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description="A fake Kubernetes API server for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--dir", type=Path, required=True, help="state, certificates, kubeconfig")
    parser.add_argument("--history", type=int, default=10000,
                        help="how many events of each resource a watch may go back")
    parser.add_argument("--bookmark-seconds", type=float, default=60.0)
    parser.add_argument("--drain-seconds", type=float, default=0.0,
                        help="how long open watches outlive a TERM, silent")
    parser.add_argument("--audit", action="store_true", help="write DIR/audit.log")
    arguments = parser.parse_args()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    options = Options(arguments.history, arguments.bookmark_seconds, arguments.audit)
    fake = FakeKubeApi(arguments.dir.resolve(), arguments.port, options)
    asyncio.run(fake.run(lambda: print(f"ready {fake.url}", flush=True), arguments.drain_seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
