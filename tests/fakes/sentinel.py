"""A Sentinel that does as it is told: for what a real one can't be made to do."""

from __future__ import annotations

import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lab.processes import PATIENCE

Address = tuple[str, int]


@dataclass
class FakeReplica:
    address: Address
    flags: str = "slave"
    link: str = "ok"
    primary_host: str = "10.0.0.1"  # "?" before the first INFO


@dataclass
class FakePeer:
    address: Address
    id: str


@dataclass
class FakeGroup:
    """What this Sentinel believes of one group. Tests change it at any time."""

    primary: Address = ("10.0.0.1", 6379)
    epoch: int = 1
    flags: str = "master"
    role: str = "master"
    failover_state: str = ""  # empty: no failover is in progress
    promoted: Address | None = None  # what GET-MASTER-ADDR-BY-NAME answers from +promoted-slave on
    replicas: list[FakeReplica] = field(default_factory=list)
    replies: dict[str, bytes] = field(
        default_factory=dict
    )  # raw bytes instead, by command (MASTER, ...)


class FakeSentinel:
    """Serves from its creation to close(). `behaviour` is looked at for each connection that comes:

    answer            as a Sentinel does
    close             accepts, and closes at once
    greet and close   answers the first command, then closes
    silent            reads, and never answers
    trickle           one byte of an endless reply every 5 ms
    say               `nonsense`, once
    flood             `nonsense` again and again, as fast as it is taken
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        password: str | bytes = "",
        username: str = "",
        groups: dict[str, FakeGroup] | None = None,
    ) -> None:
        self.groups = {"myprimary": FakeGroup()} if groups is None else groups
        self.username, self.password = username, password
        self.behaviour = "answer"
        self.nonsense = b"\xff" * 65536
        self.id = secrets.token_hex(20)
        self.peers: list[FakePeer] = []  # what it tells of the other Sentinels, for each group
        self.refused_channels: set[str] = set()
        self.refused_commands: set[str] = set()
        self.frozen = False  # a process that is stopped: the system accepts, nobody answers
        self.delay = 0.0  # seconds before each reply
        self.commands: list[list[bytes]] = []
        self.times: list[float] = []  # of `commands`
        self.accepted = 0
        self.sent = 0  # bytes of nonsense and of floods
        self._news = threading.Condition()
        self._open: dict[socket.socket, set[bytes]] = {}
        self._closing = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=512)
        self.host, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def __enter__(self) -> FakeSentinel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> Address:
        return self.host, self.port

    @property
    def name(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def close(self) -> None:
        """As when its process is killed: who connects afterwards is refused."""
        self._closing = True
        # A thread that waits in accept() would go on listening after close().
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_connections()

    def start_again(self) -> None:
        self._closing = False
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def drop_connections(self) -> None:
        with self._news:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)

    def drop_subscribers(self) -> None:
        self._drop(subscribed=True)

    def drop_askers(self) -> None:
        self._drop(subscribed=False)

    def _drop(self, *, subscribed: bool) -> None:
        with self._news:
            connections = [connection for connection, channels in self._open.items()
                           if bool(channels) == subscribed]
        for connection in connections:
            _shut(connection)

    def publish(self, channel: str, payload: str) -> int:
        """To the subscribers of the channel; how many there were."""
        return self.publish_together([(channel, payload)])

    def publish_together(self, events: Sequence[tuple[str, str]]) -> int:
        """In one write to each subscriber of the first one's channel, as what happens at one moment."""
        told = b"".join(_message(channel, payload) for channel, payload in events)
        with self._news:
            name = events[0][0].encode()
            listeners = [
                connection for connection, channels in self._open.items() if name in channels
            ]
            for connection in listeners:
                connection.sendall(told)
            return len(listeners)

    def flood(self, channel: str, payload: str, total: int) -> None:
        """As publish(), again and again, until so many bytes were taken."""
        message = _message(channel, payload)
        block = message * max(1, 65536 // len(message))
        while self.sent < total:
            with self._news:
                for connection in [one for one, channels in self._open.items() if channels]:
                    connection.sendall(block)
                    self.sent += len(block)

    def promote(self, address: Address, epoch: int, group: str = "myprimary") -> None:
        """As the leader of a failover does: +promoted-slave, and the new address from then on."""
        known = self.groups[group]
        known.epoch, known.promoted, known.failover_state = epoch, address, "reconf_slaves"
        self.publish(
            "+promoted-slave",
            f"slave {address[0]}:{address[1]} {address[0]} {address[1]} "
            f"@ {group} {known.primary[0]} {known.primary[1]}",
        )

    def switch(self, address: Address, epoch: int, group: str = "myprimary") -> None:
        """As the others do when they hear of it, and the leader at the end."""
        known = self.groups[group]
        old, known.primary, known.epoch = known.primary, address, epoch
        known.promoted, known.failover_state = None, ""
        self.publish("+switch-master", f"{group} {old[0]} {old[1]} {address[0]} {address[1]}")

    # What it saw

    def wait_for(self, condition: Callable[[], bool], what: str, timeout: float = 10.0) -> None:
        """Looked at after each command and connection. TimeoutError names what was waited for."""
        with self._news:
            if not self._news.wait_for(condition, timeout * PATIENCE):
                raise TimeoutError(
                    f"not within {timeout:g} s: {what}; commands: {self.commands[-20:]}"
                )

    def wait_subscribed(self, timeout: float = 10.0) -> None:
        self.wait_for(
            lambda: any(b"-tilt" in channels for channels in self._open.values()),
            f"{self.name} has a subscriber",
            timeout,
        )

    def wait_quiet(self, seconds: float = 0.3) -> None:
        """Until it was asked nothing for so long."""
        with self._news:
            while self._news.wait(seconds * PATIENCE):
                pass

    def connections(self) -> int:
        with self._news:
            return len(self._open)

    def asked(self, *words: str) -> int:
        """How many commands began with these words."""
        wanted = [word.encode() for word in words]
        with self._news:
            return sum(command[: len(wanted)] == wanted for command in self.commands)

    # Inside

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._news:
                self.accepted += 1
                if self._closing:
                    connection.close()
                    return
                self._open[connection] = set()
                self._news.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.behaviour == "close":
                return
            if self.behaviour == "say":
                connection.sendall(self.nonsense)
                while connection.recv(65536):
                    pass
                return
            if self.behaviour == "flood":
                while True:
                    self.sent += connection.send(self.nonsense)
            if self.behaviour == "trickle":
                while True:
                    connection.sendall(b"+")
                    time.sleep(0.005)
            self._answer_all(connection)
        except OSError:
            pass
        finally:
            with self._news:
                self._open.pop(connection, None)
                self._news.notify_all()
            # Without a reset the address would stay in TIME_WAIT, thousands of times.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def _answer_all(self, connection: socket.socket) -> None:
        authenticated = not self.password
        for command in _commands(connection):
            with self._news:
                self.commands.append(command)
                self.times.append(time.monotonic())
                self._news.notify_all()
            if self.behaviour == "silent":
                continue
            while self.frozen:
                time.sleep(0.01)
            if self.delay:
                time.sleep(self.delay)
            reply, authenticated = self._answer(connection, command, authenticated)
            with self._news:
                connection.sendall(reply)
            if self.behaviour == "greet and close":
                return

    def _answer(
        self, connection: socket.socket, command: list[bytes], authenticated: bool
    ) -> tuple[bytes, bool]:
        word = command[0].upper()
        if word == b"AUTH":
            return self._authenticate(command)
        if not authenticated:
            return b"-NOAUTH Authentication required.\r\n", False
        if word == b"PING":
            with self._news:
                subscribed = bool(self._open.get(connection))
            return (_array(_bulk(b"pong"), _bulk(b"")) if subscribed else b"+PONG\r\n"), True
        if word == b"SUBSCRIBE":
            channel = command[1]
            if channel.decode() in self.refused_channels:
                return b"-NOPERM No permissions to access a channel\r\n", True
            with self._news:
                self._open[connection].add(channel)
                count = len(self._open[connection])
            return _array(_bulk(b"subscribe"), _bulk(channel), b":%d\r\n" % count), True
        if word == b"SENTINEL":
            return self._sentinel(command), True
        return b"-ERR unknown command '%s'\r\n" % word, True

    def _authenticate(self, command: list[bytes]) -> tuple[bytes, bool]:
        password = self.password if isinstance(self.password, bytes) else self.password.encode()
        user = command[1] if len(command) == 3 else b""
        if not password:
            return (
                b"-ERR AUTH <password> called without any password configured for the "
                b"default user.\r\n",
                True,
            )
        if command[-1] == password and user == self.username.encode():
            return b"+OK\r\n", True
        return b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", False

    def _sentinel(self, command: list[bytes]) -> bytes:
        part = command[1].decode().upper()
        if part in self.refused_commands:
            refused = f"sentinel|{part.lower()}"
            return f"-NOPERM this user may not run the '{refused}' command\r\n".encode()
        if part == "MYID":
            return _bulk(self.id.encode())
        group = self.groups.get(command[2].decode(errors="surrogateescape"))
        if group is not None and part in group.replies:
            return group.replies[part]
        if part == "GET-MASTER-ADDR-BY-NAME":
            return (
                b"*-1\r\n"
                if group is None
                else _strings(*map(str, group.promoted or group.primary))
            )
        if group is None:
            return b"-ERR No such master with that name\r\n"
        if part == "MASTER":
            return _strings(*primary_fields(command[2].decode(errors="surrogateescape"), group))
        if part == "REPLICAS":
            return _array(*(_strings(*replica_fields(replica)) for replica in group.replicas))
        if part == "SENTINELS":
            return _array(*(_strings(*peer_fields(peer)) for peer in self.peers))
        return b"-ERR Unknown sentinel subcommand\r\n"


def primary_fields(name: str, group: FakeGroup) -> list[str]:
    fields = [
        "name",
        name,
        "ip",
        group.primary[0],
        "port",
        str(group.primary[1]),
        "runid",
        "f" * 40,
        "flags",
        group.flags,
        "link-pending-commands",
        "0",
        "link-refcount",
        "1",
    ]
    if group.failover_state:
        fields += ["failover-state", group.failover_state]
    return fields + [
        "last-ping-sent",
        "0",
        "down-after-milliseconds",
        "2000",
        "info-refresh",
        "5",
        "role-reported",
        group.role,
        "config-epoch",
        str(group.epoch),
        "num-slaves",
        str(len(group.replicas)),
        "num-other-sentinels",
        "2",
        "quorum",
        "2",
        "failover-timeout",
        "4000",
        "parallel-syncs",
        "1",
    ]


def peer_fields(peer: FakePeer) -> list[str]:
    host, port = peer.address
    named = {"name": peer.id, "ip": host, "port": str(port), "runid": peer.id, "flags": "sentinel"}
    return [word for pair in named.items() for word in pair]


def replica_fields(replica: FakeReplica) -> list[str]:
    host, port = replica.address
    return [
        "name",
        f"{host}:{port}",
        "ip",
        host,
        "port",
        str(port),
        "runid",
        "e" * 40,
        "flags",
        replica.flags,
        "role-reported",
        "slave",
        "master-link-down-time",
        "0",
        "master-link-status",
        replica.link,
        "master-host",
        replica.primary_host,
        "master-port",
        "6379",
        "slave-priority",
        "100",
    ]


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


def _message(channel: str, payload: str) -> bytes:
    return _array(_bulk(b"message"), _bulk(channel.encode()), _bulk(payload.encode()))


def _array(*parts: bytes) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(parts)


def _strings(*words: str) -> bytes:
    return _array(*(_bulk(word.encode(errors="surrogateescape")) for word in words))


def _commands(connection: socket.socket) -> Iterator[list[bytes]]:
    """The commands of a client, until it goes. Only arrays of bulk strings are right."""
    stream = connection.makefile("rb")
    while line := stream.readline():
        assert line.startswith(b"*"), f"not an array: {line!r}"
        words = []
        for _ in range(int(line[1:])):
            size = stream.readline()
            assert size.startswith(b"$"), f"not a bulk string: {size!r}"
            words.append(stream.read(int(size[1:]) + 2)[:-2])
        yield words


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
