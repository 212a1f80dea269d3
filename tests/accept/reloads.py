#!/usr/bin/env python3
"""Failovers with a reload of the configuration in each of their seconds: by turns a file that is
replaced by a rename, a ConfigMap's update, and SIGHUP. Each changes the watcher's or the labeler's part, so
that this child gets a successor; every fifth file is a wrong one. Each failover must end right
within 3 s of Sentinel's first news, and no version of the pods may have two labelled."""

from __future__ import annotations

import random
import re
import signal
import sys
import threading
import time

from scene import FailoverScene

from lab.config_file import ConfigMapFolder, replace_by_rename
from lab.processes import wait_until
from lab.rounds import Options, Round, parse, run, share_kubernetes, summarise

WAYS = ("rename", "config map", "signal")
RIGHT_WITHIN = 3.0
EVERY = 1.0
WRONG_EACH = 5
POLL, RETRY = '"5000ms"', '"100ms"'  # as the first configuration has them


class Reloads:
    """Rewrites the file each second, from start() to stop(); what became of it stands in the log."""

    def __init__(self, scene: Scene, way: str, serial: int) -> None:
        self._scene = scene
        self._way = way
        self.serial = serial  # of the newest file: no two are the same
        self.written = 0
        self.wrong = 0
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="reloads", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        if self._failure is not None:
            raise self._failure

    def write(self, wrong: bool = False) -> None:
        self.serial += 1
        text = self._scene.text(self.serial)
        self._scene.put(self._way, text + ("\n[supervisoin]\n" if wrong else ""))
        self.written += not wrong
        self.wrong += wrong

    def _run(self) -> None:
        try:
            due = time.monotonic() + random.uniform(0.0, EVERY)
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                self.write(wrong=self.serial % WRONG_EACH == 0)
                due = max(due + EVERY, time.monotonic())
        except Exception as failure:
            self._failure = failure


class Scene(FailoverScene):
    def __init__(self, options: Options) -> None:
        self._serial = 0
        super().__init__(
            options,
            of_sentinels={"poll_interval": POLL.strip('"')},
            of_targets={"retry_min": RETRY.strip('"')},
        )
        self._file = self.stage.folder / "program.toml"
        self._config_map = ConfigMapFolder(self.stage.folder)

    def text(self, serial: int) -> str:
        """By turns another watcher and another labeler."""
        text = self.stage.configuration(self.stage.routes)
        text = text.replace(POLL, f'"{5000 + serial // 2}ms"')
        return text.replace(RETRY, f'"{100 + (serial + 1) // 2}ms"')

    def put(self, way: str, text: str) -> None:
        if way == "config map":
            self._config_map.update({self._file.name: text})
        else:
            replace_by_rename(self._file, text)
        if way == "signal":
            self.stage.program.send(signal.SIGHUP)

    def run_round(self, number: int) -> Round:
        way = WAYS[number % len(WAYS)]
        since, begun = self.begin(), time.monotonic()
        reloads = Reloads(self, way, self._serial)
        reloads.start()
        try:
            time.sleep(random.uniform(0.0, EVERY))
            trigger = self.trigger("kill" if number // len(WAYS) % 2 == 0 else "planned")
            failover = self.group.wait_failover(trigger)
            measured = self.finish(failover, since)
        finally:
            reloads.stop()
            self._serial = reloads.serial
        if measured["event_to_label_ms"] > RIGHT_WITHIN * 1000:
            raise AssertionError(f"right only {measured['event_to_label_ms']:.0f} ms after the news")
        self._settle(reloads)
        return measured | {"way": way} | self._what_came_of(reloads, begun)

    def _settle(self, reloads: Reloads) -> None:
        """One more, which is right: it is in effect, and the program is as well as ever."""
        last = time.monotonic()
        reloads.write()
        self._serial = reloads.serial
        program = self.stage.program
        program.wait_for_log("configuration reloaded", since=last)
        wait_until(lambda: "refused" not in program.readyz()[1], 5.0, "the last one is in effect")
        program.wait_ready()
        self.stage.check()

    def _what_came_of(self, reloads: Reloads, begun: float) -> Round:
        log = self.stage.program.log(since=begun)
        replaced = [
            int(found[1])
            for entry in log
            if (found := re.search(r"reloaded: (\d+) processes replaced", entry.message))
        ]
        # Of two that come within one look, the second is read; the last one of the round before may come in this one.
        if not 0 < len(replaced) <= reloads.written + 1 or sum(replaced) < len(replaced):
            raise AssertionError(f"{reloads.written} right files, and {replaced} were replaced")
        return {
            "files": reloads.written,
            "reloads": len(replaced),
            "replaced": sum(replaced),
            "wrong_files": reloads.wrong,
        }


def main() -> int:
    options = parse(str(__doc__), rounds=60, name="reloads")
    share_kubernetes(options)
    figures = {
        "first news to label": "event_to_label_ms",
        "new primary takes writes to label": "t0_to_label_ms",
    }
    rounds = run(options, Scene)
    status = summarise(rounds, options.rounds, figures, by="way")
    right = [entry for entry in rounds if entry["ok"]]
    told = (sum(entry[key] for entry in right) for key in ("reloads", "replaced", "wrong_files"))
    print("{} reloads, {} children replaced, {} wrong files".format(*told))
    return status


if __name__ == "__main__":
    sys.exit(main())
