"""What the plugin `kubernetes` makes of each answer of an API server, and of none. README.md of the
plugin has the table; what a real server can't be made to answer comes from the fake."""

from __future__ import annotations

import http.client
import ssl
import sys
import time
import unittest
from email.utils import formatdate
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from e2e.service_case import PAUSED  # noqa: E402
from lab.kubernetes import FakeKubernetes, Pod, PrivateKubernetes  # noqa: E402
from lab.plugin_host import Event  # noqa: E402
from lab.processes import wait_until  # noqa: E402

PROMOTION = r"PATCH /api/v1/.*/pods/valkey-1"
LIST = r"LIST /api/v1/.*/pods"
OURS = "system:serviceaccount:.*"


@unittest.skipUnless(BACKEND == "fake", "only a fake answers wrongly on demand")
class Answers(PluginCase):
    private = True

    def setUp(self) -> None:
        super().setUp()
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.server: FakeKubernetes = self.kubernetes
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def answer(self, match: str, **fault: Any) -> int:
        """Moves the primary while the requests that match meet this. Returns the mark."""
        self.server.fault(match, user=OURS, **fault)
        return self.one.apply(GROUP, 2, ADDRESSES[1])

    def ends_right(self, mark: int, timeout: float = 10.0) -> Event:
        done = self.one.applied(timeout, mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()
        return done

    def assert_label(self, label: str, mark: int) -> None:
        self.assertGreater(self.one.count("api_errors_total", label, mark), 0,
                           self.one.story(mark))
        self.assertGreater(self.one.count("patches_total", label, mark), 0)

    def retried(self, mark: int, text: str) -> Event:
        self.one.wait("problem", id="change-refused", severity="blocking", mark=mark, text=text)
        return self.one.wait("complete", outcome="retry", mark=mark, text=text)

    def test_401_reads_the_token_again_and_says_what_is_wrong(self) -> None:
        mark = self.answer(PROMOTION, status=401, count=2)
        self.retried(mark, "patch pod " + self.namespace.name + "/valkey-1: unauthorized")
        self.ends_right(mark)
        self.assert_label("401", mark)

    def test_403_names_the_right_and_is_tried_again_slowly(self) -> None:
        mark = self.answer(PROMOTION, status=403, count=3)
        refused = self.retried(mark, f"forbidden: cannot patch pods in namespace "
                                     f"{self.namespace.name}")
        done = self.ends_right(mark, 20)
        # Pauses of half a second, one and two, less their jitter; a fast retry takes 0.1 s.
        self.assertGreater(done.time - refused.time, 0.25 + 0.5 + 1.0 - 0.05)
        self.assertEqual(self.one.count("patches_total", "403", mark), 3)

    def test_a_new_decision_does_not_wait_for_a_refusal_of_the_old_one(self) -> None:
        mark = self.answer(PROMOTION, status=403, count=0)
        self.one.wait("count", 20, mark, when=lambda event: self.one.count(
            "patches_total", "403", mark) >= 4)  # the next pause is of 2 s at least
        self.server.clear_faults()
        mark = self.one.apply(GROUP, 3, ADDRESSES[2])
        self.assertLess(int(self.one.applied(mark=mark, epoch="3").took_us), 1_500_000)
        self.never_two()

    def test_404_and_409_are_looked_at_again_at_once(self) -> None:
        for epoch, code in ((2, 404), (3, 409)):
            with self.subTest(code):
                self.server.fault(rf"PATCH /api/v1/.*/valkey-{epoch % 3}", status=code, user=OURS)
                mark = self.one.apply(GROUP, epoch, ADDRESSES[epoch % 3])
                self.one.applied(mark=mark)
                self.assert_looked_again(str(code), mark)
        self.never_two()

    def test_422_for_a_pod_that_has_changed_is_looked_at_again_at_once(self) -> None:
        mark = self.answer(PROMOTION, status=422, delay_ms=500)
        wait_until(lambda: self.server.faults()[0]["hits"] == 1, 10, "the promotion is sent")
        self.namespace.annotate("valkey-1", "valkey-reconciler.io/stamp", "of somebody else")
        self.ends_right(mark)
        self.assert_looked_again("422", mark)

    def test_422_for_a_pod_that_got_its_first_annotation_is_looked_at_again_at_once(self) -> None:
        self.namespace.add_pod(Pod("valkey-9", "10.244.0.19"))
        self.server.fault(r"PATCH /api/v1/.*/pods/valkey-9", user=OURS, delay_ms=500)
        mark = self.one.apply(GROUP, 2, "10.244.0.19")
        wait_until(lambda: self.server.faults()[0]["hits"] == 1, 10, "the promotion is sent")
        sent = len(self.one.events)  # before, the new pod may have been looked for
        self.namespace.annotate("valkey-9", "example.com/network", "10.244.0.19")
        self.one.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-9"])
        self.assert_looked_again("422", sent)

    def test_a_pause_that_comes_when_the_label_is_off_lets_the_promotion_be_finished(self) -> None:
        self.namespace.add_pod(Pod("valkey-9", "10.244.0.19"))
        self.server.fault(r"PATCH /api/v1/.*/pods/valkey-9", user=OURS, delay_ms=500)
        mark = self.one.apply(GROUP, 2, "10.244.0.19")
        wait_until(lambda: self.server.faults()[0]["hits"] == 1, 10, "the promotion is sent")
        self.namespace.annotate("valkey-9", "valkey-reconciler.io/paused", "by jane")
        self.one.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-9"])
        self.one.wait("problem", id="paused", mark=mark)
        mark = self.one.apply(GROUP, 3, ADDRESSES[1])
        self.one.wait("complete", outcome="rejected", mark=mark, text="by jane")
        self.assertEqual(self.namespace.labelled(), ["valkey-9"])

    def assert_looked_again(self, code: str, mark: int) -> None:
        """By one list, and not by the host's next try."""
        self.assert_label(code, mark)
        self.assertEqual(self.one.count("lists_total", mark=mark), 1)
        self.assertFalse([event for event in self.one.events[mark:]
                          if event.kind == "complete" and event.outcome == "retry"])

    def test_422_for_a_pod_that_is_as_it_was_is_a_refusal_and_tried_again_slowly(self) -> None:
        mark = self.answer(PROMOTION, status=422, count=2)
        refused = self.retried(mark, "HTTP 422")
        done = self.ends_right(mark)
        self.assertGreater(done.time - refused.time, 0.25 + 0.5 - 0.05)
        self.assert_label("422", mark)

    def test_429_and_503_are_left_alone_as_long_as_they_ask_for(self) -> None:
        for epoch, code in ((2, 429), (3, 503)):
            with self.subTest(code):
                self.server.fault(rf"PATCH /api/v1/.*/valkey-{epoch % 3}", user=OURS, status=code,
                                  headers={"Retry-After": "2"})
                mark = self.one.apply(GROUP, epoch, ADDRESSES[epoch % 3])
                told = self.retried(mark, f"HTTP {code} (a fault that a test asked for); "
                                          "it asks to wait 2 s")
                done = self.one.applied(mark=mark, epoch=str(epoch))
                # A pause of its own would be half a second; the two are told of after the answer.
                self.assertGreater(done.time - told.time, 1.5)
                self.assertLess(done.time - told.time, 5)
                self.assertEqual(self.one.count("patches_total", str(code), mark), 1)
                self.assertEqual(self.one.count("api_errors_total", str(code), mark), 1)

    def test_after_429_the_fences_go_one_by_one_and_the_label_last(self) -> None:
        mark = self.answer("PATCH .*", count=0, status=429, headers={"Retry-After": "2"})
        self.namespace.annotate("valkey-0", "valkey-reconciler.io/stamp", None)  # no token, then
        self.retried(mark, "it asks to wait 2 s")
        self.server.clear_faults()
        self.server.fault("PATCH .*", user=OURS, count=0, delay_ms=200)
        self.ends_right(mark)
        *_, first, second = self.fences(mark)
        self.assertIn("valkey-2 fenced", first.text)
        self.assertIn("valkey-0 unlabelled", second.text)
        self.assertGreater(second.time - first.time, 0.15)

        mark = len(self.one.events)
        self.namespace.annotate("valkey-1", "valkey-reconciler.io/stamp", None)
        self.ends_right(mark)
        *_, first, second = self.fences(mark)
        self.assertLess(second.time - first.time, 0.15)  # all at once again

    def fences(self, mark: int) -> list[Event]:
        return [event for event in self.one.events[mark:] if event.kind == "log"
                and (" fenced " in event.text or " unlabelled " in event.text)]

    def test_who_has_not_got_it_right_yet_contests_with_nobody(self) -> None:
        mark = self.answer("PATCH .*", count=0, status=500)
        for i in range(10):  # each asks for an attempt
            at = len(self.one.events)
            self.namespace.set_ready("valkey-1", i % 2 == 1)
            self.one.wait("complete", outcome="retry", mark=at)
        self.server.clear_faults()
        self.ends_right(mark)
        self.assertFalse([event for event in self.one.events
                          if event.kind == "problem" and event.id == "contested"])

    def test_a_date_to_wait_for_is_read_too(self) -> None:
        until = int(time.time()) + 4
        mark = self.answer(PROMOTION, status=429,
                           headers={"Retry-After": formatdate(until, usegmt=True)})
        self.retried(mark, "it asks to wait")
        self.assertGreater(self.ends_right(mark, 15).time, until - 1.1)

    def test_who_waits_can_be_cancelled_and_a_newer_decision_waits_as_well(self) -> None:
        mark = self.answer(PROMOTION, status=429, headers={"Retry-After": "3"})
        told = self.retried(mark, "it asks to wait 3 s")
        mark = self.one.apply(GROUP, 3, ADDRESSES[2])
        self.one.wait("complete", outcome="retry", mark=mark, text="it asks to wait 3 s", epoch="3")
        done = self.one.applied(mark=mark, epoch="3")
        self.assertGreater(done.time - told.time, 2.9)
        self.assertEqual(self.namespace.labelled(), ["valkey-2"])

    def test_a_pause_does_not_come_between_a_fence_and_a_promotion_that_is_tried_again(self) -> None:
        mark = self.answer(PROMOTION, status=429, headers={"Retry-After": "3"})
        self.retried(mark, "it asks to wait 3 s")
        self.assertEqual(self.namespace.labelled(), [])
        for pod in self.namespace.pods():
            self.namespace.annotate(pod, PAUSED, "by jane")
        self.ends_right(mark)
        mark = self.one.apply(GROUP, 3, ADDRESSES[2])
        self.one.wait("complete", outcome="rejected", text="by jane", mark=mark)

    def test_nobody_is_left_alone_for_longer_than_half_a_minute(self) -> None:
        mark = self.answer(PROMOTION, status=429, headers={"Retry-After": "86400"})
        self.retried(mark, "it asks to wait 86400 s, 30 are waited")
        self.ends_right(mark, 45)

    def test_a_list_waits_as_asked(self) -> None:
        self.server.fault(LIST, user=OURS, status=503, headers={"Retry-After": "2"})
        host = self.host(request_timeout="1s")
        told = host.wait("problem", id="list-refused", text="it asks to wait 2 s")
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        self.assertGreater(host.applied(mark=mark).time - told.time, 1.9)
        host.wait("problem_clear", id="list-refused")

    def test_a_watch_waits_as_asked(self) -> None:
        self.server.fault(r"WATCH /api/v1/.*/pods", user=OURS, status=429,
                          headers={"Retry-After": "2"})
        mark = len(self.one.events)
        self.server.watches("cut", match=".*")
        told = self.one.wait("problem", id="watch-lost", severity="degraded", mark=mark,
                             text="it asks to wait 2 s")
        again = self.one.wait("log", text="watch resumed", mark=mark)
        self.assertGreater(again.time - told.time, 1.9)

    def test_500_502_and_503_are_tried_again_with_backoff(self) -> None:
        for epoch, code in enumerate((500, 502, 503), start=2):
            with self.subTest(code):
                pod = epoch % 3
                self.server.fault(rf"PATCH /api/v1/.*/valkey-{pod}", status=code, user=OURS,
                                  count=2, body="<html>")
                mark = self.one.apply(GROUP, epoch, ADDRESSES[pod])
                self.retried(mark, f"HTTP {code} (<html>)")
                self.one.applied(mark=mark)
                self.assert_label(str(code), mark)
        self.never_two()

    def test_another_refusal_is_tried_again_slowly(self) -> None:
        mark = self.answer(PROMOTION, status=405, count=2)
        refused = self.retried(mark, "HTTP 405")
        done = self.ends_right(mark)
        self.assertGreater(done.time - refused.time, 0.25 + 0.5 - 0.05)
        self.assert_label("405", mark)

    def test_a_timeout_is_no_refusal_and_a_new_connection_is_used(self) -> None:
        self.one.close()
        self.one = self.host(request_timeout="1s")
        mark = self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied(mark=mark)
        mark = self.answer(PROMOTION, delay_ms=3000)
        self.one.wait("complete", outcome="retry", mark=mark, text="no answer within 1000 ms")
        self.one.wait("problem", id="api-unreachable", mark=mark)
        self.ends_right(mark)
        self.assert_label("timeout", mark)

    def test_a_reset_is_done_again_whether_it_was_done_or_not(self) -> None:
        for epoch, when in ((2, "before"), (3, "after")):
            with self.subTest(when):
                # All: libcurl itself tries a kept connection's request once more.
                self.server.fault(rf"PATCH /api/v1/.*/valkey-{epoch % 3}", user=OURS, drop=True,
                                  when=when, count=0)
                if when == "after":  # and it does not show that it was done
                    self.server.watches("silence", seconds=5)
                mark = self.one.apply(GROUP, epoch, ADDRESSES[epoch % 3])
                self.one.wait("complete", outcome="retry", mark=mark, text="patch pod")
                self.assert_label("reset", mark)
                self.server.clear_faults()
                self.one.applied(mark=mark)
                self.assertEqual(self.namespace.labelled(), [f"valkey-{epoch % 3}"])
        self.never_two()

    def test_what_the_watch_shows_to_be_written_needs_no_answer(self) -> None:
        for epoch, answer in ((2, {}), (3, {"status": 503}), (4, {"status": 422})):
            with self.subTest(answer):
                self.server.fault("PATCH .*", user=OURS, when="after", count=2, delay_ms=3000,
                                  **answer)
                mark = self.one.apply(GROUP, epoch, ADDRESSES[epoch % 3])
                done = self.one.applied(mark=mark, epoch=str(epoch))
                self.assertLess(int(done.took_us), 2_500_000)
                self.assertEqual(self.namespace.labelled(), [f"valkey-{epoch % 3}"])
                if "status" in answer:  # nobody waits for it any more
                    self.one.wait("count", mark=mark, name="api_errors_total")
                else:
                    time.sleep(3)  # nothing tells of it
                self.assertEqual(self.one.count("patches_total", "ok", mark), 2)
                self.assertEqual(self.one.count("patches_total", mark=mark), 2)
                self.assertFalse([event for event in self.one.events[mark:]
                                  if event.kind == "problem" or event.fields.get("outcome") == "retry"])
                self.assertEqual(self.one.count("lists_total", mark=mark), 0)
        self.never_two()

    def test_what_is_no_json_confirms_nothing(self) -> None:
        mark = self.answer(PROMOTION, status=200, body="<html>welcome</html>")
        self.ends_right(mark)
        self.assertGreater(self.one.count("lists_total", mark=mark), 0)
        self.assert_label("malformed", mark)

    def test_a_list_that_is_no_list_is_told(self) -> None:
        self.server.fault(LIST, user=OURS, status=200, count=2, body="<html>welcome</html>")
        host = self.host()
        host.wait("problem", id="list-refused", severity="blocking",
                  text=f"list pods in namespace {self.namespace.name}: ")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.wait("problem_clear", id="list-refused")
        self.assertEqual(host.count("api_errors_total", "malformed"), 2)

    def test_a_huge_answer_is_not_read_and_is_no_outage(self) -> None:
        mark = self.answer(PROMOTION, status=200, body="x" * (5 << 20))
        self.ends_right(mark)
        self.assertGreater(self.one.count("lists_total", mark=mark), 0)
        self.assert_label("too-large", mark)
        self.assertFalse([e for e in self.one.events[mark:]
                          if e.kind == "problem" and e.id == "api-unreachable"])

    def test_a_huge_event_ends_the_watch_and_no_more(self) -> None:
        mark = len(self.one.events)
        self.server.watches("send", line="x" * (5 << 20))
        self.one.wait("problem", id="watch-lost", mark=mark, text="larger than 4 MiB")
        self.one.wait("log", text="watch resumed", mark=mark)
        self.assertEqual(self.one.count("api_errors_total", "too-large", mark), 1)

    def test_a_review_that_fails_hides_nothing_and_shows_nothing(self) -> None:
        reviews = r"POST /apis/authorization.k8s.io/.*"
        for code in (403, 404, 500):
            with self.subTest(code):
                self.server.clear_faults()
                self.server.fault(reviews, status=code, count=0)
                host = self.host()
                mark = len(host.events)
                self.server.fault(r"PATCH /api/v1/.*", status=403, count=2, user=OURS)
                host.apply(GROUP, 10 + code, ADDRESSES[code % 3])
                host.wait("problem", id="change-refused", text="forbidden: cannot patch pods",
                          mark=mark)
                host.applied(mark=mark)
                host.check()
                host.wait("problem_clear", id="change-refused", mark=mark)
                self.assertFalse([e for e in host.events if e.fields.get("id") == "rights-missing"])


class Reviews(PluginCase):
    def test_a_missing_right_is_found_and_found_again_by_reviews_alone(self) -> None:
        host = self.host(review="1s")
        space = self.namespace.name
        for verbs, severity, missing in ((("list", "watch"), "blocking", "patch pods"),
                                         (("list", "patch"), "degraded", "watch pods"),
                                         (("patch",), "blocking", "list, watch pods")):
            with self.subTest(missing):
                mark = len(host.events)
                self.namespace.set_rules(self.rules(*verbs))
                shown = host.wait("problem", id="rights-missing", severity=severity, mark=mark,
                                  text=f"forbidden: cannot {missing} in namespace {space}")
                host.wait("log", text=shown.text, mark=mark,
                          level="error" if severity == "blocking" else "warning")
                mark = len(host.events)
                self.namespace.set_rules(self.rules("list", "watch", "patch"))
                host.wait("problem_clear", id="rights-missing", mark=mark)
                host.wait("log", text="all rights are there", mark=mark)

    def test_a_check_finds_what_is_missing_at_once(self) -> None:
        host = self.host(review="60m")
        self.namespace.set_rules(self.rules("list", "watch"))
        host.check()
        host.wait("problem", id="rights-missing", severity="blocking", text="cannot patch pods")


class Unreached(PluginCase):
    private = True

    def test_a_check_finds_a_server_that_is_gone(self) -> None:
        assert isinstance(self.kubernetes, PrivateKubernetes)
        host = self.host()
        self.watch.close()
        self.kubernetes.kill()
        mark = len(host.events)
        host.check()
        host.wait("problem", id="api-unreachable", severity="blocking", mark=mark,
                  text=self.kubernetes.url)


@unittest.skipUnless(BACKEND == "real", "the fake has no such limit")
class InFlight(PluginCase):
    """The limit of a real API server: one change at a time, and whoever else comes gets 429."""

    private = True
    options = ("--", "--max-mutating-requests-inflight=1", "--enable-priority-and-fairness=false")

    def test_429_of_a_real_server_is_obeyed(self) -> None:
        one = self.host()
        one.apply(GROUP, 1, ADDRESSES[0])
        one.applied(30)
        one.wait("count", name="events_total")
        holder = self.hold_a_change()
        start = self.kubernetes.audit_size()
        mark = one.apply(GROUP, 2, ADDRESSES[1])
        told = one.wait("complete", outcome="retry", mark=mark, text="it asks to wait 1 s")
        time.sleep(3.5)
        self.assertLessEqual(one.count("patches_total", "429", mark), 2 * 4, one.story(mark))
        # The head of the promotion takes a place, too: it goes ahead of the fence once and not again.
        ahead = [line for line in self.kubernetes.audit(start) if line["verb"] == "patch"
                 and line["objectRef"]["name"] == "valkey-1" and line["stage"] == "ResponseComplete"]
        self.assertLessEqual(len(ahead), 1)
        holder.close()
        done = one.applied(30, mark)
        self.assertGreater(done.time - told.time, 3.4)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def hold_a_change(self) -> http.client.HTTPConnection:
        """A change whose body never comes: it has the one place as long as it is open."""
        while True:
            holder = self.kubernetes.client(self.namespace.token).connect()
            holder.putrequest("PATCH", f"{self.namespace.path}/pods/valkey-2")
            holder.putheader("Authorization", f"Bearer {self.namespace.token}")
            holder.putheader("Content-Type", "application/merge-patch+json")
            holder.putheader("Content-Length", "100")
            holder.endheaders()
            wait_until(lambda: self.is_full() or self.is_answered(holder), 10,
                       "the one place is taken")
            if not self.is_answered(holder):
                return holder
            holder.close()  # somebody else had the place just then, such as an Event

    def is_full(self) -> bool:
        change = self.namespace.client().request(
            "PATCH", f"{self.namespace.path}/pods/valkey-2", {},
            content_type="application/merge-patch+json", query={"dryRun": "All"})
        return change.code == 429

    @staticmethod
    def is_answered(holder: http.client.HTTPConnection) -> bool:
        """Or closed; who keeps the place is neither."""
        holder.sock.settimeout(0)
        try:
            holder.sock.recv(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            pass
        return True


if __name__ == "__main__":
    main()
