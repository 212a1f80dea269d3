#!/usr/bin/env python3
"""The witness sees every version, across bounces too, and never takes a gap for peace.

python3 tests/lab/test_pod_watch.py fake|real [unittest's arguments]; 77 where there is no real one.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import unittest
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.kubernetes import (  # noqa: E402
    LABEL, FakeKubernetes, Namespace, Pod, PrivateKubernetes, backends, open_kubernetes)
from lab.pod_watch import PodWatch  # noqa: E402
from lab.stamps import STAMP, carried_out_again, writes  # noqa: E402


class OnOneBackend(unittest.TestCase):
    backend = "fake"
    kubernetes: PrivateKubernetes

    @classmethod
    def setUpClass(cls) -> None:
        cls.kubernetes = cast(PrivateKubernetes, open_kubernetes(cls.backend, private=True))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.kubernetes.close()

    def setUp(self) -> None:
        self.namespace = self.kubernetes.namespace("witness")
        self.namespace.add_pods(Pod(f"valkey-{i}", f"127.40.3.{11 + i}") for i in range(3))
        self.watch = PodWatch(self.namespace)
        self.watch.start()
        self.addCleanup(self.watch.close)

    def move(self, old: str, new: str) -> str:
        """The right way round; returns the version of the end."""
        self.namespace.remove_label(old, LABEL)
        return str(self.namespace.label(new, LABEL, "true")["metadata"]["resourceVersion"])

    def label(self, pod: str, namespace: Namespace | None = None) -> str:
        made = (namespace or self.namespace).label(pod, LABEL, "true", manager="tester")
        return str(made["metadata"]["resourceVersion"])


class Watching(OnOneBackend):
    def test_a_label_that_moves_the_right_way_round_is_never_on_two(self) -> None:
        self.label("valkey-0")
        self.watch.wait_for_label("valkey-0", 5)
        end = self.move("valkey-0", "valkey-1")
        self.assertEqual(end, str(self.watch.wait_for_label("valkey-1", 5).version))
        self.assertEqual(["valkey-1"], self.watch.labelled_now())
        self.assertEqual([], self.watch.two_labelled())
        self.watch.check()

    def test_two_labelled_pods_are_found_even_where_it_lasts_one_version_only(self) -> None:
        self.label("valkey-0")
        second = self.label("valkey-1")
        self.namespace.remove_label("valkey-0", LABEL)
        self.watch.wait_for_label("valkey-1", 5)
        (found,) = self.watch.two_labelled()
        self.assertEqual(int(second), found.version)
        self.assertEqual(["valkey-0", "valkey-1"], [name for name, _ in found.pods])
        with self.assertRaisesRegex(AssertionError, "two pods labelled"):
            self.watch.check()

    def test_two_pods_that_were_labelled_before_it_began_are_found(self) -> None:
        self.label("valkey-0")
        self.label("valkey-1")
        with PodWatch(self.namespace) as watch:
            self.assertEqual(1, len(watch.two_labelled()))

    def test_another_value_is_another_label(self) -> None:
        self.label("valkey-0")
        self.namespace.label("valkey-1", LABEL, "false")
        self.watch.wait_for_label("valkey-0", 5)
        self.watch.check()

    def test_changes_are_told_with_uid_manager_and_times(self) -> None:
        uid = self.namespace.pod("valkey-0")["metadata"]["uid"]
        first = self.label("valkey-0")
        self.move("valkey-0", "valkey-1")
        self.watch.wait_for_label("valkey-1", 5)
        changes = self.watch.label_changes()
        self.assertEqual([("valkey-0", True), ("valkey-0", False), ("valkey-1", True)],
                         [(change.pod, change.labelled) for change in changes])
        self.assertEqual((int(first), uid, "tester"),
                         (changes[0].version, changes[0].uid, changes[0].manager))
        self.assertEqual(sorted(change.received for change in changes),
                         [change.received for change in changes])

    def test_a_pod_that_goes_takes_its_label_along(self) -> None:
        self.label("valkey-0")
        self.watch.wait_for_label("valkey-0", 5)
        self.namespace.recreate_pod("valkey-0")
        self.watch.wait_for_no_label(5)
        self.label("valkey-1")
        self.watch.wait_for_label("valkey-1", 5)
        self.watch.check()
        self.assertEqual([True, False, True],
                         [change.labelled for change in self.watch.label_changes()])

    def test_promotions_that_are_carried_out_again_are_found(self) -> None:
        def stamp(pod: str, decision: str, kind: str, unique: str) -> str:
            text = f"v1 {decision} 10.244.0.11:6379 {kind} {unique} myprimary"
            return str(self.namespace.annotate(pod, STAMP, text)["metadata"]["resourceVersion"])

        stamp("valkey-0", "0.1.0", "promoted", "a1")
        stamp("valkey-0", "0.2.0", "fenced", "a2")
        self.namespace.label("valkey-1", "another", "label")
        self.watch.wait_for_version(stamp("valkey-1", "0.2.0", "promoted", "a3"))
        self.assertEqual([], carried_out_again(writes(self.watch.versions())))
        self.label("valkey-1")  # the same stamp once more
        version = stamp("valkey-1", "0.2.0", "promoted", "a4")
        self.watch.wait_for_version(version)
        written = writes(self.watch.versions())
        self.assertEqual(["a1", "a2", "a3", "a4"], [write.unique for write in written])
        (again,) = carried_out_again(written)
        self.assertEqual(("valkey-1", int(version)), (again.pod, again.version))

    def test_annotations_are_recorded(self) -> None:
        self.namespace.annotate("valkey-0", "valkey-reconciler.io/stamp", "x")
        version = self.namespace.annotate("valkey-0", "valkey-reconciler.io/stamp", "y")
        self.watch.wait_for_version(version["metadata"]["resourceVersion"])
        stamps = [seen.annotations.get("valkey-reconciler.io/stamp")
                  for seen in self.watch.versions("valkey-0")]
        self.assertEqual([None, "x", "y"], stamps)

    def test_waiting_in_vain_says_for_what_and_what_is(self) -> None:
        self.label("valkey-0")
        with self.assertRaisesRegex(TimeoutError, r"valkey-2 alone.*\['valkey-0'\]"):
            self.watch.wait_for_label("valkey-2", 0.5)

    def test_each_of_many_quick_changes_is_seen(self) -> None:
        versions = [self.namespace.label("valkey-0", "x", str(i))["metadata"]["resourceVersion"]
                    for i in range(100)]
        self.watch.wait_for_version(versions[-1])
        seen = [str(version.version) for version in self.watch.versions("valkey-0")]
        self.assertEqual(versions, [version for version in seen if version in versions])

    def test_it_goes_on_after_a_bounce_and_a_freeze(self) -> None:
        self.label("valkey-0")
        self.kubernetes.bounce(0.5)
        self.move("valkey-0", "valkey-1")
        self.watch.wait_for_label("valkey-1", 10)
        self.kubernetes.freeze()
        mover = threading.Thread(target=self.move, args=("valkey-1", "valkey-2"))
        mover.start()
        with self.assertRaises(TimeoutError):
            self.watch.wait_for_label("valkey-2", 0.5)
        self.kubernetes.thaw()
        self.watch.wait_for_label("valkey-2", 5)
        mover.join()
        self.watch.check()
        self.assertGreater(self.watch.reconnects, 0)

    def test_what_it_missed_before_a_bounce_is_asked_for_version_by_version(self) -> None:
        """Two are labelled for a moment while it looks away, and its watch then gets a 410."""
        self.label("valkey-0")
        self.watch.wait_for_label("valkey-0", 5)
        with self.watch.away():
            second = self.label("valkey-1")
            self.namespace.remove_label("valkey-1", LABEL)
            self.kubernetes.bounce()
            last = self.namespace.label("valkey-2", "x", "1")["metadata"]["resourceVersion"]
        self.watch.wait_for_version(last)
        self.assertEqual([int(second)], [two.version for two in self.watch.two_labelled()])
        self.assertEqual([], self.watch.gaps)
        self.assertGreater(self.watch.recovered, 0)


class OnlyTheFake(OnOneBackend):
    """The real one forgets versions after five minutes only."""

    def test_a_gap_that_cannot_be_filled_is_loud_and_no_peace(self) -> None:
        self.label("valkey-0")
        self.watch.wait_for_label("valkey-0", 5)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.watch.away():
            self.label("valkey-1")
            self.namespace.remove_label("valkey-0", LABEL)
            cast(FakeKubernetes, self.kubernetes).compact()
            self.watch.come_back()
            self.watch.wait_for_label("valkey-1", 5)
        self.assertEqual([], self.watch.two_labelled(), "nobody can tell")
        (gap,) = self.watch.gaps
        self.assertIn("too old", gap.why)
        self.assertIn("GAP", said.getvalue())
        with self.assertRaisesRegex(AssertionError, "unknown"):
            self.watch.check()

    def test_a_watch_that_is_cut_misses_nothing(self) -> None:
        fake = cast(FakeKubernetes, self.kubernetes)
        for i in range(10):
            self.namespace.label("valkey-0", "x", str(i))
            fake.watches("cut")
        last = self.namespace.label("valkey-0", "x", "10")["metadata"]["resourceVersion"]
        self.watch.wait_for_version(last)
        seen = [version.labels.get("x") for version in self.watch.versions("valkey-0")]
        self.assertEqual([None, *map(str, range(11))], seen)


def main() -> int:
    backend = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("fake", "real") else "fake"
    if backend not in backends():
        print("skipped: no real Kubernetes API server (KUBERNETES_LAB is not set)")
        return 77
    OnOneBackend.backend = backend
    if backend == "real":
        del globals()["OnlyTheFake"]
    result = unittest.main(exit=False, argv=sys.argv).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
