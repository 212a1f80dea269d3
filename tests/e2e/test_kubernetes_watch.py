"""How the plugin `kubernetes` keeps seeing its pods: lists in pages, watches that end in every way,
an API server whose memory was set back, and how little it asks while nothing happens."""

from __future__ import annotations

import re
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.kubernetes import LABEL, FakeKubernetes, Pod, PrivateKubernetes  # noqa: E402
from lab.processes import wait_until  # noqa: E402

MANY = 230  # more than a page
OURS = r".*/pods\?.*labelSelector=.*"  # and not the test's own


class AtRest(PluginCase):
    def test_three_that_start_when_all_is_right_write_nothing(self) -> None:
        first = [self.host() for _ in range(3)]
        for host in first:
            host.apply(GROUP, 1, ADDRESSES[0])
            host.applied()
        for host in first:
            host.close()
        self.never_two()  # and the server's cache, by which it answers lists, has all of it
        before = self.writes()
        self.assertGreater(len(before), 0)
        for host in [self.host() for _ in range(3)]:
            host.apply(GROUP, 1, ADDRESSES[0])
            host.applied()
        time.sleep(2)  # nothing announces that nothing was written
        self.assertEqual(self.writes(), before)

    def test_a_watch_lasts_some_minutes_and_not_all_end_at_once(self) -> None:
        hosts = [self.host() for _ in range(8)]
        for host in hosts:
            host.wait("count", name="watches_total")  # asked for; some end before the server has it
            host.close()  # the real one's log tells of a watch when it is over
        lives: list[int] = []

        def all_watched() -> bool:
            lives[:] = [int(match[1]) for line in self.namespace.audit(verb="watch")
                        if line["stage"] == "ResponseComplete"
                        and (match := re.search(r"timeoutSeconds=(\d+)", line["requestURI"]))]
            return len(lives) >= 4

        wait_until(all_watched, 20, "four of them were watched")
        # Shorter with HTTP/1.1, where no check goes over a watch's own connection.
        low, high = (240, 360) if BACKEND == "real" else (15, 20)
        self.assertTrue(all(low <= seconds <= high for seconds in lives), lives)
        self.assertGreater(len(set(lives)), 1)

    def writes(self) -> list[str]:
        """Without the Events of what was written before, which may be late."""
        return [line["auditID"] for line in self.namespace.audit()
                if line["verb"] not in ("get", "list", "watch")
                and line["objectRef"]["resource"] != "events"]


class Pages(PluginCase):
    def setUp(self) -> None:
        super().setUp()
        for i in range(MANY):
            self.namespace.create_pod(Pod(f"other-{i:03}", "", labels={"of": "many"}))

    def test_a_large_namespace_is_listed_page_by_page(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[2])
        host.applied(60)
        self.assertEqual(self.namespace.labelled(), ["valkey-2"])
        # Each of the others had to be fenced: it has read them all.
        stamps = self.stamps()
        self.assertEqual(len([stamp for stamp in stamps.values() if "fenced" in stamp]), MANY + 2)
        pages = [line for line in self.namespace.audit(verb="list", resource="pods")
                 if "continue=" in line["requestURI"]]
        self.assertGreaterEqual(len(pages), 1)

    @unittest.skipUnless(BACKEND == "fake", "a moment can't be made to be forgotten between pages")
    def test_a_list_whose_moment_is_forgotten_between_pages_begins_anew(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.kubernetes.fault(rf"GET {self.namespace.path}/pods\?.*continue=.*", status=410,
                              count=2, user=".*:valkey-reconciler")
        self.addCleanup(self.kubernetes.clear_faults)
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[2])
        host.applied(60)
        self.assertEqual(host.count("api_errors_total", "410"), 2)
        self.assertEqual(host.count("lists_total"), 1)
        stamps = self.stamps()
        self.assertEqual(len([stamp for stamp in stamps.values() if "fenced" in stamp]), MANY + 2)


class Ends(PluginCase):
    private = True

    def setUp(self) -> None:
        super().setUp()
        assert isinstance(self.kubernetes, PrivateKubernetes)
        self.server: PrivateKubernetes = self.kubernetes
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def wipe(self, pod: str = "valkey-0") -> None:
        """And sees it repaired, by the watch: a resync is minutes away."""
        version = self.namespace.remove_label(pod, LABEL)["metadata"]["resourceVersion"]
        self.watch.wait_for_label(pod, 5, after=int(version))

    @unittest.skipUnless(BACKEND == "fake", "a real one ends watches when it wants to")
    def test_a_watch_that_is_cut_ended_expired_or_bookmarked_goes_on(self) -> None:
        assert isinstance(self.server, FakeKubernetes)
        for order, lists in (("cut", 0), ("end", 0), ("bookmark", 0), ("expire", 1), ("cut", 0)):
            with self.subTest(order):
                mark = len(self.one.events)
                self.namespace.annotate("valkey-2", "x", order)  # so that a bookmark has news
                wait_until(lambda: len(self.our_watches()) == 1, 10, "it watches")
                self.server.watches(order, match=OURS)
                if order != "bookmark":
                    self.one.wait("count", name="watches_total", mark=mark)
                self.wipe()
                self.assertEqual(self.one.count("lists_total", mark=mark), lists)

    def our_watches(self) -> list[str]:
        assert isinstance(self.server, FakeKubernetes)
        return [path for path in self.server.open_watches() if re.fullmatch(OURS, path)]

    def test_versions_that_went_backwards_are_found_at_the_next_list(self) -> None:
        """Restored from a backup. A watch from what is the future now is silent, and no error."""
        self.server.back_up()
        for i in range(20):
            self.namespace.annotate("valkey-2", "x", str(i))
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.applied(mark=mark)
        self.wipe("valkey-1")  # which its watch has to see, and so the versions that will be the future's
        self.watch.close()
        mark = len(self.one.events)
        self.server.restore()
        self.one.wait("log", text="watch resumed", mark=mark, timeout=60)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.one.apply(GROUP, 3, ADDRESSES[2])
        self.one.wait("log", text="versions went backwards", mark=mark, timeout=20)
        self.one.applied(20, mark, epoch="3")
        self.assertEqual(self.namespace.labelled(), ["valkey-2"])
        self.namespace.remove_label("valkey-2", LABEL)
        wait_until(lambda: self.namespace.labelled() == ["valkey-2"], 10, "the watch goes on")


if __name__ == "__main__":
    main()
