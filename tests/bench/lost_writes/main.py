#!/usr/bin/env python3
"""How many acknowledged writes are lost in a failover, and for how long writes fail. Failovers of real Sentinels by turns:
SENTINEL FAILOVER, SIGKILL and SIGSTOP of the primary. Each is followed at once by the program with each `act_on` and each
way to publish, and by a plain listener to `+switch-master` of one Sentinel that moves a label. Through each of their
routes two clients write numbered keys, one over a new connection for each write, one over a connection that it keeps.
Prints tables and whether the goals are met, which is the exit status too; 77: it can't be played here.

bash tests/bench/lost_writes.sh finds the build and the servers. It needs root, for a network of its own, and the real
API server."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.haproxy import find_haproxy  # noqa: E402
from lab.namespaces import why_not  # noqa: E402
from lab.rounds import SKIPPED, Round, by_comma, parse, read_state, run  # noqa: E402
from lab.servers import find_servers  # noqa: E402

from report import judge, lines, ratio_lines, ratios, spread, tabulate, words  # noqa: E402
from routes import CONNECTIONS, KINDS, route_name  # noqa: E402
from scene import Scene  # noqa: E402



def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kinds", type=by_comma(KINDS), default=list(KINDS),
        help=f"of failovers, which take turns: by comma, of {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--interval", type=float, default=20.0, help="ms from one write of a client to the next"
    )
    parser.add_argument("--only-play", action="store_true", help="no goal has to be met, but each round to be right")
    parser.add_argument("--json", type=Path, help="default: lost_writes.json beside the state file")


def of_rounds(right: list[Round]) -> dict[str, list[float]]:
    """What is known of the rounds themselves, and of the measurement."""
    streams = [stream for entry in right for stream in entry["streams"].items()]
    return {
        "load": [entry["load"] for entry in right],
        "first news, ms after T0": [entry["event_after_t0_ms"] for entry in right],
        "old primary demoted, ms after T0": [
            entry["old_demoted_after_t0_ms"] for entry in right if "old_demoted_after_t0_ms" in entry
        ],
    } | {
        f"a write took, ms, connection {connection}": [
            stream["write_ms"] for name, stream in streams if name.endswith(f"/{connection}")
        ]
        for connection in CONNECTIONS
    }


def main() -> int:
    options = parse(
        str(__doc__), rounds=90, name="lost_writes", workers=1, kubernetes=False, more=add_arguments
    )
    reason = why_not()
    if not os.environ.get("KUBERNETES_LAB"):
        reason = "no real API server here: KUBERNETES_LAB is not set"
    if not find_haproxy():
        reason = "no HAProxy on PATH: tests/servers.sh --with-haproxy"
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    noted = {entry["interval_ms"] for entry in read_state(options.state) if entry["ok"]}
    if others := noted - {options.others.interval}:
        raise SystemExit(f"{options.state} has rounds with another --interval: {others}")
    rounds = run(options, Scene)
    right = [entry for entry in rounds if entry["ok"]]
    table = tabulate(right)
    verdicts = judge(table, rounds, options.rounds)
    servers = f"{find_servers().product} {find_servers().version()}"
    print(f"\n{servers}, three Sentinels, one primary, two replicas; ", end="")
    print(f"each client writes every {options.others.interval:g} ms")
    print("\n".join([*lines(table), *ratio_lines(ratios(table))]))
    itself = {name: spread(values) for name, values in of_rounds(right).items() if values}
    print()
    for name, values in itself.items():
        print(f"{name}: {words(values)}")
    print()
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    output = options.others.json or options.state.with_name("lost_writes.json")
    output.write_text(
        json.dumps(
            {
                "server": servers,
                "interval_ms": options.others.interval,
                "table": table,
                "times_fewer": {route_name(each.hearer, each.way): each.times for each in ratios(table)},
                "rounds": itself,
                "goals": verdicts,
            },
            indent=2,
        )
        + "\n"
    )
    print(f"\nas JSON: {output}")
    return 0 if (len(right) == options.rounds if options.others.only_play else all(verdicts.values())) else 1


if __name__ == "__main__":
    sys.exit(main())
