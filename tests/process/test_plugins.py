"""Plugins that can't be loaded or that misbehave: named in the log, and nobody else's loss."""

from __future__ import annotations

import os
import shutil
import subprocess

from case import ProcessTest, main, misbehaving, plugin_target

from lab.configuration import file_target
from lab.program import build_folder


def describe(plugin: str) -> tuple[int, str]:
    labeler = build_folder() / "libexec" / "valkey-reconciler" / "labeler"
    done = subprocess.run([labeler, "--describe", plugin], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Refusals(ProcessTest):
    def check_refused(self, plugin: str, *expected: str) -> None:
        status, said = describe(plugin)
        self.assertEqual(status, 78, said)
        for part in expected:
            self.assertIn(part, said)

    def copy(self, mode: int = 0o755, folder_mode: int = 0o755) -> str:
        folder = self.folder / "plugins"
        folder.mkdir()
        path = folder / "copy.so"
        shutil.copy(misbehaving("nothing"), path)
        path.chmod(mode)
        folder.chmod(folder_mode)
        return str(path)

    def test_a_good_one_is_described(self) -> None:
        status, said = describe(misbehaving("nothing"))
        self.assertEqual((status, '"plugin":"misbehaving"' in said), (0, True), said)

    def test_one_that_is_not_there(self) -> None:
        self.check_refused("/nowhere/x.so", "/nowhere/x.so", "No such file")
        self.check_refused("nosuch", "plugins/nosuch.so", "No such file")

    def test_one_that_is_no_shared_object(self) -> None:
        path = self.folder / "text.so"
        path.write_text("text")
        self.check_refused(str(path), "text.so")

    def test_one_without_the_symbol(self) -> None:
        self.check_refused(misbehaving("symbol"), "exports no valkey_reconciler_plugin_v1")

    def test_one_of_another_version(self) -> None:
        self.check_refused(misbehaving("version"), "speaks version 7", "this program version 1")

    def test_one_that_lacks_a_function(self) -> None:
        self.check_refused(misbehaving("no_apply"), "the function apply is missing")

    def test_one_that_gives_nothing(self) -> None:
        self.check_refused(misbehaving("null"), "returned NULL")

    def test_one_that_others_may_write(self) -> None:
        self.check_refused(self.copy(mode=0o757), "may be written by others", "copy.so")

    def test_one_in_a_folder_that_others_may_write(self) -> None:
        self.check_refused(self.copy(folder_mode=0o777), "may be written by others", "plugins")

    def test_one_of_another_user(self) -> None:
        path = self.copy()
        os.chown(path, 12345, 0)
        self.check_refused(path, "belongs to user 12345")

    def test_the_check_names_a_plugin_that_crashes_when_it_is_loaded(self) -> None:
        program = self.start(self.configuration(plugin_target("crash_on_load")))
        self.assertEqual(program.wait(10.0), 78)
        self.assertRegex(program.log_text(), r"crash_on_load\.so crashed when it was loaded")


class Misbehaviour(ProcessTest):
    """Beside a healthy file target, whose labeler must not notice."""

    def check_named(self, way: str, *lines: str, extra: str | None = None) -> None:
        keys = {} if extra is None else {"extra": extra}
        text = self.configuration(
            file_target(self.target), plugin_target(way, deadline="300ms"), **keys
        )
        program = self.start(text)
        self.wait_written()
        for line in lines:
            program.wait_for_log(line, 10.0)
        deaths = [e for e in program.log() if "died" in e.message and f" {way} " not in e.message]
        self.assertEqual(deaths, [])
        self.assertTrue(program.is_alive())

    def test_one_that_crashes(self) -> None:
        self.check_named("crash", r"labeler crash \(plugin .*/crash\.so\) died.*signal 6")

    def test_one_that_spins_is_killed_within_its_deadline(self) -> None:
        self.check_named(
            "spin", r"labeler spin \(plugin .*/spin\.so\) is silent for (1[5-9]|2[0-4])\d\d ms: killed"
        )

    def test_one_that_completes_twice(self) -> None:
        self.check_named("twice", r"twice\.so completed a request that is not open")

    def test_one_that_never_completes(self) -> None:
        self.check_named(
            "never", r"never\.so was not done within 300 ms", r"never\.so did not complete"
        )

    def test_one_that_calls_from_another_thread(self) -> None:
        self.check_named("thread", "from another thread")

    def test_one_that_refuses_its_configuration_is_tried_again(self) -> None:
        self.check_named("refuse", "the target is not to be had", "refused its configuration and is tried again")


if __name__ == "__main__":
    main()
