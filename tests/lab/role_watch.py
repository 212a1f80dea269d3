"""T0 of a failover: the instant at which an instance turns primary, seen on the instance itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.resp import RespError
from lab.sentinels import Server


@dataclass(frozen=True)
class Turned:
    """An instance became primary at `time` (time.monotonic())."""

    time: float
    instance: str
    address: tuple[str, int]


class RoleWatch:
    """A thread for each instance. Sentinel has an instance cut its connections when it changes its
    role, so that the end of an idle one is the signal. Now and then it is asked, too."""

    def __init__(self, instances: Sequence[Server]) -> None:
        self._turned: list[Turned] = []
        self._listeners: list[Callable[[Turned], None]] = []
        self._news = threading.Condition()
        self._closing = threading.Event()
        for instance in instances:
            threading.Thread(
                target=self._watch, args=(instance,), daemon=True, name=f"role of {instance.name}"
            ).start()

    def wait_for_turn(self, *, since: float, timeout: float) -> Turned | None:
        def found() -> Turned | None:
            return next((turned for turned in self._turned if turned.time >= since), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None, timeout)
            return found()

    def turns(self) -> list[Turned]:
        """All that were seen so far."""
        with self._news:
            return list(self._turned)

    def on_turn(self, listener: Callable[[Turned], None]) -> None:
        """Called for each, in the thread that sees it."""
        self._listeners.append(listener)

    def close(self) -> None:
        self._closing.set()

    def _watch(self, instance: Server) -> None:
        turned_at: float | None = None  # the end of the last connection; what it means is asked
        was_replica = False
        while not self._closing.wait(0.0):
            try:
                connection = instance.connect()
            except (OSError, RespError):
                turned_at, was_replica = None, False  # it is down
                self._closing.wait(0.05)
                continue
            with connection:
                try:
                    while not self._closing.is_set():
                        reply = connection.command("ROLE")
                        assert isinstance(reply, list)
                        if reply[0] == "master" and (was_replica or turned_at is not None):
                            at = time.monotonic() if turned_at is None else turned_at
                            self._note(Turned(at, instance.name, instance.address))
                        turned_at, was_replica = None, reply[0] == "slave"
                        if connection.wait_for_end(0.1):
                            break
                except (OSError, RespError):
                    pass
            turned_at = time.monotonic()

    def _note(self, turned: Turned) -> None:
        with self._news:
            self._turned.append(turned)
            self._news.notify_all()
        for listener in self._listeners:
            listener(turned)
