"""The commands that ask the running program: what a person reads, and what a script sees."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from case import main
from test_control_socket import ControlTest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.processes import wait_until  # noqa: E402
from lab.program import WATCHER, build_folder  # noqa: E402


class CommandTest(ControlTest):
    def run_it(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(build_folder() / "bin/valkey-reconciler"), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "VALKEY_RECONCILER_SOCKET": str(self.socket),
                **{name: os.environ[name] for name in os.environ if name.endswith("SAN_OPTIONS")},
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def on_terminal(self, *arguments: str, **environment: str) -> str:
        """What it prints on a terminal of its own."""
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [str(build_folder() / "bin/valkey-reconciler"), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "TERM": "xterm",
                "VALKEY_RECONCILER_SOCKET": str(self.socket),
                **environment,
            },
            stdout=theirs,
            timeout=60,
            check=True,
        )
        self.assertEqual(done.returncode, 0)
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # how Linux tells that the other side is closed
            pass
        os.close(ours)
        return text.decode()

    def fake_supervisor(self, document: object) -> None:
        """Whoever answers there says this to everything."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.socket))
        listener.listen()
        self.addCleanup(listener.close)
        text = document if isinstance(document, bytes) else json.dumps(document).encode()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(65536)
                    client.sendall(text)

        threading.Thread(target=serve, daemon=True).start()


class Status(CommandTest):
    def test_is_a_table_that_a_person_reads(self) -> None:
        program = self.program_at_work()
        done = self.run_it("status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, rf"^valkey-reconciler \S+: ready, up .*, pid {program.pid}\n")
        host, port = self.group.primary().announced
        self.assertRegex(done.stdout, rf"{self.group.name} +{re.escape(f'{host}:{port}')} ")
        self.assertRegex(done.stdout, r"in sync with ")
        self.assertRegex(done.stdout, r"sentinel-watcher +at work +\d+ ")
        self.assertNotIn("\x1b", done.stdout)

    def test_is_the_document_as_it_is_for_scripts(self) -> None:
        program = self.program_at_work()
        done = self.run_it("status", "--json")
        document = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertEqual((document["schema"], document["pid"]), (1, program.pid))

    def test_has_what_is_in_the_way_on_top(self) -> None:
        self.program_at_work()
        for sentinel in self.group.sentinels.all:
            sentinel.pause()
            self.addCleanup(sentinel.resume)
        wait_until(
            lambda: "in the way" in self.run_it("status").stdout.splitlines()[1],
            30,
            "the second line says what is in the way",
        )

    def test_is_colored_on_a_terminal_only_and_not_with_no_color(self) -> None:
        self.program_at_work()
        self.assertIn("\x1b[32mready\x1b[0m", self.on_terminal("status"))
        self.assertNotIn("\x1b", self.on_terminal("status", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal("status", TERM="dumb"))

    def test_is_read_as_far_as_somebody_likes(self) -> None:
        problems = [{"severity": "degraded", "message": "long " * 20}] * 10_000
        self.fake_supervisor({"problems": problems})
        for arguments in (["status"], ["status", "--json"], ["status", "--watch"]):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run(
                [str(build_folder() / "bin/valkey-reconciler"), "--socket", str(self.socket), *arguments],
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
            os.close(writer)
            self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)

    def test_watched_is_told_anew_until_interrupted(self) -> None:
        self.program_at_work()
        watching = subprocess.Popen(
            [str(build_folder() / "bin/valkey-reconciler"), "--socket", str(self.socket)]
            + ["status", "--watch"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        titles = 0
        while titles < 3:
            titles += watching.stdout.readline().startswith("valkey-reconciler")
        watching.send_signal(signal.SIGINT)
        self.assertEqual(watching.wait(10), -signal.SIGINT)
        watching.stdout.close()

    def test_without_a_supervisor_says_which_socket_was_tried_and_what_to_do(self) -> None:
        done = self.run_it("status")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn(f"no supervisor answers at {self.socket}: there is no such", done.stderr)
        program = self.program_at_work()
        program.send(signal.SIGKILL)
        program.wait(10)
        done = self.run_it("status")
        self.assertEqual(done.returncode, 69)
        self.assertIn("start valkey-reconciler", done.stderr)
        self.assertEqual(self.run_it("status", VALKEY_RECONCILER_SOCKET="").returncode, 69)
        self.assertEqual(self.run_it("status", "--socket", "/" + "x" * 200).returncode, 69)
        done = self.run_it("status", VALKEY_RECONCILER_SOCKET="/run/systemd")
        self.assertEqual(done.returncode, 69)

    def test_survives_what_is_no_supervisor(self) -> None:
        self.fake_supervisor(b"\x1b[2J garbage")
        done = self.run_it("status")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn("is no supervisor of this version", done.stderr)

    def test_lets_nothing_but_printable_text_through(self) -> None:
        self.fake_supervisor({"groups": [{"name": "\x1b[31m\x07\n\u009b", "primary": "\r"}]})
        text = self.run_it("status").stdout
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        self.assertIn(r"\x1b[31m", text)


class Explain(CommandTest):
    def test_tells_what_each_sentinel_says_what_was_decided_and_why(self) -> None:
        self.program_at_work()
        done = self.run_it("explain", self.group.name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        host, port = self.group.primary().announced
        primary = re.escape(f"{host}:{port}")
        self.assertRegex(done.stdout, rf"^group {self.group.name}: {primary}\n")
        self.assertRegex(done.stdout, rf"answers +{primary} +0 +up +none +\d+ m?s ago")
        self.assertRegex(done.stdout, rf"{primary} is the primary under epoch 0 ")
        self.assertIn("because  1 of 1 Sentinels name", done.stdout)
        self.assertRegex(done.stdout, rf"file +file +{primary} +0 +in sync")

    def test_of_a_group_that_is_not_configured_names_those_that_are(self) -> None:
        self.program_at_work()
        done = self.run_it("explain", "x\x1b[2J")
        self.assertEqual((done.returncode, done.stdout), (66, ""))
        self.assertIn(r"no group x\x1b[2J is configured", done.stderr)
        self.assertIn(self.group.name, done.stderr)

    def test_says_so_where_the_watcher_does_not_answer(self) -> None:
        program = self.program(
            extra='[supervision]\nheartbeat_interval = "1s"\nheartbeat_deadline = "60s"\n'
        )
        program.wait_ready()
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGSTOP)
        self.addCleanup(watcher.send, signal.SIGCONT)
        done = self.run_it("explain", self.group.name)
        self.assertEqual(done.returncode, 69)
        self.assertIn("not known: sentinel-watcher does not answer within 2 s", done.stdout)
        self.assertIn("What each target was told and answered", done.stdout)

    def test_as_json_is_what_the_watcher_answers(self) -> None:
        self.program_at_work()
        done = self.run_it("explain", self.group.name, "--json")
        self.assertEqual(json.loads(done.stdout)["group"], self.group.name)

    def test_wants_a_group(self) -> None:
        self.assertEqual(self.run_it("explain").returncode, 64)
        self.assertEqual(self.run_it("explain", "x").returncode, 69)


if __name__ == "__main__":
    main()
