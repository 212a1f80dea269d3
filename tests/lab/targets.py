"""The places that the program keeps in step, other than Kubernetes. A further kind is one more subclass
of Place, and a line at the end."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lab import configuration
from lab.haproxy import HAProxy, ReadyWatch, find_haproxy
from lab.http_places import ConsulPlace, EtcdPlace, WebhookPlace
from lab.name_servers import KEY, ZONE, NameServer, find_name_servers
from lab.place import Place, ServedPlace
from lab.processes import Process, wait_until
from lab.program import LABELER, Program
from lab.resp import Connection, RespError
from lab.valkey import Instance, ValkeyGroup


class HaproxyPlace(ServedPlace):
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
        self._watch.never_two()

    def story(self) -> str:
        return "\n".join([f"{self._watch.samples} samples", *map(str, self._watch.changes)])


class DnsPlace(ServedPlace):
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


class OwnPlace(Place):
    """One without a server: what is struck is the program itself, in one way after the other."""

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        strikes: list[Callable[[Program], None]] = [self._kill_labeler, self._kill_supervisor]
        self._strikes = itertools.cycle([*strikes, *self.more_strikes()])

    def more_strikes(self) -> list[Callable[[Program], None]]:
        return []

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def strike(self, program: Program) -> None:
        next(self._strikes)(program)

    def recover(self, program: Program) -> None:
        if not program.is_alive():
            program.start()

    def _kill_labeler(self, program: Program) -> None:
        program.kill_child(LABELER, target=self.name)

    @staticmethod
    def _kill_supervisor(program: Program) -> None:
        program.close()


class ExecPlace(OwnPlace):
    """The program writes what it is told, some time after its start, so that it may be struck before."""

    name = "exec"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        super().__init__(folder, group)
        self._told = self.folder / "told"
        self._told.touch()
        self._script = self.folder / "tell"
        self._script.write_text('#!/bin/sh\nsleep 0.2\n'
                                f"echo $VR_EPOCH $VR_PRIMARY_HOST $VR_PRIMARY_PORT >> '{self._told}'\n")
        self._script.chmod(0o755)
        self._struck: list[int] = []  # how many lines there were

    def table(self) -> str:
        return configuration.table("target", name=self.name, plugin="exec",
                                   command=[str(self._script)])

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        wanted = [primary.host, str(primary.port)]
        wait_until(lambda: self._lines()[-1:] and self._lines()[-1][1:] == wanted, timeout,
                   f"the program is told of {primary}")

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self._told.read_text().splitlines()]

    def strike(self, program: Program) -> None:
        super().strike(program)
        self._struck.append(len(self._lines()))

    def check(self) -> None:
        """Never backwards within one run of the program."""
        epochs = [int(line[0]) for line in self._lines()]
        for begin, end in itertools.pairwise([0, *self._struck, len(epochs)]):
            if epochs[begin:end] != sorted(epochs[begin:end]):
                raise AssertionError(f"a lower epoch was told after a higher one: {epochs}")

    def story(self) -> str:
        return self._told.read_text()


class FilePlace(OwnPlace):
    """A reader looks at the file all the time."""

    name = "file"
    FOREIGN = "somebody else's\n"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        super().__init__(folder, group)
        self._file = self.folder / f"{group.name}.json"
        self._seen: list[str] = []  # each text once, in order
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def more_strikes(self) -> list[Callable[[Program], None]]:
        return [self._replace, lambda _: self._file.unlink()]

    def start(self) -> None:
        self._reader.start()

    def close(self) -> None:
        self._stopping.set()
        if self._reader.is_alive():
            self._reader.join(5)

    def table(self) -> str:
        return configuration.table("target", name=self.name, plugin="file",
                                   directory=str(self.folder))

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        wanted = {"host": primary.host, "port": primary.port}

        def names_it() -> bool:
            text = self._text()
            return text not in ("", self.FOREIGN) and json.loads(text)["primary"] == wanted

        wait_until(names_it, timeout, f"the file names {primary}")

    def _text(self) -> str:
        try:
            return self._file.read_text()
        except FileNotFoundError:
            return ""

    def _replace(self, _: Program) -> None:
        other = self.folder / "other"
        other.write_text(self.FOREIGN)
        os.replace(other, self._file)

    def _read(self) -> None:
        while not self._stopping.is_set():
            text = self._text()
            if not self._seen or self._seen[-1] != text:
                self._seen.append(text)
            time.sleep(0.001)

    def check(self) -> None:
        """Never half a file, and never backwards."""
        epochs = [json.loads(text)["epoch"] for text in self._seen if text not in ("", self.FOREIGN)]
        if epochs != sorted(epochs):
            raise AssertionError(f"a lower epoch came after a higher one: {epochs}")

    def story(self) -> str:
        return "\n".join(self._seen)


SERVED: dict[
    str,
    type[HaproxyPlace] | type[DnsPlace] | type[EtcdPlace] | type[ConsulPlace] | type[WebhookPlace],
] = {
    kind.name: kind
    for kind in (HaproxyPlace, DnsPlace, KnotPlace, EtcdPlace, ConsulPlace, WebhookPlace)
}
PLACES: dict[
    str,
    type[HaproxyPlace] | type[DnsPlace] | type[EtcdPlace] | type[ConsulPlace] | type[WebhookPlace]
    | type[ExecPlace] | type[FilePlace],
] = {**SERVED, "exec": ExecPlace, "file": FilePlace}
