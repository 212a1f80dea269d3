"""What the observer told: where clients of each namespace were led, and when."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lab.processes import die_with_parent

KINDS = ("label", "slice", "selector")


@dataclass(frozen=True)
class Led:
    """From `time` (time.monotonic()) on, all objects of this kind together led to these."""

    what: str
    time: float
    namespace: str
    to: tuple[str, ...]


class Observed:
    """Starts the observer; close() by whoever made it."""

    def __init__(self, folder: Path) -> None:
        self._led: list[Led] = []
        self._ready: set[str] = set()
        self._broken = ""
        self._news = threading.Condition()
        self._observer = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("observer.py"), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
            process_group=0,
        )
        self._thread = threading.Thread(target=self._read, daemon=True, name="observed")
        self._thread.start()
        with self._news:
            if not self._news.wait_for(lambda: len(self._ready) == len(KINDS), 20):
                raise TimeoutError(f"the observer watches {sorted(self._ready)} only")

    def since(self, moment: float, what: str, namespace: str) -> list[Led]:
        with self._news:
            return [
                led
                for led in self._led
                if led.time >= moment and led.what == what and led.namespace == namespace
            ]

    def now(self, what: str, namespace: str) -> tuple[str, ...]:
        with self._news:
            return self._now(what, namespace)

    def wait(self, what: str, namespace: str, to: str, since: float, timeout: float) -> float:
        """Until clients are led to this place alone; since when they are, where that is later than `since`."""
        end = time.monotonic() + timeout
        with self._news:
            while self._now(what, namespace) != (to,) or not self._came(what, namespace, since):
                if self._broken:
                    raise RuntimeError(f"the observer's watch of {self._broken} broke")
                if not self._news.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    raise TimeoutError(
                        f"{what} of {namespace} leads to {self._now(what, namespace)}, not to {to}, after {timeout:g} s"
                    )
            return self._came(what, namespace, since)

    def forget(self) -> None:
        """All but what is."""
        with self._news:
            newest = {(led.what, led.namespace): led for led in self._led}
            self._led = list(newest.values())

    def close(self) -> None:
        assert self._observer.stdin is not None and self._observer.stdout is not None
        self._observer.stdin.close()
        self._observer.wait(10)
        self._thread.join(10)
        self._observer.stdout.close()

    def _now(self, what: str, namespace: str) -> tuple[str, ...]:
        return next(
            (led.to for led in reversed(self._led) if led.what == what and led.namespace == namespace), ()
        )

    def _came(self, what: str, namespace: str, since: float) -> float:
        times = [led.time for led in self._led if led.what == what and led.namespace == namespace]
        return times[-1] if times and times[-1] >= since else 0.0

    def _read(self) -> None:
        assert self._observer.stdout is not None
        for line in self._observer.stdout:
            told = json.loads(line)
            with self._news:
                if told["kind"] == "ready":
                    self._ready.add(told["what"])
                elif told["kind"] == "broken":
                    self._broken = told["what"]
                else:
                    self._led.append(Led(told["what"], told["time"], told["namespace"], tuple(told["to"])))
                self._news.notify_all()
