"""The watcher and TLS: whom it believes, files that change, a whole group that speaks it."""

from __future__ import annotations

import re
import shutil
import sys
import unittest
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import free_port  # noqa: E402
from lab.certificates import CertificateAuthority  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402
from tls_case import PRIMARY, WithOneSentinel  # noqa: E402
from watcher_alone import (  # noqa: E402
    AccessSettings,
    GroupSettings,
    SentinelSettings,
    TlsSettings,
    Watcher,
)

_SUBSCRIBERS = ("CLIENT", "LIST", "TYPE", "pubsub")


class Success(WithOneSentinel):
    def test_by_ip_address(self) -> None:
        self.serve()
        watcher = self.watch()
        watcher.wait_primary(PRIMARY)
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        self.assertEqual(watcher.lines("not verified"), [])

    def test_by_ipv6_address(self) -> None:
        self.host, self.port = "::1", free_port("::1")
        self.serve()
        self.watch().wait_primary(PRIMARY)

    def test_by_the_name_under_which_it_was_configured(self) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.serve(self.ca.issue("sentinel", "localhost"))
        self.watch(address=("localhost", self.port)).wait_primary(PRIMARY)

    def test_by_server_name(self) -> None:
        self.serve(self.ca.issue("sentinel", "vk-sentinel.shop.svc"))
        self.watch(server_name="vk-sentinel.shop.svc").wait_primary(PRIMARY)

    def test_with_a_client_certificate(self) -> None:
        self.serve(clients="yes")
        for version in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(version):
                self.speak_only(version)
                watcher = self.watch(client=self.ca.issue("client"))
                watcher.wait_primary(PRIMARY)
                watcher.close()

    def test_insecure_is_warned_of_at_each_start(self) -> None:
        stranger = CertificateAuthority(self.folder, "stranger")
        self.serve(stranger.issue("sentinel", "somebody-else", ends=timedelta(minutes=-1)))
        watcher = self.watch(insecure_skip_verify=True)
        watcher.wait_primary(PRIMARY)
        lines = watcher.lines("Sentinels of set main are not verified (insecure_skip_verify)")
        self.assertEqual([line["level"] for line in lines], ["warning"])

    def speak_only(self, version: str) -> None:
        self.sentinel.kill()
        file = self.folder / "sentinel.conf"
        kept = [line for line in file.read_text().splitlines() if "tls-protocols" not in line]
        file.write_text("\n".join([f"tls-protocols {version}", *kept]) + "\n")
        self.start()


class Changes(WithOneSentinel):
    def test_a_missing_file_that_comes_is_taken_up(self) -> None:
        self.serve()
        late = self.folder / "late.crt"
        watcher = self.watch(ca_file=str(late))
        self.refusal(watcher)
        shutil.copy(self.ca.file, late)
        watcher.wait_primary(PRIMARY)
        watcher.wait_no_problem("sentinel-tls")

    def test_another_ca_is_taken_up_without_a_restart(self) -> None:
        certificate = self.ca.issue("sentinel", self.host)
        trusted = self.folder / "trusted.crt"
        shutil.copy(self.ca.file, trusted)
        self.serve(certificate)
        watcher = self.watch(ca_file=str(trusted))
        watcher.wait_primary(PRIMARY)

        new_ca = CertificateAuthority(self.folder, "new")
        renewed = new_ca.issue("sentinel", self.host)
        self.sentinel.kill()
        shutil.copy(renewed.cert_file, certificate.cert_file)
        shutil.copy(renewed.key_file, certificate.key_file)
        self.start()
        watcher.wait_problem("sentinel-tls", containing="is not trusted")
        watcher.wait_problem("sentinels-out-of-reach", "myprimary")

        shutil.copy(new_ca.file, trusted)
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        watcher.wait_log(f"connected to Sentinel {self.name} after")

    def test_new_files_that_are_broken_are_told_and_the_old_ones_used(self) -> None:
        self.serve(clients="yes")
        client = self.ca.issue("client")
        watcher = self.watch(client=client)
        watcher.wait_primary(PRIMARY)
        old = client.cert_file.read_text()
        client.cert_file.write_text("half of a certifi")
        self.cut(watcher)
        cause = f"cert_file {client.cert_file} holds no certificate in PEM form"
        what = (
            "the files for TLS of the Sentinels of set main can't be loaded, "
            "those from before are used"
        )
        self.assertEqual(watcher.wait_problem("sentinel-tls"), f"{what}: {cause}")
        self.assertEqual(watcher.wait_log(what)["error"], cause)
        watcher.wait_for(lambda: set(watcher.problems) == {("", "sentinel-tls")}, "connected")
        client.cert_file.write_text(old)
        self.cut(watcher)
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        watcher.wait_log("the files for TLS of the Sentinels of set main are loaded again")
        self.assertEqual(len(watcher.lines(what)), 1)

    def test_a_password_file_that_changes_with_the_rights_at_the_sentinel(self) -> None:
        self.serve()
        password = self.folder / "password"
        password.write_text("first\n")
        self.allow("first")
        watcher = self.watch(settings={"username": "watcher", "password_file": str(password)})
        watcher.wait_primary(PRIMARY)
        # Without its user the connections of it are closed.
        self.sentinel.command("ACL", "DELUSER", "watcher")
        self.allow("second & last")
        watcher.wait_problem("sentinel-auth", containing="WRONGPASS")
        password.write_text("second & last\n")
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        for secret in ("first", "second & last"):
            self.assertNotIn(secret, watcher.story())

    def allow(self, password: str) -> None:
        rights = ("on", f">{password}", "~*", "&*", "+@all")
        self.sentinel.command("ACL", "SETUSER", "watcher", *rights)

    def cut(self, watcher: Watcher) -> None:
        """The watcher's connection for events, which is made anew."""
        before = self.subscribers()
        self.sentinel.command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: self.subscribers() - before, 10, "it is connected again")

    def subscribers(self) -> set[str]:
        return set(re.findall(r"\bid=(\d+)", str(self.sentinel.command(*_SUBSCRIBERS))))


class Group(unittest.TestCase):
    def test_a_failover_is_heard_where_all_speak_tls_and_want_certificates(self) -> None:
        folder = temporary_folder("tls")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        ca = CertificateAuthority(folder)
        client = ca.issue("client")
        group = self.enterContext(
            ValkeyGroup(tls=lambda name, host: ca.server(name, host, clients="yes"))
        )
        tls = TlsSettings(True, str(ca.file), str(client.cert_file), str(client.key_file))
        watcher = self.enterContext(
            Watcher(
                SentinelSettings(
                    [sentinel.address for sentinel in group.sentinels.all],
                    [GroupSettings(group.name, act_on="promotion")],
                    tls=tls,
                    instances=AccessSettings(tls=tls),
                )
            )
        )
        watcher.wait_primary(group.primary().address)
        failover = group.wait_failover(group.kill_primary())
        watcher.wait_primary(failover.new.address)
        first = next(t for t in watcher.of() if t.primary == failover.new.address)
        self.assertLess(first.heard, failover.event.time, "it told so itself, by its ROLE")
        watcher.wait_for(lambda: watcher.newest().step == 0, "the Sentinels confirm it")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
