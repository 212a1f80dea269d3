"""A sentinel-watcher without its supervisor: the test holds the other end of the channel.

common/ipc/PROTOCOL.md and fields.h tell the format."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.processes import PATIENCE  # noqa: E402
from lab.program import build_folder  # noqa: E402

_HEADER = struct.Struct("<HHIQQII")
_VERSION = 1
_CONFIGURE, _READY, _TOPOLOGY, _SHUTDOWN, _REPORT, _ASK, _ANSWER = 1, 2, 3, 6, 7, 8, 9
SO_TIMESTAMPNS = 35  # the socket module lacks it


def executable() -> Path:
    return build_folder() / "libexec/valkey-reconciler/sentinel-watcher"


@dataclass
class TlsSettings:
    enabled: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False


@dataclass
class AccessSettings:
    username: str = ""
    password: str | bytes = ""
    password_file: str = ""
    tls: TlsSettings = field(default_factory=TlsSettings)


ACT_ON = ("announcement", "agreement", "promotion")
DEMOTE_ON = ("switch", "odown")


@dataclass
class GroupSettings:
    name: str
    act_on: str = "announcement"
    demote_on: str = "switch"
    reset_after: int = 10_000


@dataclass
class SentinelSettings:
    """As `struct SentinelSettings` of common/config/configuration.h; times in milliseconds."""

    addresses: list[tuple[str, int]]
    groups: list[str | GroupSettings] = field(default_factory=lambda: ["myprimary"])
    name: str = "main"
    username: str = ""
    password: str | bytes = ""
    password_file: str = ""
    tls: TlsSettings = field(default_factory=lambda: TlsSettings())
    instances: AccessSettings | None = None  # None: they are not asked
    discover: bool = True
    poll_interval: int = 5000
    connect_timeout: int = 2000
    reply_timeout: int = 2000
    backoff_min: int = 100
    backoff_max: int = 5000
    resolve_interval: int = 10000


@dataclass(frozen=True)
class Topology:
    """As the message of that name. `heard` is the time.monotonic() at which it was sent, by the
    kernel's word: it does not matter how busy the threads of a test are."""

    group: str
    era: int
    epoch: int
    step: int
    state: int
    primary: tuple[str, int]
    replicas: tuple[tuple[str, int, bool], ...]
    cause: str
    event_unix_us: int
    event_mono_ns: int
    heard: float = 0.0


class Watcher:
    """One process of it, started in the main thread; everything that it says is kept."""

    def __init__(
        self, *sets: SentinelSettings, memory: tuple[Topology, ...] = (), log_level: int = 0
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        ours.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.topologies: list[Topology] = []
        self.problems: dict[tuple[str, str], str] = {}
        self.problem_history: list[dict[tuple[str, str], str]] = []
        self.counters: dict[tuple[str, str], int] = {}
        self.gauges: dict[tuple[str, ...], float] = {}  # by name and the values of its labels
        self.reports = 0
        self.answers: dict[int, Any] = {}
        self.log: list[dict[str, Any]] = []
        self.is_ready = False
        self.ended = False
        self._news = threading.Condition()
        self._popen = subprocess.Popen(
            [executable(), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            close_fds=False,
            env=_environment(),
            # 3 is taken by now, by the pair itself if by nothing else: Popen has no pipe there.
            preexec_fn=lambda: _as_descriptor_3(theirs.fileno()),
        )
        theirs.close()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read, self._read_log)
        ]
        for thread in self._threads:
            thread.start()
        self._send(_CONFIGURE, "", 0, _configure(sets, log_level))
        for topology in memory:
            self.remember(topology)

    def remember(self, topology: Topology) -> None:
        """What the supervisor retains; mostly before anything is asked."""
        self._send(_TOPOLOGY, topology.group, 1, _topology(topology))

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def close(self) -> None:
        self._popen.kill()
        self._popen.wait(10)
        for thread in self._threads:
            thread.join(10)
        self._socket.close()
        assert self._popen.stderr is not None
        self._popen.stderr.close()

    def shut_down(self, timeout: float = 5.0) -> int:
        """Asks it to end; its exit status."""
        self._send(_SHUTDOWN, "", 0, b"")
        return self._popen.wait(timeout)

    def ask(self, group: str = "myprimary", timeout: float = 10.0) -> Any:
        """What it answers for `explain`."""
        number = len(self.answers) + 1
        self._send(_ASK, group, 0, struct.pack("<Q", number))
        return self.wait_for(lambda: self.answers.get(number), "an answer", timeout)

    def wait_gauge(self, value: float | None, *of: str, timeout: float = 10.0) -> None:
        self.wait_for(lambda: self.gauges.get(of) == value, f"{of} is {value}", timeout)

    def returncode(self) -> int | None:
        return self._popen.poll()

    def hang_up(self, timeout: float = 5.0) -> int:
        """As when the supervisor is gone."""
        self._socket.shutdown(socket.SHUT_RDWR)
        return self._popen.wait(timeout)

    def pause(self) -> None:
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._popen.send_signal(signal.SIGCONT)

    # What it said

    def wait_for(self, condition: Callable[[], Any], what: str, timeout: float = 10.0) -> Any:
        """Until the condition is true; its value. Looked at whenever something was said."""
        end = time.monotonic() + timeout * PATIENCE
        with self._news:
            while not (value := condition()):
                if not self._news.wait(end - time.monotonic()) and time.monotonic() >= end:
                    raise TimeoutError(f"not within {timeout:g} s: {what}\n{self.story()}")
            return value

    def wait_primary(
        self, primary: tuple[str, int], group: str = "myprimary", timeout: float = 10.0
    ) -> Topology:
        """The newest topology of the group, once it names that primary."""

        def found() -> Topology | None:
            newest = self.newest(group)
            return newest if newest is not None and newest.primary == primary else None

        topology: Topology = self.wait_for(found, f"{group} has the primary {primary}", timeout)
        return topology

    def wait_problem(
        self, id: str, group: str = "", containing: str = "", timeout: float = 10.0
    ) -> str:
        text: str = self.wait_for(
            lambda: (text := self.problems.get((group, id))) and containing in text and text,
            f"the problem {id} of {group!r} with {containing!r}",
            timeout,
        )
        return text

    def wait_no_problem(self, id: str, group: str = "", timeout: float = 10.0) -> None:
        self.wait_for(
            lambda: (group, id) not in self.problems, f"no problem {id} of {group!r}", timeout
        )

    def wait_log(self, text: str, timeout: float = 10.0) -> dict[str, Any]:
        line: dict[str, Any] = self.wait_for(
            lambda: next((line for line in self.log if text in line["message"]), None),
            f"log: {text}",
            timeout,
        )
        return line

    def newest(self, group: str = "myprimary") -> Topology | None:
        return next(
            (topology for topology in reversed(self.topologies) if topology.group == group), None
        )

    def of(self, group: str = "myprimary") -> list[Topology]:
        return [topology for topology in self.topologies if topology.group == group]

    def lines(self, text: str) -> list[dict[str, Any]]:
        with self._news:
            return [line for line in self.log if text in line["message"]]

    def story(self) -> str:
        lines = [json.dumps(line) for line in self.log[-40:]]
        return "\n".join(
            [f"problems: {self.problems}", *(str(t) for t in self.topologies[-10:]), *lines]
        )

    # The system's view of it

    def resident_bytes(self) -> int:
        """Memory that is its own: anonymous pages."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self) -> float:
        """Of all its threads, to the nanosecond."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    # Inside

    def _send(self, kind: int, group: str, revision: int, body: bytes) -> None:
        name = group.encode()
        self._socket.send(
            _HEADER.pack(_VERSION, kind, 0, 1, revision, len(name), len(body)) + name + body
        )

    def _read(self) -> None:
        while True:
            try:
                packet, ancillary, _, _ = self._socket.recvmsg(
                    1 << 18, socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4)
                )
            except OSError:
                packet = b""
            if not packet:
                with self._news:
                    self.ended = True
                    self._news.notify_all()
                return
            _, kind, _, _, _, group_size, body_size = _HEADER.unpack_from(packet)
            content = packet[_HEADER.size + group_size :] or large_body(ancillary, body_size)
            assert len(content) == body_size, "a body of another size than its header says"
            body = _Body(content, sent_at(ancillary))
            with self._news:
                if kind == _READY:
                    self.is_ready = True
                elif kind == _TOPOLOGY:
                    self.topologies.append(body.topology())
                elif kind == _REPORT:
                    self.problems, self.counters, self.gauges = body.report()
                    self.reports += 1
                    self.problem_history.append(self.problems)
                elif kind == _ANSWER:
                    number = body.take("Q")
                    self.answers[number] = json.loads(body.text())
                self._news.notify_all()

    def _read_log(self) -> None:
        assert self._popen.stderr is not None
        for raw in self._popen.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"message": raw.decode(errors="replace").rstrip(), "level": "none"}
            with self._news:
                self.log.append(line)
                self._news.notify_all()


def large_body(ancillary: list[tuple[int, int, bytes]], size: int) -> bytes:
    """One that came as a memfd."""
    for _, kind, content in ancillary:
        if kind == socket.SCM_RIGHTS:
            with open(struct.unpack("@i", content)[0], "rb") as memfd:
                return os.pread(memfd.fileno(), size, 0)
    return b""


def sent_at(ancillary: list[tuple[int, int, bytes]]) -> float:
    """The kernel's stamp of a packet, which is of the other clock, as time.monotonic()."""
    (stamp,) = (content for _, kind, content in ancillary if kind == SO_TIMESTAMPNS)
    seconds, nanoseconds = struct.unpack("@qq", stamp)
    age = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
    return time.monotonic() - age / 1e9


def _as_descriptor_3(descriptor: int) -> None:
    if descriptor == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(descriptor, 3)


def _environment() -> dict[str, str]:
    """Empty as the supervisor's children have it, but for what sanitizers are told."""
    return {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}


def _text(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return struct.pack("<I", len(data)) + data


def _configure(sets: tuple[SentinelSettings, ...], log_level: int) -> bytes:
    body = struct.pack("<BBBqI", 0, log_level, 1, 2000, len(sets))
    for one in sets:
        body += _text(one.name) + struct.pack("<I", len(one.addresses))
        for host, port in one.addresses:
            body += _text(host) + struct.pack("<H", port)
        body += _access(
            AccessSettings(one.username, one.password, one.password_file, one.tls)
        )
        body += struct.pack("<?", one.instances is not None)
        body += _access(one.instances or AccessSettings())
        body += struct.pack("<?I", one.discover, len(one.groups))
        body += b"".join(map(_group, one.groups))
        body += struct.pack(
            "<6q",
            one.poll_interval,
            one.connect_timeout,
            one.reply_timeout,
            one.backoff_min,
            one.backoff_max,
            one.resolve_interval,
        )
    return body


def _access(access: AccessSettings) -> bytes:
    tls = access.tls
    return (
        b"".join(map(_text, (access.username, access.password, access.password_file)))
        + struct.pack("<?", tls.enabled)
        + b"".join(map(_text, (tls.ca_file, tls.cert_file, tls.key_file, tls.server_name)))
        + struct.pack("<?", tls.insecure_skip_verify)
    )


def _group(group: str | GroupSettings) -> bytes:
    one = GroupSettings(group) if isinstance(group, str) else group
    return _text(one.name) + struct.pack(
        "<BBq", ACT_ON.index(one.act_on), DEMOTE_ON.index(one.demote_on), one.reset_after
    )


def _topology(topology: Topology) -> bytes:
    body = _text(topology.group) + struct.pack(
        "<IQIB", topology.era, topology.epoch, topology.step, topology.state
    )
    body += _text(topology.primary[0]) + struct.pack(
        "<HI", topology.primary[1], len(topology.replicas)
    )
    for host, port, healthy in topology.replicas:
        body += _text(host) + struct.pack("<HB", port, healthy)
    return (
        body
        + _text(topology.cause)
        + struct.pack("<qQ", topology.event_unix_us, topology.event_mono_ns)
    )


class _Body:
    def __init__(self, data: bytes, sent_at: float) -> None:
        self.data = data
        self._sent_at = sent_at
        self._place = 0

    def take(self, form: str) -> Any:
        values = struct.unpack_from("<" + form, self.data, self._place)
        self._place += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text(self) -> str:
        size = self.take("I")
        self._place += size
        return self.data[self._place - size : self._place].decode(errors="surrogateescape")

    def topology(self) -> Topology:
        group = self.text()
        era, epoch, step, state = self.take("IQIB")
        primary = self.text(), self.take("H")
        replicas = tuple((self.text(), *self.take("HB")) for _ in range(self.take("I")))
        return Topology(
            group,
            era,
            epoch,
            step,
            state,
            primary,
            tuple((host, port, bool(healthy)) for host, port, healthy in replicas),
            self.text(),
            self.take("q"),
            self.take("Q"),
            self._sent_at,
        )

    def report(
        self,
    ) -> tuple[
        dict[tuple[str, str], str], dict[tuple[str, str], int], dict[tuple[str, ...], float]
    ]:
        problems = {}
        for _ in range(self.take("I")):
            group, id = self.text(), self.text()
            self.take("B")
            problems[group, id] = self.text()
        counters = {}
        for _ in range(self.take("I")):
            name, _label, value = self.text(), self.text(), self.text()
            counters[name, value] = self.take("Q")
        gauges = {}
        for _ in range(self.take("I")):
            name = self.text()
            labels = [(self.text(), self.text()) for _ in range(self.take("I"))]
            gauges[name, *(value for _, value in labels)] = self.take("d")
        return problems, counters, gauges
