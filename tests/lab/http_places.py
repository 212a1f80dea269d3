"""The places that are spoken to by HTTP."""

from __future__ import annotations

from pathlib import Path

from lab import configuration
from lab.certificates import CertificateAuthority
from lab.consul import Consul
from lab.etcd import Etcd, find_etcd
from lab.place import ServedPlace
from lab.processes import Process, wait_until
from lab.valkey import Instance, ValkeyGroup
from lab.webhook import Receiver


class EtcdPlace(ServedPlace):
    """With TLS and users."""

    name = "etcd"
    missing = "" if find_etcd() else "tests/servers.sh --with-etcd"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        self._key = f"/valkey-reconciler/{group.name}"
        own = folder / self.name
        own.mkdir()
        self._server = Etcd(own, authority=CertificateAuthority(own), prefix="/valkey-reconciler/")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.process.kill()

    def table(self) -> str:
        settings = {key: str(value) for key, value in self._server.settings().items()}
        del settings["endpoints"]
        return configuration.table("target", name=self.name, plugin="etcd", poll="1s",
                                   endpoints=[self._server.url], **settings)

    def server(self) -> Process:
        return self._server.process

    def restart(self) -> None:
        self._server.restart()

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        def is_right() -> bool:
            value = self._server.get(self._key)
            return value is not None and value["primary"] == {"host": primary.host,
                                                              "port": primary.port}

        wait_until(is_right, timeout, f"{self._key} names {primary}", interval=0.1)

    def story(self) -> str:
        return self._server.process.log_tail(100)


class ConsulPlace(ServedPlace):
    """The fake with a token; key and service."""

    name = "consul"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        self._key = f"valkey-reconciler/{group.name}"
        self._service = group.name
        own = folder / self.name
        own.mkdir()
        self._server = Consul(own, with_token=True)

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.process.kill()

    def table(self) -> str:
        return configuration.table("target", name=self.name, plugin="consul", poll="1s",
                                   publish="service", urls=[self._server.url],
                                   token=self._server.token)

    def server(self) -> Process:
        return self._server.process

    def restart(self) -> None:
        self._server.restart()

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        def is_right() -> bool:
            value = self._server.get(self._key)
            return value is not None and value["primary"] == {
                "host": primary.host, "port": primary.port
            } and self._server.registered(self._service) == [
                (primary.host, primary.port, ["primary"])]

        wait_until(is_right, timeout, f"{self._key} and its service name {primary}", interval=0.1)

    def story(self) -> str:
        return self._server.process.log_tail(100)


class WebhookPlace(ServedPlace):
    name = "webhook"

    def __init__(self, folder: Path, group: ValkeyGroup) -> None:
        own = folder / self.name
        own.mkdir()
        self._receiver = Receiver(own)

    def start(self) -> None:
        self._receiver.start()

    def close(self) -> None:
        self._receiver.process.kill()

    def table(self) -> str:
        return configuration.table("target", name=self.name, plugin="webhook",
                                   url=self._receiver.url,
                                   secret_file=str(self._receiver.secret_file))

    def server(self) -> Process:
        return self._receiver.process

    def restart(self) -> None:
        self._receiver.restart()

    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        def is_right() -> bool:
            taken = self._receiver.taken()
            return bool(taken) and taken[-1]["primary"] == {"host": primary.host,
                                                            "port": primary.port}

        wait_until(is_right, timeout, f"the receiver was told of {primary} last", interval=0.1)

    def check(self) -> None:
        decisions = [(body["era"], body["epoch"]) for body in self._receiver.taken()]
        if decisions != sorted(decisions):
            raise AssertionError(f"the receiver was led backwards: {decisions}")

    def story(self) -> str:
        return "\n".join(map(str, self._receiver.messages()))
