"""Loopback addresses of one's own, so that labs run beside each other on one machine."""

from __future__ import annotations

import random
import socket


class AddressBlock:
    """127.A.B.0/24 with random A and B, kept from other labs by an abstract socket that ends with
    this process."""

    def __init__(self) -> None:
        for _ in range(1000):
            network = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}"
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                lock.bind(f"\0valkey-reconciler-lab-{network}")
            except OSError:
                lock.close()
                continue
            self._lock, self.network = lock, network
            return
        raise RuntimeError("no free block of loopback addresses")

    def address(self, last: int) -> str:
        return f"{self.network}.{last}"

    def free_port(self, hosts: list[str]) -> int:
        """One that can be bound on all of these; below 32768, where no client's port takes it."""
        for _ in range(1000):
            port = random.randint(10000, 32000)
            if all(_can_bind(host, port) for host in hosts):
                return port
        raise RuntimeError(f"no port that is free on all of {', '.join(hosts)}")

    def close(self) -> None:
        self._lock.close()


def free_port(host: str = "127.0.0.1") -> int:
    """A port below 32768 that nobody listens on at this moment."""
    while not _can_bind(host, port := random.randint(10000, 32000)):
        pass
    return port


def _can_bind(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
