"""T0 of a failover: the instant at which an instance turns primary, seen on the instance itself."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.processes import die_with_parent
from lab.sentinels import Server


@dataclass(frozen=True)
class Turned:
    """An instance became primary at `time` (time.monotonic()). `after`: the last question that it
    answered as a replica was asked then; `before`: the first answer as a primary came then."""

    time: float
    after: float
    before: float
    instance: str
    address: tuple[str, int]


class RoleWatch:
    """A process asks the instances for their role every `interval` seconds (role_poll.py)."""

    def __init__(self, instances: Sequence[Server], interval: float = 0.1) -> None:
        self._instances = list(instances)
        self._turned: list[Turned] = []
        self._listeners: list[Callable[[Turned], None]] = []
        self._news = threading.Condition()
        self._poll = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("role_poll.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
            process_group=0,  # Ctrl-C is for the test
        )
        assert self._poll.stdin is not None
        settings = [
            {
                "host": instance.host,
                "port": instance.port,
                "login": instance.login(),
                "interval": interval,
            }
            for instance in instances
        ]
        self._poll.stdin.write(json.dumps(settings) + "\n")
        self._poll.stdin.flush()
        self._thread = threading.Thread(target=self._read, daemon=True, name="roles")
        self._thread.start()

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
        """Called for each, in the thread that reads of it."""
        self._listeners.append(listener)

    def close(self) -> None:
        assert self._poll.stdin is not None and self._poll.stdout is not None
        self._poll.stdin.close()
        self._poll.wait(10)
        self._thread.join(10)
        self._poll.stdout.close()

    def _read(self) -> None:
        assert self._poll.stdout is not None
        for line in self._poll.stdout:
            told = json.loads(line)
            instance = self._instances[told["index"]]
            turned = Turned(
                told["time"], told["after"], told["before"], instance.name, instance.address
            )
            with self._news:
                self._turned.append(turned)
                self._news.notify_all()
            for listener in self._listeners:
                listener(turned)
