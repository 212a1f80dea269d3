#!/usr/bin/env python3
"""How fast clients are led to a new primary, and what that takes: the program in each of its modes beside a floor, a shell
script and a Python script. The ways have their turns interleaved, round by round; all figures are from one run, and what
counts is the ratio to `floor`. Prints tables and whether the goals are met, which is the exit status too.

bash tests/bench/run.sh finds the build, the servers and the rest; README.md beside this file says what each figure is."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from run_scene import RunScene
from ways import NAMES

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from figures import tabulate  # noqa: E402
from goals import judge  # noqa: E402
from lab.namespaces import why_not  # noqa: E402
from lab.rounds import SKIPPED, Round, by_comma, parse, run  # noqa: E402
from lab.servers import find_servers  # noqa: E402
from page import measured, measured_in_short, put_into  # noqa: E402
from plan import plan  # noqa: E402
from plot import plot  # noqa: E402
from tables import table_in_short, tables  # noqa: E402

KINDS = ("planned", "kill")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ways", type=by_comma(NAMES), default=NAMES, help=f"by comma, of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--kinds", type=by_comma(KINDS), default=list(KINDS), help=f"of failovers, in turn: by comma, of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds for which each is looked at at rest; 0: not at all")
    parser.add_argument("--only-play", action="store_true", help="no goal has to be met, but each round to be right")
    parser.add_argument("--json", type=Path, help="default: figures.json beside the state file")
    parser.add_argument("--svg", type=Path, help="default: figures.svg beside the state file")
    parser.add_argument("--page", type=Path, action="append", default=[], help="with a place for the figures; the picture then stands beside the first")


def circumstances(rounds: Sequence[Round]) -> dict[str, str]:
    servers = find_servers()
    return {
        "servers": f"{servers.product} {servers.version()}",
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}",
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "load": f"{statistics.median(entry['load'] for entry in rounds):.1f} in the median" if rounds else "unknown",
    }


def main() -> int:
    options = parse(str(__doc__), rounds=60, name="bench", workers=1, more=add_arguments)
    if reason := why_not() or ("" if options.backend == "real" else "no real API server here: KUBERNETES_LAB is not set"):
        print(f"skipped: {reason}")
        return SKIPPED
    given = options.others
    given.plan = plan(given.ways, options.rounds, given.kinds, given.rest)
    rounds = run(replace(options, rounds=len(given.plan)), RunScene)
    right = sorted((entry for entry in rounds if entry["ok"]), key=lambda entry: given.ways.index(entry["way"]))
    figures = tabulate(right)
    print("\n" + "\n".join(f"{name}: {text}" for name, text in circumstances(right).items()))
    print("\n".join(tables(figures)))
    verdicts = judge(figures, options.rounds)
    verdicts[f"no round was wrong: {len(rounds) - len(right)} were"] = len(right) == len(rounds)
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    output = given.json or options.state.with_name("figures.json")
    whole = {**circumstances(right), "figures": figures, "goals": verdicts}
    output.write_text(json.dumps(whole, indent=2, default=asdict) + "\n")
    picture = given.svg or (*given.page, options.state)[0].with_name("figures.svg")
    picture.write_text(plot(figures))
    for page in given.page:
        shown, how = (os.path.relpath(file, page.resolve().parent) for file in (picture, Path(__file__).with_name("README.md")))
        whole_text = measured(circumstances(right), tables(figures), verdicts, shown)
        in_short = measured_in_short(circumstances(right), table_in_short(figures), shown, how)
        page.write_text(put_into(page.read_text(), whole_text, in_short))
    print(f"\nas JSON: {output}\nas a picture: {picture}")
    return 0 if (len(right) == len(given.plan) if given.only_play else all(verdicts.values())) else 1


if __name__ == "__main__":
    sys.exit(main())
