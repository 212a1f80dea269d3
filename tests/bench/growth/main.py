#!/usr/bin/env python3
"""How memory, processor, requests and time grow with groups, pods and instances, and what a storm of failovers takes. Each
size of each part is noted in the state file, and a run with the same file goes on after them. Prints tables with each
figure's slope, and the goals, which are the exit status too; 77: it can't be measured here.

bash tests/bench/growth.sh finds the build and the servers."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0]), str(HERE.parents[1])]

from goals import judge  # noqa: E402
from instances_part import ManyInstances  # noqa: E402
from parts import Groups, Pods, Storms  # noqa: E402
from picture import picture  # noqa: E402
from plan import PARTS, Point, to_do  # noqa: E402
from report import lines_of, tables  # noqa: E402

from lab.kubernetes import Kubernetes, backends, open_kubernetes  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.rounds import SKIPPED, by_comma, note, read_state  # noqa: E402

FEWEST_INSTANCES = 3  # one for each node of the group's pods
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


class Part(Protocol):
    def measure(self, size: int) -> Point:
        ...

    def close(self) -> None:
        ...


def numbers(text: str) -> list[int]:
    found = [int(word) for word in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text}: 1 at least")
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=by_comma(PARTS), default=list(PARTS), help=f"by comma, of {', '.join(PARTS)}")
    for part, (_, sizes) in PARTS.items():
        parser.add_argument(f"--{part}", type=numbers, default=list(sizes), help=f"sizes (default: {','.join(map(str, sizes))})")
    parser.add_argument("--rest", type=float, default=20, help="seconds at rest (default: %(default)g)")
    parser.add_argument("--rounds", type=int, default=7, help="of a storm, of a failover (default: %(default)s)")
    parser.add_argument("--without-events", action="store_true", help="storms of a target with `events = false`")
    parser.add_argument("--state", type=Path, help="default: a new file in the temporary folder")
    given = parser.parse_args()
    if min(given.instances) < FEWEST_INSTANCES:
        parser.error(f"--instances: {FEWEST_INSTANCES} at least, one for each node of the group's pods")
    return given


def raise_limits(instances: int) -> None:
    """Descriptors are this process's own affair; what belongs to the machine is only told."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if INOTIFY.exists() and int(INOTIFY.read_text()) < instances:
        print(
            f"fs.inotify.max_user_instances is {INOTIFY.read_text().strip()}: of {instances} instances some can't watch their "
            "configuration's folder, and look at it by the clock; nothing that is measured here depends on it",
            flush=True,
        )


def main() -> int:
    given = arguments()
    if "real" not in backends():
        print("skipped: no real API server here: KUBERNETES_LAB is not set")
        return SKIPPED
    state = given.state or Path(tempfile.mkdtemp(prefix="growth-")) / "points.jsonl"
    done: list[Point] = read_state(state)
    open_points = to_do({part: getattr(given, part) for part in given.parts}, done)
    print(f"{len(done)} sizes are measured, {len(open_points)} to do; noted in {state}", flush=True)
    stop_on_signals()
    if open_points:
        raise_limits(max((size for part, size in open_points if part == "instances"), default=0))
        with open_kubernetes("real", private=True) as kubernetes:
            measure(kubernetes, open_points, given, state, done)
    return report(done, state)


def measure(
    kubernetes: Kubernetes, open_points: list[tuple[str, int]], given: argparse.Namespace, state: Path, done: list[Point]
) -> None:
    make: dict[str, Callable[[], Part]] = {
        "groups": lambda: Groups(kubernetes, given.rest),
        "pods": lambda: Pods(kubernetes, given.rest),
        "storm": lambda: Storms(kubernetes, given.rounds, not given.without_events),
        "instances": lambda: ManyInstances(kubernetes, given.rounds, given.rest),
    }
    for part in dict.fromkeys(part for part, _ in open_points):
        scene = make[part]()
        try:
            for size in (size for of, size in open_points if of == part):
                point = {"part": part, **scene.measure(size)}
                done.append(point)
                note(state, point)
                told = (f"{key} {value:.5g}" for key, value in point.items() if isinstance(value, float | int) and key != "size")
                print(f"{part} {size}: {', '.join(told)}", flush=True)
        finally:
            scene.close()


def report(points: list[Point], state: Path) -> int:
    print("\n".join(tables(points)) + "\n")
    verdicts = judge(points)
    for text, met in verdicts.items():
        print(f"{'pass' if met else 'FAIL'}  {text}")
    whole = {"points": points, "lines": lines_of(points), "goals": verdicts}
    state.with_suffix(".json").write_text(json.dumps(whole, indent=1, default=asdict) + "\n")
    state.with_suffix(".svg").write_text(picture(points))
    print(f"\nas JSON and as a picture: {state.with_suffix('.json')}, {state.with_suffix('.svg')}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
