"""`--once`: makes it right, then ends."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

from case import ProcessTest, main

from lab.configuration import configuration, file_target, table
from lab.processes import wait_until
from lab.program import LABELER, Program


class Once(ProcessTest):
    def start_once(self, text: str, *options: str, **keys: object) -> Program:
        program = Program(self.folder, text, options=("--once", *options), **keys)  # type: ignore
        self.enterContext(program)
        return program

    def reasons(self, program: Program, first: str) -> list[str]:
        """What stands after the log, as /readyz would have it."""
        lines = program.log_text().splitlines()
        return lines[lines.index(first) + 1 :]

    def test_it_writes_the_file_and_ends_with_0(self) -> None:
        program = self.start_once(self.configuration())
        self.assertEqual(program.wait(20.0), 0)
        content = self.content()
        assert content is not None
        self.assertEqual(content["primary"]["port"], self.group.primary().port)  # type: ignore
        self.assertEqual(program.alive_processes(), [])
        self.assertNotIn("not done", program.log_text())

    def test_it_ends_soon_also_where_all_is_right_already(self) -> None:
        for _ in range(2):
            program = self.start_once(self.configuration())
            self.assertEqual(program.wait(20.0), 0)

    def test_a_target_that_is_not_to_be_had_is_75_with_its_reason(self) -> None:
        text = self.configuration(file_target(self.folder / "missing"))
        program = self.start_once(text, "--timeout", "2s")
        begun = time.monotonic()
        self.assertEqual(program.wait(20.0), 75)
        self.assertGreaterEqual(time.monotonic() - begun, 1.5)
        [reason] = self.reasons(program, "not done within 2s:")
        self.assertRegex(reason, f"^target file, group {self.group.name}: .*No such file")

    def test_sentinels_that_are_away_are_75_with_the_reason(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        head = table("sentinel", name="main", addresses=[f"127.0.0.1:{port}"])
        head += "\n" + table("sentinel.group", name="away")
        program = self.start_once(
            configuration(head, file_target(self.target)), "--timeout", "2s"
        )
        self.assertEqual(program.wait(20.0), 75)
        reasons = self.reasons(program, "not done within 2s:")
        self.assertIn("group away: no primary is known yet", reasons)
        self.assertEqual(os.listdir(self.target), [])

    def test_one_target_of_two_is_not_done(self) -> None:
        other = table("target", name="other", plugin="file", directory=str(self.folder / "no"))
        text = self.configuration(file_target(self.target), other)
        program = self.start_once(text, "--timeout", "2s")
        self.assertEqual(program.wait(20.0), 75)
        [reason] = self.reasons(program, "not done within 2s:")
        self.assertIn("target other", reason)
        self.assertIsNotNone(self.content())

    def test_term_before_it_is_done_is_75_too(self) -> None:
        text = self.configuration(file_target(self.folder / "missing"))
        program = self.start_once(text)
        program.wait_for_log("labeler.* is ready")
        program.send(signal.SIGTERM)
        self.assertEqual(program.wait(10.0), 75)
        self.reasons(program, "stopped before it was done:")

    def test_it_serves_no_http(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:  # which would be 78 otherwise
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            program = self.start_once(
                self.configuration(), environment={"VALKEY_RECONCILER_HTTP": address}
            )
            self.assertEqual(program.wait(20.0), 0)

    def test_a_labeler_that_dies_meanwhile_is_started_again(self) -> None:
        program = self.start_once(self.configuration(file_target(self.folder / "late")))
        program.wait_for_log("labeler.* is ready")
        killed = program.kill_child(LABELER)
        program.wait_for_successor(killed)
        (self.folder / "late").mkdir()
        self.assertEqual(program.wait(20.0), 0)
        late: Path = self.folder / "late" / f"{self.group.name}.json"
        wait_until(late.exists, 1.0, "it is written")

    def test_wrong_usage(self) -> None:
        for options in (
            ("--timeout", "soon"),
            ("--timeout", "0s"),
            ("--timeout", "5"),
            ("check",),
        ):
            self.assertEqual(self.start_once(self.configuration(), *options).wait(5.0), 64)

    def test_a_timeout_is_for_once_alone(self) -> None:
        program = Program(self.folder, self.configuration(), options=("--timeout", "5s"))
        self.enterContext(program)
        self.assertEqual(program.wait(5.0), 64)

    def test_a_wrong_configuration_is_78(self) -> None:
        self.assertEqual(self.start_once("[supervisoin]\n").wait(5.0), 78)


if __name__ == "__main__":
    main()
