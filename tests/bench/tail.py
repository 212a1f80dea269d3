#!/usr/bin/env python3
"""The distribution's tail: thousands of events of fake Sentinels, each followed by one way, whose turns are interleaved event
by event; the API server is a real one. No failover is played, so that a thousand take minutes. An event that was not followed
in time is noted as such. Prints tables and the goals that events alone can tell, which is the exit status too.

bash tests/bench/run.sh tail finds the build, the servers and the rest."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from run import circumstances
from tail_scene import SENTINELS, TailScene
from ways import NAMES, act_on_of

from figures import ratios_of_blocks, tabulate
from goals import OF_WRITING, judge
from lab.cluster import open_cluster
from lab.kubernetes import Kubernetes, backends, open_kubernetes
from lab.processes import stop_on_signals
from lab.rounds import SKIPPED, Round, by_comma, note, read_state
from plot import plot
from tables import tables

BLOCK = 100
NOTED = 25  # events after which they are noted
WAYS = ["floor", "announcement/label", "announcement/endpointslice", "announcement/service-selector"]


def play(names: list[str], events: int, state: Path | None, open_api: Callable[[], Kubernetes]) -> list[Round]:
    """Those of the state file included, which gets the new ones as they are done."""
    done = read_state(state) if state else []
    if others := {entry["way"] for entry in done} ^ set(names) if done else set():
        raise SystemExit(f"{state} has other ways: {', '.join(sorted(others))}")
    missing = events - len(done) // len(names)
    if missing <= 0:
        return done
    with open_api() as kubernetes, TailScene(kubernetes, names) as scene:
        while missing > 0:
            rounds = scene.play(min(NOTED, missing))
            missing -= NOTED
            done += rounds
            if state:
                note(state, *rounds)
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="for each way (default: %(default)s)")
    parser.add_argument("--ways", type=by_comma(NAMES), default=WAYS, help=f"by comma (default: {','.join(WAYS)})")
    parser.add_argument("--cluster", action="store_true", help="that of $KUBECONFIG, in namespaces of its own that are deleted again")
    parser.add_argument("--state", type=Path, help="finished events, one JSON object a line; a run with the same file goes on after them")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    if without := [name for name in given.ways if act_on_of(name) not in SENTINELS]:
        parser.error(f"no Sentinel's event is that of {', '.join(without)}")
    if not given.cluster and "real" not in backends():
        print("skipped: no real API server here: KUBERNETES_LAB is not set")
        return SKIPPED
    stop_on_signals()
    open_api = open_cluster if given.cluster else lambda: open_kubernetes("real", private=True)
    played = play(given.ways, given.events, given.state, open_api)
    rounds = sorted((entry for entry in played if entry["ok"]), key=lambda entry: given.ways.index(entry["way"]))
    figures = tabulate(rounds)
    print("\n".join(f"{name}: {text}" for name, text in circumstances(rounds).items()))
    print("\n".join(tables(figures)))
    for way in given.ways:
        if ratios := ratios_of_blocks(rounds, way, "event_to_published_ms", BLOCK):
            told = f"{min(ratios):.2f} to {max(ratios):.2f} x floor in each {BLOCK} events"
            print(f"{way}: {told}")
    verdicts = judge(figures, given.events, OF_WRITING)
    wrong = [entry for entry in played if not entry["ok"]]
    verdicts[f"each event was followed: {len(wrong)} were not"] = not wrong
    for entry in wrong:
        print(f"{entry['way']}: {entry['why']}")
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    if given.json:
        whole = {**circumstances(rounds), "figures": figures, "goals": verdicts, "events": played}
        given.json.write_text(json.dumps(whole, indent=1, default=asdict) + "\n")
    if given.svg:
        given.svg.write_text(plot(figures))
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
