"""The plugin `webhook` alone, before a receiver that judges as its page asks: what it is told, when, and
what becomes of each answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import unittest
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.certificates import CertificateAuthority  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.program import build_folder  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402
from lab.webhook import SECRET, Receiver  # noqa: E402

GROUP = "myprimary"
ADDRESSES = [f"10.0.0.{11 + index}" for index in range(3)]


class Webhook(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder("webhook")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.receiver = self.enterContext(Receiver(self.folder))

    def host(self, groups: Sequence[str] = (GROUP,), *, dry_run: bool = False,
             **settings: str | Path) -> PluginHost:
        given = {"url": self.receiver.url, "secret_file": self.receiver.secret_file, **settings}
        return self.enterContext(PluginHost("webhook", list(groups), dry_run=dry_run, **given))

    def apply(self, host: PluginHost, primary: str, epoch: int, **more: object) -> str:
        """Gives the outcome."""
        mark = host.apply(GROUP, epoch, primary, **more)  # type: ignore[arg-type]
        return host.wait("complete", 20, mark=mark).outcome

    def test_the_receiver_is_told_of_each_primary_with_the_one_before(self) -> None:
        host = self.host()
        for number, address in enumerate(ADDRESSES):
            self.assertEqual(self.apply(host, address, 1 + number), "applied")
        told = self.receiver.taken()
        self.assertEqual([body["primary"] for body in told],
                         [{"host": address, "port": 6379} for address in ADDRESSES])
        self.assertEqual([body["previous"] for body in told],
                         [None] + [{"host": address, "port": 6379} for address in ADDRESSES[:-1]])
        self.assertEqual([(body["group"], body["epoch"]) for body in told],
                         [(GROUP, 1), (GROUP, 2), (GROUP, 3)])

    def test_on_a_dry_run_nobody_is_told(self) -> None:
        dry = self.host(dry_run=True)
        mark = dry.apply(GROUP, 1, ADDRESSES[0])
        end = dry.wait("complete", 20, mark=mark)
        self.assertEqual((end.outcome, end.text), (
            "rejected", f"dry run: would tell the receiver of the primary {ADDRESSES[0]}:6379"))
        self.assertEqual(dry.close(), 0)
        self.assertEqual(self.receiver.messages(), [])

    def test_a_suspected_primary_is_told_as_none(self) -> None:
        host = self.host()
        for step, suspected in enumerate((False, True, False)):
            self.assertEqual(
                self.apply(host, ADDRESSES[0], 5, step=step, suspected=suspected), "applied")
        self.assertEqual([body["state"] for body in self.receiver.taken()],
                         ["known", "suspected", "known"])
        self.assertIsNone(self.receiver.taken()[1]["primary"])

    def test_the_same_is_told_once_until_the_next_start(self) -> None:
        host = self.host()
        for _ in range(2):
            self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1, replicas=[ADDRESSES[1]]), "applied")
        self.assertEqual(len(self.receiver.messages()), 1)
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 1), "applied")
        first, again = self.receiver.messages()
        self.assertNotEqual(first.key, again.key)

    def test_a_change_of_the_replicas_alone_is_told_where_asked_for(self) -> None:
        host = self.host(replicas="true")
        for replica in ADDRESSES[1:]:
            self.assertEqual(self.apply(host, ADDRESSES[0], 1, replicas=[replica]), "applied")
        self.assertEqual([body["replicas"][0]["host"] for body in self.receiver.taken()],
                         ADDRESSES[1:])

    def test_what_was_cancelled_on_its_way_is_not_the_last_word(self) -> None:
        host = self.host(replicas="true")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1, replicas=[ADDRESSES[1]]), "applied")
        self.receiver.will_answer((1, {}))
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[2]])
        wait_until(lambda: len(self.receiver.messages()) == 2, 5, "it has heard of the other one")
        host.cancel(GROUP)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "cancelled")
        self.assertEqual(self.apply(host, ADDRESSES[0], 1, replicas=[ADDRESSES[1]]), "applied")
        self.assertEqual([message.body["replicas"][0]["host"] for message in self.receiver.messages()],
                         [ADDRESSES[1], ADDRESSES[2], ADDRESSES[1]])

    def test_what_was_taken_is_taken_though_it_was_cancelled_before_the_answers_end(self) -> None:
        host = self.host()
        self.receiver.will_answer((200, {}), body=None)
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        wait_until(lambda: len(self.receiver.messages()) == 1, 5, "it has heard of it")
        time.sleep(0.3)  # the answer's begin is on its way
        host.cancel(GROUP)
        self.assertEqual(host.wait("complete", mark=mark).outcome, "applied")

    def test_a_slow_receiver_of_one_group_holds_up_no_other(self) -> None:
        host = self.host(groups=[GROUP, "another"])
        self.receiver.will_answer((1, {}))
        slow = host.apply(GROUP, 1, ADDRESSES[0])
        wait_until(lambda: len(self.receiver.messages()) == 1, 5, "it has heard of the first")
        mark = host.apply("another", 1, ADDRESSES[1])
        quick = host.wait("complete", mark=mark, group="another")
        self.assertEqual(quick.outcome, "applied")
        self.assertLess(quick.time, host.wait("complete", mark=slow, group=GROUP).time)

    def test_an_answer_without_end_ends_no_other_message(self) -> None:
        host = self.host(groups=[GROUP, "another"])
        self.receiver.will_answer((200, {}), body=None)
        first = host.apply(GROUP, 1, ADDRESSES[0])
        wait_until(lambda: len(self.receiver.messages()) == 1, 5, "it has heard of the first")
        time.sleep(0.5)
        self.receiver.will_answer((1, {}))
        mark = host.apply("another", 1, ADDRESSES[1])
        self.assertEqual(host.wait("complete", mark=first, group=GROUP).outcome, "applied")
        self.assertEqual(host.wait("complete", mark=mark, group="another").outcome, "applied")
        self.assertEqual(len(self.receiver.messages()), 2)

    def test_a_lower_epoch_is_refused_by_the_receiver_and_not_told_again(self) -> None:
        self.apply(self.host(), ADDRESSES[1], 7)
        late = self.host()
        self.assertEqual(self.apply(late, ADDRESSES[0], 6), "rejected")
        late.wait("problem", id="not-taken", severity="blocking",
                  text="HTTP 409: status 409, says the receiver")
        self.assertEqual(len(self.receiver.messages()), 2)
        self.assertEqual(self.apply(late, ADDRESSES[0], 8), "applied")
        late.wait("problem_clear", id="not-taken")

    def test_each_status_is_retried_or_not_as_its_page_says(self) -> None:
        host = self.host()
        epoch = 0
        for expected, statuses in (
            ("applied", (200, 201, 202, 204)),
            ("rejected", (400, 409, 410, 413, 415, 422)),
            ("retry", (301, 302, 401, 403, 404, 405, 408, 425, 429, 500, 501, 502, 503, 504)),
        ):
            for status in statuses:
                with self.subTest(status):
                    epoch += 1
                    headers = {"Location": self.receiver.url} if status // 100 == 3 else {}
                    self.receiver.will_answer((status, headers))
                    mark = host.apply(GROUP, epoch, ADDRESSES[0])
                    self.assertEqual(host.wait("complete", mark=mark).outcome, expected)
                    if expected == "retry":
                        host.applied(20, mark=mark)
        self.assertEqual(
            [m.body["epoch"] for m in self.receiver.messages() if m.status in (400, 409, 422)],
            [5, 6, 10])

    def test_a_retry_has_the_same_key_and_a_new_topology_another(self) -> None:
        host = self.host()
        self.receiver.will_answer((503, {}), (500, {}))
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0]))
        self.apply(host, ADDRESSES[1], 2)
        keys = [message.key for message in self.receiver.messages()]
        self.assertEqual(len(keys), 4)
        self.assertEqual(len(set(keys[:3])), 1)
        self.assertNotEqual(keys[2], keys[3])
        self.assertIn(f"/{GROUP}/0.1.0/", keys[0])

    def test_what_was_taken_though_no_answer_came_is_taken_once(self) -> None:
        host = self.host(timeout="500ms")
        self.receiver.process.pause()
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", mark=mark, outcome="retry", text="no answer within 500 ms")
        self.receiver.process.resume()
        host.applied(20, mark=mark)
        self.assertEqual(len(self.receiver.taken()), 1)

    def test_a_receiver_that_asks_for_patience_is_given_some(self) -> None:
        for status in (429, 503):
            with self.subTest(status):
                host = self.host()
                self.receiver.will_answer((status, {"Retry-After": "3"}))
                mark = host.apply(GROUP, status, ADDRESSES[0])
                refused = host.wait("complete", mark=mark, outcome="retry", text="wait for 3 s")
                taken = host.applied(20, mark=mark)
                self.assertGreaterEqual(taken.time - refused.time, 2.9)
        self.assertEqual(len(self.receiver.messages()), 4)

    def test_a_request_is_cancelled_while_the_receiver_hangs_or_asked_to_wait(self) -> None:
        host = self.host(timeout="60s")
        self.receiver.will_answer((0, {}))
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.cancel(GROUP)
        host.wait("complete", mark=mark, outcome="cancelled")
        self.receiver.will_answer((503, {"Retry-After": "30"}))
        mark = host.apply(GROUP, 2, ADDRESSES[0])
        host.wait("complete", mark=mark, outcome="retry", text="wait for 30 s")
        mark = host.apply(GROUP, 3, ADDRESSES[0])
        host.cancel(GROUP)
        host.wait("complete", mark=mark, outcome="cancelled")

    def test_news_while_the_receiver_is_away_are_told_when_it_is_back(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        self.receiver.process.kill()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", mark=mark, outcome="retry")
        host.wait("problem", mark=mark, id="not-taken", severity="blocking")
        self.receiver.start()
        host.applied(20, mark=mark)
        self.assertEqual(self.receiver.taken()[-1]["primary"]["host"], ADDRESSES[1])

    def test_of_two_at_the_same_instant_the_higher_epoch_wins(self) -> None:
        hosts = [self.host(), self.host()]
        for epoch in range(1, 20, 2):
            marks = [host.apply(GROUP, epoch + number, ADDRESSES[number])
                     for number, host in enumerate(hosts)]
            for host, mark in zip(hosts, marks):
                host.wait("complete", 20, mark=mark)
            self.assertEqual(self.receiver.taken()[-1]["primary"]["host"], ADDRESSES[1])

    def test_headers_of_ones_own_are_sent_and_not_in_the_log(self) -> None:
        (self.folder / "headers").write_text("Authorization: Bearer hush\n\nX-Other: more\r\n")
        host = self.host(headers="X-Team:data", headers_file=self.folder / "headers")
        self.receiver.will_answer((403, {}))
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0]))
        for message in self.receiver.messages():
            self.assertEqual(message.headers["Authorization"], "Bearer hush")
            self.assertEqual(message.headers["X-Team"], "data")
            self.assertEqual(message.headers["X-Other"], "more")
            self.assertEqual(message.headers["Content-Type"], "application/json")
        for secret in ("hush", SECRET, "/hook"):
            self.assertNotIn(secret, host.story())

    def test_what_a_receiver_repeats_of_secrets_is_not_in_the_log(self) -> None:
        (self.folder / "headers").write_text("Authorization: Bearer hush-hush\n")
        self.receiver.will_answer((404, {}), body='{"message":"Route POST:/hook/T0123456 not found"}')
        host = self.host(url=f"{self.receiver.url}/T0123456?key=abcdefgh",
                         headers_file=self.folder / "headers")
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0]))
        self.receiver.will_answer((401, {}), body="x" * 190 + "no such token: hush-hush")
        host.applied(20, mark=host.apply(GROUP, 2, ADDRESSES[0]))
        self.receiver.will_answer((403, {}), body="not today")
        host.applied(20, mark=host.apply(GROUP, 3, ADDRESSES[0]))
        host.wait("problem", text="HTTP 404: a text that repeats what is secret")
        host.wait("problem", text="HTTP 401: a text that repeats what is secret")
        host.wait("problem", text="HTTP 403: not today")
        for secret in ("T0123456", "abcdefgh", "hush"):
            self.assertNotIn(secret, host.story())

    def test_whoever_says_2xx_has_taken_it_whatever_follows(self) -> None:
        host = self.host()
        for epoch, body in enumerate(("x" * 5_000_000, None), 1):
            self.receiver.will_answer((200, {}), body=body)
            self.assertEqual(self.apply(host, ADDRESSES[0], epoch), "applied")
        self.assertEqual(len(self.receiver.messages()), 2)

    def test_a_refusal_may_be_as_long_as_it_likes(self) -> None:
        host = self.host()
        for epoch, status in enumerate((500, 409), 1):
            self.receiver.will_answer((status, {}), body="x" * 5_000_000)
            mark = host.apply(GROUP, epoch, ADDRESSES[0])
            self.assertEqual(host.wait("complete", 20, mark=mark).outcome, "retry")
            host.wait("problem", mark=mark, id="not-taken")
            host.applied(20, mark=mark)

    def test_secret_and_headers_that_change_in_their_files_are_used_without_a_restart(self) -> None:
        secret, headers = self.folder / "other", self.folder / "headers"
        secret.write_text("another")
        headers.write_text("X-Team: old\n")
        host = self.host(secret_file=secret, headers_file=headers)
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", mark=mark, outcome="retry", text="HTTP 401")
        secret.write_text(SECRET)
        headers.write_text("no header\n")  # the one before stays
        host.applied(20, mark=mark)
        headers.write_text("X-Team: new\n")
        self.assertEqual(self.apply(host, ADDRESSES[1], 2), "applied")
        self.assertEqual([m.headers["X-Team"] for m in self.receiver.messages() if m.status == 200],
                         ["old", "new"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a mount namespace of its own")
    def test_authorities_of_ones_own_are_trusted_alone(self) -> None:
        ours, others = (CertificateAuthority(self.folder, name) for name in ("ours", "others"))
        folder, public = self.folder / "tls", self.folder / "public"
        folder.mkdir()
        public.mkdir()
        receiver = self.enterContext(Receiver(folder, others))
        digest = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", others.file],
                                capture_output=True, text=True, check=True).stdout.strip()
        (public / f"{digest}.0").write_bytes(others.file.read_bytes())
        program = self.folder / "host"
        inner = 'mount --bind "$0" /etc/ssl/certs && exec "$@"'
        real = build_folder() / "libexec/valkey-reconciler/tests/plugin_host"
        program.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{inner}' '{public}' '{real}' \"$@\"\n")
        program.chmod(0o755)
        client = others.issue("client")
        settings = {"url": receiver.url, "tls_cert_file": client.cert_file,
                    "tls_key_file": client.key_file, "program": program}
        # Those of the system are trusted where none are named, which shows that they are there.
        (public / "ca-certificates.crt").write_bytes(others.file.read_bytes())
        self.assertEqual(self.apply(self.host(**settings), ADDRESSES[0], 1), "applied")
        self.assertEqual(
            self.apply(self.host(**settings, tls_ca_file=ours.file), ADDRESSES[0], 2), "retry")

    def test_without_a_secret_nothing_is_signed(self) -> None:
        self.receiver.will_answer((200, {}))
        self.assertEqual(self.apply(self.host(secret_file=""), ADDRESSES[0], 1), "applied")
        self.assertNotIn("Valkey-Reconciler-Signature", self.receiver.messages()[0].headers)

    def test_it_speaks_tls_with_a_certificate_and_verifies_the_receivers(self) -> None:
        authority = CertificateAuthority(self.folder)
        folder = self.folder / "tls"
        folder.mkdir()
        receiver = self.enterContext(Receiver(folder, authority))
        client = authority.issue("client")
        tls = {"url": receiver.url, "tls_ca_file": authority.file,
               "tls_cert_file": client.cert_file, "tls_key_file": client.key_file}
        self.assertEqual(self.apply(self.host(**tls), ADDRESSES[0], 1), "applied")
        other = CertificateAuthority(self.folder, "other")
        for settings in ({"tls_ca_file": other.file}, {"tls_cert_file": "", "tls_key_file": ""}):
            self.assertEqual(self.apply(self.host(**(tls | settings)), ADDRESSES[0], 2), "retry")
        self.assertEqual(len(receiver.messages()), 1)


class Refused(unittest.TestCase):
    def test_settings_that_cannot_work_are_refused(self) -> None:
        good = {"url": "http://127.0.0.1:1/"}
        for expected, settings in (
            ("a URL is expected", {"url": "127.0.0.1"}),
            ("a URL is expected", {"url": "ftp://127.0.0.1/"}),
            ("without user and password", {"url": "http://a:b@127.0.0.1/"}),
            ("without `#`", {"url": "http://127.0.0.1/#a"}),
            ("only one of them", {"secret": "s", "secret_file": "/nowhere"}),
            ("can't be read", {"secret_file": "/nowhere"}),
            ("`Name: value` is expected", {"headers": "hush"}),
            ("can't be read", {"headers_file": "/nowhere"}),
            ("its value is empty", {"headers": "X-Empty:"}),
            ("is set by the program itself", {"headers": "idempotency-key: a"}),
        ):
            with self.subTest(settings), PluginHost("webhook", [GROUP], **(good | settings)) as host:
                host.wait("refused", text=expected)
                self.assertNotIn("hush", host.story())


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
