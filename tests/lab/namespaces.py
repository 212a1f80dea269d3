"""Network namespaces without a name: they live as long as this process holds them, so that nothing
is left behind whatever the way it ends."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.addresses import AddressBlock

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class NetworkNamespace:
    """Made and closed by a test. Processes that are started and sockets that are opened while a
    thread has entered it belong to it for ever; so do threads that are started there."""

    def __init__(self) -> None:
        made: list[int | OSError] = []

        def make() -> None:
            try:
                _check(_libc.unshare(_CLONE_NEWNET))
                made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=make)  # its own way back is of no interest
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        self._descriptor = made[0]
        self.ip("link", "set", "lo", "up")

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread, and it alone."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.setns(self._descriptor, _CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_libc.setns(before, _CLONE_NEWNET))
            os.close(before)

    def ip(self, *arguments: str) -> None:
        with self.entered():
            done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def close(self) -> None:
        os.close(self._descriptor)


class TwoSides(AddressBlock):
    """Two machines, as it were: each has addresses of its own, and a wire between them that can be
    cut. From the near side nothing is heard of that but silence."""

    def __init__(self, far_hosts: range | tuple[int, ...]) -> None:
        self.network = "10.66.0"
        self.far_hosts = tuple(far_hosts)
        self.near, self.far = NetworkNamespace(), NetworkNamespace()
        self._lay("wire", "10.66.1.1/30", "10.66.1.2/30")
        for last in range(1, 255):
            side = self.far if last in self.far_hosts else self.near
            if last in self.far_hosts or last < 32:
                side.ip("address", "add", f"{self.address(last)}/32", "dev", "lo")
        for last in self.far_hosts:
            self.near.ip("route", "add", self.address(last), "via", "10.66.1.2")
        self._route_to_the_near_side()

    def share(self, host: str) -> None:
        """Gives the near side this address, which the far one reaches however the wire is cut."""
        self._lay("shared", "10.66.2.1/30", "10.66.2.2/30")
        self.near.ip("address", "add", f"{host}/32", "dev", "lo")
        self.far.ip("route", "add", host, "via", "10.66.2.1")

    def free_port(self, hosts: list[str]) -> int:
        return 7000  # nobody else is here

    def cut(self) -> None:
        self.far.ip("link", "set", "wire", "down")

    def heal(self) -> None:
        self.far.ip("link", "set", "wire", "up")
        self._route_to_the_near_side()

    def close(self) -> None:
        for side in (self.near, self.far):
            side.close()

    def _lay(self, name: str, near: str, far: str) -> None:
        self.near.ip(
            *("link", "add", name, "type", "veth"),
            *("peer", "name", name, "netns", self.far.path),
        )
        for side, address in ((self.near, near), (self.far, far)):
            side.ip("address", "add", address, "dev", name)
            side.ip("link", "set", name, "up")

    def _route_to_the_near_side(self) -> None:
        self.far.ip("route", "add", "10.66.0.0/24", "via", "10.66.1.1")


class PodNetwork(AddressBlock):
    """A network of its own with addresses as pods have them, for what refuses loopback ones. An
    address may vanish with the machine that has it: then nothing there answers or refuses."""

    def __init__(self) -> None:
        self.network = "10.244.0"
        self.inside = NetworkNamespace()
        self.inside.ip("link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
        for end in ("nowhere", "nobody"):
            self.inside.ip("link", "set", end, "up")
        for last in range(1, 32):
            self.inside.ip("address", "add", f"{self.address(last)}/32", "dev", "lo")

    def free_port(self, hosts: list[str]) -> int:
        return 6379  # nobody else is here

    def vanish(self, address: str) -> None:
        """What is sent to it goes to a neighbour that is not there, so that it is not even asked
        for; what has it can't send any more."""
        neighbour = ("lladdr", "02:00:00:00:00:01", "dev", "nowhere", "nud", "permanent")
        self.inside.ip("neighbour", "replace", address, *neighbour)
        self.inside.ip("address", "del", f"{address}/32", "dev", "lo")
        self.inside.ip("route", "add", f"{address}/32", "dev", "nowhere")

    def come_back(self, address: str) -> None:
        self.inside.ip("route", "del", f"{address}/32", "dev", "nowhere")
        self.inside.ip("address", "add", f"{address}/32", "dev", "lo")
        self.inside.ip("neighbour", "del", address, "dev", "nowhere")

    def close(self) -> None:
        self.inside.close()


def why_not() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (package iproute2)"
    try:
        NetworkNamespace().close()
    except OSError as error:
        return f"network namespaces can't be made here (they need root): {error}"
    return ""


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
