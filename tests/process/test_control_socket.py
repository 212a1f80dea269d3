"""The control socket of the running program: whose it is, and clients that mean no good."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import stat
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from case import FAST, ProcessTest, main

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import configuration, file_target, sentinel  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import WATCHER, Program  # noqa: E402


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(path))  # waits while too many wait to be accepted
    client.settimeout(20)
    return client


def answer(client: socket.socket) -> bytes:
    text = b""
    while piece := client.recv(65536):
        text += piece
    return text


def ask(path: Path, request: bytes | dict[str, str]) -> Any:
    with connect(path) as client:
        line = request if isinstance(request, bytes) else json.dumps(request).encode()
        client.sendall(line + b"\n")
        return json.loads(answer(client))


def opened_by(user: int, path: Path) -> str:
    """What comes of it when that user, who can reach the folder, opens the socket."""
    child = os.fork()
    if child == 0:
        outcome = 3
        try:
            os.setresuid(user, user, user)
            path.stat()
            outcome = 2
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(str(path))
            outcome = 0
        except PermissionError:
            pass
        finally:
            os._exit(outcome)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: "opened", 2: "refused", 3: "can't reach the folder"}[status]


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


class ControlTest(ProcessTest):
    def setUp(self) -> None:
        super().setUp()
        self.socket = self.folder / "control.sock"

    def program(self, name: str = "program", extra: str = FAST) -> Program:
        return self.start(
            self.configuration(extra=extra),
            name=name,
            environment={"VALKEY_RECONCILER_SOCKET": str(self.socket)},
        )

    def program_at_work(self) -> Program:
        program = self.program()
        program.wait_ready()
        return program


class File(ControlTest):
    def test_is_its_users_alone_and_gone_at_the_end(self) -> None:
        os.umask(0o022)
        program = self.program_at_work()
        status = self.socket.stat()
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertIn("groups", ask(self.socket, {"do": "status"}))
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o755)
            self.assertEqual(opened_by(pwd.getpwnam("nobody").pw_uid, self.socket), "refused")
        program.terminate()
        self.assertFalse(self.socket.exists())

    def test_of_a_supervisor_that_was_killed_is_taken_over(self) -> None:
        program = self.program_at_work()
        program.send(signal.SIGKILL)
        program.wait(10)
        self.assertTrue(self.socket.exists())
        self.program("successor").wait_ready()
        self.assertIn("groups", ask(self.socket, {"do": "status"}))

    def test_of_a_supervisor_that_lives_stays_its_own(self) -> None:
        first = self.program_at_work()
        second = self.program("second")
        second.wait_ready()
        self.assertEqual(ask(self.socket, {"do": "status"})["pid"], first.pid)
        _, page = second.get("/readyz")
        self.assertIn("another supervisor that lives has it", page)
        second.terminate()
        self.assertEqual(ask(self.socket, {"do": "status"})["pid"], first.pid)

    def test_that_is_no_socket_is_left_alone(self) -> None:
        self.socket.write_text("precious")
        program = self.program()
        program.wait_ready()
        self.assertIn("no socket", program.get("/readyz")[1])
        program.terminate()
        self.assertEqual(self.socket.read_text(), "precious")

    def test_that_somebody_has_put_in_its_place_is_left_alone(self) -> None:
        program = self.program_at_work()
        self.socket.unlink()
        self.socket.write_text("precious")
        program.terminate()
        self.assertEqual(self.socket.read_text(), "precious")


class Answers(ControlTest):
    def test_say_what_the_watcher_knows_of_a_group(self) -> None:
        self.program_at_work()
        told = ask(self.socket, {"do": "explain", "group": self.group.name})
        self.assertEqual(told["group"], self.group.name)
        self.assertEqual([s["standing"] for s in told["sentinels"]], ["answers"])
        self.assertIn("error", ask(self.socket, {"do": "explain", "group": "x"}))

    def test_are_not_waited_for_where_the_watcher_stands_still(self) -> None:
        patient = '[supervision]\nheartbeat_interval = "1s"\nheartbeat_deadline = "60s"\n'
        program = self.program(extra=patient)
        program.wait_ready()
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGSTOP)
        self.addCleanup(watcher.send, signal.SIGCONT)
        begun = time.monotonic()
        told = ask(self.socket, {"do": "explain", "group": self.group.name})
        gone = time.monotonic() - begun
        self.assertIn("does not answer within 2 s", told["error"])
        self.assertGreaterEqual(gone, 1.9)
        self.assertIn("groups", ask(self.socket, {"do": "status"}))

    def test_are_given_at_once_where_the_watcher_dies(self) -> None:
        patient = '[supervision]\nheartbeat_interval = "1s"\nheartbeat_deadline = "60s"\n'
        program = self.program(extra=patient)
        program.wait_ready()
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGSTOP)
        with connect(self.socket) as client:
            request = {"do": "explain", "group": self.group.name}
            client.sendall(json.dumps(request).encode() + b"\n")
            watcher.send(signal.SIGKILL)
            self.assertRegex(json.loads(answer(client))["error"], "^sentinel-watcher: .*(?<!within 2 s)$")


class HostileClients(ControlTest):
    def test_are_told_what_is_expected(self) -> None:
        self.program_at_work()
        for request in (
            b"",
            b"\x00",
            b"status",
            b"{}",
            b"[]",
            b'{"do": 1}',
            b'{"do": "x"}',
            b'{"do": "status',
            b"[" * 60_000,
            os.urandom(5_000).replace(b"\n", b" "),
            b'{"do": "explain"}',
            b'{"do": "explain", "group": "\\u0000"}',
        ):
            self.assertIn("error", ask(self.socket, request), request[:20])
        self.assertIn("groups", ask(self.socket, {"do": "status"}))

    def test_with_a_line_without_end_are_cut_off(self) -> None:
        program = self.program_at_work()
        with connect(self.socket) as client:
            try:
                client.sendall(b"x" * 10_000_000)
                said = answer(client)
            except (BrokenPipeError, ConnectionResetError):
                said = b""
            self.assertIn(said[:8], (b"", b'{"error"'))
        self.assertIn("groups", ask(self.socket, {"do": "status"}))
        self.assertTrue(program.is_alive())

    def test_that_say_nothing_or_not_all_are_dropped_in_5_s(self) -> None:
        self.program_at_work()
        with ExitStack() as open_ones:
            clients = [open_ones.enter_context(connect(self.socket)) for _ in range(16)]
            for client in clients[:8]:
                client.sendall(b'{"do": "status"}')  # no end of the line
            begun = time.monotonic()
            for client in clients:
                self.assertEqual(answer(client), b"")
            self.assertLess(time.monotonic() - begun, 15)
        self.assertIn("groups", ask(self.socket, {"do": "status"}))

    def test_that_read_nothing_of_a_long_answer_are_dropped_in_5_s(self) -> None:
        others = [f"group-{number}" for number in range(1_000)]
        head = sentinel(self.group.sentinels, [self.group.name, *others])
        program = self.start(
            configuration(FAST, head, file_target(self.target)),
            environment={"VALKEY_RECONCILER_SOCKET": str(self.socket)},
        )
        wait_until(self.socket.exists, 15, "there is a control socket")
        ask(self.socket, {"do": "status"})

        def descriptors() -> int:
            return len(os.listdir(f"/proc/{program.pid}/fd"))

        before = descriptors()
        with ExitStack() as open_ones:
            slow = [open_ones.enter_context(connect(self.socket)) for _ in range(16)]
            for client in slow:
                client.sendall(b'{"do": "status"}\n')
            wait_until(lambda: descriptors() >= before + 16, 4, "all are heard")
            wait_until(lambda: descriptors() <= before, 20, "all are dropped")
            self.assertFalse(answer(slow[0]).endswith(b"\n"), "it was longer than what fits")
        self.assertGreater(len(ask(self.socket, {"do": "status"})["groups"]), 1_000)

    def test_by_the_thousand_cost_nothing_that_stays(self) -> None:
        program = self.program_at_work()

        def descriptors() -> int:
            return len(os.listdir(f"/proc/{program.pid}/fd"))

        def thousand() -> None:
            with ExitStack() as open_ones:
                for _ in range(1_000):
                    open_ones.enter_context(connect(self.socket))
                self.assertLess(descriptors(), before + 32)

        before = descriptors()
        thousand()
        memory = resident_kb(program.pid)
        thousand()
        wait_until(lambda: descriptors() <= before, 10, "all are closed again")
        self.assertLess(resident_kb(program.pid) - memory, 1_000)
        self.assertIn("groups", ask(self.socket, {"do": "status"}))

    def test_of_which_there_are_too_many_are_told_so(self) -> None:
        self.program_at_work()
        with ExitStack() as open_ones:
            for _ in range(16):
                open_ones.enter_context(connect(self.socket))
            with connect(self.socket) as one_more:
                self.assertIn("others are being answered", answer(one_more).decode())


if __name__ == "__main__":
    main()
