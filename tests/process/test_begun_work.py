"""What a target has begun is cut off for another primary, and for nothing less."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from case import FAST  # noqa: E402

from fakes.sentinel import FakeReplica, FakeSentinel  # noqa: E402
from lab.configuration import configuration, table  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
FIRST, SECOND, THIRD = "10.0.0.1", "10.0.0.2", "10.0.0.3"


class BegunWork(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder("begun")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sentinel = self.enterContext(FakeSentinel())
        self.noted = self.folder / "noted"
        self.gate = self.folder / "gate"
        os.mkfifo(self.gate)
        self.script = self.folder / "move"
        self.script.write_text(
            "#!/bin/sh\n"
            f"echo begin $VR_PRIMARY_HOST >> {self.noted}\n"
            f"read _ < {self.gate}\necho end $VR_PRIMARY_HOST >> {self.noted}\n"
        )
        self.script.chmod(0o755)

    def start(self, **keys: object) -> Program:
        head = "\n".join([
            table("sentinel", name="main", addresses=[self.sentinel.name], poll_interval="500ms"),
            table("sentinel.group", name=GROUP),
        ])
        target = table("target", name="exec", plugin="exec", command=[str(self.script)], **keys)
        program = self.enterContext(Program(self.folder, configuration(FAST, head, target)))
        return program

    def lines(self) -> list[str]:
        return self.noted.read_text().splitlines() if self.noted.exists() else []

    def wait_line(self, line: str) -> None:
        wait_until(lambda: line in self.lines(), 10.0, f"{line}: {self.lines()}")

    def let_end(self, host: str) -> None:
        """The one that has begun with it, and waits at the gate."""
        self.wait_line(f"begin {host}")
        self.gate.write_text("go\n")
        self.wait_line(f"end {host}")

    def replicas(self, program: Program) -> int:
        (group,) = json.loads(program.get("/status")[1])["groups"]
        return len(group["replicas"])

    def move(self, host: str) -> None:
        group = self.sentinel.groups[GROUP]
        old, group.primary, group.epoch = group.primary, (host, 6379), group.epoch + 1
        self.sentinel.publish("+switch-master", f"{GROUP} {old[0]} {old[1]} {host} 6379")

    def test_replicas_that_change_let_it_finish(self) -> None:
        program = self.start()
        self.let_end(FIRST)
        self.move(SECOND)
        self.wait_line(f"begin {SECOND}")
        self.sentinel.groups[GROUP].replicas = [FakeReplica((FIRST, 6379), primary_host=SECOND)]
        self.sentinel.publish("+slave", f"slave {FIRST}:6379 {FIRST} 6379 @ {GROUP} {SECOND} 6379")
        wait_until(lambda: self.replicas(program) == 1, 10.0, "the replica is known")
        time.sleep(1.5)  # one that was cancelled has a second, and then TERM
        self.let_end(SECOND)
        program.wait_ready()  # the newest topology is applied, too
        self.assertEqual(self.lines(), [f"{what} {host}" for host in (FIRST, SECOND) for what in ("begin", "end")])

    def test_another_primary_does_not(self) -> None:
        self.start()
        self.wait_line(f"begin {FIRST}")
        self.move(THIRD)
        self.let_end(THIRD)
        self.assertEqual(self.lines(), [f"begin {FIRST}", f"begin {THIRD}", f"end {THIRD}"])

    def test_what_took_too_long_is_told_with_what_the_program_says(self) -> None:
        program = self.start(deadline="1s", retry_min="5s", retry_max="5s")
        program.wait_for_log(r"not applied yet.*move was not done within \d+ ms and was sent TERM", 10.0)
        reasons = program.readyz()[1]
        self.assertRegex(reasons, r"target exec, group myprimary: .*move was not done within")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
