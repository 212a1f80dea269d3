"""The places that the program keeps in step, other than Kubernetes: each kind with its real server, its
table of the configuration, and a witness of where it leads."""

from __future__ import annotations

import abc
from pathlib import Path

from lab import configuration
from lab.haproxy import HAProxy, ReadyWatch, find_haproxy
from lab.name_servers import KEY, ZONE, NameServer, find_name_servers
from lab.processes import Process, wait_until
from lab.resp import Connection, RespError
from lab.valkey import Instance, ValkeyGroup


class Place(abc.ABC):
    """One target of the program under test. start() to close() by whoever made it, in its main
    thread. A further kind is one more subclass, and a line in PLACES."""

    name: str
    missing: str = ""  # how to get its server, where it is not there

    @abc.abstractmethod
    def start(self) -> None:
        ...

    @abc.abstractmethod
    def close(self) -> None:
        ...

    @abc.abstractmethod
    def table(self) -> str:
        """Its `[[target]]`."""

    @abc.abstractmethod
    def server(self) -> Process:
        """To be killed, started and paused at will."""

    @abc.abstractmethod
    def restart(self) -> None:
        """As it comes back after it was killed."""

    @abc.abstractmethod
    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        """Until it leads there, and nowhere else."""

    def check(self) -> None:
        """At no moment so far did it lead to two."""

    def story(self) -> str:
        """What the witness saw."""
        return ""


class HaproxyPlace(Place):
    name = "haproxy"
    missing = "" if find_haproxy() else "tests/servers.sh --with-haproxy"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        servers = [(instance.name, instance.address) for instance in group.instances]
        self.haproxy = HAProxy(folder, group.name, servers)
        self._watch = ReadyWatch(self.haproxy)

    def start(self) -> None:
        self.haproxy.start()
        self._watch.__enter__()

    def close(self) -> None:
        self._watch.close()
        self.haproxy.close()

    def table(self) -> str:
        return configuration.table("target", name=self.name, plugin="haproxy",
                                   socket=str(self.haproxy.socket), cut_sessions=True)

    def server(self) -> Process:
        return self.haproxy.process

    def restart(self) -> None:
        self.haproxy.restart()

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        self.haproxy.wait_ready(primary.address, timeout)
        wait_until(lambda: self._reached() == primary.host, timeout,
                   f"a client that connects through HAProxy reaches {primary}")

    def _reached(self) -> str:
        try:
            with self.client() as client:
                reply = client.command("CONFIG", "GET", "bind")
        except (OSError, RespError):
            return ""
        assert isinstance(reply, list)
        return str(reply[1])

    def client(self) -> Connection:
        return Connection("127.0.0.1", self.haproxy.port)

    def check(self) -> None:
        if two := self._watch.two_at_once():
            raise AssertionError(f"HAProxy led to two at once: {two}")

    def story(self) -> str:
        return "\n".join([f"{self._watch.samples} samples", *map(str, self._watch.changes)])


class DnsPlace(Place):
    """With BIND; KnotPlace is the same with Knot."""

    name = "dns"
    kind = "bind"
    missing = "" if find_name_servers() else "tests/servers.sh --with-dns"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        self._record = f"{group.name}.{ZONE}"
        own = folder / self.name
        own.mkdir()
        self._server = NameServer(self.kind, own, [self._record])

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.process.kill()

    def table(self) -> str:
        return configuration.table(
            "target", name=self.name, plugin="dns", servers=[self._server.address], zone=ZONE,
            record_name=f"{{group}}.{ZONE}", tsig_name=KEY,
            tsig_secret_file=str(self._server.secret_file), poll="1s")

    def server(self) -> Process:
        return self._server.process

    def restart(self) -> None:
        self._server.restart()

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        self._server.wait_for(self._record, "A", [primary.host], timeout)

    def story(self) -> str:
        return self._server.process.log_tail(100)


class KnotPlace(DnsPlace):
    name = "knot"
    kind = "knot"


PLACES: dict[str, type[HaproxyPlace] | type[DnsPlace]] = {
    kind.name: kind for kind in (HaproxyPlace, DnsPlace, KnotPlace)
}
