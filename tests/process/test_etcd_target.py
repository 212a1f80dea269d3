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
        self.server.revoke(lease)
        came = self.proxy.hold_answers_to(b"/v3/lease/keepalive")
        self.assertTrue(came.wait(20))
        mark = len(host.events)
        host.check()
        host.wait("changed", mark=mark)
        self.proxy.release_answers()
        self.assertEqual(self.apply(host, ADDRESSES[1], 2), "applied")

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
