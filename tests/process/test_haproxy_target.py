"""The plugin `haproxy` alone, before a real HAProxy: where a client's connection leads, and what is
left of it when HAProxy is restarted, frozen or changed by others."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import AddressBlock  # noqa: E402
from lab.haproxy import HAProxy, OldRuntime, ReadyWatch, find_haproxy  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.talkers import Talker  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
SKIPPED = 77


class HaproxyCase(unittest.TestCase):
    start_ready = False
    level = "admin"

    def setUp(self) -> None:
        self.folder = temporary_folder("haproxy")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        block = AddressBlock()
        self.addCleanup(block.close)
        hosts = [block.address(11 + index) for index in range(3)]
        self.spare = block.address(20)
        self.valkey_port = block.free_port([*hosts, self.spare])
        self.addresses = [(host, self.valkey_port) for host in hosts]
        self.talkers = [Talker(*address, name=f"valkey-{index}")
                        for index, address in enumerate(self.addresses)]
        for talker in self.talkers:
            self.addCleanup(talker.close)
        self.haproxy = self.enterContext(self.make_haproxy())
        self.watch = self.enterContext(ReadyWatch(self.haproxy))

    def make_haproxy(self) -> HAProxy:
        servers = [(f"valkey-{index}", address) for index, address in enumerate(self.addresses)]
        return HAProxy(self.folder, GROUP, servers, start_ready=self.start_ready, level=self.level)

    def host(self, *, dry_run: bool = False, **settings: str | Path) -> PluginHost:
        given = {"socket": self.haproxy.socket, "poll": "100ms", **settings}
        return self.enterContext(PluginHost("haproxy", [GROUP], dry_run=dry_run, **given))

    def apply(self, host: PluginHost, index: int, epoch: int, *, step: int = 0,
              suspected: bool = False) -> str:
        """Gives the outcome."""
        mark = host.apply(GROUP, epoch, *self.addresses[index], step=step, suspected=suspected)
        return host.wait("complete", 20, mark=mark).outcome

    def who_answers(self) -> str:
        with self.haproxy.connect() as client:
            return client.recv(100).decode()


class Servers(HaproxyCase):
    def test_a_client_is_led_to_the_primary_and_after_a_failover_to_the_new_one(self) -> None:
        host = self.host()
        for epoch, index in enumerate((0, 1, 2, 0)):
            self.assertEqual(self.apply(host, index, epoch), "applied")
            self.assertEqual(self.haproxy.ready(), [self.addresses[index]])
            self.assertEqual(self.who_answers(), f"valkey-{index}")
        self.watch.never_two()
        self.assertGreater(self.watch.samples, 0)

    def test_a_dry_run_sends_nothing_that_changes_and_says_what_it_would(self) -> None:
        self.apply(self.host(), 0, 1)
        dry = self.host(dry_run=True)
        self.assertEqual(self.apply(dry, 0, 1), "applied")
        mark = dry.apply(GROUP, 2, *self.addresses[1])
        end = dry.wait("complete", 20, mark=mark)
        self.assertEqual(end.outcome, "rejected")
        self.assertRegex(end.text, "^dry run: would send HAProxy: .*valkey-0.*; .*valkey-1")
        mark = dry.apply(GROUP, 1, "10.9.9.9", step=2)
        dry.wait("problem", id="no-server", mark=mark)
        mark = dry.apply(GROUP, 2, *self.addresses[1])
        dry.wait("problem_clear", id="no-server", mark=mark)
        self.assertEqual(self.haproxy.ready(), [self.addresses[0]])

    def test_it_works_over_tcp(self) -> None:
        host = self.host(socket="{}:{}".format(*self.haproxy.tcp))
        self.assertEqual(self.apply(host, 1, 1), "applied")
        self.assertEqual(self.who_answers(), "valkey-1")

    def test_open_sessions_stay_unless_they_are_to_be_cut(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        with self.haproxy.connect() as client:
            self.assertEqual(client.recv(100), b"valkey-0")
            self.assertEqual(self.apply(host, 1, 2), "applied")
            client.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                client.recv(1)

    def test_open_sessions_to_the_old_primary_are_cut_when_asked(self) -> None:
        host = self.host(cut_sessions="true")
        self.apply(host, 0, 1)
        with self.haproxy.connect() as client:
            self.assertEqual(client.recv(100), b"valkey-0")
            self.assertEqual(self.apply(host, 1, 2), "applied")
            self.assertEqual(client.recv(1), b"", "the old session has ended")
        self.assertEqual(self.who_answers(), "valkey-1")

    def test_a_suspected_primary_is_withdrawn_and_restored(self) -> None:
        host = self.host()
        for step, suspected in enumerate((False, True, False)):
            self.assertEqual(self.apply(host, 0, 5, step=step, suspected=suspected), "applied")
            self.assertEqual(self.haproxy.ready(), [] if suspected else [self.addresses[0]])

    def test_what_is_right_already_is_left_alone(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        host.kill()
        before = self.watch.changes_so_far()
        again = self.host()
        self.assertEqual(self.apply(again, 0, 1), "applied")
        self.assertEqual(again.count("switches_total"), 0)
        self.assertEqual(self.watch.changes_so_far(), before)

    def test_a_lower_decision_is_rejected_also_by_the_next_run_of_the_program(self) -> None:
        host = self.host()
        self.apply(host, 1, 7)
        self.assertEqual(self.apply(host, 0, 6), "rejected")
        host.kill()
        again = self.host()
        self.assertEqual(self.apply(again, 0, 6), "rejected")
        again.wait("problem", id="higher-decision")
        self.assertEqual(self.haproxy.ready(), [self.addresses[1]])
        self.assertEqual(self.apply(again, 0, 8), "applied")
        again.wait("problem_clear", id="higher-decision")

    def test_a_lower_decision_that_names_the_same_primary_is_no_problem(self) -> None:
        host = self.host()
        self.apply(host, 1, 7)
        self.assertEqual(self.apply(host, 0, 6), "rejected")
        mark = len(host.events)
        self.assertEqual(self.apply(host, 1, 6), "applied")
        host.wait("problem_clear", mark=mark, id="higher-decision")
        self.assertEqual(self.haproxy.ready(), [self.addresses[1]])

    def test_what_an_earlier_run_left_unsettled_is_settled_at_once(self) -> None:
        host = self.host()
        self.apply(host, 0, 5)
        self.assertEqual(self.apply(host, 0, 5, step=1, suspected=True), "applied")
        host.kill()
        self.assertEqual(self.apply(self.host(), 0, 5), "applied")
        self.assertEqual(self.haproxy.ready(), [self.addresses[0]])

    def test_the_state_comes_back_when_haproxy_was_restarted(self) -> None:
        host = self.host()
        self.apply(host, 2, 3)
        self.haproxy.restart()
        self.haproxy.wait_ready(self.addresses[2])
        self.assertEqual(self.who_answers(), "valkey-2")

    def test_the_state_comes_back_when_haproxy_was_reloaded_and_its_old_process_lives_on(self) -> None:
        host = self.host()
        self.apply(host, 2, 3)
        with self.haproxy.connect() as client:
            self.assertEqual(client.recv(100), b"valkey-2")
            self.haproxy.reload()
            self.haproxy.wait_ready(self.addresses[2])
            self.assertEqual(self.who_answers(), "valkey-2")
            client.sendall(b"x")  # which ends it

    def test_without_memory_a_lower_decision_is_rejected_within_one_run(self) -> None:
        host = self.host(remember="false")
        self.apply(host, 1, 7)
        self.assertEqual(self.apply(host, 0, 6), "rejected")
        host.kill()
        self.assertEqual(self.apply(self.host(remember="false"), 0, 6), "applied")
        said = self.haproxy.command(f"get var proc.valkey_reconciler.{GROUP}; show info")
        self.assertIn("Variable not found", said)
        self.assertIn("Tainted: 0\n", said)

    def test_news_while_haproxy_is_away_are_applied_when_it_is_back(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        self.haproxy.process.kill()
        mark = host.apply(GROUP, 2, *self.addresses[1])
        host.wait("complete", mark=mark, outcome="retry")
        host.wait("problem", mark=mark, id="haproxy-unreachable", severity="blocking")
        self.haproxy.start()
        host.applied(mark=mark)
        self.assertEqual(self.haproxy.ready(), [self.addresses[1]])
        host.wait("problem_clear", mark=mark, id="haproxy-unreachable")

    def test_that_haproxy_goes_away_at_rest_is_logged_once(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        mark = len(host.events)
        self.haproxy.process.kill()
        self.addCleanup(self.haproxy.start)
        warnings = host.told_at_rest("haproxy-unreachable", mark)
        self.assertEqual(len(warnings), 1, warnings)

    def test_a_haproxy_that_is_frozen_gets_what_is_newest_when_it_goes_on(self) -> None:
        host = self.host(timeout="300ms")
        self.apply(host, 0, 1)
        self.haproxy.process.pause()
        mark = host.apply(GROUP, 2, *self.addresses[1])
        host.wait("complete", mark=mark, outcome="retry", text="no answer within 300 ms")
        mark = host.apply(GROUP, 3, *self.addresses[2])
        host.wait("complete", mark=mark, outcome="retry")
        self.haproxy.process.resume()
        host.applied(mark=mark)
        self.haproxy.wait_ready(self.addresses[2])
        self.watch.never_two()

    def test_a_server_that_somebody_else_made_ready_is_put_back(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        mark = len(host.events)
        self.haproxy.command(f"set server {GROUP}/valkey-1 state ready")
        host.wait("changed", mark=mark)
        self.haproxy.wait_ready(self.addresses[0])
        host.applied(mark=mark)
        self.haproxy.command(f"set server {GROUP}/valkey-0 state drain")
        wait_until(lambda: self.who_answers() == "valkey-0", 10, "the drained server is ready again")

    def test_a_primary_without_a_server_costs_the_old_one_its_place_under_a_higher_epoch_only(self) -> None:
        host = self.host()
        self.apply(host, 0, 1)
        mark = host.apply(GROUP, 1, self.spare, self.valkey_port, step=2)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "rejected")
        host.wait("problem", mark=mark, id="no-server", text="has no server with the address")
        self.assertEqual(self.haproxy.ready(), [self.addresses[0]])
        mark = host.apply(GROUP, 2, self.spare, self.valkey_port)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "rejected")
        self.assertEqual(self.haproxy.ready(), [])
        self.assertEqual(self.apply(host, 1, 3), "applied")
        host.wait("problem_clear", mark=mark, id="no-server")

    def test_the_server_is_found_by_the_announced_name(self) -> None:
        host = self.host(match="name")
        mark = host.apply(GROUP, 1, "valkey-1.valkey-headless.shop.svc", 6379)
        host.applied(mark=mark)
        self.assertEqual(self.who_answers(), "valkey-1")

    def test_a_backend_that_is_not_there_is_named(self) -> None:
        host = self.host(backend="nowhere")
        self.apply(host, 0, 1)
        host.wait("problem", id="no-backend", text="has no backend `nowhere`")


class ServersThatStartReady(HaproxyCase):
    """The configuration that the page advises against: after a restart all are ready at first."""

    start_ready = True

    def test_the_others_are_put_into_maintenance(self) -> None:
        host = self.host()
        self.assertEqual(self.apply(host, 0, 1), "applied")
        self.haproxy.restart()
        self.haproxy.wait_ready(self.addresses[0])


class WithoutTheRight(HaproxyCase):
    level = "operator"

    def test_it_says_that_the_socket_wants_the_level_admin(self) -> None:
        host = self.host()
        self.assertEqual(self.apply(host, 0, 1), "retry")
        host.wait("problem", id="rights-missing", severity="blocking", text="Permission denied")


class WithoutVariables(unittest.TestCase):
    """A HAProxy that knows no `set var`, played by a few lines: real ones of that age are not to be had."""

    def test_it_is_kept_in_step_and_the_lack_is_told(self) -> None:
        folder = temporary_folder("haproxy")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        runtime = OldRuntime(folder / "s", GROUP, {"valkey-0": "10.0.0.10", "valkey-1": "10.0.0.11"})
        self.addCleanup(runtime.close)
        with PluginHost("haproxy", [GROUP], socket=folder / "s") as host:
            for epoch, index in enumerate((0, 1)):
                mark = host.apply(GROUP, epoch, f"10.0.0.1{index}")
                host.applied(mark=mark)
                self.assertEqual(runtime.ready(), [f"valkey-{index}"])
            host.wait("problem", id="not-remembered", severity="degraded", text="Unknown command")


class OneServer(HaproxyCase):
    def make_haproxy(self) -> HAProxy:
        return HAProxy(self.folder, GROUP, [("primary", (self.spare, 1))])

    def test_its_address_follows_the_primary(self) -> None:
        host = self.host(publish="address", cut_sessions="true")
        self.assertEqual(self.apply(host, 0, 1), "applied")
        with self.haproxy.connect() as client:
            self.assertEqual(client.recv(100), b"valkey-0")
            self.assertEqual(self.apply(host, 1, 2), "applied")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(self.who_answers(), "valkey-1")
        self.haproxy.restart()
        self.haproxy.wait_ready(self.addresses[1])
        self.assertEqual(self.apply(host, 1, 2, step=1, suspected=True), "applied")
        self.assertEqual(self.haproxy.ready(), [])

    def test_a_host_name_is_no_address_and_no_command_either(self) -> None:
        host = self.host(publish="address")
        self.apply(host, 0, 1)
        mark = host.apply(GROUP, 2, "x);set\\server;quit", 6379)
        host.wait("complete", mark=mark, outcome="rejected")
        host.wait("problem", mark=mark, id="no-server", text="can only be set to an IP address")
        self.assertEqual(self.haproxy.ready(), [])
        self.assertIn("/known/x%29%3Bset%5C", self.haproxy.command(
            f"get var proc.valkey_reconciler.{GROUP}"))


class Silent(unittest.TestCase):
    """A HAProxy that answers questions, and never a change: the real one can't be made to."""

    STATE = ("1\n# be_id be_name srv_id srv_name srv_addr srv_port srv_admin_state srv_fqdn\n"
             "3 myprimary 1 valkey-0 10.0.0.1 6379 0 -\n3 myprimary 2 valkey-1 10.0.0.2 6379 5 -\n\n")

    def test_a_begun_change_is_given_up_in_time_when_it_is_cancelled(self) -> None:
        folder = temporary_folder("haproxy")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        changing = threading.Event()
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(folder / "socket"))
        listener.listen()

        def serve() -> None:
            unanswered = []
            while True:
                client, _ = listener.accept()
                if b"set server" in client.recv(4096):
                    unanswered.append(client)
                    changing.set()
                    continue
                client.sendall(self.STATE.encode())
                client.close()

        threading.Thread(target=serve, daemon=True).start()
        host = self.enterContext(PluginHost("haproxy", [GROUP], eager=False,
                                            socket=folder / "socket", timeout="1m"))
        mark = host.apply(GROUP, 2, "10.0.0.2")
        self.assertTrue(changing.wait(10.0))
        host.cancel(GROUP)
        # The host gives it 3 s, and then ends the labeler.
        self.assertEqual(host.wait("complete", 3.0, mark=mark).outcome, "cancelled")


class Refused(unittest.TestCase):
    def test_settings_that_cannot_work_are_refused(self) -> None:
        for expected, groups, settings in (
            ("from 1 to 65535", [GROUP], {"socket": "127.0.0.1:99999"}),
            ("from 1 to 65535", [GROUP], {"socket": "127.0.0.1"}),
            ("names are not looked up", [GROUP], {"socket": "localhost:9999"}),
            ("no name that HAProxy accepts", ["my;group"], {"socket": "/s"}),
            ("several groups would share `valkey`", ["a", "b"],
             {"socket": "/s", "backend": "valkey"}),
        ):
            with self.subTest(settings), PluginHost("haproxy", groups, **settings) as host:
                host.wait("refused", text=expected)


if __name__ == "__main__":
    stop_on_signals()
    if find_haproxy() is None:
        print("skipped: no haproxy on PATH (tests/servers.sh --with-haproxy)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
