"""The plugin `etcd` alone, before a real etcd: what its key says, and what is left of it when etcd is
restarted, its key changed by others, or asked by two at once; plain, and with TLS and users."""

from __future__ import annotations

import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.certificates import CertificateAuthority  # noqa: E402
from lab.etcd import PASSWORD, Etcd, find_etcd  # noqa: E402
from lab.liar import Liar  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402
from store_case import ADDRESSES, GROUP, PlainStoreCase, StoreCase  # noqa: E402

SKIPPED = 77


class Plain(PlainStoreCase, unittest.TestCase):
    words_of_write = b"/v3/kv/txn"
    plugin = "etcd"
    urls = "endpoints"
    server: Etcd

    @classmethod
    def setUpClass(cls) -> None:
        folder = temporary_folder("etcd")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.server = cls.enterClassContext(Etcd(folder))

    def test_what_a_server_repeats_of_a_secret_is_not_in_the_log(self) -> None:
        liar = self.enterContext(Liar())
        liar.answer = None
        host = self.host(endpoints=liar.url, username="rec", password="hush-hush", poll="60m")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "retry")
        host.wait("problem", text="HTTP 400: a text that repeats what is secret")
        self.assertNotIn("hush", host.story())

    def test_a_key_with_a_lease_stays_while_somebody_keeps_it_and_goes_after_that(self) -> None:
        host = self.host(lease="5s")
        self.apply(host, ADDRESSES[0], 1)
        lease = self.server.lease_of(self.key)
        self.assertIsNotNone(lease)
        # The second one keeps the lease that it finds, so that the first may go.
        second = self.host(lease="5s")
        self.assertEqual(self.apply(second, ADDRESSES[0], 1), "applied")
        host.kill()
        self.assertFalse(self._goes_within(12))
        self.assertEqual(self.server.lease_of(self.key), lease)
        second.kill()
        wait_until(lambda: self.server.get(self.key) is None, 30, "the key went with its lease")

    def _goes_within(self, seconds: float) -> bool:
        try:
            wait_until(lambda: self.server.get(self.key) is None, seconds, "the key is gone", 0.2)
        except TimeoutError:
            return False
        return True

    def test_a_member_that_becomes_silent_costs_no_lease(self) -> None:
        through = f"http://127.0.0.1:{self.proxy.port}"
        host = self.host(endpoints=f"{through},{self.server.url}", lease="5s", poll="60m")
        self.apply(host, ADDRESSES[0], 1)
        lease = self.server.lease_of(self.key)
        self.proxy.freeze()
        self.assertFalse(self._goes_within(10))
        self.assertEqual(self.server.lease_of(self.key), lease)

    def test_a_key_that_went_with_its_lease_comes_back(self) -> None:
        host = self.host(lease="5s", poll="60m")
        self.apply(host, ADDRESSES[0], 1)
        mark = len(host.events)
        lease = self.server.lease_of(self.key)
        assert lease is not None
        self.server.revoke(lease)
        host.applied(20, mark=mark)
        self.says(ADDRESSES[0], 1)
        self.assertNotEqual(self.server.lease_of(self.key), lease)

    def test_news_of_a_lease_that_come_after_the_key_was_seen_gone_are_nobodys(self) -> None:
        host = self.behind_proxy(eager=False, lease="5s", poll="60m", timeout="60s")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")
        lease = self.server.lease_of(self.key)
        assert lease is not None
        self._kept_by_the_one_behind_the_proxy(lease)  # so that the next time is not just now
        self.server.revoke(lease)
        came = self.proxy.hold_answers_to(b"/v3/lease/keepalive")
        self.assertTrue(came.wait(20))
        mark = len(host.events)
        host.check()
        host.wait("changed", mark=mark)
        self.proxy.release_answers()
        self.assertEqual(self.apply(host, ADDRESSES[1], 2), "applied")

    def _kept_by_the_one_behind_the_proxy(self, lease: str | None) -> None:
        assert lease is not None
        came = self.proxy.hold_answers_to(f'{{"ID":"{lease}"}}'.encode())
        self.assertTrue(came.wait(20))
        self.proxy.release_answers()

    def test_a_lease_that_is_found_is_kept_at_once_and_as_often_as_it_wants(self) -> None:
        self.apply(self.host(lease="6s"), ADDRESSES[0], 1)
        lease = self.server.lease_of(self.key)
        with self.behind_proxy(lease="60m", timeout="60s") as host:
            self.apply(host, ADDRESSES[0], 1)
            for _ in range(3):
                self._kept_by_the_one_behind_the_proxy(lease)

    def test_a_key_that_another_one_has_written_again_is_kept_by_both(self) -> None:
        host = self.behind_proxy(lease="5s", poll="60m", timeout="60s")
        self.apply(host, ADDRESSES[0], 1)
        other = self.host(lease="5s", poll="60m")
        self.apply(other, ADDRESSES[0], 1)
        lease = self.server.lease_of(self.key)
        assert lease is not None
        host.pause()
        mark = len(other.events)
        self.server.revoke(lease)
        other.applied(20, mark=mark)
        new = self.server.lease_of(self.key)
        self.assertNotEqual(new, lease)
        host.resume()
        self._kept_by_the_one_behind_the_proxy(new)
        self.assertEqual(host.count("updates_total"), 1)

    def test_two_that_want_other_leases_do_not_fight(self) -> None:
        hosts = [self.host(lease="30s"), self.host()]
        for host in hosts:
            self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")
        written = self.server.version(self.key)
        for host in hosts:
            mark = len(host.events)
            for _ in range(3):  # with each look at the key
                seen = host.wait("problem_clear", mark=mark, id="server-unreachable")
                mark = host.events.index(seen, mark) + 1
        self.assertEqual(self.server.version(self.key), written)

    def test_a_lease_whose_key_was_not_written_is_used_by_the_next_write(self) -> None:
        before = self.server.leases()
        host = self.behind_proxy(eager=False, lease="60m", poll="60m", timeout="60s")
        for epoch, words in enumerate((b"/v3/lease/grant", b"/v3/kv/txn", b"/v3/kv/txn"), 1):
            came = self.proxy.hold_answers_to(words) if epoch == 1 else self.proxy.hold_back(words)
            mark = host.apply(GROUP, epoch, ADDRESSES[0])
            self.assertTrue(came.wait(20))
            if epoch == 1:  # etcd hears it, and the program not what it says
                wait_until(lambda: self.server.leases() != before, 20, "the lease is granted")
            host.cancel(GROUP)
            host.wait("complete", 20, mark=mark, outcome="cancelled")
        self.assertEqual(self.apply(host, ADDRESSES[1], 4), "applied")
        self.assertEqual(self.server.leases() - before, {self.server.lease_of(self.key)})

    def test_a_lease_that_can_not_be_kept_is_logged_once_until_it_can_be_again(self) -> None:
        host = self.behind_proxy(lease="6s", poll="60m", timeout="60s")
        self.apply(host, ADDRESSES[0], 1)
        for times in (1, 2):
            for _ in range(3):  # what the first one's end says is there when the next ones are sent
                came = self.proxy.hold_answers_to(b"/v3/lease/keepalive")
                self.assertTrue(came.wait(20))
            told = [event for event in host.events
                    if event.kind == "log" and "keep the lease" in event.text]
            self.assertEqual([event.level for event in told], ["warning"] * times, host.story())
            self.proxy.release_answers()
            self._kept_by_the_one_behind_the_proxy(self.server.lease_of(self.key))

    def test_a_lease_is_given_up_where_none_is_wanted_any_more(self) -> None:
        self.apply(self.host(lease="5s"), ADDRESSES[0], 1)
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 1), "applied")
        self.assertIsNone(self.server.lease_of(self.key))


class TlsAndUsers(StoreCase, unittest.TestCase):
    plugin = "etcd"
    urls = "endpoints"
    server: Etcd

    @classmethod
    def setUpClass(cls) -> None:
        cls.own = temporary_folder("etcd")
        cls.addClassCleanup(shutil.rmtree, cls.own, ignore_errors=True)
        cls.authority = CertificateAuthority(cls.own)
        cls.server = cls.enterClassContext(
            Etcd(cls.own, authority=cls.authority, prefix="/valkey-reconciler/"))

    def test_a_token_that_etcd_has_forgotten_is_fetched_anew(self) -> None:
        host = self.host(poll="60m")
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0]))
        self.server.forget_tokens()
        host.applied(20, mark=host.apply(GROUP, 2, ADDRESSES[1]))
        self.says(ADDRESSES[1], 2)

    def test_a_write_that_is_refused_stays_a_problem_though_the_key_can_be_read(self) -> None:
        self.server.allow("/read/", "READ")
        host = self.host(key="/read/{group}")
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("problem", 20, id="server-unreachable", text="permission denied")
        for _ in range(3):
            refused = host.wait("complete", 20, mark=mark, outcome="retry")
            mark = host.events.index(refused, mark) + 1
        self.assertNotIn("problem_clear server-unreachable", [
            f"{event.kind} {event.fields.get('id')}" for event in host.events])
        self.server.allow("/read/", "READWRITE")
        host.applied(20, mark=mark)
        host.wait("problem_clear", mark=mark, id="server-unreachable")

    def test_a_password_that_changes_in_its_file_is_used_without_a_restart(self) -> None:
        file = self.folder / "password"
        file.write_text("wrong-password")
        host = self.host(password_file=file)
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", mark=mark, outcome="retry", text="authentication failed")
        file.write_text(PASSWORD + "\n")
        host.applied(20, mark=mark)
        self.says(ADDRESSES[0], 1)

    def test_what_etcd_refuses_is_quoted_and_the_password_is_not(self) -> None:
        wrong = self.folder / "wrong"
        wrong.write_text("wrong-password")
        other = CertificateAuthority(self.folder, "other")
        stranger = other.issue("client")
        for settings, words in (
            ({"password_file": wrong}, "authentication failed"),
            ({"key": "/elsewhere/{group}"}, "permission denied"),
            ({"username": "", "password_file": ""}, "user name is empty"),
            ({"tls_ca_file": other.file}, "certificate"),
            ({"tls_cert_file": stranger.cert_file, "tls_key_file": stranger.key_file}, "alert"),
            ({"tls_cert_file": "", "tls_key_file": ""}, "alert"),
            ({"tls_server_name": "somebody.else"}, "somebody.else"),
        ):
            with self.subTest(settings):
                host = self.host(**settings)
                self.assertEqual(self.apply(host, ADDRESSES[0], 1), "retry")
                host.wait("problem", id="server-unreachable", text=words)
                for secret in (PASSWORD, "wrong-password"):
                    self.assertNotIn(secret, host.story())


class Refused(unittest.TestCase):
    def test_settings_that_cannot_work_are_refused(self) -> None:
        folder = temporary_folder("etcd")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "empty").touch()
        good = {"endpoints": "http://127.0.0.1:2379"}
        for expected, groups, settings in (
            ("a URL is expected", [GROUP], {"endpoints": "127.0.0.1:2379"}),
            ("without `?` and `#`", [GROUP], {"endpoints": "http://127.0.0.1:2379/?"}),
            ("without `?` and `#`", [GROUP], {"endpoints": "http://127.0.0.1:2379/#"}),
            ("without user and password", [GROUP], {"endpoints": "http://a:b@127.0.0.1:2379"}),
            ("several groups would share", ["a", "b"], {"key": "one"}),
            ("one needs the other", [GROUP], {"username": "u"}),
            ("one needs the other", [GROUP], {"password": "p"}),
            ("only one of them", [GROUP],
             {"username": "u", "password": "p", "password_file": folder / "none"}),
            ("can't be read", [GROUP], {"username": "u", "password_file": folder / "none"}),
            ("is empty", [GROUP], {"username": "u", "password_file": folder / "empty"}),
            ("can't be read", [GROUP], {"tls_ca_file": folder / "none"}),
            ("one needs the other", [GROUP], {"tls_cert_file": folder / "none"}),
            ("5s and more", [GROUP], {"lease": "3s"}),
            ("whole seconds", [GROUP], {"lease": "5500ms"}),
        ):
            with self.subTest(settings), PluginHost("etcd", groups, **(good | settings)) as host:
                host.wait("refused", text=expected)


if __name__ == "__main__":
    stop_on_signals()
    if not find_etcd():
        print("skipped: no etcd on PATH (tests/servers.sh --with-etcd)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
