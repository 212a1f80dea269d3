"""The page at `/` in a real browser, while real Sentinels move the primary: what the program itself says
at /status is shown, and the failover's timeline appears without a reload."""

from __future__ import annotations

import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import configuration  # noqa: E402
from lab.browser import Browser, Page, find_browser  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.program import LABELER, Program  # noqa: E402
from lab.valkey import Failover, Instance, ValkeyGroup, temporary_folder  # noqa: E402

SKIPPED = 77


def written(instance: Instance) -> str:
    return f"{instance.host}:{instance.port}"


class PageFailover(unittest.TestCase):
    group: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup())
        folder = temporary_folder("page")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.folder = folder
        cls.browser = cls.enterClassContext(Browser(folder))

    def setUp(self) -> None:
        told = self.folder / self.id()
        told.mkdir()
        head = configuration.sentinel(self.group.sentinels, [self.group.name])
        self.program = self.enterContext(Program(told, configuration.configuration(
            head,
            configuration.file_target(told),
            configuration.table("target", name="slow", plugin="exec", command=["/bin/sh", "-c", "sleep 0.2"]),
        )))
        self.program.wait_ready(60)

    def open(self) -> Page:
        page = self.browser.open(f"http://127.0.0.1:{self.program.http_port}/")
        self.addCleanup(page.call, "Page.close")
        page.wait_for_text("#headline", "Everything is in sync")
        page.evaluate("window.opened = true")
        return page

    def fail_over(self) -> Failover:
        failover = self.group.wait_failover(self.group.sentinel_failover())
        self.addCleanup(self.heal, failover)
        return failover

    def heal(self, failover: Failover) -> None:
        self.group.heal(failover)
        self.group.wait_healthy()

    def test_the_timeline_of_a_failover_appears_without_a_reload(self) -> None:
        page = self.open()
        self.assertIn(written(self.group.primary()), page.text("#groups tbody tr"))
        self.assertEqual(page.texts("#failovers > li"), [])
        failover = self.fail_over()
        page.wait_for("document.querySelectorAll('#failovers .lane .end.applied').length === 2")
        told = page.text("#failovers > li")
        self.assertIn(f"{written(failover.old)} → {written(failover.new)}", told)
        for text in (self.group.name, "file", "slow", "confirmed after"):
            self.assertIn(text, told)
        page.wait_for_text("#groups tbody tr", written(failover.new))
        page.wait_for_text("#headline", "Everything is in sync")
        self.assertEqual(page.texts("#targets tbody .state"), ["in sync", "in sync"])
        self.assertTrue(page.evaluate("window.opened"))
        file, slow = (float(end) for end in page.evaluate(
            "[...document.querySelectorAll('#failovers .lane .end')].map((end) => parseFloat(end.getAttribute('cx')))"))
        self.assertGreater(slow, file)  # the program that is told takes 200 ms
        self.assertEqual(page.complaints(), [])

    def test_a_child_that_is_killed_shows_with_its_restart(self) -> None:
        page = self.open()
        rows = [row.split() for row in page.texts("#processes tbody tr")]
        self.assertEqual({row[0] for row in rows}, {"supervisor", "sentinel-watcher", "file", "slow"})
        self.assertEqual({row[-1] for row in rows}, {"0"})
        self.program.kill_child(LABELER, target="slow")
        page.wait_for("[...document.querySelectorAll('#processes tbody tr')].some((row) => "
                      "row.cells[0].innerText === 'slow' && row.cells[5].innerText === '1')")
        page.wait_for_text("#headline", "Everything is in sync")
        self.assertEqual(page.complaints(), [])

    def test_a_sentinel_that_falls_silent_shows_as_down_until_it_answers_again(self) -> None:
        page = self.open()
        page.wait_for_text("#groups tbody tr", "3 of 3 agree")
        page.wait_for_text("#facts", "Sentinels up\n3 of 3")
        self.assertEqual({row.split()[-1] for row in page.texts("#sentinels tbody tr")}, {"up"})
        silent = self.group.sentinels.all[1]
        silent.pause()
        self.addCleanup(silent.resume)
        page.wait_for_text("#groups tbody tr", "2 of 3 agree\n1 down")
        page.wait_for_text("#facts", "Sentinels up\n2 of 3")
        first = page.text("#sentinels tbody tr")
        self.assertTrue(first.startswith(f"{silent.host}:{silent.port}") and first.endswith("down"), first)
        silent.resume()
        page.wait_for_text("#groups tbody tr", "3 of 3 agree")
        page.wait_for_text("#facts", "Sentinels up\n3 of 3")
        page.wait_for_text("#headline", "Everything is in sync")
        self.assertEqual(page.complaints(), [])

    def test_when_the_program_ends_the_page_says_so_and_goes_on_with_the_next(self) -> None:
        page = self.open()
        self.program.terminate()
        page.wait_for_text("#stale-text", "the supervisor does not answer")
        page.wait_for_text("#headline", "Last known: Everything is in sync")
        self.program.start()
        page.wait_for_text("#headline", "Everything is in sync")
        page.wait_for("document.getElementById('stale').hidden")
        self.assertTrue(page.evaluate("window.opened"))


if __name__ == "__main__":
    stop_on_signals()
    if find_browser() is None:
        print("skipped: no browser (chromium-headless-shell is not on PATH; see tests/servers.sh --with-chromium)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
