"""What goes wrong again and again is told at once, and then counted."""

from __future__ import annotations

import time

from case import ProcessTest, main

from lab.configuration import file_target, table
from lab.program import LogEntry, Program

OFTEN = {"retry_min": "100ms", "retry_max": "100ms"}
REFUSED = "not applied yet, it is tried again"


class Repetition(ProcessTest):
    """A target that refuses every 100 ms."""

    def start_refused(self, **environment: str) -> Program:
        target = table("target", name="told", plugin="exec", command=["/bin/false"], **OFTEN)
        return self.start(self.configuration(target), environment=environment)

    def refusals(self, program: Program) -> list[LogEntry]:
        return [entry for entry in program.log() if REFUSED in entry.message]

    def end_after_many(self, program: Program) -> None:
        program.wait_for_log(REFUSED)
        time.sleep(3.0)  # thirty refusals
        self.assertEqual(len(self.refusals(program)), 1, program.log_text())
        program.processes()
        program.terminate()
        program.wait(5.0)

    def test_one_line_at_once_and_a_count_at_the_end(self) -> None:
        program = self.start_refused()
        self.end_after_many(program)
        first, last = self.refusals(program)
        self.assertNotIn("repeated", first.fields)
        self.assertGreater(last.fields["repeated"], 5)
        self.assertIn(last.fields["repeated_seconds"], range(3, 30))
        for key in ("level", "target", "group", "error", "message"):
            self.assertEqual(last.fields[key], first.fields[key])

    def test_people_read_the_count_in_the_line(self) -> None:
        program = self.start_refused(VALKEY_RECONCILER_LOG_FORMAT="text")
        self.end_after_many(program)
        last = self.refusals(program)[-1].line
        self.assertRegex(last, rf"{REFUSED} \(repeated \d+ times in the last \d+ s\) group=")

    def test_a_count_each_minute_while_it_goes_on(self) -> None:
        program = self.start_refused()
        first = program.wait_for_log(REFUSED)
        counted = program.wait_for_log('"repeated"', 80.0)
        self.assertGreater(counted.fields["repeated"], 100)
        self.assertGreaterEqual(counted.fields["repeated_seconds"], 60)
        self.assertGreaterEqual(counted.written - first.written, 59.9)
        self.assertEqual(len(self.refusals(program)), 2)

    def test_causes_that_are_never_the_same_are_counted_too(self) -> None:
        """The target `file` names a new temporary file each time."""
        target = file_target(self.folder / "missing", **OFTEN)
        program = self.start(self.configuration(target))
        program.wait_for_log(REFUSED)
        time.sleep(3.0)  # thirty refusals
        self.assertLessEqual(len(self.refusals(program)), 3)

    def test_another_cause_is_told_at_once(self) -> None:
        program = self.start(self.configuration(file_target(self.folder / "missing", **OFTEN)))
        program.wait_for_log(f"{REFUSED}.*No such file")
        (self.folder / "missing").write_text("not a folder")
        program.wait_for_log(f"{REFUSED}.*Not a directory", 5.0)

    def test_a_reload_begins_a_new_chapter(self) -> None:
        program = self.start_refused()
        program.wait_for_log(REFUSED)
        wrong = self.configuration() + "\n[supervisoin]\n"
        for text in (wrong, wrong + "# the same mistake\n"):
            begun = time.monotonic()
            (self.folder / "program.toml").write_text(text)
            program.wait_for_log("the new configuration is refused", since=begun)
        (self.folder / "program.toml").write_text(self.configuration())
        program.wait_for_log("configuration reloaded", since=begun)
        program.wait_ready()


if __name__ == "__main__":
    main()
