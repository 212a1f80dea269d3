"""The plugin `file`: its formats, who may read its files, and the command after a change."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.plugin_host import Event, PluginHost  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
OLD, NEW = "10.244.0.10", "fd00::11"
ENDINGS = {"json": "json", "env": "env", "haproxy-map": "map", "hosts": "hosts"}


class FileCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder("file")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.folder / "target"
        self.target.mkdir()

    def host(self, *groups: str, eager: bool = False, **settings: str | Path) -> PluginHost:
        return self.enterContext(PluginHost("file", list(groups or [GROUP]), eager=eager,
                                            directory=self.target, **settings))

    def apply(self, host: PluginHost, address: str, epoch: int = 5, **keys: int | bool) -> Event:
        mark = host.apply(GROUP, epoch, address, **keys)  # type: ignore[arg-type]
        return host.wait("complete", mark=mark, epoch=str(epoch), step=str(keys.get("step", 0)))

    def path(self, form: str = "json") -> Path:
        return self.target / f"{GROUP}.{ENDINGS[form]}"

    def lines(self, form: str) -> list[str]:
        """Without the memory, which stands first."""
        memory, *lines = self.path(form).read_text().splitlines()
        self.assertTrue(memory.startswith('# valkey-reconciler {"group":"myprimary",'), memory)
        return lines


class Formats(FileCase):
    def test_each_holds_the_primary_in_its_own_words(self) -> None:
        for form, old, new, none in (
            ("env",
             ["VALKEY_PRIMARY_HOST=10.244.0.10", "VALKEY_PRIMARY_PORT=6379", "VALKEY_REPLICAS=",
              "VALKEY_ERA=0", "VALKEY_EPOCH=5", "VALKEY_STEP=0"],
             ["VALKEY_PRIMARY_HOST=fd00::11", "VALKEY_PRIMARY_PORT=6379", "VALKEY_REPLICAS=",
              "VALKEY_ERA=0", "VALKEY_EPOCH=6", "VALKEY_STEP=0"],
             ["VALKEY_PRIMARY_HOST=", "VALKEY_PRIMARY_PORT=", "VALKEY_REPLICAS=", "VALKEY_ERA=0",
              "VALKEY_EPOCH=6", "VALKEY_STEP=1"]),
            ("haproxy-map", ["myprimary 10.244.0.10:6379"], ["myprimary [fd00::11]:6379"], []),
            ("hosts", ["10.244.0.10 myprimary"], ["fd00::11 myprimary"], []),
        ):
            with self.subTest(form):
                host = self.host(format=form)
                self.assertEqual(self.apply(host, OLD).outcome, "applied")
                self.assertEqual(self.lines(form), old)
                self.assertEqual(self.apply(host, NEW, 6).outcome, "applied")
                self.assertEqual(self.lines(form), new)
                self.assertEqual(self.apply(host, NEW, 6, step=1, suspected=True).outcome, "applied")
                self.assertEqual(self.lines(form), none)

    def test_each_remembers_its_decision_over_a_restart(self) -> None:
        for form in ENDINGS:
            with self.subTest(form):
                self.assertEqual(self.apply(self.host(format=form), NEW, 6).outcome, "applied")
                before = self.path(form).read_bytes()
                host = self.host(format=form)
                self.assertEqual(self.apply(host, NEW, 6).outcome, "applied")
                late = self.apply(host, OLD, 5)
                self.assertEqual(late.outcome, "rejected")
                self.assertIn("holds a higher decision: epoch 6", late.text)
                self.assertEqual(self.path(form).read_bytes(), before)

    def test_each_is_repaired_when_somebody_changes_it(self) -> None:
        for form in ENDINGS:
            with self.subTest(form):
                host = self.host(format=form, eager=True)
                self.assertEqual(self.apply(host, OLD).outcome, "applied")
                whole = self.path(form).read_text()
                mark = len(host.events)
                self.path(form).write_text(whole.replace(OLD, "10.9.9.9"))
                host.wait("log", mark=mark, text="names primary 10.244.0.10:6379")
                mark = len(host.events)
                self.path(form).unlink()
                host.wait("log", mark=mark, text="names primary 10.244.0.10:6379")
                text = self.path(form).read_text()
                self.assertEqual(text.split('"time"')[0], whole.split('"time"')[0])

    def test_a_shell_reads_env_and_nothing_that_it_would_execute_is_written(self) -> None:
        host = self.host(format="env")
        self.assertEqual(self.apply(host, NEW).outcome, "applied")
        said = subprocess.run(["sh", "-ec", f". {self.path('env')}; echo $VALKEY_PRIMARY_HOST"],
                              capture_output=True, text=True)
        self.assertEqual((said.stdout, said.stderr), (NEW + "\n", ""))
        before = self.path("env").read_bytes()
        for name in ("$(reboot)", "a;b", "`x`", "a'b", "-n", "a\\"):
            end = self.apply(host, name, 6)
            self.assertEqual(end.outcome, "rejected", name)
            self.assertIn(f"`{name}` is no host name", end.text)
        self.assertEqual(self.path("env").read_bytes(), before)

    def test_hosts_needs_an_address_and_a_name(self) -> None:
        host = self.host(format="hosts", host_name="{group}.valkey.internal")
        end = self.apply(host, "valkey-0.valkey")
        self.assertEqual(end.outcome, "rejected")
        self.assertIn("`valkey-0.valkey` is no address", end.text)
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        self.assertEqual(self.lines("hosts"), ["10.244.0.10 myprimary.valkey.internal"])
        refused = self.host(format="hosts", host_name="my primary")
        refused.wait("refused", text="host_name: `my primary` of the group `myprimary`")

    def test_a_group_that_can_not_be_a_key_is_refused(self) -> None:
        self.host("#1", format="haproxy-map").wait("refused", text="can't be a key of a HAProxy map")


class Access(FileCase):
    def test_mode_and_owner_are_as_written_and_stay_so(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        user, group = pwd.getpwnam("nobody"), grp.getgrnam("daemon")
        host = self.host(mode="0640", owner="nobody:daemon", eager=True)
        self.assertEqual(self.apply(host, OLD).outcome, "applied")

        def access() -> tuple[int, int, int]:
            status = self.path().stat()
            return status.st_mode & 0o7777, status.st_uid, status.st_gid

        right = (0o640, user.pw_uid, group.gr_gid)
        self.assertEqual(access(), right)
        for what, change in (("mode", lambda: self.path().chmod(0o666)),
                             ("owner", lambda: os.chown(self.path(), 0, 0))):
            with self.subTest(what):
                mark = len(host.events)
                change()
                host.wait("log", mark=mark, text="names primary 10.244.0.10:6379")
                self.assertEqual(access(), right)

    def test_where_everything_is_right_nothing_is_written(self) -> None:
        host = self.host(mode="0600", eager=True)
        self.apply(host, OLD)
        before = self.path().stat()
        self.assertEqual(before.st_mode & 0o7777, 0o600)
        self.apply(host, OLD)
        self.assertEqual(self.path().stat().st_ino, before.st_ino)

    def test_a_mode_or_an_owner_that_is_none(self) -> None:
        for mode in ("0888", "rw-r--r--", "", "04755"):
            self.host(mode=mode).wait("refused", text="is no mode such as 0640")
        end = self.apply(self.host(owner="no-such-user"), OLD)
        self.assertEqual((end.outcome, end.text),
                         ("retry", "owner: there is no user `no-such-user`"))
        self.assertEqual(list(self.target.iterdir()), [])


class Others(FileCase):
    """What else may be in the folder."""

    def test_a_file_that_cannot_be_read_is_not_replaced(self) -> None:
        self.path().symlink_to(self.path())
        done = self.apply(self.host(), OLD)
        self.assertEqual(done.outcome, "retry")
        self.assertIn(f"open {self.path()}: ", done.text)
        self.assertTrue(self.path().is_symlink())

    def test_what_a_process_of_the_same_number_is_writing_is_left_alone(self) -> None:
        host = self.host()
        temporary = self.target / f".{GROUP}.json.{host.pid}.new"
        temporary.write_text("half")
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        self.assertEqual(temporary.read_text(), "half")

    def test_a_far_too_large_file_is_no_file_of_ours(self) -> None:
        self.path().write_text("{" * (9 * 1024 * 1024))
        host = self.host()
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        host.wait("log", level="warning", text="was not written by this program and is replaced")


class Command(FileCase):
    def command(self, *lines: str) -> Path:
        path = self.folder / "command"
        path.write_text("\n".join(["#!/bin/sh", f"cd '{self.folder}'", *lines]) + "\n")
        path.chmod(0o755)
        return path

    def runs(self) -> list[str]:
        path = self.folder / "runs"
        return path.read_text().splitlines() if path.exists() else []

    def test_it_is_run_after_a_change_and_once_after_a_start(self) -> None:
        command = self.command('echo "$VR_PREVIOUS_HOST $(cat "$VR_FILE" | head -c 9) $#" >> runs')
        host = self.host(command=command)
        for epoch, address in ((5, OLD), (5, OLD), (6, NEW), (6, NEW)):
            self.assertEqual(self.apply(host, address, epoch).outcome, "applied")
        self.assertEqual(self.runs(), [' {"group": 0', f'{OLD} {{"group": 0'])
        self.assertEqual(self.apply(self.host(command=command), NEW, 6).outcome, "applied")
        self.assertEqual(len(self.runs()), 3)

    def test_its_failure_is_tried_again_until_it_succeeds(self) -> None:
        host = self.host(command=self.command("echo run >> runs", '[ "$(wc -l < runs)" -ge 3 ] || exit 2'))
        outcomes = [self.apply(host, OLD).outcome for _ in range(4)]
        self.assertEqual(outcomes, ["retry", "retry", "applied", "applied"])
        self.assertEqual(len(self.runs()), 3)
        self.assertEqual(json.loads(self.path().read_text())["primary"]["host"], OLD)

    def test_after_a_suspicion_it_is_told_of_the_primary_before(self) -> None:
        host = self.host(command=self.command('echo "$VR_STATE $VR_PREVIOUS_HOST" >> runs'))
        for epoch, address, suspected in ((4, "10.244.0.9", False), (5, OLD, False), (5, OLD, True),
                                          (6, NEW, False)):
            self.apply(host, address, epoch, step=int(suspected), suspected=suspected)
        self.assertEqual(self.runs(), ["known ", "known 10.244.0.9", "suspected 10.244.0.9",
                                       f"known {OLD}"])

    def test_sixteen_run_at_once_and_delay_no_file(self) -> None:
        groups = [f"g{i}" for i in range(40)]
        host = self.host(*groups, command=self.command('echo "$VR_GROUP" >> runs',
                                                       "while [ ! -e go ]; do sleep 0.05; done"))
        for group in groups:
            host.apply(group, 5, OLD)
        wait_until(lambda: len(list(self.target.glob("*.json"))) == 40, 10.0, "all are written")
        wait_until(lambda: len(self.runs()) == 16, 10.0, "sixteen run")
        waiting = next(group for group in groups if group not in self.runs())
        host.cancel(waiting)
        self.assertEqual(host.wait("complete", group=waiting).outcome, "cancelled")
        self.assertEqual(len(self.runs()), 16)
        (self.folder / "go").touch()
        for group in set(groups) - {waiting}:
            self.assertEqual(host.wait("complete", 20.0, group=group).outcome, "applied")
        self.assertEqual(len(self.runs()), 39)

    def test_a_rejected_decision_does_not_run_it(self) -> None:
        self.assertEqual(self.apply(self.host(), NEW, 6).outcome, "applied")
        host = self.host(command=self.command("echo run >> runs"))
        self.assertEqual(self.apply(host, OLD, 5).outcome, "rejected")
        self.assertEqual(self.runs(), [])

    def test_a_cancelled_one_is_terminated_and_run_again(self) -> None:
        host = self.host(command=self.command("echo run >> runs", "[ -e go ] || exec sleep 60"))
        mark = host.apply(GROUP, 5, OLD)
        wait_until(lambda: len(self.runs()) == 1, 10.0, "it runs")
        host.cancel(GROUP)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "cancelled")
        (self.folder / "go").touch()
        self.assertEqual(self.apply(host, OLD).outcome, "applied")
        self.assertEqual(len(self.runs()), 2)

    def test_a_name_without_a_path_is_refused(self) -> None:
        self.host(command="systemctl").wait("refused", text="command: `systemctl` is no absolute path")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
