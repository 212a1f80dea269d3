"""The plugin `dns` alone, before BIND and before Knot: what the name says, and what is left of it when
the server is restarted, changed by others, or asked by two at once."""

from __future__ import annotations

import base64
import secrets
import shutil
import socket
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import free_port  # noqa: E402
from lab.name_servers import KEY, ZONE, NameServer, find_name_servers  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
NAME = f"valkey.{ZONE}"
HOLDER = f"_valkey-reconciler.{NAME}"
ADDRESSES = [f"10.0.0.{11 + index}" for index in range(3)]
HOSTS = [f"valkey-{index}.nodes.{ZONE}" for index in range(3)]
UPDATE = 5  # the opcode
SKIPPED = 77


class Relay:
    """Of datagrams, to 127.0.0.1:`server`; updates are swallowed."""

    def __init__(self, server: int) -> None:
        self.swallowed = threading.Event()
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _run(self) -> None:
        while True:
            message, asker = self._socket.recvfrom(65536)
            if message[2] >> 3 & 0xF == UPDATE:
                self.swallowed.set()
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
                onward.sendto(message, ("127.0.0.1", self._server))
                self._socket.sendto(onward.recv(65536), asker)


class OnServer:
    """What both servers must do; the subclasses below name them."""

    kind: str

    def setUp(self) -> None:
        self.folder = temporary_folder("dns")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = self.enterContext(NameServer(self.kind, self.folder, [NAME]))

    def host(self, *, dry_run: bool = False, **settings: str | Path) -> PluginHost:
        given = {"servers": self.server.address, "zone": ZONE, "record_name": NAME,
                 "tsig_name": KEY, "tsig_secret_file": self.server.secret_file, "poll": "200ms",
                 **settings}
        return self.enterContext(PluginHost("dns", [GROUP], dry_run=dry_run, **given))

    def apply(self, host: PluginHost, primary: str, epoch: int, *, step: int = 0,
              suspected: bool = False) -> str:
        """Gives the outcome."""
        mark = host.apply(GROUP, epoch, primary, step=step, suspected=suspected)
        return host.wait("complete", 20, mark=mark).outcome

    def says(self, data: list[str], kind: str = "A") -> None:
        self.assertEqual(self.server.ask(NAME, kind, tries=10), data)

    def test_a_dry_run_updates_nothing_and_says_what_it_would(self) -> None:
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 1), "applied")
        dry = self.host(dry_run=True)
        self.assertEqual(self.apply(dry, ADDRESSES[0], 1), "applied")
        mark = dry.apply(GROUP, 2, ADDRESSES[1])
        end = dry.wait("complete", 20, mark=mark)
        self.assertEqual((end.outcome, end.text),
                         ("rejected", f"dry run: would update {NAME}. to lead to {ADDRESSES[1]}"))
        self.says([ADDRESSES[0]])

    def test_the_name_follows_the_primary_over_udp_and_tcp(self) -> None:
        for epoch, transport in enumerate(("udp", "tcp")):
            host = self.host(transport=transport)
            for number, address in enumerate(ADDRESSES):
                self.assertEqual(self.apply(host, address, 1 + number + 10 * epoch), "applied")
                self.says([address])
        self.assertEqual(self.server.ask(HOLDER, "TXT", tries=10), ['"v1/0.13.0/known/10.0.0.13:6379"'])

    def test_an_address_of_the_other_family_takes_the_place_of_the_old_one(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        self.assertEqual(self.apply(host, "fd00::7", 2), "applied")
        self.says([])
        self.says(["fd00::7"], "AAAA")

    def test_host_names_are_published_as_a_cname(self) -> None:
        host = self.host(record="cname")
        for epoch, name in enumerate(HOSTS):
            self.assertEqual(self.apply(host, name, epoch), "applied")
            self.says([f"{name}."], "CNAME")
        self.assertEqual(self.apply(host, ADDRESSES[0], 2, step=2), "rejected")
        host.wait("problem", id="not-publishable", text="wants a full host name")
        self.says([f"{HOSTS[2]}."], "CNAME")
        self.assertEqual(self.apply(host, ADDRESSES[0], 3), "rejected")
        self.says([], "CNAME")

    def test_a_name_that_others_use_for_something_else_is_told(self) -> None:
        self.server.update(f"update add {NAME} 5 TXT theirs")
        host = self.host(record="cname")
        mark = host.apply(GROUP, 1, HOSTS[0])
        host.wait("complete", mark=mark, outcome="retry")
        host.wait("problem", mark=mark, id="not-publishable", text="records of other types")
        self.assertEqual(self.server.ask(NAME, "TXT", tries=10), ['"theirs"'])
        self.server.update(f"update delete {NAME} TXT")
        host.applied(20, mark=mark)
        host.wait("problem_clear", mark=mark, id="not-publishable")

    def test_host_names_are_published_with_their_port_as_srv(self) -> None:
        host = self.host(record="srv")
        for epoch, name in enumerate(HOSTS):
            self.assertEqual(self.apply(host, name, epoch), "applied")
            self.says([f"0 0 6379 {name}."], "SRV")

    def test_a_suspected_primary_is_withdrawn_and_restored(self) -> None:
        host = self.host()
        for step, suspected in enumerate((False, True, False)):
            self.assertEqual(
                self.apply(host, ADDRESSES[0], 5, step=step, suspected=suspected), "applied")
            self.says([] if suspected else [ADDRESSES[0]])
            word = "suspected" if suspected else "known"
            self.assertEqual(self.server.ask(HOLDER, "TXT", tries=10),
                             [f'"v1/0.5.{step}/{word}/{ADDRESSES[0]}:6379"'])

    def test_a_lower_epoch_that_arrives_late_changes_nothing(self) -> None:
        self.apply(self.host(), ADDRESSES[1], 7)
        late = self.host()
        self.assertEqual(self.apply(late, ADDRESSES[0], 6), "rejected")
        late.wait("problem", id="higher-decision", severity="blocking")
        self.says([ADDRESSES[1]])
        self.assertEqual(self.apply(late, ADDRESSES[0], 8), "applied")
        late.wait("problem_clear", id="higher-decision")

    def test_a_lower_epoch_that_names_the_same_primary_is_no_problem(self) -> None:
        self.apply(self.host(), ADDRESSES[1], 7)
        late = self.host()
        self.assertEqual(self.apply(late, ADDRESSES[0], 6), "rejected")
        mark = len(late.events)
        self.assertEqual(self.apply(late, ADDRESSES[1], 6), "applied")
        late.wait("problem_clear", mark=mark, id="higher-decision")
        self.says([ADDRESSES[1]])

    def test_the_decision_outlives_the_server(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[1], 7)
        host.kill()  # else it would put right what is lost
        self.server.restart()
        self.server.wait_for(NAME, "A", [ADDRESSES[1]])
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 6), "rejected")

    def test_it_works_with_the_other_algorithm_and_without_a_key(self) -> None:
        for algorithm in ("hmac-sha512", ""):
            folder = self.folder / (algorithm or "open")
            folder.mkdir()
            with NameServer(self.kind, folder, [NAME], algorithm=algorithm) as server:
                key = {"tsig_secret_file": server.secret_file, "tsig_algorithm": algorithm}
                host = self.host(servers=server.address,
                                 **(key if algorithm else {"tsig_name": "", "tsig_secret_file": ""}))
                self.assertEqual(self.apply(host, ADDRESSES[2], 1), "applied")
                self.assertEqual(server.ask(NAME, "A", tries=10), [ADDRESSES[2]])

    def test_of_two_at_the_same_instant_the_higher_epoch_wins(self) -> None:
        hosts = [self.host(poll="60m"), self.host(poll="60m")]
        for epoch in range(1, 60, 2):
            marks = [host.apply(GROUP, epoch + number, ADDRESSES[number])
                     for number, host in enumerate(hosts if epoch % 4 == 1 else hosts[::-1])]
            for host, mark in zip(hosts if epoch % 4 == 1 else hosts[::-1], marks):
                host.wait("complete", mark=mark)
            self.says([ADDRESSES[1]])
        self.assertGreater(sum(host.count("races_total") for host in hosts), 0)

    def test_what_is_right_already_is_left_alone(self) -> None:
        self.apply(self.host(), ADDRESSES[0], 1)
        again = self.host()
        self.assertEqual(self.apply(again, ADDRESSES[0], 1), "applied")
        self.assertEqual(again.count("updates_total"), 0)

    def test_what_somebody_else_changes_is_put_right(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        for lines in ((f"update add {NAME} 5 A {ADDRESSES[1]}",),
                      (f"update delete {NAME} A",),
                      (f"update delete {NAME} A", f"update add {NAME} 5 CNAME {HOSTS[1]}."),
                      (f"update delete {HOLDER} TXT", f"update delete {NAME} A"),
                      (f"update add {HOLDER} 5 TXT scribbled", f"update delete {NAME} A")):
            mark = len(host.events)
            self.server.update(*lines)
            host.applied(mark=mark)
            self.server.wait_for(NAME, "A", [ADDRESSES[0]])
            self.says([], "CNAME")
        self.server.wait_for(HOLDER, "TXT", [f'"v1/0.1.0/known/{ADDRESSES[0]}:6379"'])

    def test_news_while_the_server_is_away_are_applied_when_it_is_back(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        self.server.process.kill()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", mark=mark, outcome="retry")
        host.wait("problem", mark=mark, id="server-unreachable", severity="blocking")
        self.server.start()
        host.applied(20, mark=mark)
        self.says([ADDRESSES[1]])
        host.wait("problem_clear", mark=mark, id="server-unreachable")

    def test_that_the_server_goes_away_at_rest_is_logged_once(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        mark = len(host.events)
        self.server.process.kill()
        self.addCleanup(self.server.start)
        warnings = host.told_at_rest("server-unreachable", mark)
        self.assertEqual(len(warnings), 1, warnings)

    def test_a_server_that_is_frozen_gets_what_is_newest_when_it_goes_on(self) -> None:
        host = self.host(timeout="200ms")
        self.apply(host, ADDRESSES[0], 1)
        self.server.process.pause()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", mark=mark, outcome="retry", text="no answer within 200 ms")
        mark = host.apply(GROUP, 3, ADDRESSES[2])
        host.wait("complete", mark=mark, outcome="retry")
        self.server.process.resume()
        host.applied(20, mark=mark)
        self.server.wait_for(NAME, "A", [ADDRESSES[2]])

    def test_the_next_server_is_asked_where_one_is_away(self) -> None:
        away = f"127.0.0.1:{free_port()}"
        host = self.host(servers=f"{away},{self.server.address}")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")

    def test_tcp_is_taken_where_no_datagram_comes_through(self) -> None:
        proxy = self.enterContext(TcpProxy(self.server.port))
        host = self.host(servers=f"127.0.0.1:{proxy.port}")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")
        self.says([ADDRESSES[0]])

    def test_a_begun_update_is_given_up_in_time_when_it_is_cancelled(self) -> None:
        relay = self.enterContext(Relay(self.server.port))
        host = self.host(servers=f"127.0.0.1:{relay.port}", timeout="1m")
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        self.assertTrue(relay.swallowed.wait(10.0))
        host.cancel(GROUP)
        # The host gives it 3 s, and then ends the labeler.
        self.assertEqual(host.wait("complete", 3.0, mark=mark).outcome, "cancelled")

    def test_a_server_that_refuses_the_key_is_quoted(self) -> None:
        other = self.folder / "other"
        other.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        for settings, word in (({"tsig_secret_file": other}, "BADSIG"),
                               ({"tsig_name": "nobody"}, "BADKEY"),
                               ({"record_name": f"foreign.{ZONE}"}, "to an update it says")):
            host = self.host(**settings)
            self.assertEqual(self.apply(host, ADDRESSES[0], 1), "retry")
            host.wait("problem", id="server-unreachable", text=word)

    def test_what_nobody_settles_is_settled_after_a_while(self) -> None:
        self.apply(self.host(), ADDRESSES[0], 5, step=1, suspected=True)
        host = self.host()
        mark = host.apply(GROUP, 5, ADDRESSES[0])
        self.assertEqual(host.wait("complete", mark=mark).outcome, "rejected")
        host.applied(40, mark=mark)
        self.says([ADDRESSES[0]])
        self.assertEqual(self.server.ask(HOLDER, "TXT", tries=10), [f'"v1/0.5.2/known/{ADDRESSES[0]}:6379"'])


class Bind(OnServer, unittest.TestCase):
    kind = "bind"


class Knot(OnServer, unittest.TestCase):
    kind = "knot"


class Refused(unittest.TestCase):
    def test_settings_that_cannot_work_are_refused(self) -> None:
        folder = temporary_folder("dns")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "no-base64").write_text("!!!\n")
        good = {"servers": "127.0.0.1", "zone": ZONE, "record_name": NAME}
        for expected, groups, settings in (
            ("names are not looked up", [GROUP], {"servers": "ns.example.org"}),
            ("from 1 to 65535", [GROUP], {"servers": "127.0.0.1:99999"}),
            ("not within the zone", [GROUP], {"record_name": "valkey.example.com"}),
            ("is no name", [GROUP], {"record_name": "val key.example.org"}),
            ("several groups would share", ["a", "b"], {}),
            ("one needs the other", [GROUP], {"tsig_name": "k"}),
            ("can't be read", [GROUP], {"tsig_name": "k", "tsig_secret_file": folder / "none"}),
            ("no secret in base64", [GROUP],
             {"tsig_name": "k", "tsig_secret_file": folder / "no-base64"}),
            ("whole seconds", [GROUP], {"ttl": "1500ms"}),
        ):
            with self.subTest(settings), PluginHost("dns", groups, **(good | settings)) as host:
                host.wait("refused", text=expected)


if __name__ == "__main__":
    stop_on_signals()
    if not find_name_servers():
        print("skipped: no named, knotd, dig and nsupdate on PATH (tests/servers.sh --with-dns)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
