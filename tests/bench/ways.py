"""The ways that are compared, each as processes that can be started, looked at and stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from lab import configuration
from lab.configuration import Value
from lab.kubernetes import Namespace
from lab.processes import Process
from lab.program import Program, descendants
from lab.servers import find_servers

SERVICE = "valkey-primary"
SELECTOR = "app.kubernetes.io/name=valkey"
DEBIANS_PYTHON = "/usr/bin/python3"  # with Debian's packages, whatever else is on PATH
SCRIPTS = Path(__file__).with_name("ways")


@dataclass(frozen=True)
class Place:
    """What a way has to work with: a namespace with the group's pods (address by name), and the Sentinels."""

    namespace: Namespace
    group: str
    pods: Mapping[str, str]
    sentinel_hosts: Sequence[str]
    sentinel_port: int
    sentinel_ca: Path | None  # None: no TLS
    folder: Path


class Way(Protocol):
    name: str
    publish: str  # label, endpointslice or service-selector
    act_on: str  # what its event is: announcement, agreement or promotion
    subscribes_at: int  # Sentinels

    def start(self) -> None:
        ...

    def wait_ready(self) -> None:
        """When it has subscribed and published already."""

    def pids(self) -> list[int]:
        ...

    def stop(self) -> None:
        ...

    def log(self) -> str:
        ...


class _Script:
    """One that follows by the label, on the first news that it hears."""

    publish = "label"
    act_on = "announcement"

    def __init__(self, name: str, place: Place, argv: Sequence[str | Path], subscribes_at: int) -> None:
        self.name, self.subscribes_at = name, subscribes_at
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(place.namespace.kubeconfig()),
            "NAMESPACE": place.namespace.name,
            "SELECTOR": SELECTOR,
            "GROUP": place.group,
            "SENTINEL_HOST": place.sentinel_hosts[0],
            "SENTINEL_PORT": str(place.sentinel_port),
            **({"SENTINEL_CA": str(place.sentinel_ca)} if place.sentinel_ca else {}),
            "CLI": str(find_servers().cli),
            "HOME": str(place.folder),  # kubectl's cache of what the server offers, and nobody's settings
        }
        self._log = place.folder / f"{name}-{place.namespace.name}.log"
        self._process = Process(name, argv, environment=environment, log=self._log)

    def start(self) -> None:
        self._process.start()

    def wait_ready(self) -> None:
        assert self._process.is_alive(), self.log()

    def pids(self) -> list[int]:
        return [self._process.pid, *(each.pid for each in descendants(self._process.pid))]

    def stop(self) -> None:
        """With all that it started: they are a process group."""
        if self._process.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def floor(place: Place, options: Sequence[str] = ()) -> Way:
    token = place.folder / f"token-{place.namespace.name}"
    token.touch(0o600)
    token.write_text(place.namespace.token)
    server = urlsplit(place.namespace.kubernetes.url)
    pods = ",".join(f"{name}={address}" for name, address in place.pods.items())
    argv: list[str | Path] = [
        *(os.environ["BENCH_FLOOR"], *options, str(server.hostname), str(server.port), place.namespace.kubernetes.ca, token),
        *(place.namespace.name, place.group, str(place.sentinel_port), ",".join(place.sentinel_hosts), pods),
        *([place.sentinel_ca] if place.sentinel_ca else []),
    ]
    return _Script("floor", place, argv, len(place.sentinel_hosts))


def sidecar(place: Place) -> Way:
    return _Script("sidecar", place, ["/bin/sh", SCRIPTS / "sidecar.sh"], 1)


def python(place: Place) -> Way:
    return _Script("python", place, [DEBIANS_PYTHON, SCRIPTS / "official_clients.py"], 1)


class TheProgram:
    """Named by what it acts on and how it publishes."""

    def __init__(
        self, act_on: str, publish: str, place: Place, started_by: Sequence[str] = ()
    ) -> None:
        """`started_by`: the words before its own command, such as valgrind's."""
        self.name, self.act_on, self.publish = f"{act_on}/{publish}", act_on, publish
        self.subscribes_at = len(place.sentinel_hosts)
        # Apart from the logs: a line of a log beside it would have the program look whether its configuration changed.
        apart = place.folder / f"configuration-{place.namespace.name}"
        apart.mkdir(exist_ok=True)
        self._program = Program(
            place.folder,
            self._configuration(place),
            name=f"{act_on}-{publish}-{place.namespace.name}",
            log_level="info",
            file=apart / "valkey-reconciler.toml",
            started_by=started_by,
            reads_log=False,  # as of the other ways: while it is measured nobody reads what it says
        )

    def start(self) -> None:
        self._program.start()

    def wait_ready(self) -> None:
        self._program.wait_ready()

    def pids(self) -> list[int]:
        return [self._program.pid, *(each.pid for each in self._program.processes())]

    def stop(self) -> None:
        try:
            if self._program.is_alive():
                self._program.terminate()
        finally:
            self._program.close()

    def log(self) -> str:
        return self._program.log_file.read_text(errors="replace")

    def _configuration(self, place: Place) -> str:
        # Other Sentinels would be found behind the proxy.
        addresses = [f"{host}:{place.sentinel_port}" for host in place.sentinel_hosts]
        of_sentinels: dict[str, Value] = {"addresses": addresses, "discover": False}
        if place.sentinel_ca:
            of_sentinels["tls"] = {"enabled": True, "ca_file": str(place.sentinel_ca)}
        if self.act_on == "promotion":
            of_sentinels["instances"] = {}
        of_target: dict[str, Value] = {"publish": self.publish}
        if self.publish != "label":
            of_target["service"] = SERVICE
        return configuration.configuration(
            configuration.table("sentinel", name="main", **of_sentinels),
            configuration.table("sentinel.group", name=place.group, act_on=self.act_on),
            configuration.kubernetes_target(place.namespace.kubeconfig(), place.namespace.name, **of_target),
        )


ACT_ON = ("announcement", "agreement", "promotion")
PUBLISH = ("label", "endpointslice", "service-selector")
OTHERS = {"floor": floor, "sidecar": sidecar, "python": python}
NAMES = [*OTHERS, *(f"{act_on}/{publish}" for act_on in ACT_ON for publish in PUBLISH)]


def publish_of(name: str) -> str:
    return "label" if name in OTHERS else name.partition("/")[2]


def act_on_of(name: str) -> str:
    return "announcement" if name in OTHERS else name.partition("/")[0]


def make(name: str, place: Place, started_by: Sequence[str] = ()) -> Way:
    if name in OTHERS:
        return OTHERS[name](place)
    act_on, _, publish = name.partition("/")
    return TheProgram(act_on, publish, place, started_by)
