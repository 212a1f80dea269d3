"""Long loops: numbered rounds by several workers, noted in a file; a later run goes on there."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol, cast

from lab.kubernetes import backends, open_kubernetes
from lab.processes import die_with_parent, stop_on_signals

SKIPPED = 77  # exit status: it can't be played here
WRONG_IN_A_ROW = 5  # then something is broken for good
# All others say what a round is.
NOT_OF_A_ROUND = ("rounds", "state", "workers", "only_play", "json", "svg", "page", "plan", "scenarios")

Round = dict[str, Any]  # "round", "ok", "why" and what the loop measures


def by_comma(known: Collection[str]) -> Callable[[str], list[str]]:
    """The type of an argument: some of these, as `a,b`."""

    def some(text: str) -> list[str]:
        named = text.split(",")
        if unknown := set(named) - set(known):
            raise argparse.ArgumentTypeError(
                f"there is no {', '.join(sorted(unknown))}, but {', '.join(known)}"
            )
        return named

    return some


class Scene(Protocol):
    """What one worker has for its rounds: servers, pods, program. Made in its main thread."""

    def run_round(self, number: int) -> Round:
        """Without "round" and "ok"; a round that went wrong raises."""

    def is_void(self) -> bool:
        """Whether the last round was none, through no fault of the program: it is played again."""

    def save(self, folder: Path) -> None:
        """Everything from which one can find out why the last round went wrong."""

    def close(self) -> None:
        ...


@dataclass(frozen=True)
class Options:
    rounds: int
    state: Path
    workers: int
    backend: str  # empty: the loop needs no Kubernetes
    others: argparse.Namespace

    def of_a_round(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self.others).items() if name not in NOT_OF_A_ROUND}


def parse(
    description: str,
    *,
    rounds: int,
    name: str,
    workers: int = 2,
    kubernetes: bool = True,
    more: Callable[[argparse.ArgumentParser], None] = lambda _: None,
) -> Options:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default: {rounds}")
    parser.add_argument(
        "--state",
        type=Path,
        help="finished rounds, one JSON object a line; a run with the "
        "same file goes on after them (default: a new file in the temporary folder)",
    )
    parser.add_argument(
        "--workers", type=int, default=workers, help=f"labs at a time (default: {workers})"
    )
    if kubernetes:
        parser.add_argument(
            "--backend",
            choices=("real", "fake"),
            default="real" if os.environ.get("KUBERNETES_LAB") else "fake",
            help="Kubernetes API server (default: real where $KUBERNETES_LAB is set)",
        )
    more(parser)
    given = parser.parse_args()
    state = given.state or Path(tempfile.mkdtemp(prefix=f"{name}-")) / "rounds.jsonl"
    backend = given.backend if kubernetes else ""
    return Options(given.rounds, state, given.workers, backend, given)


def read_state(state: Path) -> list[Round]:
    """A last line that was cut off by a kill counts for nothing."""
    rounds = []
    for line in state.read_text().splitlines() if state.exists() else []:
        try:
            rounds.append(json.loads(line))
        except ValueError:
            continue
    return rounds


def note(state: Path, *entries: dict[str, Any]) -> None:
    """Behind those that are there. They must not become part of a line that a kill cut off."""
    with open(state, "ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.writelines(json.dumps(entry).encode() + b"\n" for entry in entries)


def share_kubernetes(options: Options) -> None:
    """One API server for all workers: called before they start, they take it over."""
    if options.backend not in backends():
        raise SystemExit("no real Kubernetes API server here: KUBERNETES_LAB is not set")
    open_kubernetes(options.backend)


def run(options: Options, make_scene: Callable[[Options], Scene]) -> list[Round]:
    """All rounds up to options.rounds, those of the state file included."""
    finished = read_state(options.state)
    played = options.of_a_round()
    for entry in finished:
        if entry.get("options", played) != played:
            raise SystemExit(f"{options.state} is of rounds with {entry['options']}, and these are with {played}")
    done = {entry["round"] for entry in finished}
    open_rounds = [number for number in range(options.rounds) if number not in done]
    print(
        f"{len(done)} rounds are done, {len(open_rounds)} to do; noted in {options.state}",
        flush=True,
    )
    options.state.parent.mkdir(parents=True, exist_ok=True)
    stop_on_signals()
    for entry in _work(options, make_scene, open_rounds):
        entry["options"] = played
        finished.append(entry)
        note(options.state, entry)
        print(_line(entry), flush=True)
        last = finished[-WRONG_IN_A_ROW:]
        if len(last) == WRONG_IN_A_ROW and not any(each["ok"] for each in last):
            print(f"given up: the last {WRONG_IN_A_ROW} rounds were wrong", flush=True)
            break
    return finished


def _work(
    options: Options, make_scene: Callable[[Options], Scene], numbers: list[int]
) -> Iterator[Round]:
    """Hands the numbers out one by one. A worker that dies is an error of the loop itself."""
    workers: dict[Connection, multiprocessing.Process] = {}
    started = []
    try:
        for _ in range(min(options.workers, len(numbers))):
            ours, theirs = multiprocessing.Pipe()
            arguments = (theirs, options, make_scene, die_with_parent())
            worker = multiprocessing.Process(target=_worker, args=arguments)
            worker.start()
            started.append(worker)
            theirs.close()
            ours.send(numbers.pop(0))
            workers[ours] = worker
        while workers:
            for connection in cast(list[Connection], wait(list(workers))):
                try:
                    entry = connection.recv()
                except EOFError:
                    raise RuntimeError("a worker died; what it said is above") from None
                if numbers:
                    connection.send(numbers.pop(0))
                else:
                    connection.send(None)
                    del workers[connection]
                yield entry
    finally:
        for worker in workers.values():
            worker.terminate()
        for worker in started:
            worker.join(60)
            if worker.is_alive():
                print("a worker is still closing after 60 s: it is ended", flush=True)
                worker.terminate()
                worker.join(10)
    # What was left behind when all was over is found there.
    if faulty := [worker.exitcode for worker in started if worker.exitcode != 0]:
        raise RuntimeError(f"workers did not end as they should ({faulty}); what they said is above")


def _worker(
    connection: Connection,
    options: Options,
    make_scene: Callable[[Options], Scene],
    prepare: Callable[[], None],
) -> None:
    prepare()
    scene: Scene | None = None
    try:
        while (number := connection.recv()) is not None:
            entry: Round = {"round": number, "ok": True}
            try:
                try:
                    scene = scene or make_scene(options)
                    entry |= scene.run_round(number)
                except Exception:
                    if scene is None or not scene.is_void():
                        raise
                    print(f"round {number:4}  void, played again: {traceback.format_exc(limit=0)}")
                    void, scene = scene, None
                    void.close()
                    scene = make_scene(options)
                    entry |= scene.run_round(number) | {"void": 1}
            except Exception as error:  # a wrong round, whatever the reason, is noted as such
                entry |= {"ok": False, "why": f"{type(error).__name__}: {error}"}
                entry["saved"] = str(_save(options, number, scene))
                if scene is not None:
                    _close_quietly(scene)
                scene = None
            connection.send(entry)
    except (KeyboardInterrupt, EOFError):
        pass
    finally:
        if scene is not None:
            scene.close()


def _save(options: Options, number: int, scene: Scene | None) -> Path:
    folder = options.state.with_suffix(".wrong") / f"round-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "traceback.txt").write_text(traceback.format_exc())
    if scene is not None:
        scene.save(folder)
    return folder


def _close_quietly(scene: Scene) -> None:
    """After a wrong round: that the rest is wrong too is no news."""
    try:
        scene.close()
    except Exception:
        traceback.print_exc()


def _line(entry: Round) -> str:
    if not entry["ok"]:
        return f"round {entry['round']:4}  WRONG: {entry['why']}\n            see {entry['saved']}"
    told = (
        f"{key} {value:.0f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in entry.items()
        if key not in ("round", "ok") and not isinstance(value, (dict, list))  # a table is for the file alone
    )
    return f"round {entry['round']:4}  " + "  ".join(told)


def summarise(rounds: list[Round], wanted: int, figures: dict[str, str], by: str = "kind") -> int:
    """Prints a table of the figures (title: key, all in ms); the exit status of the loop."""
    right = [entry for entry in rounds if entry["ok"]]
    print(f"\n{'':36}{'rounds':>8}{'median':>9}{'p90':>9}{'max':>9}   (ms)")
    for title, key in figures.items():
        for kind in [None, *sorted({str(entry.get(by)) for entry in right})]:
            values = sorted(
                float(entry[key])
                for entry in right
                if entry.get(key) is not None and kind in (None, str(entry.get(by)))
            )
            if values:
                print(_row(title if kind is None else f"    {kind}", values))
    wrong = [entry for entry in rounds if not entry["ok"]]
    print(f"\n{len(right)} of {wanted} rounds right, {len(wrong)} wrong")
    for entry in wrong:
        print(_line(entry))
    return 0 if len(right) >= wanted and not wrong else 1


def _row(title: str, values: list[float]) -> str:
    p90 = values[min(len(values) - 1, int(len(values) * 0.9))]
    median = statistics.median(values)
    return f"{title:36}{len(values):8}{median:9.0f}{p90:9.0f}{values[-1]:9.0f}"
