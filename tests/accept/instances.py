"""Several whole instances of the program beside each other, and who stops and continues them."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.namespaces import NetworkNamespace  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import ProcessId, Program, identify  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

LONGEST_STOP = 5.0  # seconds
LONGEST_RUN = 4.0


class Instances:
    """Made and closed by whoever needs them, in its main thread."""

    def __init__(self) -> None:
        self.folder = temporary_folder("instances")
        self.all: list[Program] = []

    def add(
        self,
        name: str,
        configuration: str,
        *,
        namespace: NetworkNamespace | None = None,
        log_level: str = "debug",
    ) -> Program:
        program = Program(
            self.folder, configuration, name=name, namespace=namespace, log_level=log_level
        )
        self.all.append(program)
        program.start()
        return program

    def save(self, folder: Path) -> None:
        for log in self.folder.glob("*.log"):
            shutil.copy(log, folder)

    def close(self) -> None:
        """All of them, also where one did not end as it should."""
        faults = []
        for program in self.all:
            try:
                program.close()
            except AssertionError as fault:
                faults.append(f"{program.name}: {fault}")
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not faults, faults


class Freezer:
    """Stops and continues each of these programs at random, independently of each other: one
    process of it or all of them, for some milliseconds or some seconds."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.stops = 0  # so far
        self._calm = threading.Event()
        self._closing = threading.Event()
        self._running = {program.name: threading.Event() for program in programs}
        self._threads = [
            threading.Thread(target=self._run, args=(program,), daemon=True, name=program.name)
            for program in programs
        ]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Meanwhile all of them run."""
        self._calm.set()
        for name, running in self._running.items():
            if not running.wait(10):
                raise TimeoutError(f"{name} does not go on")
        try:
            yield
        finally:
            self._calm.clear()

    def close(self) -> None:
        self._closing.set()
        self._calm.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self, program: Program) -> None:
        running = self._running[program.name]
        while not self._closing.is_set():
            running.set()
            time.sleep(0.01)
            if self._calm.is_set() or self._calm.wait(random.uniform(0, LONGEST_RUN)):
                continue
            running.clear()
            if self._calm.is_set():  # which did not see that this one was about to stop
                continue
            victims = _victims(program)
            for victim in victims:
                victim.send(signal.SIGSTOP)
            self.stops += 1
            # As many short ones as long ones.
            longest = LONGEST_STOP if random.random() < 0.5 else LONGEST_STOP / 10
            self._calm.wait(random.uniform(0, longest))
            for victim in reversed(victims):
                victim.send(signal.SIGCONT)
        running.set()


def _victims(program: Program) -> list[ProcessId]:
    supervisor = identify(program.pid)
    tree = [*([supervisor] if supervisor else []), *program.processes()]
    return tree if random.random() < 0.5 else [random.choice(tree)] if tree else []


def wait_ready(programs: Sequence[Program], timeout: float) -> None:
    """All of them; TimeoutError names one that is not, and what it says."""
    end = time.monotonic() + timeout
    for program in programs:
        program.wait_ready(max(0.1, end - time.monotonic()))


def wait_right_or_behind(program: Program, timeout: float) -> None:
    """It is right, or stands down before a higher decision and says so."""
    said = [""]

    def is_so() -> bool:
        try:
            status, said[0] = program.readyz()
        except OSError as error:
            status, said[0] = 0, str(error)
        return status == 200 or (status == 503 and " remembers " in said[0])

    try:
        wait_until(is_so, timeout, "")
    except TimeoutError:
        raise TimeoutError(
            f"{program.name} neither right nor standing down within {timeout:g} s: {said[0]}"
        ) from None
