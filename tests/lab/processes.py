"""Processes that end with the test that started them, whatever the way it ends."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from lab.namespaces import NetworkNamespace

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running: weakref.WeakSet[Process] = weakref.WeakSet()


def die_with_parent() -> Callable[[], None]:
    """A preexec_fn: the process is killed when the thread that started it ends. So start them in a
    thread that lives as long as they shall, such as the main thread."""
    parent = os.getpid()

    def run() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return run


def stop_on_signals() -> None:
    """TERM and HUP end this program as Ctrl-C does, so that its own cleaning up is done; that is
    not to be interrupted by a second signal."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(received: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        if received == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + received)

    for number in numbers:
        signal.signal(number, end)


# By how much longer all here wait than they say: tests/run.sh asks for it where sanitizers slow down what is waited for.
PATIENCE = float(os.environ.get("RECONCILER_PATIENCE", "1"))


def wait_until(
    condition: Callable[[], bool], timeout: float, what: str, interval: float = 0.02
) -> None:
    """For states that nothing announces. TimeoutError names what was waited for."""
    end = time.monotonic() + timeout * PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


class Process:
    """One process of the lab, owned by whoever made it and stopped by its own pid only."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = name
        self.argv = [str(word) for word in argv]
        self._environment = environment
        self._folder = folder
        self._log = log
        self._popen: subprocess.Popen[bytes] | None = None
        self.namespace: NetworkNamespace | None = None  # None: that of whoever starts it
        self.is_paused = False

    def placed(self) -> AbstractContextManager[None]:
        """In it the calling thread is on the same network as this process."""
        return nullcontext() if self.namespace is None else self.namespace.entered()

    @property
    def pid(self) -> int:
        assert self._popen is not None, f"{self.name} was not started"
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """Negative: ended by that signal. None: runs, or was never started."""
        if self._popen is None:
            return None
        return self._popen.poll()

    def is_alive(self) -> bool:
        return self._popen is not None and self.returncode is None

    def start(self, *, standard_error_to_pipe: bool = False) -> IO[bytes] | None:
        """Appends both outputs to the log; or gives the reading end of standard error."""
        assert not self.is_alive(), f"{self.name} runs already"
        self.is_paused = False
        with open(self._log or os.devnull, "ab") as output, self.placed():
            self._popen = subprocess.Popen(
                self.argv,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE if standard_error_to_pipe else output,
                preexec_fn=die_with_parent(),
                process_group=0,  # Ctrl-C is for the test, which then stops this in its order
            )
        _running.add(self)
        return self._popen.stderr

    def send(self, number: int) -> None:
        """To a process that has ended already: nothing."""
        if self._popen is not None:
            self._popen.send_signal(number)

    def pause(self) -> None:
        """When it returns, no thread of it runs any more: on a busy machine one goes on for some ms."""
        self.is_paused = True
        self.send(signal.SIGSTOP)
        wait_until(self._stands_still, 10.0, f"{self.name} stands still", interval=0.001)

    def _stands_still(self) -> bool:
        return not self.is_alive() or all(
            stat.read_text().rsplit(")", 1)[1].split()[0] == "T"
            for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")
        )

    def resume(self) -> None:
        self.send(signal.SIGCONT)
        self.is_paused = False

    def wait(self, timeout: float) -> int:
        assert self._popen is not None
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"{self.name} (pid {self.pid}) did not end within {timeout:g} s"
            ) from None

    def kill(self) -> None:
        if self._popen is not None:
            self.send(signal.SIGKILL)
            self.wait(10)
            _running.discard(self)

    def log_tail(self, lines: int = 10) -> str:
        if self._log is None or not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])


@atexit.register
def _kill_all() -> None:
    for process in list(_running):
        process.kill()
