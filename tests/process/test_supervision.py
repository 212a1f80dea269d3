"""The supervisor keeps its children running, and ends when it is to."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

from case import FAST, ProcessTest, main, misbehaving, plugin_target

from lab.addresses import free_port
from lab.configuration import configuration, file_target, sentinel, table
from lab.processes import wait_until
from lab.program import LABELER, WATCHER, ProcessId, Program, build_folder, descendants, identify


def resident_of_files(pid: int) -> int:
    """kB."""
    return int(re.findall(r"^RssFile:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[0])


class Supervision(ProcessTest):
    def test_a_killed_labeler_comes_back_and_is_told_everything_again(self) -> None:
        program = self.start_ready()
        killed = program.kill_child(LABELER)
        (self.target / f"{self.group.name}.json").unlink()
        program.wait_for_successor(killed)
        self.wait_written()
        program.wait_ready()

    def test_the_labeler_that_describes_a_plugin_at_the_start_serves_its_target(self) -> None:
        program = self.start_ready()
        first = program.child(LABELER)
        self.assertEqual(first.argv[2:], ("file",))
        self.assertEqual(len(program.processes()), 2)
        first.send(signal.SIGKILL)
        self.assertEqual(program.wait_for_successor(first).argv[2:], ())
        program.wait_ready()

    def start_held(self, extra: str = FAST) -> tuple[Program, ProcessId]:
        """The program, and a labeler that stopped itself on the way to its plugin's description."""
        program = self.start(self.configuration(plugin_target("stop_on_load"), extra=extra))
        wait_until(
            lambda: any(_is_stopped(labeler) for labeler in program.children(LABELER)),
            5.0,
            "the plugin stops while it is loaded",
        )
        return program, program.child(LABELER)

    def test_one_that_loads_for_longer_than_a_heartbeat_may_take_has_ready_timeout_each_time(self) -> None:
        program, first = self.start_held()
        first.send(signal.SIGCONT)
        program.wait_ready()
        first.send(signal.SIGKILL)
        second = program.wait_for_successor(first)
        wait_until(lambda: _is_stopped(second), 5.0, "the plugin stops while it is loaded")
        time.sleep(2.5)  # of a heartbeat_deadline of 1.5
        self.assertEqual(program.child(LABELER), second)
        second.send(signal.SIGCONT)
        program.wait_ready()
        self.assertEqual(program.child(LABELER), second)

    def test_a_target_with_other_settings_is_not_in_sync_before_it_says_so(self) -> None:
        program = self.start_ready(file_target(self.target))
        elsewhere = table("target", name="file", plugin=misbehaving("never"), deadline="60s")
        (self.folder / "program.toml").write_text(self.configuration(elsewhere))
        program.send(signal.SIGHUP)
        program.wait_for_log(r"labeler file \(plugin .*never\.so\) is ready")
        for _ in range(3):
            self.assertEqual(program.readyz()[0], 503)
            self.assertIn("target file, group myprimary: not in sync yet", program.readyz()[1])
            time.sleep(0.3)

    def test_one_that_is_refused_leaves_the_one_before_at_work_with_its_groups(self) -> None:
        head = sentinel(self.group.sentinels, [self.group.name, "another"])
        name = self.group.name
        before = table("target", name="file", plugin="file", directory=str(self.target), groups=[name])
        program = self.start(configuration(FAST, head, before))
        self.wait_written()
        refused = table("target", name="file", plugin=misbehaving("refuse"), groups=["another"])
        (self.folder / "program.toml").write_text(configuration(FAST, head, refused))
        program.send(signal.SIGHUP)
        program.wait_for_log("the one before goes on, and it is tried again")
        (self.target / f"{name}.json").unlink()
        program.kill_child(LABELER)
        self.wait_written()

    def test_the_watcher_is_at_work_while_the_plugins_are_described(self) -> None:
        program, labeler = self.start_held()
        watcher = program.child(WATCHER)
        program.wait_for_log("primary found")
        labeler.send(signal.SIGCONT)
        program.wait_ready()
        self.assertEqual(set(program.processes()), {watcher, labeler})
        program.kill_child(WATCHER)  # the next one is configured by the supervisor, and goes on from what this one knew
        program.wait_ready()
        self.assertEqual(len(re.findall("primary found", program.log_text())), 1)

    def test_a_watcher_that_died_while_the_plugins_are_described_is_started_again(self) -> None:
        program, labeler = self.start_held()
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGKILL)
        labeler.send(signal.SIGCONT)
        program.wait_ready()
        self.assertNotEqual(program.child(WATCHER), watcher)

    def test_a_refused_configuration_ends_the_watcher_that_was_started_for_it(self) -> None:
        program, labeler = self.start_held()
        self.assertEqual(set(program.processes()), {program.child(WATCHER), labeler})
        labeler.send(signal.SIGKILL)
        self.assertEqual(program.wait(5.0), 78)
        self.assertEqual(program.alive_processes(), [])
        self.assertRegex(program.log_text(), r"(^|\n)[^\n{]* crashed when it was loaded; expected [^\n]*$")

    def test_a_plugin_that_is_not_described_within_ready_timeout_may_be_so_another_time(self) -> None:
        program, _ = self.start_held('[supervision]\nready_timeout = "1s"\n')
        self.assertEqual(program.wait(5.0), 71)
        self.assertEqual(program.alive_processes(), [])
        self.assertRegex(
            program.log_text(),
            r"(^|\n)[^\n{]* did not describe itself within 1000 ms \(supervision\.ready_timeout\); [^\n]*$",
        )

    def test_term_ends_it_with_status_0_while_the_plugins_are_described(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            program, _ = self.start_held()
            program.send(number)
            self.assertEqual(program.wait(5.0), 0)
            wait_until(lambda: not program.alive_processes(), 1.0, "no process is left")

    def test_a_configuration_that_changes_while_the_plugins_are_described_is_read_at_a_hangup(self) -> None:
        program, labeler = self.start_held()
        (self.folder / "program.toml").write_text(self.configuration())
        program.send(signal.SIGHUP)
        labeler.send(signal.SIGCONT)
        self.wait_written(10.0)

    def test_as_pid_1_it_obeys_term_while_the_plugins_are_described(self) -> None:
        shell = self.start_as_pid_1("exec", plugin_target("wait_on_load"))
        wait_until(lambda: len(descendants(shell.pid)) == 3, 5.0, "watcher and labeler are started")
        descendants(shell.pid)[0].send(signal.SIGTERM)
        self.assertEqual(shell.wait(5.0), 0)

    def test_what_only_the_start_needed_is_given_back(self) -> None:
        program = self.start_ready()
        pids = [program.pid, *(child.pid for child in program.processes())]
        held = [resident_of_files(pid) for pid in pids]
        wait_until(
            lambda: all(resident_of_files(pid) < before * 0.7 for pid, before in zip(pids, held)),
            15.0,
            f"each process holds less than after its start: {held}",
        )
        (self.target / f"{self.group.name}.json").unlink()
        program.kill_child(LABELER)
        self.wait_written()

    def test_of_two_targets_with_one_plugin_each_has_a_labeler(self) -> None:
        folders = [self.target, self.folder / "second"]
        folders[1].mkdir(exist_ok=True)
        targets = [
            table("target", name=folder.name, plugin="file", directory=str(folder))
            for folder in folders
        ]
        program = self.start(self.configuration(*targets))
        program.wait_ready()
        self.assertEqual(len(program.children(LABELER)), 2)
        for folder in folders:
            wait_until(lambda: any(folder.iterdir()), 5.0, f"{folder} is written")

    def test_a_labeler_is_told_everything_while_the_watcher_is_stopped(self) -> None:
        program = self.start(self.configuration(extra=""))  # its silence is noticed after 6 s
        program.wait_ready()
        watcher = program.child(WATCHER)
        watcher.send(signal.SIGSTOP)
        killed = program.kill_child(LABELER)
        (self.target / f"{self.group.name}.json").unlink()
        program.wait_for_successor(killed)
        self.wait_written(3.0)
        watcher.send(signal.SIGCONT)

    def test_a_killed_watcher_comes_back(self) -> None:
        program = self.start_ready()
        killed = program.kill_child(WATCHER)
        program.wait_for_successor(killed)
        program.wait_ready()

    def test_a_stopped_child_is_found_by_its_silence_and_replaced(self) -> None:
        program = self.start_ready()
        for name in (WATCHER, LABELER):
            stopped = program.kill_child(name, signal.SIGSTOP)
            program.wait_for_log(rf"{name}.* silent for \d+ ms: killed", 5.0)
            program.wait_for_successor(stopped)
            program.wait_ready()

    def test_a_child_that_dies_again_and_again_is_throttled(self) -> None:
        program = self.start(self.configuration(plugin_target("crash")))
        program.wait_for_log(lambda e: "labeler crash" in e.message and "died" in e.message)
        time.sleep(3.0)  # long enough for hundreds of restarts without a backoff
        starts = [e for e in program.log() if e.message.endswith("crash.so) started")]
        self.assertGreater(len(starts), 2)
        self.assertLess(len(starts), 12)
        told = [e for e in starts if e.fields["level"] == "info"]
        self.assertEqual(len(told), 2, "no further start is worth a line")
        deaths = [e for e in program.log() if "labeler crash" in e.message and "died" in e.message]
        self.assertEqual(len(deaths), 1)  # the others are counted

    def test_a_child_that_has_died_again_and_again_is_told_to_stay_up(self) -> None:
        program = self.start(self.configuration(extra='[supervision]\nstable_after = "2s"\n'))
        program.wait_ready()
        for _ in range(3):
            program.wait_for_successor(program.kill_child(LABELER))
            program.wait_ready()
        line = program.wait_for_log("labeler file .* stays up")
        self.assertEqual(line.fields["level"], "info")

    def test_a_supervisor_that_stood_still_kills_nobody(self) -> None:
        program = self.start_ready()
        before = {process.pid for process in program.processes()}
        program.send(signal.SIGSTOP)
        time.sleep(3.0)  # twice the deadline
        program.send(signal.SIGCONT)
        program.wait_for_log("stood still", 3.0)
        time.sleep(2.0)  # a wrong kill would come within the deadline
        self.assertEqual({process.pid for process in program.processes()}, before)

    def test_a_killed_supervisor_takes_a_spinning_plugin_with_it(self) -> None:
        program = self.start(self.configuration(plugin_target("spin"), extra=""))
        program.wait_for_log("labeler spin .* is ready")
        wait_until(lambda: _spins(program), 5.0, "the plugin spins")
        self.assertEqual(len(program.processes()), 2)
        program.send(signal.SIGKILL)
        program.wait(1.0)
        wait_until(lambda: not program.alive_processes(), 1.0, "no process is left")

    def test_term_ends_everything_with_status_0(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            program = self.start_ready()
            program.processes()
            program.send(number)
            self.assertEqual(program.wait(5.0), 0)
            self.assertEqual(program.alive_processes(), [])

    def test_term_ends_a_spinning_plugin_within_5_s(self) -> None:
        program = self.start(self.configuration(plugin_target("spin"), extra=""))
        wait_until(lambda: _spins(program), 5.0, "the plugin spins")
        ended = program.terminate()
        self.assertEqual(ended.status, 0)
        self.assertLess(ended.seconds, 5.0)
        self.assertEqual(program.alive_processes(), [])

    def test_as_pid_1_it_reaps_strangers_and_keeps_its_children(self) -> None:
        # The shell leaves an orphan that ends once the program is at work, then becomes the program.
        ready = self.folder / "ready"
        shell = self.start_as_pid_1(f"( (until [ -e {ready} ]; do sleep 0.1; done) & ); exec")
        self.wait_written()
        ready.touch()
        self.wait_reaped()
        inside = int(Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text())
        os.kill(inside, signal.SIGTERM)
        self.assertEqual(shell.wait(5.0), 0)

    def test_as_pid_1_it_reaps_strangers_that_ended_before_it_listened(self) -> None:
        # Perl waits for no child, as a shell would.
        self.start_as_pid_1("exec perl -e 'exit unless fork; sleep 1; exec @ARGV'")
        self.wait_reaped()

    def start_as_pid_1(self, prefix: str, *targets: str) -> subprocess.Popen[bytes]:
        """`prefix`: the beginning of a shell's command, which goes on as the program."""
        self.program = Program(self.folder, self.configuration(*targets))
        self.addCleanup(self.program.close)
        unshare = ["unshare", "--pid", "--fork", "--kill-child"]
        script = f"{prefix} {self.program.command}"
        with open(self.program.log_file, "wb") as log:
            shell = subprocess.Popen([*unshare, "sh", "-c", script], env=self.program.environment, stderr=log)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        return shell

    def wait_reaped(self) -> None:
        wait_until(lambda: "reaped a stranger" in self.program.log_file.read_text(), 5.0, "reaped")

    def test_children_hold_no_passwords_in_arguments_and_environment(self) -> None:
        secret = "a-password-of-the-test"
        environment = {"VALKEY_SENTINEL_PASSWORD": secret, "SOME_TOKEN": secret}
        program = self.start(self.configuration(), environment=environment)
        program.wait_for_log("labeler.* is ready")
        for process in program.processes():
            folder = Path(f"/proc/{process.pid}")
            for place in ("environ", "cmdline"):
                self.assertNotIn(secret.encode(), (folder / place).read_bytes())
        self.assertNotIn(secret, program.log_text())

    def start_with_a_pipe(self) -> subprocess.Popen[bytes]:
        """The program, with a log that only the test could read."""
        program = Program(self.folder, self.configuration())
        log = subprocess.Popen(
            shlex.split(program.command), env=program.environment, stderr=subprocess.PIPE
        )
        self.addCleanup(log.wait)
        self.addCleanup(log.kill)
        self.wait_written()
        return log

    def test_nobody_dies_of_a_log_that_is_not_read(self) -> None:
        log = self.start_with_a_pipe()
        before = {process.pid for process in descendants(log.pid)}
        assert log.stderr is not None
        log.stderr.close()
        (self.target / f"{self.group.name}.json").unlink()  # repaired, which is worth a line
        self.wait_written()
        time.sleep(1.0)  # a death would be seen by then
        self.assertEqual({process.pid for process in descendants(log.pid)}, before)
        log.terminate()
        self.assertEqual(log.wait(5.0), 0)

    def test_a_reader_of_the_log_that_stands_still_holds_nobody_up(self) -> None:
        log = self.start_with_a_pipe()
        assert log.stderr is not None
        fcntl.fcntl(log.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for _ in range(40):  # far more lines than the pipe holds
            (self.target / f"{self.group.name}.json").unlink()
            self.wait_written(1.0)
        log.terminate()
        self.assertEqual(log.wait(5.0), 0)
        log.stderr.close()

    def test_term_to_the_children_is_not_their_affair(self) -> None:
        program = self.start_ready()
        before = program.processes()
        for process in before:
            process.send(signal.SIGTERM)
        time.sleep(0.5)  # a death would be seen by then
        self.assertEqual(program.processes(), before)

    def test_a_taken_port_and_a_missing_address_end_the_start_with_status_71(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for address, cause in ((f"127.0.0.1:{port}", "Address already in use"),
                                   (f"192.0.2.1:{port}", "Cannot assign requested address")):
                with self.subTest(address):
                    program = self.start(
                        self.configuration(), environment={"VALKEY_RECONCILER_HTTP": address}
                    )
                    self.assertEqual(program.wait(5.0), 71)
                    self.assertIn(f"{address}: {cause}", program.log_text())

    def test_readiness_has_its_reasons_and_liveness_none(self) -> None:
        program = self.start(self.configuration(file_target(self.folder / "missing")))
        wait_until(lambda: _answers(program), 5.0, "HTTP answers")
        wait_until(lambda: "No such file" in program.readyz()[1], 5.0, "the cause is told")
        self.assertEqual(program.readyz()[0], 503)
        self.assertEqual(program.healthz(), (200, "alive\n"))
        (self.folder / "missing").mkdir()
        program.wait_ready()

    def test_only_get_is_answered(self) -> None:
        program = self.start_ready()
        self.assertEqual(program.get("/nothing")[0], 404)
        with socket.create_connection(("127.0.0.1", program.http_port), 2) as connection:
            connection.sendall(b"DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 405 ", connection.recv(4096))


class Reload(ProcessTest):
    def rewrite(self, program: Program, text: str) -> None:
        (self.folder / "program.toml").write_text(text)
        program.send(signal.SIGHUP)

    def pids(self, program: Program) -> dict[str, int]:
        return {f"{p.name} {program.target_of(p)}": p.pid for p in program.processes()}

    def test_a_plugin_that_is_described_for_ever_ends_with_the_supervisor(self) -> None:
        program = self.start_ready()
        self.rewrite(program, self.configuration(plugin_target("wait_on_load")))
        wait_until(lambda: len(program.processes()) == 3, 5.0, "the plugin is described")
        self.assertEqual(program.terminate().status, 0)
        wait_until(lambda: not program.alive_processes(), 1.0, "no process is left")

    def test_an_unchanged_configuration_replaces_nobody(self) -> None:
        program = self.start_ready()
        before = self.pids(program)
        program.send(signal.SIGHUP)
        program.wait_for_log("configuration reloaded: 0 processes replaced, 0 added, 0 removed")
        self.assertEqual(self.pids(program), before)

    def test_only_the_child_whose_part_changed_is_replaced(self) -> None:
        program = self.start_ready()
        watcher, labeler = program.child(WATCHER), program.child(LABELER)
        other = self.folder / "other"
        other.mkdir()
        self.rewrite(program, self.configuration(file_target(other)))
        program.wait_for_successor(labeler)
        wait_until(lambda: any(other.iterdir()), 5.0, "the new folder is written")
        wait_until(lambda: not labeler.is_alive(), 5.0, "the one before has ended")
        self.assertEqual(program.child(WATCHER), watcher)
        program.wait_ready()

    def test_targets_come_and_go(self) -> None:
        program = self.start_ready()
        second = self.folder / "second"
        second.mkdir()
        target = table("target", name="second", plugin="file", directory=str(second))
        self.rewrite(program, self.configuration(file_target(self.target), target))
        wait_until(lambda: any(second.iterdir()), 5.0, "the second target is written")
        program.wait_ready()
        self.rewrite(program, self.configuration())
        wait_until(lambda: len(program.processes()) == 2, 5.0, "the second labeler has ended")
        program.wait_ready()

    def test_a_wrong_configuration_changes_nothing_and_is_told(self) -> None:
        program = self.start_ready()
        before = self.pids(program)
        self.rewrite(program, self.configuration() + "\n[supervisoin]\n")
        program.wait_for_log("supervisoin")
        status, body = program.readyz()
        self.assertEqual(status, 200)
        self.assertIn("the last reload was refused", body)
        self.assertEqual(self.pids(program), before)
        self.rewrite(program, self.configuration())
        wait_until(lambda: "refused" not in program.readyz()[1], 5.0, "the problem is cleared")

    def test_a_reload_starts_again_what_had_refused_its_configuration(self) -> None:
        program = self.start(self.configuration(plugin_target("refuse")))
        begun = 0.0
        for _ in range(2):
            program.wait_for_log("refused its configuration and is tried again", since=begun)
            begun = time.monotonic()
            program.send(signal.SIGHUP)
            program.wait_for_log("1 processes replaced", since=begun)

    def test_a_successor_that_refuses_leaves_the_one_before_at_work(self) -> None:
        text = table("target", name="file", plugin="file", directory=str(self.target))
        program = self.start_ready(text)
        labeler = program.child(LABELER)
        refusing = table("target", name="file", plugin=misbehaving("refuse"))
        self.rewrite(program, self.configuration(refusing))
        program.wait_for_log("the target is not to be had")
        program.wait_for_log("the one before goes on")
        self.assertTrue(labeler.is_alive())
        told = "file: it goes on by the configuration of before, and its successor is tried again: "
        wait_until(lambda: told in program.readyz()[1], 5.0, "it is told")
        self.rewrite(program, self.configuration(text))
        wait_until(lambda: told not in program.readyz()[1], 5.0, "it is as before")
        self.assertTrue(labeler.is_alive())

    def test_what_was_refused_is_tried_again_without_a_reload(self) -> None:
        token = self.folder / "token"
        store = table("target", name="store", plugin="consul", token_file=str(token),
                      urls=[f"http://127.0.0.1:{free_port()}"], key="primary/{group}")
        program = self.start(self.configuration(store))
        program.wait_for_log("refused its configuration and is tried again")
        token.write_text("secret")
        program.wait_for_log(r"labeler store .* is ready", 15.0)

    def test_a_successor_that_was_refused_is_tried_again_without_a_reload(self) -> None:
        token = self.folder / "token"
        program = self.start_ready(file_target(self.target))
        labeler = program.child(LABELER)
        store = table("target", name="file", plugin="consul", token_file=str(token),
                      urls=[f"http://127.0.0.1:{free_port()}"], key="primary/{group}")
        self.rewrite(program, self.configuration(store))
        program.wait_for_log("the one before goes on, and it is tried again")
        self.assertTrue(labeler.is_alive())
        token.write_text("secret")
        program.wait_for_log(r"labeler file \(plugin consul\) is ready", 15.0)
        wait_until(lambda: not labeler.is_alive(), 10.0, "the one before has ended")
        self.assertNotIn("the configuration of before", program.readyz()[1])

    def test_closed_standard_descriptors_are_nobodys_channel(self) -> None:
        file, address = self.folder / "closed.toml", f"127.0.0.1:{free_port()}"
        file.write_text(self.configuration())
        command = [str(build_folder() / "bin" / "valkey-reconciler"), "--config", str(file)]
        program = subprocess.Popen(["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *command],
                                   env={"VALKEY_RECONCILER_HTTP": address})
        self.addCleanup(program.wait, 10)
        self.addCleanup(program.kill)
        wait_until(lambda: len(descendants(program.pid)) == 2, 5.0, "both children are there")
        before = descendants(program.pid)
        time.sleep(2.0)  # each line of the log would be an end of the watcher
        self.assertEqual(descendants(program.pid), before)
        program.terminate()
        self.assertEqual(program.wait(10), 0)


def _answers(program: Program) -> bool:
    try:
        return program.healthz()[0] == 200
    except OSError:
        return False


def _is_stopped(process: ProcessId) -> bool:
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False  # it has ended


def _spins(program: Program) -> bool:
    """The labeler runs and runs."""
    found = program.children(LABELER)
    if not found or identify(found[0].pid) is None:
        return False
    stat = Path(f"/proc/{found[0].pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(stat[11]) > 30  # clock ticks in user mode: 0.3 s


if __name__ == "__main__":
    main()
