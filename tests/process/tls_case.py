"""What the tests of TLS share: one real Sentinel on a TLS port, and a scripted server."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import AddressBlock, free_port  # noqa: E402
from lab.certificates import Certificate, CertificateAuthority, ServerTls  # noqa: E402
from lab.sentinels import Sentinel  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402
from watcher_alone import SentinelSettings, TlsSettings, Watcher  # noqa: E402

PRIMARY = ("127.0.0.9", 6379)  # nobody is there, and the Sentinel has not noticed


class WithOneSentinel(unittest.TestCase):
    """A real one for each test, on a TLS port."""

    def setUp(self) -> None:
        self.folder = temporary_folder("tls")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.block = AddressBlock()
        self.addCleanup(self.block.close)
        self.host = self.block.address(21)
        self.port = free_port(self.host)
        self.ca = CertificateAuthority(self.folder)

    def serve(
        self,
        certificate: Certificate | None = None,
        *,
        clients: str = "no",
        tls: bool = True,
        lines: tuple[str, ...] = (),
    ) -> Sentinel:
        given = certificate or self.ca.issue("sentinel", self.host)
        self.sentinel = Sentinel(
            "sentinel",
            self.host,
            self.port,
            self.folder,
            extra_lines=(*lines, f"sentinel monitor myprimary {PRIMARY[0]} {PRIMARY[1]} 1"),
            tls=ServerTls(given, self.ca.file, clients) if tls else None,
        )
        self.addCleanup(self.sentinel.kill)
        self.start()
        return self.sentinel

    def start(self) -> None:
        self.sentinel.start()
        self.sentinel.wait_ready()

    def watch(
        self,
        *,
        address: tuple[str, int] | None = None,
        enabled: bool = True,
        settings: dict[str, object] | None = None,
        client: Certificate | None = None,
        **tls: object,
    ) -> Watcher:
        if client:
            tls |= {"cert_file": str(client.cert_file), "key_file": str(client.key_file)}
        given = {"ca_file": str(self.ca.file)} | tls
        if given.get("insecure_skip_verify"):
            given["ca_file"] = ""
        timing = {"poll_interval": 300, "connect_timeout": 2000, "backoff_min": 10}
        return self.enterContext(
            Watcher(
                SentinelSettings(
                    [address or (self.host, self.port)],
                    tls=TlsSettings(enabled, **given),  # type: ignore[arg-type]
                    **(timing | {"backoff_max": 100} | (settings or {})),  # type: ignore[arg-type]
                )
            )
        )

    def refusal(self, watcher: Watcher, id: str = "sentinel-tls") -> str:
        """What it says of the Sentinel, without its address; nothing was believed."""
        text = watcher.wait_problem(id)
        begin = {
            "sentinel-tls": f"no secure connection to Sentinel {self.name}: ",
            "sentinel-unreachable": f"cannot reach Sentinel {self.name}: ",
        }[id]
        self.assertTrue(text.startswith(begin), text)
        line = watcher.wait_log(begin.removesuffix(": "))
        self.assertEqual((line["level"], line["error"]), ("warning", text.removeprefix(begin)))
        self.assertEqual(watcher.topologies, [])
        return text.removeprefix(begin)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def serve_by_script(self, version: ssl.TLSVersion, words: bytes, end: str = "polite") -> None:
        """Says these at once when it has shaken hands, and closes: polite, with a close_notify.
        `heard`: how its connections ended."""
        self.heard: list[str] = []
        heard = self.heard
        certificate = self.ca.issue("sentinel", "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert_file, certificate.key_file)
        context.minimum_version = context.maximum_version = version
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        self.host, self.port = listener.getsockname()

        def serve_one(accepted: socket.socket) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            peer = context.wrap_bio(incoming, outgoing, server_side=True)
            while True:
                try:
                    peer.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    accepted.sendall(outgoing.read())
                    incoming.write(accepted.recv(1 << 16))
                except ssl.SSLError as error:
                    heard.append(error.reason)
                    return
            peer.write(words)
            if end == "polite":
                with contextlib.suppress(ssl.SSLError):  # the client's own end is yet to come
                    peer.unwrap()
            accepted.sendall(outgoing.read())
            if end != "the client's":
                accepted.shutdown(socket.SHUT_WR)
            while more := accepted.recv(1 << 16):
                incoming.write(more)
            incoming.write_eof()
            with contextlib.suppress(ssl.SSLError):
                while peer.read():
                    pass
                heard.append("close_notify")

        def serve_all() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                with accepted, contextlib.suppress(OSError):  # the watcher may be gone by then
                    serve_one(accepted)

        threading.Thread(target=serve_all, daemon=True).start()
