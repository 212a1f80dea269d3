"""The plugin `exec`: what its program is told, how its end is judged, and that nothing of it blocks or is left behind."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import unittest
import unittest.mock
from pathlib import Path

from case import ProcessTest, main

from lab.configuration import table
from lab.plugin_host import Event, PluginHost
from lab.processes import wait_until
from lab.program import LABELER, Program, identify
from lab.valkey import temporary_folder

GROUP = "myprimary"
OLD, NEW = "10.244.0.10", "fd00::11"


class Scripts(unittest.TestCase):
    """A folder for scripts and for what they leave there."""

    def setUp(self) -> None:
        self.folder = temporary_folder("exec")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def script(self, *lines: str, name: str = "program") -> Path:
        path = self.folder / name
        path.write_text("\n".join(["#!/bin/sh", f"cd {shlex.quote(str(self.folder))}", *lines]) + "\n")
        path.chmod(0o755)
        return path

    def pid(self, name: str) -> int:
        """The number that a script has written into a file of this name."""
        path = self.folder / name
        wait_until(lambda: path.exists() and path.read_text().endswith("\n"), 10.0, name)
        return int(path.read_text())

    def wait_gone(self, *names: str, timeout: float = 10.0) -> None:
        for pid in map(self.pid, names):
            wait_until(lambda: identify(pid) is None, timeout, f"process {pid} is gone")  # noqa: B023

    def wait_for(self, name: str) -> None:
        wait_until((self.folder / name).exists, 10.0, name)

    def host(self, *lines: str, groups: list[str] | None = None, eager: bool = False,
             dry_run: bool = False, **settings: str) -> PluginHost:
        return self.enterContext(PluginHost("exec", groups or [GROUP], eager=eager, dry_run=dry_run,
                                            command=self.script(*lines), **settings))

    def apply(self, host: PluginHost, address: str, epoch: int = 5, **keys: int | bool) -> Event:
        mark = host.apply(GROUP, epoch, address, **keys)  # type: ignore[arg-type]
        return host.wait("complete", 20.0, mark)


class Told(Scripts):
    def read(self) -> tuple[dict[str, str], dict[str, object], list[str]]:
        pairs = (self.folder / "environment").read_text().splitlines()
        return (dict(pair.split("=", 1) for pair in pairs),
                json.loads((self.folder / "input").read_text()),
                (self.folder / "arguments").read_text().splitlines())

    WRITES = ("env > environment", "cat > input", "printf '%s\\n' \"$@\" > arguments")

    def test_a_failover_by_environment_input_and_arguments(self) -> None:
        host = self.host(*self.WRITES)
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        self.assertEqual(self.apply(host, NEW, epoch=6).outcome, "applied")
        environment, told, arguments = self.read()
        expected = {"VR_TARGET": "test", "VR_GROUP": GROUP, "VR_STATE": "known",
                    "VR_PRIMARY_HOST": NEW, "VR_PRIMARY_PORT": "6379", "VR_SUSPECTED_HOST": "",
                    "VR_SUSPECTED_PORT": "", "VR_PREVIOUS_HOST": OLD, "VR_PREVIOUS_PORT": "6379",
                    "VR_REPLICAS": "", "VR_ERA": "0", "VR_EPOCH": "6", "VR_STEP": "0",
                    "VR_CAUSE": "an order of the test", "VR_EVENT_UNIX_US": "0"}
        self.assertEqual({k: v for k, v in environment.items() if k.startswith("VR_")}, expected)
        self.assertEqual(told["primary"], {"host": NEW, "port": 6379})
        self.assertEqual(told["previous"], {"host": OLD, "port": 6379})
        self.assertEqual((told["state"], told["suspected"], told["epoch"]), ("known", None, 6))
        self.assertEqual(arguments, [GROUP, "leader", "start", OLD, "6379", NEW, "6379"])

    def test_on_a_dry_run_it_is_not_run(self) -> None:
        dry = self.host("touch ran", dry_run=True)
        end = self.apply(dry, NEW)
        self.assertEqual((end.outcome, end.text), (
            "rejected", f"dry run: would run {self.folder}/program for the primary [{NEW}]:6379"))
        self.assertEqual(dry.close(), 0)
        self.assertFalse((self.folder / "ran").exists())

    def test_nothing_else_of_the_environment_reaches_it(self) -> None:
        with unittest.mock.patch.dict(os.environ, {"LSAN_OPTIONS": "exitcode=0"}):
            host = self.host(*self.WRITES)
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        names = {name for name in self.read()[0] if not name.startswith("VR_")}
        self.assertLessEqual(names, {"PATH", "LANG", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_"})

    def test_no_descriptor_and_no_ignored_signal_reaches_it(self) -> None:
        host = self.host("ls /proc/self/fd > open", "grep SigIgn /proc/self/status > ignored")
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        # Of ls: its three, and the folder that it lists.
        self.assertEqual((self.folder / "open").read_text().split(), ["0", "1", "2", "3"])
        self.assertEqual(int((self.folder / "ignored").read_text().split()[1], 16), 0)

    def test_the_first_run_names_the_primary_twice_since_none_is_known_before(self) -> None:
        host = self.host(*self.WRITES)
        self.apply(host, OLD)
        environment, told, arguments = self.read()
        self.assertEqual((environment["VR_PREVIOUS_HOST"], told["previous"]), ("", None))
        self.assertEqual(arguments[3:], [OLD, "6379", OLD, "6379"])

    def test_a_suspicion_is_told_without_the_seven_arguments_only(self) -> None:
        host = self.host(*self.WRITES)
        refused = self.apply(host, OLD, step=1, suspected=True)
        self.assertEqual(refused.outcome, "rejected")
        self.assertIn("seven arguments", refused.text)
        self.assertFalse((self.folder / "input").exists())
        host = self.host(*self.WRITES, arguments="none")
        self.assertEqual(self.apply(host, OLD, step=1, suspected=True).outcome, "applied")
        environment, told, arguments = self.read()
        self.assertEqual((environment["VR_STATE"], environment["VR_PRIMARY_HOST"],
                          environment["VR_SUSPECTED_HOST"]), ("suspected", "", OLD))
        self.assertEqual((told["primary"], told["suspected"]), (None, {"host": OLD, "port": 6379}))
        self.assertEqual(arguments, [""])

    def test_it_is_run_once_for_a_primary_whatever_the_decision(self) -> None:
        host = self.host("echo run >> runs")
        for epoch, address in ((5, OLD), (5, OLD), (6, OLD), (7, NEW), (8, OLD)):
            self.assertEqual(self.apply(host, address, epoch).outcome, "applied")
        self.assertEqual((self.folder / "runs").read_text().count("run"), 3)


class Ends(Scripts):
    def test_its_exit_status_decides(self) -> None:
        host = self.host("echo why it failed", "exit $VR_EPOCH")
        for status, outcome in ((0, "applied"), (1, "retry"), (2, "rejected"), (3, "retry"),
                                (75, "retry"), (127, "retry"), (255, "retry")):
            end = self.apply(host, OLD if status == 0 else NEW, epoch=status)
            self.assertEqual(end.outcome, outcome, status)
            self.assertIn(f"exited with status {status}: why it failed", end.text)

    def test_one_that_a_signal_ends_is_tried_again(self) -> None:
        end = self.apply(self.host("kill -SEGV $$"), OLD)
        self.assertEqual(end.outcome, "retry")
        self.assertIn("was killed by signal 11", end.text)

    def test_one_that_failed_is_run_again_for_the_same_primary(self) -> None:
        host = self.host("echo run >> runs", '[ "$(wc -l < runs)" -ne 2 ]')
        outcomes = [self.apply(host, address).outcome for address in (OLD, NEW, OLD)]
        self.assertEqual(outcomes, ["applied", "retry", "applied"])
        self.assertEqual((self.folder / "runs").read_text().count("run"), 3)

    def test_one_that_is_not_there_is_tried_again(self) -> None:
        host = self.host()
        (self.folder / "program").rename(self.folder / "elsewhere")
        end = self.apply(host, OLD)
        self.assertEqual((end.outcome, end.text),
                         ("retry", f"start {self.folder}/program: No such file or directory"))
        (self.folder / "elsewhere").rename(self.folder / "program")
        self.assertEqual(self.apply(host, OLD).outcome, "applied")

    def test_a_name_without_a_path_is_refused(self) -> None:
        host = self.enterContext(PluginHost("exec", [GROUP], command="program,x"))
        host.wait("refused", text="command: `program` is no absolute path")

    def test_at_its_deadline_its_group_gets_term_then_kill(self) -> None:
        host = self.host(
            "trap 'echo > told' TERM", "(trap '' TERM; sh -c 'echo $$ > deep; exec sleep 60') &",
            "echo $$ > shallow", "while :; do sleep 0.1; done", deadline="500ms")
        end = self.apply(host, OLD)
        self.assertEqual(end.outcome, "retry")
        self.assertRegex(end.text, r"was not done within \d+ ms and was sent KILL")
        self.assertTrue((self.folder / "told").exists())
        self.wait_gone("deep", "shallow")

    def test_one_that_obeys_term_ends_at_its_deadline(self) -> None:
        end = self.apply(self.host("exec sleep 60", deadline="300ms"), OLD)
        self.assertEqual(end.outcome, "retry")
        self.assertRegex(end.text, r"was not done within \d+ ms and was sent TERM$")

    def test_a_cancelled_one_may_end_what_it_has_begun(self) -> None:
        host = self.host("echo > begun", "sleep 0.3", "echo > ended")
        mark = host.apply(GROUP, 5, OLD)
        self.wait_for("begun")
        host.cancel(GROUP)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "applied")
        self.assertTrue((self.folder / "ended").exists())

    def test_a_cancelled_one_that_goes_on_is_terminated(self) -> None:
        host = self.host("echo > begun", "exec sleep 60")
        mark = host.apply(GROUP, 5, OLD)
        self.wait_for("begun")
        host.cancel(GROUP)
        end = host.wait("complete", mark=mark)
        self.assertEqual(end.outcome, "cancelled")
        self.assertIn("was sent TERM", end.text)

    def test_what_it_left_running_is_killed_when_it_ends(self) -> None:
        host = self.host("sh -c 'echo $$ > left; exec sleep 60' &", "while [ ! -e left ]; do :; done")
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        self.wait_gone("left")

    def test_it_and_what_it_started_end_when_the_host_is_killed(self) -> None:
        host = self.host("(trap '' TERM HUP; sh -c 'echo $$ > deep; exec sleep 60') &",
                         "echo $$ > shallow", "wait")
        host.apply(GROUP, 5, OLD)
        self.pid("deep")
        self.pid("shallow")
        host.kill()
        self.wait_gone("deep", "shallow")


class Output(Scripts):
    def lines(self, host: PluginHost) -> list[str]:
        head = f"{self.folder}/program: "
        return [e.text.removeprefix(head) for e in host.events
                if e.kind == "log" and e.text.startswith(head)]

    def test_it_goes_into_the_log_line_by_line(self) -> None:
        host = self.host("echo one; echo two >&2; echo; printf three")
        self.apply(host, OLD)
        self.assertEqual(self.lines(host), ["one", "two", "three"])

    def test_lines_are_bounded_in_number_and_length(self) -> None:
        host = self.host("head -c 300000 /dev/zero | tr '\\0' x; echo", "seq 1 5000")
        self.apply(host, OLD)
        lines = self.lines(host)
        self.assertEqual(lines[0], "x" * 1024 + "...")
        self.assertEqual(lines[1:], [*map(str, range(1, 100)), "(4901 more lines are left out)"])

    def test_one_that_writes_without_end_blocks_nobody(self) -> None:
        host = self.host('[ "$VR_GROUP" = other ] && exit 0', "echo > begun; exec yes",
                         groups=[GROUP, "other"])
        mark = host.apply(GROUP, 5, OLD)
        self.wait_for("begun")
        other = host.apply("other", 5, OLD)
        self.assertEqual(host.wait("complete", 5.0, other, group="other").outcome, "applied")
        host.cancel(GROUP)
        self.assertEqual(host.wait("complete", mark=mark, group=GROUP).outcome, "cancelled")

    def test_one_that_does_not_read_its_input_is_no_problem(self) -> None:
        self.assertEqual(self.apply(self.host("exec < /dev/null"), OLD).outcome, "applied")


class Many(Scripts):
    def test_sixteen_run_at_once_and_the_others_wait_for_their_turn(self) -> None:
        groups = [f"g{i}" for i in range(20)]
        host = self.host('echo > "begun-$VR_GROUP"', "while [ ! -e go ]; do sleep 0.05; done",
                         groups=groups)
        for group in groups:
            host.apply(group, 5, OLD)
        wait_until(lambda: len(self.begun()) == 16, 10.0, "sixteen run")
        mark = len(host.events)
        host.cancel("g19")
        self.assertEqual(host.wait("complete", mark=mark, group="g19").outcome, "cancelled")
        self.assertEqual(len(self.begun()), 16)
        (self.folder / "go").touch()
        for group in groups[:19]:
            self.assertEqual(host.wait("complete", 20.0, group=group).outcome, "applied")
        self.assertEqual(len(self.begun()), 19)

    def begun(self) -> list[Path]:
        return list(self.folder.glob("begun-*"))


class Whole(ProcessTest):
    """Within the program, with a real primary."""

    def start_with(self, *lines: str) -> Program:
        script = self.folder / "program"
        script.write_text("\n".join(["#!/bin/sh", f"cd {self.folder}", *lines]) + "\n")
        script.chmod(0o755)
        return self.start(self.configuration(
            table("target", name="exec", plugin="exec", command=[str(script)])))

    def wait_for(self, name: str) -> int:
        path = self.folder / name
        wait_until(lambda: path.exists() and path.read_text().endswith("\n"), 10.0, name)
        return int(path.read_text())

    def test_the_program_becomes_ready_by_it(self) -> None:
        program = self.start_with("echo $7 > port")
        program.wait_ready()
        self.assertEqual(self.wait_for("port"), self.group.primary().port)

    def test_a_killed_supervisor_takes_it_along(self) -> None:
        for name, what in ((None, "the supervisor"), (LABELER, "the labeler")):
            program = self.start_with("(trap '' TERM HUP; sh -c 'echo $$ > deep; exec sleep 60') &",
                                      "echo $$ > shallow", "wait")
            pids = [self.wait_for("deep"), self.wait_for("shallow")]
            if name is None:
                program.send(signal.SIGKILL)
            else:
                labelers = program.children(name)
                min(labelers, key=lambda each: each.pid).send(signal.SIGKILL)  # not its guard
            wait_until(lambda: not any(map(identify, pids)), 2.0, f"it ends with {what}")  # noqa: B023
            program.close()
            for left in ("deep", "shallow"):
                (self.folder / left).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
