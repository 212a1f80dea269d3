"""A Sentinel that is hostile beside two that are not: with waits of 1 ms nothing grows, nothing
spins, the log has a line but not one for each attempt, and the others go on being heard."""

from __future__ import annotations

import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeGroup, FakeSentinel  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import is_sanitized  # noqa: E402
from watcher_alone import SentinelSettings, Watcher  # noqa: E402

A = ("10.0.0.1", 6379)
B = ("10.0.0.2", 6379)
MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
LINES = 12  # of warnings about one Sentinel, whatever it does
SLOWER = 16  # how much less a sanitized build takes in the same time


class Hostile(unittest.TestCase):
    def setUp(self) -> None:
        self.hostile, *self.others = [self.enterContext(FakeSentinel()) for _ in range(3)]

    def watch(self, **settings: object) -> Watcher:
        given: dict[str, object] = {
            "addresses": [one.address for one in (self.hostile, *self.others)],
            "poll_interval": 300,
            "connect_timeout": 1000,
            "reply_timeout": 500,
            "backoff_min": 1,
            "backoff_max": 1,
            "discover": False,
        }
        watcher = self.enterContext(
            Watcher(SentinelSettings(**(given | settings)))  # type: ignore[arg-type]
        )
        watcher.wait_primary(A)
        for other in self.others:
            other.wait_subscribed()
        return watcher

    def attempts(self, count: int, *, cpu_ms: float, sent: int = 0, **settings: object) -> Watcher:
        """Until there were so many connections, and so much was sent; `cpu_ms`: for each."""
        watcher = self.watch(**settings)
        hostile = self.hostile
        warm = min(count // 4, 200)
        hostile.wait_for(lambda: hostile.accepted >= warm, f"{warm} connections", 60)
        begun, before, cpu = time.monotonic(), hostile.accepted, watcher.cpu_seconds()
        memory, descriptors = watcher.resident_bytes(), watcher.descriptors()
        hostile.wait_for(
            lambda: hostile.accepted >= count and hostile.sent >= sent,
            f"{count} connections and {sent} bytes sent",
            120,
        )
        each = (watcher.cpu_seconds() - cpu) * 1000 / (hostile.accepted - before)
        print(
            f"\n{hostile.accepted} connections, {hostile.sent / MEBIBYTE:.0f} MB, "
            f"{time.monotonic() - begun:.1f} s, each {each:.3f} ms of CPU, "
            f"{watcher.resident_bytes() - memory} bytes more, {len(self.warnings(watcher))} lines"
        )
        if not is_sanitized():
            self.assertLess(watcher.resident_bytes() - memory, MEBIBYTE // 2, "memory grows")
            self.assertLess(each, cpu_ms, "ms of CPU for each attempt: it spins")
        self.assertLess(watcher.descriptors() - descriptors, 4, "descriptors grow")
        self.check(watcher)
        return watcher

    def check(self, watcher: Watcher) -> None:
        """The others are still heard at once, and there is a line of the hostile one, but few."""
        moment = time.monotonic()
        for other in self.others:
            other.switch(B, 2)
        self.assertLess(
            watcher.wait_primary(B).heard - moment, 1 if not is_sanitized() else 5
        )
        self.assertEqual([topology.primary for topology in watcher.of()], [A, B])
        self.assertIsNone(watcher.returncode(), watcher.story())
        self.assertLess(len(self.warnings(watcher)), LINES, watcher.story())
        # A build that is many times slower may find a reply of theirs too late.
        for other in self.others:
            self.assertLessEqual(
                other.accepted,
                2 if not is_sanitized() else 4,
                "the others were connected to once and for all",
            )

    def warnings(self, watcher: Watcher) -> list[str]:
        return [
            line["message"]
            for line in watcher.lines(self.hostile.name)
            if line["level"] == "warning"
        ]


class Reconnects(Hostile):
    def test_5000_times_to_one_that_accepts_and_closes(self) -> None:
        self.hostile.behaviour = "close"
        watcher = self.attempts(5000, cpu_ms=0.5)
        watcher.wait_problem("sentinel-unreachable")
        self.assertGreaterEqual(len(self.warnings(watcher)), 1)

    def test_to_one_that_greets_and_closes(self) -> None:
        self.hostile.behaviour = "greet and close"
        self.assertGreaterEqual(len(self.warnings(self.attempts(1000, cpu_ms=1))), 1)

    def test_200_times_to_one_that_trickles(self) -> None:
        self.hostile.behaviour = "trickle"
        watcher = self.attempts(200, cpu_ms=5, connect_timeout=80)  # who spins takes all 80
        watcher.wait_problem("sentinel-unreachable", containing="no answer within 0.08 s")

    def test_to_one_that_never_answers(self) -> None:
        self.hostile.behaviour = "silent"
        watcher = self.attempts(100, cpu_ms=2, connect_timeout=80)
        watcher.wait_problem("sentinel-unreachable", containing="no answer within 0.08 s")
        self.assertLessEqual(self.hostile.connections(), 4)

    def test_to_one_that_refuses(self) -> None:
        self.hostile.close()
        watcher = self.watch()
        watcher.wait_problem("sentinel-unreachable", containing="connection refused")
        before, moment = watcher.cpu_seconds(), time.monotonic()
        time.sleep(2)
        share = (watcher.cpu_seconds() - before) / (time.monotonic() - moment)
        print(f"\nrefused at intervals of 1 ms: {share:.1%} of a core")
        if not is_sanitized():
            self.assertLess(share, 0.5)
        self.check(watcher)


class Nonsense(Hostile):
    def say(self, nonsense: bytes) -> None:
        self.hostile.behaviour, self.hostile.nonsense = "say", nonsense

    def test_a_gigabyte_that_is_no_resp(self) -> None:
        self.hostile.behaviour, self.hostile.nonsense = "flood", b"\xff" * MEBIBYTE
        watcher = self.attempts(200, cpu_ms=2, sent=GIBIBYTE)
        watcher.wait_problem("no-sentinel", containing="as a Sentinel does: not RESP2")

    def test_a_gigabyte_of_answers_that_nothing_asked_for(self) -> None:
        self.hostile.behaviour, self.hostile.nonsense = "flood", b"+PONG\r\n" * 100_000
        watcher = self.attempts(200, cpu_ms=2, sent=GIBIBYTE)
        watcher.wait_problem("no-sentinel")

    def test_a_line_that_never_ends(self) -> None:
        self.hostile.behaviour, self.hostile.nonsense = "flood", b"+" + b"x" * MEBIBYTE
        self.attempts(200, cpu_ms=2).wait_problem("no-sentinel")

    def test_a_bulk_of_512_megabytes(self) -> None:
        self.say(b"$536870912\r\n" + b"x" * 4 * MEBIBYTE)
        watcher = self.attempts(200, cpu_ms=2)
        watcher.wait_problem("no-sentinel", containing="more than 65536 bytes")

    def test_arrays_nested_10000_deep(self) -> None:
        self.say(b"*1\r\n" * 10_000)
        watcher = self.attempts(200, cpu_ms=2)
        watcher.wait_problem("no-sentinel", containing="nested deeper than 4")

    def test_an_array_of_100_million(self) -> None:
        self.say(b"*100000000\r\n" * 1000)
        watcher = self.attempts(200, cpu_ms=2)
        watcher.wait_problem("no-sentinel", containing="more than 4096")

    def test_wrong_types(self) -> None:
        self.say(b"*3\r\n$7\r\nmessage\r\n:1\r\n*0\r\n:1\r\n$-1\r\n*-1\r\n")
        self.attempts(200, cpu_ms=2).wait_problem("no-sentinel")


class Events(Hostile):
    """It speaks as a Sentinel does, and says too much: as fast as it is taken."""

    def flood(self, channel: str, payload: str, total: int) -> None:
        watcher = self.watch()
        total //= SLOWER if is_sanitized() else 1
        self.hostile.wait_subscribed()
        asked = sum(other.asked("SENTINEL", "MASTER") for other in self.others)
        memory, begun, cpu = watcher.resident_bytes(), time.monotonic(), watcher.cpu_seconds()
        thread = threading.Thread(target=self.hostile.flood, args=(channel, payload, total))
        thread.start()
        wait_until(lambda: self.hostile.sent >= total / 2, 120, "half of it is taken")
        self.check(watcher)  # in the midst of it
        thread.join(120)
        self.assertFalse(thread.is_alive(), "it is not taken")
        asked = sum(other.asked("SENTINEL", "MASTER") for other in self.others) - asked
        lasted = time.monotonic() - begun
        print(
            f"\n{channel}: {total / MEBIBYTE:.0f} MB in {lasted:.1f} s, "
            f"{watcher.cpu_seconds() - cpu:.2f} s of CPU; the two others were asked "
            f"{asked / lasted:.0f} times a second"
        )
        if not is_sanitized():
            self.assertLess(watcher.resident_bytes() - memory, MEBIBYTE, "memory grows")
        for other in self.others:
            self.assertEqual(other.accepted, 2)

    def test_a_gigabyte_of_large_ones(self) -> None:
        self.flood("+sdown", "x" * 60_000, GIBIBYTE)

    def test_small_ones_of_an_unknown_group(self) -> None:
        self.flood("+sdown", "master another 10.0.0.1 6379", 64 * MEBIBYTE)

    def test_small_ones_of_the_group(self) -> None:
        self.flood("+sdown", "master myprimary 10.0.0.1 6379", 16 * MEBIBYTE)

    def test_switches_that_never_were(self) -> None:
        self.flood("+switch-master", "myprimary 10.0.0.1 6379 10.0.0.9 6379", 16 * MEBIBYTE)

    def test_tilt_again_and_again(self) -> None:
        self.flood("+tilt", "#tilt mode entered", 2 * MEBIBYTE)


class ALiar(Hostile):
    def test_its_answers_are_of_wrong_types(self) -> None:
        watcher = self.watch(poll_interval=1)
        for reply in (b"+OK\r\n", b"*2\r\n*0\r\n*0\r\n", b"$-1\r\n", b"*0\r\n", b":1\r\n"):
            for command in ("GET-MASTER-ADDR-BY-NAME", "MASTER"):
                self.hostile.groups["myprimary"] = FakeGroup(B, 9, replies={command: reply})
                watcher.wait_problem("sentinel-answer", "myprimary", self.hostile.name)
                self.hostile.groups["myprimary"] = FakeGroup(A, 1)
                watcher.wait_no_problem("sentinel-answer", "myprimary")
        self.check(watcher)


if __name__ == "__main__":
    unittest.main(verbosity=2)
