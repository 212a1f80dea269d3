"""`pause`, `resume` and `release`: what each target makes of them, and what a person and a script see."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from case import main, plugin_target
from test_command_line import CommandTest
from test_control_socket import ask

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import file_target, table  # noqa: E402
from lab.program import LABELER, Program  # noqa: E402

PATIENT = '[supervision]\nheartbeat_interval = "1s"\nheartbeat_deadline = "60s"\n'


class OperateTest(CommandTest):
    def program_with(self, *targets: str, extra: str = PATIENT) -> Program:
        program = self.start(
            self.configuration(*targets, extra=extra),
            environment={"VALKEY_RECONCILER_SOCKET": str(self.socket)},
        )
        program.wait_ready()
        return program

    def told(self, *arguments: str, status: int) -> str:
        done = self.run_it(*arguments)
        self.assertEqual(done.returncode, status, done)
        return done.stdout


class Operating(OperateTest):
    def test_a_target_does_what_is_asked_and_is_told_by_whom_and_why(self) -> None:
        program = self.program_with(plugin_target("obedient"))
        group = self.group.name
        said = self.told("pause", group, "--reason", "until 10:00", status=0)
        self.assertEqual(said, "obedient: done\n")
        program.wait_for_log(f"asked to pause {group} by .+: until 10:00")
        self.told("resume", group, status=0)
        program.wait_for_log(f"asked to resume {group} by .+: ")
        self.told("release", group, status=0)
        program.wait_for_log(f"asked to release {group} by .+: ")

    def test_a_refusal_is_1_with_the_reason(self) -> None:
        self.program_with(plugin_target("obedient"))
        said = self.told("pause", self.group.name, "--reason", "refuse", status=1)
        self.assertEqual(said, "obedient: refused: not like that\n")

    def test_a_target_that_knows_no_orders_refuses_each_and_the_others_do_it(self) -> None:
        self.program_with(plugin_target("obedient"), file_target(self.target))
        for verb in ("pause", "resume", "release"):
            self.assertEqual(
                self.told(verb, self.group.name, status=1),
                "file: refused: not supported by this target\nobedient: done\n",
            )

    def test_what_is_not_done_in_time_is_75(self) -> None:
        self.program_with(plugin_target("obedient", deadline="1s"))
        said = self.told("pause", self.group.name, "--reason", "wait", status=75)
        self.assertEqual(said, "obedient: not done: not done within 1000 ms\n")
        self.told("resume", self.group.name, status=0)

    def test_a_plugin_that_is_deaf_to_the_end_of_an_order_is_started_anew(self) -> None:
        program = self.program_with(plugin_target("obedient", deadline="1s"))
        labeler = program.child(LABELER)
        said = self.told("pause", self.group.name, "--reason", "be deaf", status=75)
        self.assertIn("obedient: not done: its labeler: it died", said)
        program.wait_for_log("did not complete a cancelled order")
        program.wait_for_successor(labeler)
        program.wait_ready()
        self.told("pause", self.group.name, status=0)

    def test_a_labeler_that_stands_still_is_75_after_10_s(self) -> None:
        program = self.program_with(plugin_target("obedient"), file_target(self.target))
        labeler = program.child(LABELER, "obedient")
        labeler.send(signal.SIGSTOP)
        self.addCleanup(labeler.send, signal.SIGCONT)
        begun = time.monotonic()
        said = self.told("resume", self.group.name, status=1)
        self.assertGreaterEqual(time.monotonic() - begun, 9)
        self.assertIn("obedient: not done: no answer within 10 s\n", said)

    def test_two_orders_at_once_for_one_group_are_one_after_the_other(self) -> None:
        program = self.program_with(plugin_target("obedient", deadline="4s"))
        order = {"do": "pause", "group": self.group.name, "by": "jane", "reason": "wait"}
        first: list[object] = []
        waits = threading.Thread(target=lambda: first.append(ask(self.socket, order)))
        waits.start()
        program.wait_for_log("by jane: wait")
        said = self.told("resume", self.group.name, status=75)
        self.assertIn("another order for this group is being carried out", said)
        waits.join(20)
        self.assertIn("not done within 4000 ms", json.dumps(first))

    def test_the_program_stops_in_time_with_an_order_open(self) -> None:
        program = self.program_with(plugin_target("obedient", deadline="1m"))
        client = self.enterContext(socket.socket(socket.AF_UNIX))
        client.connect(str(self.socket))
        order = {"do": "pause", "group": self.group.name, "by": "jane", "reason": "wait"}
        client.sendall(json.dumps(order).encode() + b"\n")
        program.wait_for_log("by jane: wait")
        ended = program.terminate()
        self.assertEqual(ended.status, 0)
        self.assertLess(ended.seconds, 5)
        self.assertNotIn("still open", program.log_text())


class OfTheFirstHeader(OperateTest):
    """A plugin that was built before there were orders and dry runs."""

    def setUp(self) -> None:
        super().setUp()
        tests = Path(__file__).resolve().parents[1]
        headers = self.folder / "headers" / "plugins"
        headers.mkdir(parents=True)
        shutil.copy(tests / "abi" / "valkey_reconciler_plugin.h", headers)
        self.plugin = self.folder / "first.so"
        source = tests / "process" / "plugins" / "misbehaving.c"
        subprocess.run(["cc", "-DMISBEHAVE_NOTHING", f"-I{headers.parent}", "-shared", "-fPIC",
                        "-pthread", source, "-o", self.plugin], check=True)

    def test_orders_are_refused(self) -> None:
        self.program_with(table("target", name="first", plugin=str(self.plugin)))
        for verb in ("pause", "resume", "release"):
            self.assertEqual(self.told(verb, self.group.name, status=1),
                             "first: refused: not supported by this target\n")

    def test_it_is_left_out_of_a_dry_run(self) -> None:
        program = self.start(
            self.configuration(table("target", name="first", plugin=str(self.plugin))),
            options=("--once", "--dry-run"),
        )
        self.assertEqual(program.wait(30), 75)
        self.assertIn("dry run: plugin misbehaving can't say", program.log_text())


class Wrong(OperateTest):
    def test_an_unknown_group_is_66_and_the_known_ones_are_named(self) -> None:
        self.program_with()
        for verb in ("pause", "resume", "release"):
            done = self.run_it(verb, "nobody")
            self.assertEqual(done.returncode, 66)
            self.assertIn(self.group.name, done.stderr)
        self.assertIn("error", ask(self.socket, {"do": "pause", "group": "nobody"}))

    def test_no_program_is_69(self) -> None:
        done = self.run_it("pause", "x")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn(str(self.socket), done.stderr)

    def test_wrong_usage_is_64(self) -> None:
        for arguments in (
            ("pause",),
            ("release",),
            ("resume", "g", "--reason", "x"),
            ("pause", "g", "h"),
            ("pause", "g", "--once"),
            ("pause", "g", "--dry-run"),
        ):
            self.assertEqual(self.run_it(*arguments).returncode, 64, arguments)

    def test_a_reason_that_is_no_line_of_text_is_refused(self) -> None:
        program = self.program_with(plugin_target("obedient"))
        for reason in ("x" * 501, "two\nlines", "\x1b[31m", b"\xff"):
            done = self.run_it("pause", self.group.name, "--reason", os.fsdecode(reason))
            self.assertEqual((done.returncode, done.stdout), (64, ""), done)
            self.assertIn("--reason: ", done.stderr)
        for member in ("by", "reason"):
            order = {"do": "pause", "group": self.group.name, member: "two\nlines"}
            self.assertIn("expected printable", ask(self.socket, order)["error"])
        self.assertNotIn("asked to", program.log_text())


if __name__ == "__main__":
    main()
