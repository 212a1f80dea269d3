"""`--dry-run`: everything but the writing, and what would be written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from case import ProcessTest, main, plugin_target

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import file_target  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import Program  # noqa: E402


class DryRun(ProcessTest):
    def start_dry(self, *targets: str, once: bool = False, dry: bool = True) -> Program:
        options = [option for option, is_on in (("--once", once), ("--dry-run", dry)) if is_on]
        return self.start(self.configuration(*targets), options=options)

    def reasons(self, program: Program) -> list[str]:
        lines = program.log_text().splitlines()
        return lines[lines.index("a dry run changes nothing:") + 1 :]

    def would_write(self) -> str:
        primary = self.group.primary()
        return (
            f"dry run: would write {self.target}/{self.group.name}.json: "
            f"primary {primary.host}:{primary.port}"
        )

    def test_once_says_what_would_be_written_and_is_75(self) -> None:
        program = self.start_dry(once=True)
        self.assertEqual(program.wait(30), 75)
        self.assertEqual(
            self.reasons(program), [f"target file, group {self.group.name}: {self.would_write()}"]
        )
        self.assertEqual(os.listdir(self.target), [])

    def test_once_is_0_where_nothing_would_be_written(self) -> None:
        self.assertEqual(self.start_dry(once=True, dry=False).wait(30), 0)
        before = (self.target / f"{self.group.name}.json").stat()
        self.assertEqual(self.start_dry(once=True).wait(30), 0)
        after = (self.target / f"{self.group.name}.json").stat()
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_a_command_is_not_run(self) -> None:
        self.assertEqual(self.start_dry(once=True, dry=False).wait(30), 0)
        ran = self.folder / "ran"
        target = file_target(self.target, command=["/bin/touch", str(ran)])
        program = self.start_dry(target, once=True)
        self.assertEqual(program.wait(30), 75)
        self.assertIn("dry run: would run /bin/touch", self.reasons(program)[0])
        self.assertFalse(ran.exists())

    def test_a_target_that_knows_no_dry_run_is_not_even_made(self) -> None:
        program = self.start_dry(plugin_target("obedient"), once=True)
        self.assertEqual(program.wait(30), 75)
        [reason] = self.reasons(program)
        self.assertIn("dry run: plugin obedient can't say what it would change", reason)
        self.assertNotIn('"made"', program.log_text())

    def test_a_program_that_serves_says_it_and_writes_nothing_also_of_what_comes_later(self) -> None:
        program = self.start_dry()
        program.wait_for_log("dry run: would write")
        program.wait_for_log("no target is changed")

        def says() -> bool:
            status, page = program.readyz()
            return status == 503 and self.would_write() in page

        wait_until(says, 10, "/readyz says it")
        other = self.target / f"{self.group.name}.json"
        other.write_text("of somebody else")

        def looked_again() -> bool:
            [target] = json.loads(program.get("/status")[1])["targets"]
            return target["groups"][0]["attempts"] > 1

        wait_until(looked_again, 10, "the target has looked again")
        self.assertEqual(program.terminate().status, 0)
        self.assertEqual(other.read_text(), "of somebody else")
        self.assertEqual(os.listdir(self.target), [other.name])

    def test_wrong_usage_is_64(self) -> None:
        for command in ("check", "status"):
            program = self.start("", options=("--dry-run", command), name=command)
            self.assertEqual(program.wait(10), 64)


if __name__ == "__main__":
    main()
