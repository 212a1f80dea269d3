#!/usr/bin/env python3
"""How early a failover is heard. In each round three sentinel-watchers, one for each `act_on`, and
a plain subscriber of `+switch-master` at one random Sentinel hear the same failover of real
Sentinels. Times are from T0, when the new primary turned primary (its ROLE is asked every ms), to
the moment at which the topology left the watcher. Prints one table and whether the goals are met,
which is the exit status too.

bash tests/bench/hearing.sh finds the build and the servers."""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hearing_scene import LISTENERS, SCENARIOS, SUBSCRIBER, WATCHERS, HearingScene

from lab.rounds import Options, Round, by_comma, parse, run
from lab.servers import find_servers
from watcher_alone import SO_TIMESTAMPNS, sent_at

SERVERS = {"valkey": "VALKEY_SERVERS", "redis7": "REDIS_SERVERS"}

STATISTICS = {
    "median": statistics.median,
    "p90": lambda values: values[min(len(values) - 1, int(len(values) * 0.9))],
    "max": max,
}


@dataclass(frozen=True)
class Goal:
    """Holds in each scenario."""

    listener: str
    statistic: str
    at_most: float  # ms


GOALS = (
    Goal("announcement", "median", 950),
    Goal("announcement", "max", 1500),
    Goal("agreement", "median", 1050),
    Goal("agreement", "max", 1650),
    Goal("promotion", "median", 10),
    Goal("promotion", "p90", 20),
)

Table = dict[str, dict[str, dict[str, float]]]  # scenario, listener, statistic (or "n", "wrong")


def tabulate(rounds: dict[str, list[Round]]) -> Table:
    return {
        scenario: {listener: _row(entries, listener) for listener in LISTENERS}
        for scenario, entries in rounds.items()
    }


def _row(entries: list[Round], listener: str) -> dict[str, float]:
    values = sorted(e[f"{listener}_ms"] for e in entries if f"{listener}_ms" in e)
    row: dict[str, float] = {"n": len(values)}
    row |= {name: function(values) for name, function in STATISTICS.items() if values}
    if listener != SUBSCRIBER:
        row["wrong"] = sum(any(w.startswith(f"{listener}:") for w in e["wrong"]) for e in entries)
    return row


def print_table(table: Table) -> None:
    heads = "".join(f"{name:>10}" for name in STATISTICS)
    print(f"\n{'ms after T0':12}{'heard by':14}{'n':>5}{heads}{'wrong':>8}")
    for scenario, rows in table.items():
        for listener, row in rows.items():
            figures = "".join(
                f"{row[name]:10.1f}" if name in row else f"{'-':>10}" for name in STATISTICS
            )
            print(f"{scenario:12}{listener:14}{row['n']:5}{figures}{row.get('wrong', '-'):>8}")
            scenario = ""


def judge(table: Table, rounds: dict[str, list[Round]], wanted: int) -> dict[str, bool]:
    """Each goal, with whether it is met."""
    verdicts = {}
    for goal in GOALS:
        worst, where = max(
            (rows[goal.listener].get(goal.statistic, float("inf")), scenario)
            for scenario, rows in table.items()
        )
        text = f"{goal.listener} {goal.statistic} <= {goal.at_most:g} ms"
        verdicts[f"{text}: worst {worst:.1f} ({where})"] = worst <= goal.at_most
    wrong = sum(int(rows[act_on]["wrong"]) for rows in table.values() for act_on in WATCHERS)
    verdicts[f"each named the new primary and no other: {wrong} did not"] = wrong == 0
    right = {name: sum(1 for e in entries if e["ok"]) for name, entries in rounds.items()}
    verdicts[f"{wanted} rounds each: {right}"] = all(count >= wanted for count in right.values())
    return verdicts


def own_error(rounds: Iterable[Round]) -> dict[str, dict[str, float]]:
    """In ms. T0 is when our connection to the new primary ended; it can't be earlier than the
    question before (asked of a replica still), nor later than the answer after."""
    entries = list(rounds)
    return {
        "T0 was at most so much earlier": _spread(e["t0_early_ms"] for e in entries),
        "T0 was at most so much later": _spread(e["t0_late_ms"] for e in entries),
        "a topology was sent so much earlier": _spread(_stamp_errors()),
    }


def _spread(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: function(ordered) for name, function in STATISTICS.items() if ordered}


def _stamp_errors() -> list[float]:
    """From just before a packet is sent to its stamp, as the watchers' packets are stamped."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    errors = []
    with ours, theirs:
        for _ in range(1000):
            before = time.monotonic()
            theirs.send(b"topology")
            _, stamps, _, _ = ours.recvmsg(64, socket.CMSG_SPACE(16))
            errors.append((sent_at(stamps) - before) * 1000)
    return errors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", choices=tuple(SERVERS), default="valkey")
    parser.add_argument(
        "--scenarios",
        type=by_comma(SCENARIOS),
        default=list(SCENARIOS),
        help="by comma (default: all): kill and stop (of the primary), planned (SENTINEL "
        "FAILOVER), stuck (kill, and a replica that answers PING but can't sync)",
    )
    parser.add_argument("--json", type=Path, help="default: hearing.json beside the state file")


def choose_servers(server: str) -> str:
    folder = os.environ.get(SERVERS[server])
    if not folder:
        raise SystemExit(f"{SERVERS[server]} is not set: bash tests/bench/hearing.sh sets it")
    os.environ["VALKEY_SERVERS"] = folder
    return f"{find_servers().product} {find_servers().version()}"


def measure(options: Options, scenario: str) -> list[Round]:
    """Each scenario has a state file of its own, so that a later run may want other rounds."""
    state = options.state
    own = state.with_name(f"{state.stem}-{options.others.server}-{scenario}{state.suffix}")
    print(f"\n{scenario}: ", end="")
    return run(replace(options, state=own), lambda _: HearingScene(scenario))


def main() -> int:
    options = parse(
        str(__doc__), rounds=30, name="hearing", workers=1, kubernetes=False, more=add_arguments
    )
    scenarios = options.others.scenarios
    version = choose_servers(options.others.server)
    rounds = {scenario: measure(options, scenario) for scenario in scenarios}
    right = {name: [e for e in entries if e["ok"]] for name, entries in rounds.items()}

    table = tabulate(right)
    errors = own_error(entry for entries in right.values() for entry in entries)
    verdicts = judge(table, rounds, options.rounds)
    print(f"\n{version}, three Sentinels, one primary, two replicas")
    print_table(table)
    for entry in (entry for entries in right.values() for entry in entries if entry["wrong"]):
        print(f"wrong: {entry['scenario']} {entry['round']}: {'; '.join(entry['wrong'])}")
    print("\nthe measurement itself, in ms:")
    for name, spread in errors.items():
        print(f"{name:38}" + "".join(f"{key:>8} {value:.3f}" for key, value in spread.items()))
    print()
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    output = options.others.json or options.state.with_name("hearing.json")
    output.write_text(
        json.dumps(
            {"server": version, "table": table, "goals": verdicts, "own_error_ms": errors}, indent=2
        )
        + "\n"
    )
    print(f"\nas JSON: {output}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
