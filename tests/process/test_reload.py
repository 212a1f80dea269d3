"""A configuration file that changes is noticed, however it is changed; what is the same is not."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from case import ProcessTest, main

from lab.config_file import ConfigMapFolder, replace_by_rename
from lab.configuration import file_target
from lab.processes import wait_until
from lab.program import LABELER, WATCHER, Program

NOTICED = 10.0
POLL = 25.0  # the slow poll looks each 10 s
REPLACED = "configuration reloaded: 1 processes replaced, 0 added, 0 removed"


class WatchedFile(ProcessTest):
    """The program on a file of its own folder, which nobody sends a signal to."""

    def setUp(self) -> None:
        super().setUp()
        self.etc = self.folder / "etc"
        self.etc.mkdir()
        self.file = self.etc / "valkey-reconciler.toml"
        self.begun = 0.0

    def text(self, retry: int = 100) -> str:
        """The labeler's part is another one with another `retry`."""
        return self.configuration(file_target(self.target, retry_min=f"{retry}ms"))

    def start_on(self, file: Path) -> Program:
        program = Program(self.folder, file=file)
        self.enterContext(program)
        program.wait_ready()
        return program

    def start_with_plain_file(self) -> Program:
        self.file.write_text(self.text())
        return self.start_on(self.file)

    def wait_replaced(self, program: Program, timeout: float = NOTICED) -> None:
        """Since the last time: the labeler, and it alone."""
        entry = program.wait_for_log(REPLACED, timeout, since=self.begun)
        self.begun = entry.time + 0.000001
        program.wait_for_log("labeler.* is ready", since=entry.time)
        program.wait_ready()
        self.assertNotIn("refused", program.readyz()[1])

    def wait_refused(self, program: Program, why: str) -> None:
        entry = program.wait_for_log("the new configuration is refused", NOTICED, since=self.begun)
        self.begun = entry.time + 0.000001
        self.assertIn(why, entry.line)
        # No unreadiness, but for the moments in which replicas become known.
        degraded = re.compile(r"\Aready\n(.*\n)*.*the last reload was refused")
        wait_until(lambda: degraded.match(program.readyz()[1]), NOTICED, "it is ready, and a problem")

    def assert_no_reload(self, program: Program) -> None:
        time.sleep(1.5)  # a reload would have come by then
        self.assertNotRegex(program.log_text(self.begun), "reloaded|refused")


class Changed(WatchedFile):
    def test_a_plain_write(self) -> None:
        program = self.start_with_plain_file()
        watcher, labeler = program.child(WATCHER), program.child(LABELER)
        self.file.write_text(self.text(200))
        self.wait_replaced(program)
        self.assertEqual(program.child(WATCHER), watcher)
        wait_until(lambda: not labeler.is_alive(), 5.0, "the labeler before has ended")
        self.file.write_text(self.text(300))
        self.wait_replaced(program)

    def test_a_rename_over_it(self) -> None:
        program = self.start_with_plain_file()
        for retry in (200, 300):
            replace_by_rename(self.file, self.text(retry))
            self.wait_replaced(program)

    def test_an_editor_that_keeps_the_old_one_beside_it(self) -> None:
        program = self.start_with_plain_file()
        self.file.rename(self.etc / "valkey-reconciler.toml~")
        self.file.write_text(self.text(200))
        self.wait_replaced(program)

    def test_a_config_map(self) -> None:
        config_map = ConfigMapFolder(self.etc)
        config_map.update({self.file.name: self.text(), "other": ""})
        program = self.start_on(self.file)
        for retry in (200, 300):
            config_map.update({self.file.name: self.text(retry), "other": ""})
            self.wait_replaced(program)

    def test_a_file_that_vanishes_and_comes_back(self) -> None:
        program = self.start_with_plain_file()
        before = program.processes()
        self.file.unlink()
        self.wait_refused(program, "No such file")
        self.assertEqual(program.processes(), before)
        self.file.write_text(self.text())
        program.wait_for_log("reloaded: 0 processes replaced", NOTICED, since=self.begun)
        self.assertNotIn("refused", program.readyz()[1])
        self.file.write_text(self.text(200))
        self.wait_replaced(program)

    def test_a_folder_that_vanishes_and_comes_back(self) -> None:
        program = self.start_with_plain_file()
        self.etc.rename(self.folder / "away")
        self.etc.mkdir()
        self.file.write_text(self.text(200))
        self.wait_replaced(program, POLL)
        self.file.write_text(self.text(300))  # the new folder is watched
        self.wait_replaced(program)

    def test_a_link_to_a_file_elsewhere_is_found_by_the_poll(self) -> None:
        elsewhere = self.folder / "elsewhere.toml"
        elsewhere.write_text(self.text())
        self.file.symlink_to(elsewhere)
        program = self.start_on(self.file)
        elsewhere.write_text(self.text(200))
        self.wait_replaced(program, POLL)

    def test_without_inotify_it_is_found_by_the_poll(self) -> None:
        self.file.write_text(self.text())
        # In a user namespace of its own, which may have no inotify instance.
        without = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        without += ['echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
        if subprocess.run([*without, "true"], capture_output=True).returncode != 0:
            self.skipTest("no user namespaces here")
        program = Program(self.folder, file=self.file, started_by=without)
        self.enterContext(program)
        program.wait_for_log("only looked at from time to time")
        self.file.write_text(self.text(200))
        # The target file needs inotify, too: its labeler has refused to serve, and is tried anew.
        program.wait_for_log(REPLACED, POLL)

    def test_what_changed_while_it_started(self) -> None:
        self.file.write_text(self.text())
        program = Program(self.folder, file=self.file)
        self.enterContext(program)
        program.wait_for_log("valkey-reconciler .* starts")  # the file was read before
        self.file.write_text(self.text(200))
        program.wait_for_log("reloaded: 1 processes replaced", NOTICED)


class NotTakenUp(WatchedFile):
    def test_the_same_text(self) -> None:
        program = self.start_with_plain_file()
        self.begun = time.monotonic()
        self.file.write_text(self.text())
        replace_by_rename(self.file, self.text())
        os.utime(self.file)
        (self.etc / "another").write_text("of no interest")
        self.assert_no_reload(program)

    def test_a_file_that_is_gone_for_a_moment(self) -> None:
        program = self.start_with_plain_file()
        self.begun = time.monotonic()
        for _ in range(5):
            self.file.unlink()
            time.sleep(0.05)
            self.file.write_text(self.text())
        self.assert_no_reload(program)

    def test_half_a_write(self) -> None:
        program = self.start_with_plain_file()
        text = self.text(200)
        with open(self.file, "w") as file:
            for character in text:  # in pieces, over more than a second
                file.write(character)
                file.flush()
                time.sleep(1.5 / len(text))
        self.wait_replaced(program)
        self.assertNotIn("refused", program.log_text())

    def test_a_write_that_pauses_is_refused_and_read_again_when_it_is_whole(self) -> None:
        program = self.start_with_plain_file()
        before = program.processes()
        text = self.text(200)
        half = text.index("[[target]]") + 5
        with open(self.file, "w") as file:
            file.write(text[:half])
            file.flush()
            self.wait_refused(program, str(self.file))
            self.assertEqual(program.processes(), before)
            file.write(text[half:])
        self.wait_replaced(program)

    def test_a_wrong_one_changes_nothing_until_it_is_mended(self) -> None:
        program = self.start_with_plain_file()
        before = program.processes()
        replace_by_rename(self.file, self.text(200) + "\n[supervisoin]\n")
        self.wait_refused(program, "supervisoin")
        self.assertEqual(program.processes(), before)
        replace_by_rename(self.file, self.text())  # as it was
        program.wait_for_log("reloaded: 0 processes replaced", NOTICED, since=self.begun)
        self.assertNotIn("refused", program.readyz()[1])
        self.assertEqual(program.processes(), before)


if __name__ == "__main__":
    main()
