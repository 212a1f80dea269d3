"""The watcher and TLS: each refusal, of either side, is told in its own words."""

from __future__ import annotations

import re
import socket
import ssl
import sys
import threading
import unittest
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeSentinel  # noqa: E402
from lab.addresses import free_port  # noqa: E402
from lab.certificates import Certificate, CertificateAuthority  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import is_sanitized  # noqa: E402
from tls_case import WithOneSentinel  # noqa: E402

MEBIBYTE = 1024 * 1024


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
        if not is_sanitized():
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


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
