"""The program under test: starts it, reads its log, kills its processes, leaves none behind."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from lab.addresses import free_port
from lab.namespaces import NetworkNamespace
from lab.processes import PATIENCE, Process, wait_until

WATCHER = "sentinel-watcher"
LABELER = "labeler"


def build_folder() -> Path:
    folder = os.environ.get("RECONCILER_BUILD")
    if not folder:
        raise RuntimeError(
            "RECONCILER_BUILD is not set: the build folder with bin/valkey-reconciler"
        )
    return Path(folder)


@functools.cache
def is_sanitized() -> bool:
    """Whether the build under test has AddressSanitizer, which keeps freed memory for long."""
    return b"libasan.so" in (build_folder() / "bin" / "valkey-reconciler").read_bytes()


@dataclass(frozen=True)
class LogEntry:
    """One line of the log; times are of time.monotonic()."""

    time: float  # when it was read
    written: float  # when it says that it was written
    line: str
    fields: dict[str, Any]  # empty where the line is not JSON

    @property
    def message(self) -> str:
        return str(self.fields.get("message", self.line))


@dataclass(frozen=True)
class ProcessId:
    """A process for good: its number may be given to another one later, its start time not."""

    pid: int
    started: int  # clock ticks after boot
    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        return os.path.basename(self.argv[0]) if self.argv else ""

    @property
    def started_at(self) -> float:
        """In time.monotonic(), to 10 ms."""
        asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        return self.started / os.sysconf("SC_CLK_TCK") - asleep

    def is_alive(self) -> bool:
        now = identify(self.pid)
        return now is not None and now.started == self.started

    def send(self, number: int) -> None:
        if self.is_alive():
            os.kill(self.pid, number)


def identify(pid: int) -> ProcessId | None:
    """None where there is no such process, or only what is left of one until its parent looks."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (OSError, IndexError):
        return None
    return None if stat[0] in "ZX" else ProcessId(pid, int(stat[19]), tuple(argv))


def descendants(pid: int) -> list[ProcessId]:
    found: list[ProcessId] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found  # it has ended meanwhile
    for thread in threads:
        try:
            children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
        except OSError:
            continue
        for child in map(int, children.split()):
            if (known := identify(child)) is not None:
                found += [known, *descendants(child)]
    return found


@dataclass(frozen=True)
class Ended:
    """The exit status (negative: by that signal), and the seconds from the signal to the end."""

    status: int
    seconds: float


class Program:
    """One run at a time of valkey-reconciler. start() and close() belong to whoever made it, in the
    main thread. With neither a configuration nor a file of somebody else it has its environment
    alone, with nothing but what is given. `started_by`: the words before its own command. `reads_log`
    false, for who measures: its log goes to the file alone, and nothing here knows of its lines."""

    def __init__(
        self,
        folder: Path,
        configuration: str | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        name: str = "program",
        log_level: str = "debug",
        namespace: NetworkNamespace | None = None,
        file: Path | None = None,
        started_by: Sequence[str] = (),
        options: Sequence[str] = (),
        reads_log: bool = True,
    ) -> None:
        self.name = name
        self.http_port = free_port()
        self.log_file = folder / f"{name}.log"
        self._entries: list[LogEntry] = []
        self._news = threading.Condition()
        self._seen: set[ProcessId] = set()
        self._targets: dict[int, str] = {}  # by the labeler's pid; outlives forget_log
        self._listeners: list[Callable[[LogEntry], None]] = []
        argv: list[str | Path] = [*started_by, build_folder() / "bin" / "valkey-reconciler"]
        if configuration is not None:
            file = file or folder / f"{name}.toml"
            file.write_text(configuration)
        if file is not None:
            argv += ["--config", file]
        argv += options
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "VALKEY_RECONCILER_HTTP": f"127.0.0.1:{self.http_port}",
            "VALKEY_RECONCILER_LOG": log_level,
            "VALKEY_RECONCILER_LOG_FORMAT": "json",
            **{key: os.environ[key] for key in _SANITIZERS if key in os.environ},
            **(environment or {}),
        }
        log = None if reads_log else self.log_file
        self._process = Process(name, argv, environment=self.environment, folder=folder, log=log)
        self._reads_log, self._was_started = reads_log, False
        self._process.namespace = namespace
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Life

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def command(self) -> str:
        """As one would type it."""
        return shlex.join(self._process.argv)

    def start(self) -> None:
        pipe = self._process.start(standard_error_to_pipe=self._reads_log)
        self._was_started = True
        if pipe is None:
            return
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send(self, number: int) -> None:
        """A signal to the supervisor."""
        self.processes()
        self._process.send(number)

    def wait(self, timeout: float) -> int:
        """Its exit status, when it has ended and its whole log is read."""
        status = self._process.wait(timeout)
        if self._reader is not None:
            self._reader.join(timeout)
        return status

    def terminate(self, timeout: float = 10.0) -> Ended:
        """As `kubectl delete pod` would."""
        begun = time.monotonic()
        self.send(signal.SIGTERM)
        return Ended(self._process.wait(timeout), time.monotonic() - begun)

    def close(self) -> None:
        """Kills what still lives. AssertionError when a child outlives the supervisor by more than
        a second: that must not happen, whatever the test was about."""
        if not self._was_started:
            return
        self.processes()
        self._process.kill()
        try:
            wait_until(lambda: not self.alive_processes(), 1.0, "children end with the supervisor")
        except TimeoutError:
            left = self.alive_processes()
            for process in left:
                process.send(signal.SIGKILL)
            raise AssertionError(f"outlived the supervisor by a second: {left}") from None
        finally:
            if self._reader is not None:
                self._reader.join(5)

    # Processes

    def processes(self) -> list[ProcessId]:
        """Those below the supervisor at this moment."""
        now = descendants(self.pid) if self.is_alive() else []
        self._seen.update(now)
        return now

    def children(self, name: str, target: str = "") -> list[ProcessId]:
        """The sentinel-watcher, or the labelers; of several, that of one target."""
        return [
            process
            for process in self.processes()
            if process.name == name and (not target or self.target_of(process) == target)
        ]

    def child(self, name: str, target: str = "") -> ProcessId:
        found = self.children(name, target)
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} processes {name} {target}: {self.processes()}")
        return found[0]

    def kill_child(self, name: str, number: int = signal.SIGKILL, target: str = "") -> ProcessId:
        child = self.child(name, target)
        child.send(number)
        return child

    def wait_for_successor(self, of: ProcessId, timeout: float = 15.0) -> ProcessId:
        """The process that takes the place of a child that died."""
        target = self.target_of(of)
        found: list[ProcessId] = []

        def appeared() -> bool:
            others = [process for process in self.processes() if process.pid != of.pid]
            found[:] = [
                process
                for process in others
                if process.name == of.name and self.target_of(process) == target
            ]
            return bool(found)

        wait_until(appeared, timeout, f"a successor of {of}")
        return found[0]

    def target_of(self, process: ProcessId) -> str:
        """The target that a labeler serves, as the supervisor said when it started it."""
        with self._news:
            return self._targets.get(process.pid, "")

    def alive_processes(self) -> list[ProcessId]:
        """Of all that were ever seen below the supervisor."""
        return [process for process in self._seen if process.is_alive()]

    # HTTP

    def get(self, path: str, timeout: float = 2.0) -> tuple[int, str]:
        """Status and body; OSError when nobody answers."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        try:
            with self._process.placed(), _without_proxy.open(url, timeout=timeout * PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def healthz(self) -> tuple[int, str]:
        return self.get("/healthz")

    def readyz(self) -> tuple[int, str]:
        return self.get("/readyz")

    def wait_ready(self, timeout: float = 15.0) -> None:
        said = ["nothing"]

        def is_ready() -> bool:
            if not self.is_alive():
                raise RuntimeError(
                    f"the program ended with {self.wait(5)}:\n{self.log_text(last=30)}"
                )
            try:
                status, said[0] = self.readyz()
            except OSError as error:
                status, said[0] = 0, str(error)
            return status == 200

        try:
            wait_until(is_ready, timeout, "")
        except TimeoutError:
            raise TimeoutError(
                f"not ready within {timeout:g} s: {said[0]}\n{self.log_text(last=30)}"
            ) from None

    # Log

    def log(self, since: float = 0.0) -> list[LogEntry]:
        with self._news:
            return [entry for entry in self._entries if entry.time >= since]

    def on_log(self, listener: Callable[[LogEntry], None]) -> None:
        """Called for each line, in the thread that reads them."""
        self._listeners.append(listener)

    def forget_log(self, before: float) -> None:
        """For loops of many rounds; the file keeps all."""
        with self._news:
            self._entries = [entry for entry in self._entries if entry.time >= before]

    def log_text(self, since: float = 0.0, last: int = 0) -> str:
        return "\n".join(entry.line for entry in self.log(since)[-last:])

    def wait_for_log(
        self, wanted: str | Callable[[LogEntry], bool], timeout: float = 10.0, *, since: float = 0.0
    ) -> LogEntry:
        """The first line that fits: a regular expression, searched in all of it, or a predicate."""
        pattern = re.compile(wanted) if isinstance(wanted, str) else None

        def fits(entry: LogEntry) -> bool:
            if pattern is not None:
                return pattern.search(entry.line) is not None
            assert callable(wanted)
            return wanted(entry)

        def found() -> LogEntry | None:
            return next((e for e in self._entries if e.time >= since and fits(e)), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None, timeout * PATIENCE)
            if (entry := found()) is not None:
                return entry
        raise TimeoutError(
            f"no line like {wanted} within {timeout:g} s:\n{self.log_text(since, last=30)}"
        )

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, open(self.log_file, "ab") as copy:
            for raw in pipe:
                now = time.monotonic()
                copy.write(raw)
                copy.flush()
                line = raw.decode(errors="replace").rstrip("\n")

                entry = _entry(now, line)
                with self._news:
                    if named := _LABELER_OF.search(entry.message):
                        self._targets[entry.fields.get("pid", 0)] = named[1]
                    self._entries.append(entry)
                    self._news.notify_all()
                for listener in self._listeners:
                    listener(entry)


def _entry(now: float, line: str) -> LogEntry:
    try:
        fields = json.loads(line)
        age = time.time() - datetime.fromisoformat(fields["time"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return LogEntry(now, now, line, {})
    return LogEntry(now, now - max(0.0, age), line, fields)


_LABELER_OF = re.compile(r"^labeler ([^ ]+).* (?:started|gets a successor)$")
_SANITIZERS = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
_without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
