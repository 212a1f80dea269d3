#!/usr/bin/env python3
"""The distribution's tail: thousands of events of a fake Sentinel, each followed by one way, whose turns are interleaved event
by event; the API server is a real one. No failover is played, so that a thousand take minutes. Prints tables and the goals that
events alone can tell, which is the exit status too.

bash tests/bench/run.sh tail finds the build, the servers and the rest."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from run import SKIPPED, circumstances, ways
from tail_scene import TailScene

from figures import ratios_of_blocks, tabulate
from goals import OF_WRITING, judge
from lab.kubernetes import backends, open_kubernetes
from lab.processes import stop_on_signals
from plot import plot
from tables import tables

BLOCK = 100
WAYS = ["floor", "announcement/label", "announcement/endpointslice", "announcement/service-selector"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="for each way (default: %(default)s)")
    parser.add_argument("--ways", type=ways, default=WAYS, help=f"by comma (default: {','.join(WAYS)})")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    if "real" not in backends():
        print("skipped: no real API server here: KUBERNETES_LAB is not set")
        return SKIPPED
    stop_on_signals()
    with open_kubernetes("real", private=True) as kubernetes, TailScene(kubernetes, given.ways) as scene:
        rounds = scene.play(given.events)
    rounds.sort(key=lambda entry: given.ways.index(entry["way"]))
    figures = tabulate(rounds)
    print("\n".join(f"{name}: {text}" for name, text in circumstances(rounds).items()))
    print("\n".join(tables(figures)))
    for way in given.ways:
        if ratios := ratios_of_blocks(rounds, way, "event_to_published_ms", BLOCK):
            told = f"{min(ratios):.2f} to {max(ratios):.2f} x floor in each {BLOCK} events"
            print(f"{way}: {told}")
    verdicts = judge(figures, given.events, OF_WRITING)
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    if given.json:
        whole = {**circumstances(rounds), "figures": figures, "goals": verdicts, "events": rounds}
        given.json.write_text(json.dumps(whole, indent=1, default=asdict) + "\n")
    if given.svg:
        given.svg.write_text(plot(figures))
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
