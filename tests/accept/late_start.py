#!/usr/bin/env python3
"""What the program needs is down when it starts and comes up some time later: the Sentinels, the
API server, or both. It must wait, say so, stay alive, restart nothing, and then do its job."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.kubernetes import PrivateKubernetes, backends, open_kubernetes  # noqa: E402
from lab.rounds import Options, Round, parse, run, summarise  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import ValkeyGroup  # noqa: E402

KINDS = ("Sentinels late", "API server late", "both late")


class Scene:
    """Servers and pods are new in each round."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._group: ValkeyGroup | None = None
        self._kubernetes: PrivateKubernetes | None = None
        self._stage: Stage | None = None

    def run_round(self, number: int) -> Round:
        kind = KINDS[number % len(KINDS)]
        sentinels_late, api_late = number % len(KINDS) != 1, number % len(KINDS) != 0
        self.close()
        group = self._group = ValkeyGroup()
        kubernetes = open_kubernetes(self._options.backend, private=True)
        assert isinstance(kubernetes, PrivateKubernetes)
        self._kubernetes = kubernetes
        stage = self._stage = Stage(kubernetes, [group])
        group.start_instances()
        if not sentinels_late:
            group.start_sentinels()
            group.wait_healthy()
        if api_late:
            kubernetes.kill()
        stage.program.start()
        waited_for = self._wait_in_vain(stage)
        children = {process.pid for process in stage.program.processes()}
        if api_late:
            kubernetes.revive()
        if sentinels_late:
            group.start_sentinels()
        up = time.monotonic()
        stage.wait_right(timeout=15.0)
        right = time.monotonic()
        stage.program.wait_ready()
        group.wait_healthy()
        failover = group.wait_failover(group.sentinel_failover())
        stage.wait_right(primary=failover.new, timeout=2.0)
        stage.check()
        if {process.pid for process in stage.program.processes()} != children:
            raise AssertionError("a process was restarted")
        return {"kind": kind, "up_to_right_ms": (right - up) * 1000, "not_ready": waited_for}

    def save(self, folder: Path) -> None:
        if self._stage is not None:
            self._stage.save(folder)

    def close(self) -> None:
        for part in (self._stage, self._kubernetes, self._group):
            if part is not None:
                part.close()
        self._stage = self._kubernetes = self._group = None

    def _wait_in_vain(self, stage: Stage) -> str:
        """Looks at it all the time; returns what it said to be missing in the end."""
        program = stage.program
        end = time.monotonic() + self._options.others.away
        reasons = ""
        while time.monotonic() < end:
            time.sleep(0.5)
            health, ready = program.healthz()[0], program.readyz()
            if health != 200 or ready[0] != 503 or not ready[1].strip():
                raise AssertionError(f"/healthz {health}, /readyz {ready}")
            reasons = ready[1].strip()
        if not any(entry.fields.get("level") in ("warning", "error") for entry in program.log()):
            raise AssertionError("no word about it in the log")
        return reasons.replace("\n", "; ")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--away", type=float, default=20.0, help="seconds (default: 20)")


def main() -> int:
    options = parse(str(__doc__), rounds=3, name="late-start", more=add_arguments)
    if options.backend not in backends():
        raise SystemExit("no real Kubernetes API server here: KUBERNETES_LAB is not set")
    return summarise(run(options, Scene), options.rounds, {"up again to right": "up_to_right_ms"})


if __name__ == "__main__":
    sys.exit(main())
