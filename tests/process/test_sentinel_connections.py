"""The sentinel-watcher's connections: credentials, names, deadlines, what is no answer."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeGroup, FakeSentinel  # noqa: E402
from watcher_alone import SentinelSettings, Watcher  # noqa: E402

A = ("10.0.0.1", 6379)
B = ("10.0.0.2", 6379)


class WithOneFake(unittest.TestCase):
    def serve(self, **settings: object) -> FakeSentinel:
        self.sentinel = self.enterContext(FakeSentinel(**settings))  # type: ignore[arg-type]
        return self.sentinel

    def watch(self, **settings: object) -> Watcher:
        given: dict[str, object] = {
            "addresses": [self.sentinel.address],
            "poll_interval": 300,
            "connect_timeout": 1000,
            "reply_timeout": 500,
            "backoff_min": 10,
            "backoff_max": 100,
        }
        all_of_them = SentinelSettings(**(given | settings))  # type: ignore[arg-type]
        return self.enterContext(Watcher(all_of_them))


class Credentials(WithOneFake):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_user_and_password_are_any_bytes(self) -> None:
        password = b'p w\0\r\n"\xff\xfe'
        self.serve(username="o'hara \r\n", password=password)
        self.watch(username="o'hara \r\n", password=password).wait_primary(A)

    def test_a_wrong_password_is_told_and_never_shown(self) -> None:
        self.serve(password="right")
        watcher = self.watch(password="hunter2")
        text = watcher.wait_problem("sentinel-auth")
        self.assertEqual(
            text,
            f"cannot log in to Sentinel {self.sentinel.name}: "
            "WRONGPASS invalid username-password pair or user is disabled.",
        )
        self.assertNotIn("hunter2", watcher.story())
        self.assertNotIn(b"hunter2", Path(f"/proc/{watcher.pid}/cmdline").read_bytes())

    def test_a_missing_password_is_told(self) -> None:
        self.serve(password="right")
        self.watch().wait_problem("sentinel-auth", containing="NOAUTH Authentication required.")

    def test_a_password_where_none_is_wanted_is_told(self) -> None:
        self.serve()
        self.watch(password="x").wait_problem(
            "sentinel-auth", containing="without any password configured"
        )

    def test_a_password_file_is_read_again_without_a_restart(self) -> None:
        self.serve(password="right")
        file = self.folder / "password"
        watcher = self.watch(password_file=str(file))
        watcher.wait_problem(
            "sentinel-auth", containing=f"read password file {file}: No such file or directory"
        )
        file.write_text("wrong\n")
        watcher.wait_problem("sentinel-auth", containing="WRONGPASS")
        file.write_text("right\r\n")
        watcher.wait_primary(A)
        watcher.wait_no_problem("sentinel-auth")

    def test_a_refused_channel_costs_only_itself(self) -> None:
        self.serve().refused_channels = {"+slave", "+sdown"}
        watcher = self.watch()
        self.assertEqual(
            watcher.wait_problem("sentinel-channels"),
            f"Sentinel {self.sentinel.name} refuses the channels +sdown +slave: "
            "NOPERM No permissions to access a channel",
        )
        self.sentinel.wait_subscribed()
        self.sentinel.switch(B, 2)
        watcher.wait_primary(B)

    def test_replicas_are_a_right_that_may_be_missing(self) -> None:
        self.serve().refused_commands = {"REPLICAS"}
        watcher = self.watch()
        watcher.wait_primary(A)
        watcher.wait_problem("replicas-unknown", containing="sentinel|replicas")

    def test_a_right_that_is_needed_is_named(self) -> None:
        self.serve().refused_commands = {"MASTER"}
        self.watch().wait_problem(
            "sentinel-answer",
            "myprimary",
            "SENTINEL MASTER: expected an array of names and " 'values, got the error "NOPERM',
        )

    def test_a_right_that_is_lost_later_is_no_failover_heard(self) -> None:
        watcher = self.serve() and self.watch()
        watcher.wait_primary(A)
        self.sentinel.refused_commands = {"MASTER"}
        watcher.wait_problem("sentinels-out-of-reach", "myprimary",
                             "none of 1 Sentinels tells of the group; the primary stays")


class Names(WithOneFake):
    def test_a_host_name_is_looked_up(self) -> None:
        self.serve()
        watcher = self.watch(addresses=[("localhost", self.sentinel.port)])
        watcher.wait_primary(A)
        # It may be ::1 as well, where nobody listens.
        watcher.wait_for(lambda: not watcher.problems, "no problem")

    def test_a_host_name_that_has_no_address_is_told_and_does_not_hold_up_the_others(self) -> None:
        self.serve()
        watcher = self.watch(addresses=[("no-such-host.invalid", 26379), self.sentinel.address])
        watcher.wait_primary(A)
        watcher.wait_problem(
            "sentinel-name", containing="cannot resolve Sentinel no-such-host.invalid:26379: "
        )
        watcher.wait_problem("sentinels-missing", "myprimary", "only 1 of 2 Sentinels")

    def test_ipv6(self) -> None:
        self.serve(host="::1", groups={"myprimary": FakeGroup(("fd00::7", 6379), 1)})
        self.watch().wait_primary(("fd00::7", 6379))
        self.enterContext(self.sentinel)
        self.assertTrue(self.sentinel.name.startswith("[::1]:"))


class Deadlines(WithOneFake):
    def test_one_that_never_answers_is_told_and_left(self) -> None:
        self.serve().behaviour = "silent"
        watcher = self.watch(connect_timeout=100)
        watcher.wait_problem("sentinel-unreachable", containing="no answer within 0.1 s")
        self.sentinel.wait_for(lambda: self.sentinel.accepted > 6, "connected again")
        self.assertLessEqual(self.sentinel.connections(), 4)

    def test_one_that_freezes_is_left_by_both_connections(self) -> None:
        watcher = self.serve() and self.watch()
        watcher.wait_primary(A)
        self.sentinel.wait_subscribed()
        self.sentinel.frozen = True
        watcher.wait_problem("sentinel-unreachable", containing="no answer within 0.5 s")
        watcher.wait_problem(
            "sentinels-out-of-reach", "myprimary", "the primary stays 10.0.0.1:6379"
        )
        self.sentinel.frozen = False
        self.sentinel.groups["myprimary"] = FakeGroup(B, 2)
        watcher.wait_primary(B)
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        watcher.wait_log(f"connected to Sentinel {self.sentinel.name} after")

    def test_a_connection_that_is_cut_is_made_anew_and_what_was_missed_is_asked_for(self) -> None:
        self.serve()
        watcher = self.watch(poll_interval=60_000)
        watcher.wait_primary(A)
        self.sentinel.wait_subscribed()
        self.sentinel.groups["myprimary"] = FakeGroup(B, 2)
        self.sentinel.drop_subscribers()
        watcher.wait_primary(B, timeout=2)


class NoAnswers(WithOneFake):
    """Each told in its own words; hostile peers in earnest are in test_sentinel_hostility.py."""

    def test_what_is_no_answer_is_told(self) -> None:
        table = {
            b"*100000000\r\n": "more than 4096",
            b"*1\r\n" * 10000: "nested deeper than 4",
            b"HTTP/1.1 400 Bad Request\r\n\r\n": "not RESP2",
            b"\x15\x03\x01\x00\x02\x02\x46": "not RESP2",
            b":1\r\n": "answers PING with the number 1",
            b"+OK\r\n" * 100: "answers PING with the status",
            b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n": "with an array of 3",
            b"$-1\r\n": "answers PING with nil",
        }
        for nonsense, expected in table.items():
            with self.subTest(expected), FakeSentinel() as self.sentinel:
                self.sentinel.behaviour, self.sentinel.nonsense = "say", nonsense
                with Watcher(
                    SentinelSettings([self.sentinel.address], connect_timeout=500)
                ) as watcher:
                    watcher.wait_problem("no-sentinel", containing=expected)
                    self.assertEqual(watcher.topologies, [])

    def test_answers_of_wrong_types_are_told_and_not_believed(self) -> None:
        table = {
            "GET-MASTER-ADDR-BY-NAME": [
                b"+OK\r\n",
                b":1\r\n",
                b"*1\r\n$1\r\na\r\n",
                b"*2\r\n$1\r\na\r\n$5\r\n99999\r\n",
                b"*2\r\n*0\r\n*0\r\n",
                b"$-1\r\n",
            ],
            "MASTER": [
                b"+OK\r\n",
                b"*0\r\n",
                b"*1\r\n$1\r\na\r\n",
                b"*2\r\n$2\r\nip\r\n:1\r\n",
                b"-ERR what\r\n",
            ],
        }
        self.serve()
        watcher = self.watch(poll_interval=50)
        watcher.wait_primary(A)
        for command, replies in table.items():
            for reply in replies:
                self.sentinel.groups["myprimary"] = FakeGroup(B, 9, replies={command: reply})
                watcher.wait_problem("sentinel-answer", "myprimary")
                self.sentinel.groups["myprimary"] = FakeGroup(A, 1)
                watcher.wait_no_problem("sentinel-answer", "myprimary")
        self.assertEqual({topology.primary for topology in watcher.topologies}, {A})

    def test_an_error_while_subscribed_ends_that_connection_only(self) -> None:
        self.serve()
        watcher = self.watch(poll_interval=60_000)
        watcher.wait_primary(A)
        self.sentinel.wait_subscribed()
        for connection in [c for c, channels in self.sentinel._open.items() if channels]:
            connection.sendall(b"-ERR you are not welcome\r\n")
        watcher.wait_problem(
            "no-sentinel", containing="an answer that nothing asked for: the error"
        )
        watcher.wait_no_problem("no-sentinel")
        self.assertEqual(len(watcher.topologies), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
