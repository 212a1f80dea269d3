"""The watcher and TLS: whom it believes, what it says of each refusal, files that change."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import sys
import threading
import unittest
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeSentinel  # noqa: E402
from lab.addresses import AddressBlock, free_port  # noqa: E402
from lab.certificates import Certificate, CertificateAuthority, ServerTls  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.sentinels import Sentinel  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402
from watcher_alone import SentinelSettings, TlsSettings, Watcher  # noqa: E402

PRIMARY = ("127.0.0.9", 6379)  # nobody is there, and the Sentinel has not noticed
MEBIBYTE = 1024 * 1024


class WithOneSentinel(unittest.TestCase):
    """A real one for each test, on a TLS port."""

    def setUp(self) -> None:
        self.folder = temporary_folder("tls")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.block = AddressBlock()
        self.addCleanup(self.block.close)
        self.host = self.block.address(21)
        self.port = free_port(self.host)
        self.ca = CertificateAuthority(self.folder)

    def serve(
        self,
        certificate: Certificate | None = None,
        *,
        clients: str = "no",
        tls: bool = True,
        lines: tuple[str, ...] = (),
    ) -> Sentinel:
        given = certificate or self.ca.issue("sentinel", self.host)
        self.sentinel = Sentinel(
            "sentinel",
            self.host,
            self.port,
            self.folder,
            extra_lines=(*lines, f"sentinel monitor myprimary {PRIMARY[0]} {PRIMARY[1]} 1"),
            tls=ServerTls(given, self.ca.file, clients) if tls else None,
        )
        self.addCleanup(self.sentinel.kill)
        self.start()
        return self.sentinel

    def start(self) -> None:
        self.sentinel.start()
        self.sentinel.wait_ready()

    def watch(
        self,
        *,
        address: tuple[str, int] | None = None,
        enabled: bool = True,
        settings: dict[str, object] | None = None,
        client: Certificate | None = None,
        **tls: object,
    ) -> Watcher:
        if client:
            tls |= {"cert_file": str(client.cert_file), "key_file": str(client.key_file)}
        given = {"ca_file": str(self.ca.file)} | tls
        if given.get("insecure_skip_verify"):
            given["ca_file"] = ""
        timing = {"poll_interval": 300, "connect_timeout": 2000, "backoff_min": 10}
        return self.enterContext(
            Watcher(
                SentinelSettings(
                    [address or (self.host, self.port)],
                    tls=TlsSettings(enabled, **given),  # type: ignore[arg-type]
                    **(timing | {"backoff_max": 100} | (settings or {})),  # type: ignore[arg-type]
                )
            )
        )

    def refusal(self, watcher: Watcher, id: str = "sentinel-tls") -> str:
        """What it says of the Sentinel, without its address; nothing was believed."""
        text = watcher.wait_problem(id)
        begin = {
            "sentinel-tls": f"no secure connection to Sentinel {self.name}: ",
            "sentinel-unreachable": f"cannot reach Sentinel {self.name}: ",
        }[id]
        self.assertTrue(text.startswith(begin), text)
        line = watcher.wait_log(begin.removesuffix(": "))
        self.assertEqual((line["level"], line["error"]), ("warning", text.removeprefix(begin)))
        self.assertEqual(watcher.topologies, [])
        return text.removeprefix(begin)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


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


class WrongServer(WithOneSentinel):
    def test_a_ca_that_is_not_trusted(self) -> None:
        self.serve(CertificateAuthority(self.folder, "stranger").issue("sentinel", self.host))
        self.assertEqual(
            self.refusal(self.watch()),
            f"certificate of {self.host} is not trusted: unable to get local issuer certificate "
            f"(trusted are the CAs of {self.ca.file})",
        )

    def test_a_chain_up_to_a_ca_that_is_not_trusted(self) -> None:
        stranger = CertificateAuthority(self.folder, "stranger")
        certificate = stranger.issue("sentinel", self.host)
        with certificate.cert_file.open("a") as file:
            file.write(stranger.file.read_text())
        self.serve(certificate)
        self.assertIn(
            f"certificate of {self.host} is not trusted: "
            "self-signed certificate in certificate chain",
            self.refusal(self.watch()),
        )

    def test_the_systems_cas_do_not_vouch_for_a_private_one(self) -> None:
        self.serve()
        self.assertIn("(trusted are the CAs of the system)", self.refusal(self.watch(ca_file="")))

    def test_one_that_expired(self) -> None:
        self.serve(self.ca.issue("sentinel", self.host, ends=timedelta(minutes=-1)))
        self.assertRegex(
            self.refusal(self.watch()),
            rf"^certificate of {re.escape(self.host)} expired at 20[0-9-]+T[0-9:]+Z$",
        )

    def test_one_that_is_not_valid_yet(self) -> None:
        self.serve(self.ca.issue("sentinel", self.host, begins=timedelta(hours=1)))
        self.assertRegex(
            self.refusal(self.watch()),
            rf"^certificate of {re.escape(self.host)} is not valid before 20[0-9-]+T[0-9:]+Z$",
        )

    def test_one_for_another_name(self) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.serve(self.ca.issue("sentinel", "vk-0.vk", "10.0.0.7"))
        self.assertEqual(
            self.refusal(self.watch(address=("localhost", self.port))),
            "certificate is not for the name localhost, but for vk-0.vk, 10.0.0.7",
        )

    def test_one_for_another_server_name(self) -> None:
        self.serve()
        self.assertEqual(
            self.refusal(self.watch(server_name="vk-1.vk")),
            f"certificate is not for the name vk-1.vk, but for {self.host}",
        )

    def test_one_for_another_ip_address(self) -> None:
        self.serve(self.ca.issue("sentinel", "vk-0.vk", "10.0.0.7"))
        self.assertEqual(
            self.refusal(self.watch()),
            f"certificate is not for the IP address {self.host}, but for vk-0.vk, 10.0.0.7",
        )

    def test_a_plain_port(self) -> None:
        self.serve(tls=False)
        # A server that waits for the end of a command is silent, as is one that is stopped.
        self.assertEqual(
            self.refusal(self.watch(settings={"connect_timeout": 300}), "sentinel-unreachable"),
            "no answer to the TLS handshake within 0.3 s (it hangs, or is a plain port)",
        )

    def test_a_plain_port_that_answers(self) -> None:
        fake = self.enterContext(FakeSentinel())
        self.host, self.port = fake.address
        fake.behaviour, fake.nonsense = "say", b"-ERR Protocol error\r\n"
        self.assertEqual(
            self.refusal(self.watch()), "what answers there does not speak TLS (a plain port?)"
        )

    def test_one_that_closes_in_the_handshake(self) -> None:
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.host, self.port = listener.getsockname()

        def close_all() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)

        threading.Thread(target=close_all, daemon=True).start()
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        self.assertEqual(
            self.refusal(self.watch(), "sentinel-unreachable"),
            "closed by the peer during the TLS handshake (a plain port?)",
        )

    def test_one_that_halts_in_the_handshake(self) -> None:
        fake = self.enterContext(FakeSentinel())
        self.host, self.port = fake.address
        fake.behaviour, fake.nonsense = "say", b"\x16\x03\x03\x00\x7a\x02"
        self.assertEqual(
            self.refusal(self.watch(settings={"connect_timeout": 300}), "sentinel-unreachable"),
            "no answer to the TLS handshake within 0.3 s",
        )

    def test_what_is_said_in_one_breath_with_the_handshake_and_the_end_is_heard(self) -> None:
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version.name):
                self.serve_by_script(version, b"-ERR max number of clients reached\r\n")
                text = self.watch().wait_problem("sentinel-auth")
                self.assertTrue(text.endswith(": ERR max number of clients reached"), text)

    def test_one_that_closes_after_the_handshake(self) -> None:
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version.name):
                for end in "polite", "rude":
                    self.serve_by_script(version, b"", end)
                    self.assertEqual(
                        self.refusal(self.watch(), "sentinel-unreachable"),
                        "closed by the peer without an answer",
                    )

    def test_the_server_is_told_that_it_is_over_and_why(self) -> None:
        version = ssl.TLSVersion.TLSv1_2
        self.serve_by_script(version, b"-ERR go away\r\n", "the client's")
        self.watch()
        wait_until(lambda: "close_notify" in self.heard, 10, f"a close_notify: {self.heard}")
        self.serve_by_script(version, b"", "the client's")
        self.watch(server_name="somebody-else")
        wait_until(lambda: self.heard, 10, "an alert")
        self.assertIn("BAD_CERTIFICATE", self.heard[0])

    def serve_by_script(self, version: ssl.TLSVersion, words: bytes, end: str = "polite") -> None:
        """Says these at once when it has shaken hands, and closes: polite, with a close_notify.
        `heard`: how its connections ended."""
        self.heard: list[str] = []
        heard = self.heard
        certificate = self.ca.issue("sentinel", "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert_file, certificate.key_file)
        context.minimum_version = context.maximum_version = version
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        self.host, self.port = listener.getsockname()

        def serve_one(accepted: socket.socket) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            peer = context.wrap_bio(incoming, outgoing, server_side=True)
            while True:
                try:
                    peer.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    accepted.sendall(outgoing.read())
                    incoming.write(accepted.recv(1 << 16))
                except ssl.SSLError as error:
                    heard.append(error.reason)
                    return
            peer.write(words)
            if end == "polite":
                with contextlib.suppress(ssl.SSLError):  # the client's own end is yet to come
                    peer.unwrap()
            accepted.sendall(outgoing.read())
            if end != "the client's":
                accepted.shutdown(socket.SHUT_WR)
            while more := accepted.recv(1 << 16):
                incoming.write(more)
            incoming.write_eof()
            with contextlib.suppress(ssl.SSLError):
                while peer.read():
                    pass
                heard.append("close_notify")

        def serve_all() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                with accepted, contextlib.suppress(OSError):  # the watcher may be gone by then
                    serve_one(accepted)

        threading.Thread(target=serve_all, daemon=True).start()

    def test_a_tls_port_for_one_that_speaks_plain(self) -> None:
        self.serve()
        self.assertRegex(
            self.refusal(self.watch(enabled=False), "sentinel-unreachable"),
            r"^(closed by the peer|connection reset by peer) "
            r"without an answer \(a port that wants TLS\?\)$",
        )

    def test_a_thousand_refusals_leave_nothing_behind(self) -> None:
        self.serve(CertificateAuthority(self.folder, "stranger").issue("sentinel", self.host))
        watcher = self.watch(settings={"backoff_min": 1, "backoff_max": 1})
        count = "sentinel_connection_failures_total", self.name

        def wait_failures(number: int) -> tuple[int, int]:
            watcher.wait_for(
                lambda: watcher.counters.get(count, 0) >= number, f"{number} refusals", 60
            )
            return watcher.resident_bytes(), watcher.descriptors()

        memory, descriptors = wait_failures(200)
        memory_after, descriptors_after = wait_failures(1200)
        if not watcher.is_sanitized():
            self.assertLess(memory_after - memory, MEBIBYTE // 2, "memory grows")
        self.assertLess(descriptors_after - descriptors, 4, "descriptors grow")
        self.assertLess(len(watcher.lines("no secure connection")), 12)


class WrongClient(WithOneSentinel):
    def refusals(self, **keys: object) -> set[str]:
        """With each version of TLS, the second of which tells only after the handshake."""
        said = set()
        for version in ("TLSv1.2", "TLSv1.3"):
            self.serve(clients="yes", lines=(f"tls-protocols {version}",))
            watcher = self.watch(**keys)  # type: ignore[arg-type]
            said.add(self.refusal(watcher))
            watcher.close()
            self.sentinel.kill()
        return said

    def test_no_certificate_where_one_is_wanted(self) -> None:
        self.assertEqual(
            self.refusals(),
            {"the peer wants a client certificate, and none is configured (cert_file, key_file)"},
        )

    def test_a_certificate_of_a_ca_that_the_server_does_not_trust(self) -> None:
        client = CertificateAuthority(self.folder, "stranger").issue("client")
        self.assertEqual(
            self.refusals(client=client),
            {f"the peer does not accept the client certificate {client.cert_file}: unknown CA"},
        )

    def test_a_certificate_that_expired(self) -> None:
        client = self.ca.issue("client", ends=timedelta(minutes=-1))
        self.assertEqual(
            self.refusals(client=client),
            {
                f"the peer does not accept the client certificate {client.cert_file}: "
                "certificate expired"
            },
        )

    def test_files_that_cannot_be_used(self) -> None:
        client, other = self.ca.issue("client"), self.ca.issue("other")
        text, missing = self.folder / "text", self.folder / "missing"
        text.write_text("no certificate\n")
        table = {
            f"read ca_file {missing}: No such file or directory": {"ca_file": str(missing)},
            f"ca_file {text} holds no certificate in PEM form": {"ca_file": str(text)},
            f"read cert_file {missing}: No such file or directory": {
                "client": Certificate(missing, client.key_file)
            },
            f"key_file {text} holds no private key in PEM form": {
                "client": Certificate(client.cert_file, text)
            },
            f"the key in key_file {other.key_file} is not that of the certificate in "
            f"cert_file {client.cert_file}": {
                "client": Certificate(client.cert_file, other.key_file)
            },
        }
        self.serve(clients="optional")
        for expected, keys in table.items():
            with self.subTest(expected):
                watcher = self.watch(**keys)  # type: ignore[arg-type]
                self.assertEqual(self.refusal(watcher), expected)
                watcher.close()


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


_SUBSCRIBERS = ("CLIENT", "LIST", "TYPE", "pubsub")


class Group(unittest.TestCase):
    def test_a_failover_is_heard_where_all_speak_tls_and_want_certificates(self) -> None:
        folder = temporary_folder("tls")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        ca = CertificateAuthority(folder)
        client = ca.issue("client")
        group = self.enterContext(
            ValkeyGroup(tls=lambda name, host: ca.server(name, host, clients="yes"))
        )
        watcher = self.enterContext(
            Watcher(
                SentinelSettings(
                    [sentinel.address for sentinel in group.sentinels.all],
                    tls=TlsSettings(
                        True, str(ca.file), str(client.cert_file), str(client.key_file)
                    ),
                )
            )
        )
        watcher.wait_primary(group.primary().address)
        failover = group.wait_failover(group.kill_primary())
        watcher.wait_primary(failover.new.address)
        first = next(t for t in watcher.of() if t.primary == failover.new.address)
        self.assertLess(first.heard - failover.event.time, 0.2)


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
