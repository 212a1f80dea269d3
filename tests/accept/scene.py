"""What the rounds of one worker are played on: a real group, its pods, and the program."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import AddressBlock  # noqa: E402
from lab.kubernetes import open_kubernetes  # noqa: E402
from lab.rounds import Options, Round  # noqa: E402
from lab.sentinel_events import was_taken_back  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import Failover, Trigger, ValkeyGroup  # noqa: E402


class FailoverScene:
    """Everything is right and quiet before a round and after it. The API server is `private` to
    this scene, or the one of all; `of_stage`: arguments of Stage."""

    def __init__(
        self,
        options: Options,
        *,
        private: bool = False,
        block: AddressBlock | None = None,
        **of_stage: Any,
    ) -> None:
        self.options = options
        self._begun = time.monotonic()
        self._opened = contextlib.ExitStack()
        self.group = ValkeyGroup(block=block)
        try:
            self.group.start()
            self.kubernetes = open_kubernetes(options.backend, private)
            if private:
                self._opened.enter_context(self.kubernetes)
            self.stage = Stage(self.kubernetes, [self.group], **of_stage)
            self.stage.start()
        except BaseException:
            self.close()
            raise

    def is_void(self) -> bool:
        """Sentinels took their own failover back: there was no switch to follow. Two labels would count all the same."""
        self.stage.check()
        return was_taken_back(self.group.events.since(self._begun))

    def begin(self) -> int:
        """The version of the pods from which on this round's changes count."""
        self._begun = time.monotonic()
        for program in self.stage.programs:
            program.forget_log(before=time.monotonic() - 60.0)
        self.group.events.forget(before=time.monotonic() - 60.0)
        self.stage.wait_right()
        return self.stage.watch.last_version

    def trigger(self, kind: str) -> Trigger:
        return self.group.kill_primary() if kind == "kill" else self.group.sentinel_failover()

    def finish(self, failover: Failover, since: int) -> Round:
        """Makes the group whole again, and sees that all stays right; what was measured."""
        self.stage.wait_right(primary=failover.new)
        switch = self.stage.switch(self.group, failover, since)
        self.group.heal(failover)
        self.group.wait_healthy()
        self.stage.wait_right(primary=failover.new, timeout=1.0)
        self.stage.check()
        measured: Round = {"kind": failover.kind, "event_to_label_ms": switch.came * 1000}
        if failover.t0 is not None:
            measured["t0_to_label_ms"] = (switch.came - failover.t0 + failover.event.time) * 1000
        if switch.left is not None:
            measured["off_to_on_ms"] = (switch.came - switch.left) * 1000
        return measured

    def save(self, folder: Path) -> None:
        self.stage.save(folder)

    def close(self) -> None:
        try:
            if hasattr(self, "stage"):
                self.stage.close()
        finally:
            self._opened.close()
            self.group.close()
