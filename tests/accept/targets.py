#!/usr/bin/env python3
"""Failovers one after the other, half by SIGKILL of the primary and half by SENTINEL FAILOVER, while the
target's own server is killed and started again before, at or after the news; where it has none, its
labeler or the whole program is, or what it has written is replaced or removed. Each must end with the
target leading to the new primary alone, and it may never have led to two."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import configuration  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.rounds import Options, Round, parse, run, summarise  # noqa: E402
from lab.sentinel_events import was_taken_back  # noqa: E402
from lab.targets import PLACES  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402

# When it is struck; eight rounds are each of them with each kind of failover.
BOUNCES = ("at the news", "before", "after", "never")
AWAY = 1.0  # seconds from there to its recovery
RIGHT_WITHIN = 20.0  # the labeler's longest backoff is 10 s


class Scene:
    def __init__(self, options: Options) -> None:
        self.folder = temporary_folder("target")
        self._begun = time.monotonic()
        self.group = ValkeyGroup()
        try:
            self.group.start()
            self.place = PLACES[options.others.target](self.folder, self.group)
            self.place.start()
            head = configuration.sentinel(self.group.sentinels, [self.group.name])
            text = configuration.configuration(head, self.place.table())
            self.program = Program(self.folder, text)
            self.program.start()
            self.program.wait_ready()
            self.place.wait_right(self.group.primary())
        except BaseException:
            self.close()
            raise

    def is_void(self) -> bool:
        """Sentinels took their own failover back: there was no switch to follow."""
        self.place.check()
        return was_taken_back(self.group.events.since(self._begun))

    def run_round(self, number: int) -> Round:
        self._begun = time.monotonic()
        self.program.forget_log(before=self._begun - 60.0)
        self.group.events.forget(before=self._begun - 60.0)
        bounce = BOUNCES[number % len(BOUNCES)]
        if bounce == "before":
            self.place.strike(self.program)
        is_kill = (number + number // len(BOUNCES)) % 2 == 0
        trigger = self.group.kill_primary() if is_kill else self.group.sentinel_failover()
        if bounce == "at the news":
            self.group.wait_event(trigger, 40.0)
            self.place.strike(self.program)
        failover = self.group.wait_failover(trigger)
        if bounce == "after":
            self.place.wait_right(failover.new, RIGHT_WITHIN)
            self.place.strike(self.program)
        heard = failover.event.time
        if bounce != "never":
            time.sleep(AWAY)
            heard = time.monotonic()
            self.place.recover(self.program)
        self.place.wait_right(failover.new, RIGHT_WITHIN)
        right = time.monotonic()
        self.group.heal(failover)
        self.group.wait_healthy()
        self.place.wait_right(failover.new, RIGHT_WITHIN)
        self.program.wait_ready(RIGHT_WITHIN)
        self.place.check()
        return {"kind": failover.kind, "bounce": bounce, "right_ms": (right - heard) * 1000}

    def save(self, folder: Path) -> None:
        for log in self.folder.glob("**/*.log"):
            shutil.copy(log, folder)
        (folder / "place.txt").write_text(self.place.story() + "\n")

    def close(self) -> None:
        for part in ("program", "place"):
            if hasattr(self, part):
                getattr(self, part).close()
        self.group.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", choices=sorted(PLACES), required=True)


def main() -> int:
    options = parse(str(__doc__), rounds=20, name="targets", kubernetes=False, more=add_target)
    if missing := PLACES[options.others.target].missing:
        raise SystemExit(f"its server is not on PATH: eval \"$({missing} --env)\"")
    figures = {"news, or the server's return, to right": "right_ms"}
    return summarise(run(options, Scene), options.rounds, figures, by="bounce")


if __name__ == "__main__":
    sys.exit(main())
