"""One plugin in a host that a test drives (tests/plugin_host): what it does is told as it happens."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.processes import PATIENCE, die_with_parent
from lab.program import build_folder


@dataclass(frozen=True)
class Event:
    """What the plugin asked of its host: log, complete, changed, problem, problem_clear, count; and
    created, refused, destroyed."""

    time: float  # time.time()
    fields: Mapping[str, str]

    @property
    def kind(self) -> str:
        return self.fields["event"]

    @property
    def text(self) -> str:
        return self.fields.get("text", "")

    def __getattr__(self, name: str) -> str:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(name) from None


class PluginHost:
    """A shipped plugin by its name, any other by its path; in tests/plugin_host or another `program`
    like it. Owned by a test; `with PluginHost("kubernetes", ["g"], namespace="shop") as host:`."""

    def __init__(self, plugin: str, groups: list[str], *, eager: bool = True, dry_run: bool = False,
                 program: Path | None = None, **settings: str | Path) -> None:
        build = build_folder()
        host = build / "libexec/valkey-reconciler/tests/plugin_host"
        shipped = build / f"lib/valkey-reconciler/plugins/{plugin}.so"
        argv = [str(program or host),
                plugin if "/" in plugin else str(shipped)]
        if eager:
            argv.append("--eager")
        if dry_run:
            argv.append("--dry-run")
        for group in groups:
            argv += ["--group", group]
        argv += [f"{key}={value}" for key, value in settings.items()]
        self.events: list[Event] = []
        self._fresh: queue.Queue[Event] = queue.Queue()
        self._popen = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={"PATH": os.environ["PATH"],
                 **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}},
            preexec_fn=die_with_parent())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> PluginHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    # Orders

    def apply(self, group: str, epoch: int, host: str, port: int = 6379, *, era: int = 0,
              step: int = 0, suspected: bool = False, replicas: Iterable[str] = (),
              down: Iterable[str] = ()) -> int:
        """Returns where in `events` what follows begins. `replicas` are healthy, those in `down`
        are not."""
        mark = len(self.events)
        state = "suspected" if suspected else "known"
        others = [f" {kind} {address} {port}" for kind, addresses in (("up", replicas),
                                                                     ("down", down))
                  for address in addresses]
        self._order(f"apply {group} {era} {epoch} {step} {state} {host} {port}{''.join(others)}")
        return mark

    def cancel(self, group: str) -> None:
        self._order(f"cancel {group}")

    def tell(self, verb: str, group: str, by: str = "jane", reason: str = "") -> Event:
        """What became of an operator's order: pause, resume, release."""
        return self.wait("ordered", 15.0, mark=self.ask(verb, group, by, reason))

    def ask(self, verb: str, group: str, by: str = "jane", reason: str = "") -> int:
        mark = len(self.events)
        self._order(f"{verb} {group} {by} {reason}")
        return mark

    def check(self) -> None:
        self._order("check")

    def pause(self) -> None:
        os.kill(self._popen.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._popen.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait(10)

    def close(self) -> int:
        """As the labeler stops: open requests are cancelled and waited for."""
        if self._popen.poll() is None:
            self.resume()
            assert self._popen.stdin is not None
            self._popen.stdin.close()
            try:
                self._popen.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self._reader.join(5)
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()
        return self._popen.returncode

    # What happened

    def told_at_rest(self, problem: str, mark: int) -> list[str]:
        """The warnings since, when three looks of its own have come upon that problem."""
        at = mark
        for _ in range(3):
            seen = self.wait("problem", 20, mark=at, id=problem, severity="blocking")
            at = self.events.index(seen, at) + 1
        return [event.text for event in self.events[mark:at]
                if event.kind == "log" and event.fields.get("level") == "warning"]

    def wait(self, kind: str, timeout: float = 10.0, mark: int = 0, *, text: str = "",
             when: Callable[[Event], bool] = lambda event: True, **fields: str) -> Event:
        """The first event from `mark` on with these fields and this in its text."""
        end = time.monotonic() + timeout * PATIENCE

        def fits(event: Event) -> bool:
            return (event.kind == kind and text in event.text and when(event)
                    and all(event.fields.get(key) == value for key, value in fields.items()))

        at = mark
        while True:
            while at < len(self.events):
                if fits(self.events[at]):
                    return self.events[at]
                at += 1
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not within {timeout:g} s: {kind} {fields} {text!r}\n"
                                   + self.story(mark))
            try:
                self._fresh.get(timeout=min(left, 0.5))
            except queue.Empty:
                pass

    def applied(self, timeout: float = 10.0, mark: int = 0, **fields: str) -> Event:
        return self.wait("complete", timeout, mark, outcome="applied", **fields)

    def count(self, name: str, value: str | None = None, mark: int = 0) -> int:
        return sum(int(event.by) for event in self.events[mark:]
                   if event.kind == "count" and event.name == name
                   and (value is None or event.value == value))

    def story(self, mark: int = 0) -> str:
        return "\n".join(f"{event.time:.3f} {dict(event.fields)}" for event in self.events[mark:])

    def _order(self, line: str) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            fields = json.loads(line)
            event = Event(float(fields.pop("time")), fields)
            self.events.append(event)
            self._fresh.put(event)
