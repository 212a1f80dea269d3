"""/status and /metrics tell what really happens: a failover with each of its steps, a child that
dies, a problem, a reload that is refused."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
import unittest
from datetime import datetime
from pathlib import Path
from typing import Any

from case import ProcessTest, main

from lab.configuration import file_target
from lab.processes import wait_until
from lab.program import LABELER, WATCHER, Program
from lab.valkey import Failover

PROJECT = Path(__file__).resolve().parent.parent.parent
STATUS_MD = PROJECT / "supervisor" / "status" / "README.md"


def status_of(program: Program) -> dict[str, Any]:
    code, text = program.get("/status")
    assert code == 200, text
    return json.loads(text)


def metrics_of(program: Program) -> dict[str, float]:
    """By name and labels, as they stand in the text."""
    code, text = program.get("/metrics")
    assert code == 200, text
    samples = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    assert len({name for name, _ in samples}) == len(samples), "a series is there twice"
    return {name: float(value) for name, value in samples}


def metric(program: Program, name: str) -> float:
    return metrics_of(program)[f"valkey_reconciler_{name}"]


def shape(value: Any, path: str = "") -> set[str]:
    """The keys of a document, those of all elements of a list together."""
    if isinstance(value, dict):
        return {
            key
            for name, inner in value.items()
            for key in {f"{path}.{name}"} | shape(inner, f"{path}.{name}")
        }
    if isinstance(value, list):
        return {key for inner in value for key in shape(inner, path + "[]")}
    return set()


def seconds_of(time_text: str) -> float:
    return datetime.fromisoformat(time_text).timestamp()


class StatusTest(ProcessTest):
    def fail_over(self) -> Failover:
        failover = self.group.wait_failover(self.group.sentinel_failover())
        self.group.heal(failover)
        self.group.wait_healthy()
        return failover

    def wait_failover_shown(self, program: Program) -> dict[str, Any]:
        """The newest failover, once all its targets have applied it."""
        found: list[dict[str, Any]] = []

        def shown() -> bool:
            found[:] = status_of(program)["failovers"][:1]
            return bool(found) and all(t["outcome"] == "applied" for t in found[0]["targets"])

        wait_until(shown, 10.0, "the failover is shown")
        return found[0]

    def test_a_failover_is_shown_with_the_time_of_each_step(self) -> None:
        second = self.folder / "second"
        second.mkdir()
        program = self.start_ready(
            file_target(self.target), file_target(second).replace('"file"', '"second"', 1)
        )
        before = status_of(program)
        self.assertEqual(before["failovers"], [], "what is learnt at start is no failover")
        self.assertTrue(before["ready"])
        self.assertEqual(metric(program, 'failovers_total{group="myprimary"}'), 0)
        begun = time.time()
        failover = self.fail_over()
        shown = self.wait_failover_shown(program)
        old, new = (f"{i.host}:{i.port}" for i in (failover.old, failover.new))
        self.assertEqual((shown["from"], shown["to"]), (old, new))
        self.assertEqual((shown["state"], shown["settled"]), ("known", True))
        self.assertGreater(seconds_of(shown["event_at"]), begun)
        self.assertEqual([t["target"] for t in shown["targets"]], ["file", "second"])
        for target in shown["targets"]:
            self.assertLessEqual(shown["published_ms"], target["done_ms"])
            self.assertGreaterEqual(target["attempts"], 1)

        group = status_of(program)["groups"][0]
        self.assertEqual((group["primary"], group["epoch"]), (new, shown["epoch"]))
        self.assertEqual(group["since"], shown["event_at"])
        for target in status_of(program)["targets"]:
            self.assertEqual(target["groups"][0]["primary"], new)

        wait_until(
            lambda: metric(program, 'failovers_total{group="myprimary"}') == 1, 5.0, "counted"
        )
        for target in ("file", "second"):
            self.assertEqual(metric(program, f'label_seconds_count{{target="{target}"}}'), 1)
            done = next(t["done_ms"] for t in shown["targets"] if t["target"] == target)
            self.assertAlmostEqual(
                metric(program, f'label_seconds_sum{{target="{target}"}}'), done / 1e3, 3
            )
        self.assertEqual(metric(program, 'group_epoch{group="myprimary"}'), shown["epoch"])

        line = program.wait_for_log(lambda e: e.message.startswith("failover from"))
        self.assertEqual((line.fields["level"], line.fields["group"]), ("info", "myprimary"))
        self.assertEqual(line.fields["epoch"], shown["epoch"])
        self.assertRegex(
            line.message,
            rf"^failover from {re.escape(old)} to {re.escape(new)} \(.+\): "
            rf"heard {shown['event_at']}, "
            r"passed on after [\d.]+ ms, file applied after [\d.]+ ms \(\d attempts?\), "
            r"second applied after [\d.]+ ms \(\d attempts?\)$",
        )

    def test_a_target_that_cannot_follow_is_told_after_half_a_minute(self) -> None:
        program = self.start_ready()
        self.target.rename(self.folder / "away")
        self.fail_over()
        line = program.wait_for_log(lambda e: e.message.startswith("failover from"), 45.0)
        self.assertEqual(line.fields["level"], "warning")
        self.assertIn("file NOT applied", line.message)
        self.assertIn("No such file", line.message)
        shown = status_of(program)
        self.assertIsNone(shown["failovers"][0]["targets"][0]["done_ms"])
        self.assertEqual(shown["targets"][0]["groups"][0]["outcome"], "retry")
        self.assertFalse(shown["ready"])
        self.assertEqual(metric(program, 'target_in_sync{target="file",group="myprimary"}'), 0)
        (self.folder / "away").rename(self.target)
        done = self.wait_failover_shown(program)["targets"][0]["done_ms"]
        self.assertGreater(done, 25_000, "the late end is shown, too")

    def test_a_failover_that_is_under_way_at_the_end_is_told(self) -> None:
        program = self.start_ready()
        self.target.rename(self.folder / "away")
        self.fail_over()
        program.wait_for_log("not applied yet, it is tried again")
        program.terminate()
        self.assertEqual(program.wait(10.0), 0)
        [line] = [e for e in program.log() if e.message.startswith("failover from")]
        self.assertIn("file NOT applied", line.message)

    def test_counters_survive_the_process_that_counted(self) -> None:
        program = self.start_ready()
        self.fail_over()
        name = 'failovers_total{group="myprimary"}'
        wait_until(lambda: metric(program, name) == 1, 5.0, "counted")
        program.wait_for_successor(program.kill_child(WATCHER))
        program.wait_ready()
        self.assertEqual(metric(program, name), 1)
        self.fail_over()
        wait_until(lambda: metric(program, name) == 2, 5.0, "added to what was counted before")

    def test_a_process_has_its_state_and_its_restarts(self) -> None:
        program = self.start_ready()
        processes = {p["name"]: p for p in status_of(program)["processes"]}
        self.assertEqual(list(processes), ["supervisor", "file", "sentinel-watcher"])
        self.assertEqual(
            [p["kind"] for p in processes.values()], ["supervisor", "labeler", "watcher"]
        )
        self.assertEqual(processes["supervisor"]["pid"], program.pid)
        labeler = program.child(LABELER)
        self.assertEqual(processes["file"]["pid"], labeler.pid)
        self.assertEqual(processes["file"]["state"], "at work")
        self.assertEqual(processes["file"]["restarts"], 0)
        program.wait_for_successor(program.kill_child(LABELER))
        program.wait_ready()
        again = next(p for p in status_of(program)["processes"] if p["name"] == "file")
        self.assertNotEqual(again["pid"], labeler.pid)
        self.assertEqual(again["restarts"], 1)
        self.assertEqual(metric(program, 'child_restarts_total{process="file"}'), 1)
        self.assertEqual(metric(program, 'child_up{process="file"}'), 1)
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGSTOP)
        program.wait_for_successor(watcher)
        wait_until(
            lambda: metric(program, 'child_restarts_total{process="sentinel-watcher"}') == 1,
            5.0,
            "killed for its silence",
        )

    def test_a_problem_is_there_with_its_cause_and_keeps_its_time(self) -> None:
        program = self.start(self.configuration(file_target(self.folder / "missing")))
        reason = "No such file"

        def told() -> dict[str, Any] | None:
            groups = status_of(program)["targets"][0]["groups"]
            return groups[0] if reason in groups[0]["reason"] else None

        wait_until(lambda: answers(program) and told() is not None, 10.0, "the cause is told")
        state = status_of(program)
        self.assertFalse(state["ready"])
        self.assertEqual(state["in_the_way"], program.readyz()[1].splitlines())
        self.assertEqual(metric(program, "ready"), 0)

    def test_a_refused_reload_is_a_problem_but_no_unreadiness(self) -> None:
        program = self.start_ready()
        loaded = status_of(program)["configuration"]
        self.assertEqual(loaded["file"], str(self.folder / "program.toml"))
        self.assertIsNone(loaded["refused"])
        text = (self.folder / "program.toml").read_text()
        (self.folder / "program.toml").write_text(text + "\nwrong = 1\n")
        program.send(signal.SIGHUP)
        wait_until(lambda: metric(program, "reload_refused") == 1, 10.0, "refused")
        state = status_of(program)
        self.assertIn("wrong", state["configuration"]["refused"])
        self.assertEqual(state["configuration"]["loaded_at"], loaded["loaded_at"])
        problem = next(p for p in state["problems"] if p["id"] == "reload-refused")
        self.assertEqual((problem["process"], problem["severity"]), ("supervisor", "degraded"))
        self.assertTrue(state["ready"])
        self.assertEqual(metric(program, 'problems{severity="degraded"}'), len(state["problems"]))
        (self.folder / "program.toml").write_text(text)
        program.send(signal.SIGHUP)
        wait_until(lambda: metric(program, "reload_refused") == 0, 10.0, "accepted")
        self.assertGreater(status_of(program)["configuration"]["loaded_at"], loaded["loaded_at"])

    def test_the_document_has_the_keys_that_its_page_shows(self) -> None:
        example = re.search(r"```json\n(.*?)```", STATUS_MD.read_text(), re.DOTALL)
        assert example is not None
        program = self.start_ready()
        self.fail_over()
        self.wait_failover_shown(program)
        # A problem, for its keys: an instance of the program is told a wrong file.
        (self.folder / "program.toml").write_text("wrong")
        program.send(signal.SIGHUP)
        wait_until(lambda: status_of(program)["problems"] != [], 10.0, "a problem")
        written = shape(json.loads(example[1]))
        # Replicas, and the watcher's word of its Sentinels, come after the failover.
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: shape(status_of(program)) == written, 20.0, "all keys are there")
        self.assertEqual(shape(status_of(program)), written)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not on PATH (tests/servers.sh)")
    def test_promtool_finds_nothing_wrong_with_the_metrics(self) -> None:
        program = self.start_ready()
        self.fail_over()
        self.wait_failover_shown(program)
        checked = subprocess.run(
            ["promtool", "check", "metrics"],
            input=program.get("/metrics")[1],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))


def answers(program: Program) -> bool:
    try:
        return program.healthz()[0] == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
