"""A set of real Sentinels, on loopback addresses of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.addresses import AddressBlock
from lab.certificates import ServerTls
from lab.processes import Process, wait_until
from lab.resp import Connection, Reply, RespError, pairs
from lab.servers import find_servers


@dataclass(frozen=True)
class SentinelOptions:
    """What Sentinel is told of a group. After a failover that failed, the next one comes after
    twice the timeout."""

    down_after: float = 2.0
    failover_timeout: float = 4.0
    parallel_syncs: int = 5
    auth_user: str = ""
    auth_password: str = ""


# By name and IP address of a server.
MakeTls = Callable[[str, str], ServerTls]


class Server(Process):
    """A process that speaks RESP. Queries go over one connection, made anew when it broke."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        folder: Path,
        *,
        username: str = "",
        password: str = "",
        tls: ServerTls | None = None,
    ) -> None:
        super().__init__(name, [], folder=folder, log=folder / f"{name}.log")
        self.host, self.port = host, port
        self.is_cut_off = False  # nobody of its group reaches it
        self._tls = tls
        self._username, self._password = username, password
        self._connection: Connection | None = None
        self._query_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{self.name}({self.host}:{self.port})"

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def login(self) -> list[str]:
        """The words of AUTH after it; none where no password is needed."""
        username = [self._username] if self._username else []
        return [*username, self._password] if self._password else []

    def connect(self, timeout: float = 2.0) -> Connection:
        with self.placed():
            return Connection(
                self.host,
                self.port,
                timeout=timeout,
                username=self._username,
                password=self._password,
                tls=self._tls.context if self._tls else None,
            )

    def port_lines(self) -> list[str]:
        return self._tls.lines(self.port) if self._tls else [f"port {self.port}"]

    def query(self, *commands: tuple[str | int, ...], timeout: float = 1.0) -> list[Reply]:
        """All in one write; OSError when there is no answer, error replies stand in the list."""
        with self._query_lock:
            for fresh in (False, True):
                if self._connection is None:
                    self._connection, fresh = self.connect(timeout), True
                try:
                    return self._connection.pipeline(commands, timeout=timeout)
                except OSError:
                    self._connection.close()
                    self._connection = None
                    if fresh:
                        raise
        raise AssertionError("not reached")

    def command(self, *words: str | int, timeout: float = 1.0) -> Reply:
        reply = self.query(words, timeout=timeout)[0]
        if isinstance(reply, RespError):
            raise reply
        return reply

    def wait_ready(self, timeout: float = 10.0) -> None:
        def answers() -> bool:
            if not self.is_alive():
                raise RuntimeError(
                    f"{self} ended with status {self.returncode}:\n{self.log_tail()}"
                )
            try:
                return self.command("PING") == "PONG"
            except (OSError, RespError):
                return False

        wait_until(answers, timeout, f"{self} answers PING")


class Sentinel(Server):
    """One Sentinel. It rewrites its configuration, so that a restart goes on with what it knew."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        folder: Path,
        *,
        password: str = "",
        extra_lines: tuple[str, ...] = (),
        tls: ServerTls | None = None,
    ) -> None:
        super().__init__(name, host, port, folder, password=password, tls=tls)
        self.file = folder / f"{name}.conf"
        lines = [
            f"bind {host}",
            *self.port_lines(),
            f"bind-source-addr {host}",
            f"dir {folder}",
            "protected-mode no",
            f"sentinel announce-ip {host}",
            *extra_lines,
        ]
        if password:
            lines += [f'requirepass "{password}"', f'sentinel sentinel-pass "{password}"']
        self._first_content = "\n".join(lines) + "\n"
        self.forget()
        self.argv = [str(find_servers().sentinel), str(self.file)]

    def forget(self) -> None:
        """Its file becomes what it was before the first start; not while it runs."""
        self.file.write_text(self._first_content)

    def primary(self, group: str) -> tuple[str, int] | None:
        reply = self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", group)
        return (reply[0], int(reply[1])) if isinstance(reply, list) else None

    def epoch(self, group: str) -> int:
        return int(pairs(self.command("SENTINEL", "MASTER", group))["config-epoch"])


class SentinelSet:
    """Some Sentinels that watch the same groups."""

    def __init__(
        self,
        folder: Path,
        block: AddressBlock,
        count: int = 3,
        *,
        password: str = "",
        extra_lines: tuple[str, ...] = (),
        tls: MakeTls | None = None,
    ) -> None:
        hosts = [block.address(21 + index) for index in range(count)]
        port = block.free_port(hosts)
        self.all = [
            Sentinel(
                name := f"sentinel-{index}",
                host,
                port,
                folder,
                password=password,
                extra_lines=extra_lines,
                tls=tls(name, host) if tls else None,
            )
            for index, host in enumerate(hosts)
        ]
        self.password = password
        self.password_file = folder / "sentinel-password"
        self.password_file.touch(0o600)
        self.password_file.write_text(password)

    @property
    def quorum(self) -> int:
        return len(self.all) // 2 + 1

    @property
    def addresses(self) -> list[str]:
        return [f"{sentinel.host}:{sentinel.port}" for sentinel in self.all]

    def alive(self) -> list[Sentinel]:
        """Those that can answer."""
        return [
            sentinel
            for sentinel in self.all
            if sentinel.is_alive() and not sentinel.is_paused and not sentinel.is_cut_off
        ]

    def start(self) -> None:
        for sentinel in self.all:
            sentinel.start()
        for sentinel in self.all:
            sentinel.wait_ready()

    def monitor(self, group: str, primary: tuple[str, int], options: SentinelOptions) -> None:
        settings: list[str | int] = [
            "down-after-milliseconds",
            int(options.down_after * 1000),
            "failover-timeout",
            int(options.failover_timeout * 1000),
            "parallel-syncs",
            options.parallel_syncs,
        ]
        if options.auth_password:
            settings += ["auth-pass", options.auth_password]
        if options.auth_user:
            settings += ["auth-user", options.auth_user]
        for sentinel in self.all:
            for reply in sentinel.query(
                ("SENTINEL", "MONITOR", group, *primary, self.quorum),
                ("SENTINEL", "SET", group, *settings),
            ):
                if isinstance(reply, RespError):
                    raise reply

    def close(self) -> None:
        for sentinel in self.all:
            sentinel.kill()
