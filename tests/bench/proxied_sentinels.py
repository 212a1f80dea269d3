"""The Sentinels as the ways see them: through a proxy (sentinel_proxy.c) that tells when each could have known what."""

from __future__ import annotations

import os
import struct
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.certificates import CertificateAuthority
from lab.processes import die_with_parent
from lab.sentinels import Sentinel
from sentinel_stream import SentinelStream

TOLD = struct.Struct("<dIII")  # time, Sentinel, connection, bytes that follow
READY = 2**32 - 1  # instead of a Sentinel's number


@dataclass(frozen=True)
class Passed:
    """Something that names a primary (or acknowledges a subscription) passed, at this time.monotonic()."""

    time: float
    sentinel: int
    kind: str  # as Said has it
    group: str
    host: str


class ProxiedSentinels:
    """start() to close() by whoever made it, in its main thread. `hosts`: one for each Sentinel, free at its port."""

    def __init__(self, sentinels: Sequence[Sentinel], hosts: Sequence[str], folder: Path) -> None:
        """`folder`: for certificates."""
        self.hosts = list(hosts)
        authority = CertificateAuthority(folder)
        self.ca_file = authority.file
        certificates = [authority.issue(f"proxy-{number}", host) for number, host in enumerate(hosts)]
        self.port = sentinels[0].port
        self._unread: list[tuple[float, int, int, bytes]] = []  # until somebody wants to know, after what is measured
        self._streams: dict[int, SentinelStream] = {}
        self._passed: list[Passed] = []
        self._news = threading.Condition()
        self._ready = False
        routes = [
            (host, self.port, sentinel.host, sentinel.port, certificate.cert_file, certificate.key_file)
            for host, sentinel, certificate in zip(self.hosts, sentinels, certificates)
        ]
        self._proxy = subprocess.Popen(
            [os.environ["BENCH_PROXY"], *(str(word) for route in routes for word in route)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(),
            process_group=0,
        )
        self._thread = threading.Thread(target=self._listen, daemon=True, name="proxied Sentinels")
        self._thread.start()
        with self._news:
            if not self._news.wait_for(lambda: self._ready, 10):
                raise TimeoutError("the proxy before the Sentinels does not start")

    def passed(self, since: float) -> list[Passed]:
        with self._news:
            self._read_all()
            return [each for each in self._passed if each.time >= since]

    def wait_subscribed(self, sentinels: int, since: float, timeout: float = 15.0) -> None:
        """Until someone has subscribed at so many of them."""

        def subscribed() -> int:
            self._read_all()
            return len({each.sentinel for each in self._passed if each.kind == "subscribed" and each.time >= since})

        with self._news:
            if not self._news.wait_for(lambda: subscribed() >= sentinels, timeout):
                raise TimeoutError(f"subscriptions at {subscribed()} Sentinels, not at {sentinels}")

    def forget(self) -> None:
        with self._news:
            self._read_all()
            self._passed.clear()

    def close(self) -> None:
        assert self._proxy.stdin is not None and self._proxy.stdout is not None
        self._proxy.stdin.close()
        self._proxy.wait(10)
        self._thread.join(10)
        self._proxy.stdout.close()

    def _listen(self) -> None:
        output = self._proxy.stdout
        assert output is not None
        while len(head := output.read(TOLD.size)) == TOLD.size:
            moment, sentinel, connection, size = TOLD.unpack(head)
            told = output.read(size) if sentinel != READY else b""
            with self._news:
                if sentinel == READY:
                    self._ready = True
                else:
                    self._unread.append((moment, sentinel, connection, told))
                self._news.notify_all()

    def _read_all(self) -> None:
        for moment, sentinel, connection, told in self._unread:
            if not told:
                self._streams.pop(connection, None)
                continue
            said = self._streams.setdefault(connection, SentinelStream()).feed(told)
            self._passed += [Passed(moment, sentinel, each.kind, each.group, each.host) for each in said]
        self._unread.clear()


def named_by(passed: Sequence[Passed], host: str, sentinels: int = 1) -> float | None:
    """When so many of the Sentinels had named this host as the primary: by a message or by an answer."""
    first: dict[int, float] = {}
    for each in passed:
        if each.host == host and each.kind in ("news", "answer"):
            first[each.sentinel] = min(first.get(each.sentinel, each.time), each.time)
    return sorted(first.values())[sentinels - 1] if len(first) >= sentinels else None

