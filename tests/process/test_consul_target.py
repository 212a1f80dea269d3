"""The plugin `consul` alone, before the fake and, where `consul` is on PATH, before the real one: what its
key and its service say, and what is left of them when Consul is restarted, changed by others, or asked
by two at once; plain, and with TLS and a token."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.certificates import CertificateAuthority  # noqa: E402
from lab.consul import Consul, find_consul  # noqa: E402
from lab.liar import Liar  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402
from store_case import ADDRESSES, GROUP, PlainStoreCase, StoreCase  # noqa: E402

NODE = f"{GROUP}-primary"
README = Path(__file__).resolve().parents[2] / "plugins/consul/README.md"


class OnConsul(StoreCase):
    plugin = "consul"
    urls = "urls"
    key = f"valkey-reconciler/{GROUP}"
    template = "valkey-reconciler/{group}"
    real = False
    server: Consul

    @classmethod
    def setUpClass(cls) -> None:
        folder = temporary_folder("consul")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)  # type: ignore[attr-defined]
        cls.server = cls.enterClassContext(  # type: ignore[attr-defined]
            Consul(folder, real=cls.real, **cls.options(folder)))

    @classmethod
    def options(cls, folder: Path) -> dict[str, object]:
        return {}


class OnKey(OnConsul):
    """Consul with TLS and a token."""

    @classmethod
    def options(cls, folder: Path) -> dict[str, object]:
        return {"authority": CertificateAuthority(folder), "with_token": True}

    def test_a_token_that_changes_in_its_file_is_used_without_a_restart(self) -> None:
        file = self.folder / "token"
        file.write_text("00000000-0000-4000-8000-00000000hush")
        host = self.host(token_file=file)
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", mark=mark, outcome="retry", text="HTTP 403")
        file.write_text(self.server.token + "\n")
        host.applied(20, mark=mark)
        self.says(ADDRESSES[0], 1)

    def test_what_consul_refuses_is_quoted_and_the_token_is_not(self) -> None:
        wrong = self.folder / "wrong"
        wrong.write_text("00000000-0000-4000-8000-00000000hush")
        other = CertificateAuthority(self.folder, "other")
        for settings, words in (
            ({"token_file": ""}, "ermission denied"),
            ({"token_file": wrong}, "HTTP 403"),
            ({"tls_ca_file": other.file}, "certificate"),
            ({"tls_cert_file": "", "tls_key_file": ""}, "read "),
        ):
            with self.subTest(settings):
                host = self.host(**settings)
                self.assertEqual(self.apply(host, ADDRESSES[0], 1), "retry")
                host.wait("problem", id="server-unreachable", text=words)
                for secret in (self.server.token, "hush"):
                    self.assertNotIn(secret, host.story())


class OnService(OnConsul, PlainStoreCase):
    """Without those, and with the service beside the key."""

    words_of_write = b"PUT "

    def setUp(self) -> None:
        super().setUp()
        self.server.deregister(NODE, GROUP)

    def host(self, **settings: Any) -> PluginHost:
        return super().host(publish="service", **settings)

    def leads_to(self, address: str | None) -> None:
        right = [(address, 6379, ["primary"])] if address else []
        self.assertEqual(self.server.registered(GROUP), right)  # type: ignore[attr-defined]

    def says(self, primary: str | None, epoch: int, step: int = 0) -> None:
        super().says(primary, epoch, step)
        self.leads_to(primary)

    def test_what_a_server_repeats_of_a_secret_is_not_in_the_log(self) -> None:
        liar = self.enterContext(Liar())  # type: ignore[attr-defined]
        liar.answer = None
        host = self.host(urls=liar.url, token="hush-hush", poll="60m")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "retry")
        host.wait("problem", text="HTTP 400: a text that repeats what is secret")
        self.assertNotIn("hush", host.story())

    def test_a_registration_that_somebody_else_changes_is_put_right(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        for change in (
            lambda: self.server.deregister(NODE, GROUP),
            lambda: self.server.register(NODE, GROUP, ADDRESSES[1], 6379, "primary"),
            lambda: self.server.register(NODE, GROUP, ADDRESSES[0], 1, "primary"),
            lambda: self.server.register(NODE, GROUP, ADDRESSES[0], 6379, "other"),
        ):
            mark = len(host.events)
            change()
            host.applied(20, mark=mark)
            self.leads_to(ADDRESSES[0])

    def test_a_suspicion_that_comes_first_registers_nothing(self) -> None:
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 5, step=1, suspected=True), "applied")
        self.leads_to(None)

    def test_what_is_configured_away_is_taken_off_as_the_readme_says(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        host.close()
        self.leads_to(ADDRESSES[0])
        told = re.search(r"`(curl [^`]+)`", README.read_text())
        assert told
        subprocess.run(told[1].replace("http://127.0.0.1:8500", self.server.url), shell=True,
                       check=True, capture_output=True, timeout=20)
        self.leads_to(None)
        self.assertNotIn(NODE, self.server.nodes())

    def test_instances_that_others_registered_are_left_alone(self) -> None:
        self.server.register("theirs", GROUP, ADDRESSES[2], 7000, "replica")
        self.addCleanup(self.server.deregister, "theirs", GROUP)  # type: ignore[attr-defined]
        self.apply(self.host(), ADDRESSES[0], 1)
        self.assertEqual(  # type: ignore[attr-defined]
            sorted(self.server.registered(GROUP)),
            [(ADDRESSES[0], 6379, ["primary"]), (ADDRESSES[2], 7000, ["replica"])])


class FakeKey(OnKey, unittest.TestCase):
    pass


class FakeService(OnService, unittest.TestCase):
    pass


@unittest.skipUnless(find_consul(), "no consul on PATH")
class RealKey(OnKey, unittest.TestCase):
    real = True


@unittest.skipUnless(find_consul(), "no consul on PATH")
class RealService(OnService, unittest.TestCase):
    real = True


class Refused(unittest.TestCase):
    def test_settings_that_cannot_work_are_refused(self) -> None:
        good = {"urls": "http://127.0.0.1:8500"}
        for expected, groups, settings in (
            ("a URL is expected", [GROUP], {"urls": "127.0.0.1:8500"}),
            ("without `?` and `#`", [GROUP], {"urls": "http://127.0.0.1:8500/?"}),
            ("without `?` and `#`", [GROUP], {"urls": "http://127.0.0.1:8500/#"}),
            ("without user and password", [GROUP], {"urls": "http://a:b@127.0.0.1:8500"}),
            ("several groups would share", ["a", "b"], {"key": "one"}),
            ("several groups would share", ["a", "b"], {"publish": "service", "service": "one"}),
            ("has an empty part", [GROUP], {"key": "/one"}),
            ("has an empty part", [GROUP], {"key": "one//two"}),
            ("or a dot's", [".."], {}),
            ("or a dot's", [GROUP], {"key": "one/./two"}),
            ("is no name", [GROUP], {"publish": "service", "service": ".."}),
            ("is no UTF-8", ["\udcff"], {"publish": "service"}),
            ("tag: is empty", [GROUP], {"publish": "service", "tag": ""}),
            ("only one of them", [GROUP], {"token": "t", "token_file": "/nowhere"}),
            ("can't be read", [GROUP], {"token_file": "/nowhere"}),
            ("has several lines", [GROUP], {"token": "one\ntwo"}),
            ("can't be read", [GROUP], {"tls_ca_file": "/nowhere"}),
        ):
            with self.subTest(settings), PluginHost("consul", groups, **(good | settings)) as host:
                host.wait("refused", text=expected)


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
