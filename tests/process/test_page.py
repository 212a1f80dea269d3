"""The page at `/` in a real browser, as the program serves it, with documents of /status that a real
program is hard to bring to. tests/e2e/test_page_failover.py has the program's own."""

from __future__ import annotations

import json
import shutil
import sys
import unittest
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import configuration, status_documents  # noqa: E402
from lab.browser import Browser, Page, find_browser  # noqa: E402
from lab.page_server import PageServer  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

SKIPPED = 77
PROBES = (Path(__file__).resolve().parent.parent / "lab" / "page_probes.js").read_text()
NOBODY_ANSWERS = "Failed to load resource"  # what a browser says of any request that fails
NARROW = 360

SENTINEL = '[[sentinel]]\nname = "main"\naddresses = ["127.0.0.1:1"]\n[[sentinel.group]]\nname = "myprimary"'


class PageCase(unittest.TestCase):
    """One program and one browser for all tests. One page at a time: each that is open goes on asking and drawing."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = temporary_folder("page")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        target = configuration.file_target(folder)
        cls.program = cls.enterClassContext(
            Program(folder, configuration.configuration(SENTINEL, target)))
        wait_until(cls.answers, 60, "the program answers")
        cls.browser = cls.enterClassContext(Browser(folder))

    @classmethod
    def answers(cls) -> bool:
        try:
            return cls.program.healthz()[0] == 200
        except OSError:
            return False

    def setUp(self) -> None:
        self.server = self.enterContext(PageServer(self.program))
        self.expected_complaints: tuple[str, ...] = ()
        self.page: Page | None = None
        self.addCleanup(self.close)

    def open(self, status: dict[str, Any], **how: Any) -> Page:
        self.close()
        self.server.status = status
        self.page = page = self.browser.open(self.server.url, **how)
        page.wait_for("document.body.className")
        return page

    def close(self) -> None:
        if self.page is None:
            return
        page, self.page = self.page, None
        page.call("Page.close")
        self.check(page)

    def check(self, page: Page) -> None:
        """Whatever the test was about."""
        self.assertEqual(
            [said for said in page.complaints()
             if not any(expected in said for expected in self.expected_complaints)], [])
        self.assertEqual({url for url in page.asked() if not url.startswith(self.server.url)},
                         {"data:,"} & page.asked())

    def probe(self, page: Page, name: str) -> Any:
        return page.evaluate(f"({PROBES}).{name}()")

    def wait_for_updates(self, page: Page, number: int = 2) -> None:
        asked = self.server.asked
        wait_until(lambda: self.server.asked >= asked + number, 60, "the page asks again")


class Contents(PageCase):
    def test_what_is_well_is_said_in_one_line(self) -> None:
        page = self.open(status_documents.all_well())
        self.assertEqual(page.text("#headline"), "Everything is in sync")
        self.assertEqual(page.texts("#troubles li"), [])
        self.assertEqual(page.evaluate("document.title"), "Everything is in sync · Valkey Reconciler")
        self.assertEqual(page.text("#updated"), "live")

    def test_groups_have_primary_replicas_and_what_sentinels_say(self) -> None:
        page = self.open(status_documents.all_well())
        row = page.text("#groups tbody tr")
        for text in ("myprimary", "known", "10.0.0.7:6379", "10.0.0.8:6379", "10.0.0.9:6379", "3 of 3 agree",
                     "12 min ago"):
            self.assertIn(text, row)

    def test_a_failover_is_drawn_from_the_news_to_each_confirmed_write(self) -> None:
        page = self.open(status_documents.all_well())
        self.assertEqual(len(page.texts("#failovers > li")), 4)
        first = page.text("#failovers > li")
        for text in ("myprimary", "10.0.0.8:6379", "10.0.0.7:6379", "passed on after 0.4 ms",
                     "confirmed after 17.2 ms", "confirmed after 4.1 ms", "confirmed after 1.2 ms"):
            self.assertIn(text, first)
        ends = page.evaluate(
            "[...document.querySelectorAll('#failovers > li:first-child .lane .end')]"
            ".map((end) => parseFloat(end.getAttribute('cx')))")
        self.assertEqual([round(end / ends[0], 2) for end in ends], [1, 0.24, 0.07])

    def test_a_target_may_be_done_before_all_have_been_told(self) -> None:
        page = self.open(status_documents.all_well())
        heard, end = page.evaluate(
            "(([heard, end]) => [heard.getAttribute('x2'), end.getAttribute('cx')])([...document.querySelectorAll("
            "'#failovers > li:nth-child(2) .lanes li:last-child :is(.heard, .end)')])")
        self.assertEqual(heard, end)

    def test_a_suspicion_is_told_as_such(self) -> None:
        page = self.open(status_documents.all_well())
        told = page.texts("#failovers > li")[2]
        self.assertIn("10.0.1.7:6379 is suspected: withdrawn from the targets", told)
        self.assertIn("not settled", told)
        self.assertIn("overtaken", told)

    def test_a_write_that_is_still_tried_is_drawn_as_going_on(self) -> None:
        page = self.open(status_documents.with_problems())
        ends = page.evaluate("[...document.querySelectorAll('#failovers .lane .open')].map((line) => line.getAttribute('x2'))")
        self.assertEqual(ends[0], "100.000%")
        self.assertLess(float(ends[1].rstrip("%")), 20)  # one that was overtaken

    def test_each_target_has_a_histogram_of_its_latency(self) -> None:
        page = self.open(status_documents.all_well())
        self.assertEqual(len(page.texts("#targets figure")), 3)
        self.assertIn("11 changes: half within 20 ms, 95 % within 2 s, mean 136 ms",
                      page.text("#targets figcaption"))
        heights = page.evaluate("[...document.querySelector('.histogram').querySelectorAll('.bar')]"
                                ".map((bar) => Number(bar.getAttribute('height')))")
        self.assertEqual([at for at, height in enumerate(heights) if height > 0], [1, 2, 3, 4, 8])

    def test_processes_have_their_uptime_and_restarts(self) -> None:
        page = self.open(status_documents.all_well())
        rows = page.texts("#processes tbody tr")
        self.assertEqual(" ".join(rows[3].split()), "haproxy labeler at work 14 1 h 10 min 2")

    def test_problems_stand_on_top_in_plain_words_the_worst_first(self) -> None:
        page = self.open(status_documents.with_problems())
        self.assertEqual(page.text("#headline"), "Not in sync: 2 things are in the way")
        troubles = page.texts("#troubles li")
        self.assertEqual([trouble.split()[0] for trouble in troubles],
                         ["blocking", "blocking", "degraded", "degraded"])
        self.assertIn("kubernetes, group myprimary\n\nforbidden: cannot patch pods in namespace shop", troubles[0])
        self.assertIn("target haproxy, group queue: not in sync yet", troubles[1])
        self.assertIn("the last reload was refused", troubles[3])
        self.assertIn("Not in sync", page.evaluate("document.title"))

    def test_what_is_not_as_it_should_be_comes_first_in_its_table_with_its_reason(self) -> None:
        page = self.open(status_documents.with_problems())
        self.assertEqual([text.split()[0] for text in page.texts("#groups tbody tr")],
                         ["queue", "sessions", "myprimary"])
        first = page.texts("#targets article:first-child tbody tr")
        self.assertIn("rejected", first[0])
        self.assertIn("no pod of the selector", first[0])
        self.assertIn("trying again", first[1])
        self.assertIn("trying again, 7 attempts", page.text("#failovers > li"))
        self.assertIn("restarting", page.text("#processes tbody tr"))
        self.assertIn("10.0.0.6:26379", page.text("#sentinels tbody tr"))

    def test_an_empty_document_is_no_error(self) -> None:
        page = self.open(status_documents.empty())
        self.assertEqual(page.text("#headline"), "No group is configured")
        self.assertEqual(page.text("#targets-empty"), "No target is configured.")
        self.assertEqual(page.text("#sentinels-empty"), "None is known yet.")
        self.assertIn("Sentinels up\nnone known", page.text("#facts"))
        self.assertEqual(page.text("#failovers-empty"), "None since the supervisor started.")

    def test_what_is_missing_is_left_out(self) -> None:
        full = status_documents.all_well()
        for key in full:
            if key in ("schema", "now"):
                continue
            document = {name: value for name, value in full.items() if name != key}
            page = self.open(document)
            page.wait_for_text("#updated", "live")
        for of in ("groups", "targets", "sentinels", "processes", "latency"):
            page = self.open(full | {of: [{}]})
            page.wait_for_text("#updated", "live")

    def test_what_it_cannot_show_is_said_and_it_goes_on_asking(self) -> None:
        self.expected_complaints = ("TypeError",)
        page = self.open(status_documents.all_well() | {"groups": 7})
        page.wait_for_text("#stale-text", "told what this page can't show")
        self.server.status = status_documents.all_well()
        page.wait_for_text("#headline", "Everything is in sync")
        self.assertEqual(page.text("#stale-text"), "")

    def test_durations_and_times_are_said_in_words(self) -> None:
        page = self.open(status_documents.all_well())
        said = page.evaluate(
            "import('./page/words.js').then(({duration, milliseconds, ago}) => ["
            "...[0, 59.9, 61, 3600, 90061].map(duration),"
            "...[0.04, 0.42, 17.23, 99.94, 99.96, 999.4, 999.6, 1240, 9994, 12345, 61000].map(milliseconds),"
            "ago('2026-01-01T00:00:00.000001Z', Date.parse('2026-01-01T00:00:59Z'))])")
        self.assertEqual(said, [
            "0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h",
            "0.0 ms", "0.4 ms", "17.2 ms", "99.9 ms", "100 ms", "999 ms", "1.00 s", "1.24 s", "9.99 s", "12.3 s",
            "1 min 1 s", "59 s ago"])


class Updates(PageCase):
    def test_a_failover_appears_without_a_reload(self) -> None:
        status = status_documents.all_well()
        page = self.open(status)
        page.evaluate("window.before = document.querySelector('#failovers > li')")
        group = status["groups"][0]
        self.server.status = status | {"failovers": [
            status_documents.failover(group | {"epoch": 4}, 1, [status_documents.done("kubernetes", 23.0)]),
            *status["failovers"]]}
        page.wait_for_text("#failovers > li", "confirmed after 23.0 ms")
        self.assertTrue(page.evaluate("window.before === document.querySelectorAll('#failovers > li')[1]"))

    def test_selection_and_focus_outlive_updates(self) -> None:
        page = self.open(status_documents.with_problems())
        page.evaluate("document.getElementById('filter').focus()")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('#troubles .message'))")
        selected = page.evaluate("String(getSelection())")
        self.assertIn("forbidden", selected)
        changed = status_documents.with_problems()
        changed["problems"] = changed["problems"][1:]
        changed["up_seconds"] += 10000
        self.server.status = changed
        page.wait_for("document.querySelectorAll('#troubles li').length === 3")
        self.assertEqual(page.evaluate("String(getSelection())"), selected)
        self.assertEqual(page.evaluate("document.activeElement.id"), "filter")

    def test_what_does_not_change_is_not_read_out_again(self) -> None:
        page = self.open(status_documents.with_problems())
        page.evaluate("""window.changes = 0; for (const live of document.querySelectorAll('[aria-live=polite], [role=status]'))
            new MutationObserver(() => window.changes += 1).observe(live, {subtree: true, childList: true, characterData: true})""")
        self.wait_for_updates(page, 4)
        self.assertEqual(page.evaluate("window.changes"), 0)

    def test_it_says_since_when_it_is_stale_and_asks_less_and_less_often(self) -> None:
        self.expected_complaints = (NOBODY_ANSWERS,)
        page = self.open(status_documents.all_well())
        self.server.is_away = True
        page.wait_for_text("#stale-text", "No news since ")
        page.wait_for_text("#stale-text", "the supervisor does not answer. What is shown here is from then.")
        self.assertEqual(page.text("#headline"), "Last known: Everything is in sync")
        self.assertEqual(self.probe(page, "faint"), [])
        page.wait_for_text("#stale-countdown", "Asking")
        page.wait_for("!document.getElementById('updated').innerText.includes('live')")
        self.wait_for_updates(page, 3)
        gaps = [later - earlier for earlier, later in zip(self.server.asked_at[-4:], self.server.asked_at[-3:])]
        self.assertGreater(gaps[-1], 1.5 * gaps[0])
        self.server.is_away = False
        page.click("#stale-retry")
        page.wait_for("document.getElementById('stale').hidden")
        page.wait_for_text("#updated", "live")

    def test_what_takes_long_and_is_asked_for_less_often_is_live_all_the_same(self) -> None:
        self.server.takes = 1.4
        page = self.open(status_documents.all_well())
        page.evaluate("""window.said = [document.getElementById('updated').innerText];
            new MutationObserver(() => window.said.push(document.getElementById('updated').innerText))
                .observe(document.getElementById('updated'), {subtree: true, childList: true, characterData: true})""")
        self.wait_for_updates(page, 2)
        self.assertGreater(self.server.asked_at[-1] - self.server.asked_at[-2], 5.0)
        self.assertEqual(page.evaluate("window.said"), ["live"])

    def test_an_answer_that_is_none_makes_it_stale_too(self) -> None:
        self.expected_complaints = (NOBODY_ANSWERS,)
        page = self.open(status_documents.all_well())
        self.server.code = 500
        page.wait_for_text("#stale-text", "the supervisor answers with status 500.")
        self.server.code = 200
        self.server.status = {"schema": 2}
        page.wait_for_text("#stale-text", "the supervisor speaks schema 2; reload this page")
        self.assertEqual(page.text("#headline"), "Last known: Everything is in sync")

    def test_without_a_first_answer_it_says_so(self) -> None:
        self.expected_complaints = (NOBODY_ANSWERS,)
        self.server.is_away = True
        page = self.open({})
        page.wait_for_text("#stale-text", "No news since this page was opened: the supervisor does not answer.")
        self.server.is_away = False
        self.server.status = status_documents.all_well()
        page.wait_for_text("#headline", "Everything is in sync")

    def test_it_asks_nothing_while_nobody_looks(self) -> None:
        page = self.open(status_documents.all_well())
        page.evaluate("""Object.defineProperty(document, 'hidden', {get: () => window.away ?? true, configurable: true});
            document.dispatchEvent(new Event('visibilitychange'))""")
        asked = self.server.asked
        page.evaluate("new Promise((done) => setTimeout(done, 3000))")  # three times as long as it pauses
        self.assertLessEqual(self.server.asked, asked + 1)  # one may have been on its way
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        self.wait_for_updates(page)


class ManyGroups(PageCase):
    def test_of_a_thousand_groups_some_are_shown_and_the_rest_is_counted(self) -> None:
        page = self.open(status_documents.many_groups())
        self.assertEqual(page.text("#headline"), "In sync, but 1 group is not settled")
        self.assertEqual(len(page.texts("#groups tbody tr")), 25)
        self.assertIn("group-0700", page.text("#groups tbody tr"))
        self.assertEqual(len(page.texts("#targets tbody tr")), 3 * 10)
        self.assertIn("and 975 more", page.text("#groups-more"))
        page.click("#groups-more button")
        self.assertEqual(len(page.texts("#groups tbody tr")), 125)
        self.assertLess(page.evaluate("document.querySelectorAll('*').length"), 6000)

    def test_a_filter_finds_one_of_a_thousand_at_once(self) -> None:
        page = self.open(status_documents.many_groups())
        page.type("#filter", "GROUP-0423")
        self.assertEqual([row.split()[0] for row in page.texts("#groups tbody tr")], ["group-0423"])
        self.assertEqual(page.text("#filter-result"), "1 of 1,000 groups")
        self.assertEqual(len(page.texts("#targets tbody tr")), 3)
        self.assertFalse(page.evaluate("document.getElementById('groups-more').checkVisibility()"))

    def test_an_address_finds_its_group(self) -> None:
        page = self.open(status_documents.many_groups())
        page.type("#filter", "10.1.7.9:")
        self.assertEqual([row.split()[0] for row in page.texts("#groups tbody tr")], ["group-0257"])

    def test_rows_stay_the_same_elements(self) -> None:
        page = self.open(status_documents.many_groups())
        page.evaluate("window.rows = [...document.querySelectorAll('#groups tbody tr')]")
        changed = status_documents.many_groups()
        changed["groups"][3]["epoch"] = 77777
        self.server.status = changed
        page.wait_for_text("#groups tbody", "77777")
        self.assertTrue(page.evaluate(
            "window.rows.every((row, at) => row === document.querySelectorAll('#groups tbody tr')[at])"))


class Hostility(PageCase):
    def test_what_comes_from_outside_is_text_wherever_it_stands(self) -> None:
        for width in (1200, NARROW):
            page = self.open(status_documents.hostile(), width=width)
            self.assertEqual(page.evaluate("document.querySelectorAll('img, iframe, body script, [onerror]').length"), 0)
            self.assertNotEqual(page.evaluate("document.title"), "owned")
            for name in status_documents.HOSTILE[:4]:
                self.assertIn(json.dumps(name), page.evaluate(
                    "[...document.querySelectorAll('#groups tbody th')].map((cell) => JSON.stringify(cell.textContent)).join()"))
            self.assertEqual(len(page.texts("#groups tbody tr")), len(status_documents.HOSTILE))
            self.assertEqual(self.probe(page, "wide"), [])

    def test_the_browser_is_told_to_run_and_load_nothing_else(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.program.http_port}/") as answer:
            headers = answer.headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual({policy[key] for key in ("script-src", "style-src", "connect-src")}, {"'self'"})
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertNotIn("Set-Cookie", headers)

    def test_a_script_that_got_in_all_the_same_would_not_run(self) -> None:
        self.expected_complaints = ("TrustedScript", "TrustedHTML", "Content Security Policy", "contentSecurityPolicyIssue")
        page = self.open(status_documents.all_well())
        # DevTools' own evaluation is above the policy; what the page does by itself is not.
        outcome = page.evaluate("""new Promise((done) => {
            const script = document.createElement('script');
            script.append('window.owned = true');
            try { document.body.append(script); } catch {}
            setTimeout(() => done(Boolean(window.owned)));
        })""")
        self.assertFalse(outcome)
        self.assertIn("TypeError", page.evaluate(
            "(() => { try { document.body.innerHTML = '<b>'; } catch (error) { return String(error); } })()"))
        self.assertTrue(page.complaints())


class Appearance(PageCase):
    DOCUMENTS = (status_documents.all_well, status_documents.with_problems, status_documents.empty,
                 status_documents.many_groups)

    def test_nothing_sticks_out_of_a_narrow_window(self) -> None:
        for document in self.DOCUMENTS:
            page = self.open(document())
            for width in (NARROW, 720, 780, 1000):
                page.resize(width, 900)
                self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), width)
                self.assertEqual(self.probe(page, "wide"), [], document.__name__)

    def test_all_text_has_enough_contrast_in_light_and_dark(self) -> None:
        for document in self.DOCUMENTS:
            for dark in (False, True):
                page = self.open(document(), dark=dark, still=True)
                self.assertEqual(self.probe(page, "faint"), [], f"{document.__name__}, dark: {dark}")

    def test_dark_is_dark(self) -> None:
        grounds = [self.open(status_documents.all_well(), dark=dark).evaluate(
            "getComputedStyle(document.body).backgroundColor") for dark in (False, True)]
        self.assertEqual(grounds, ["rgb(245, 246, 248)", "rgb(15, 19, 24)"])

    def test_headings_and_tables_tell_what_is_where(self) -> None:
        page = self.open(status_documents.with_problems())
        levels = self.probe(page, "headings")
        self.assertEqual(levels[:2], [1, 2])
        self.assertTrue(all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:])), levels)
        self.assertEqual(self.probe(page, "headless"), [])
        self.assertEqual(page.evaluate("document.querySelector('#troubles').closest('[aria-live]').ariaLive"), "polite")

    def test_states_are_told_by_words_and_shapes(self) -> None:
        page = self.open(status_documents.with_problems())
        shapes = page.evaluate("""Object.fromEntries([...document.querySelectorAll('main .state')].map((state) =>
            [state.innerText.replace(/ after .*|, .*|:.*/, ''), state.querySelector('use').getAttribute('href')]))""")
        self.assertEqual(
            {word: shapes[word] for word in ("known", "in sync", "suspected", "unknown", "rejected", "waiting")},
            {"known": "#icon-ok", "in sync": "#icon-ok", "suspected": "#icon-warning", "unknown": "#icon-bad",
             "rejected": "#icon-bad", "waiting": "#icon-waiting"})

    def test_nothing_moves_for_who_prefers_it_still(self) -> None:
        self.assertGreater(self.open(status_documents.all_well()).evaluate("document.getAnimations().length"), 0)
        self.assertEqual(
            self.open(status_documents.all_well(), still=True).evaluate("document.getAnimations().length"), 0)


if __name__ == "__main__":
    stop_on_signals()
    if find_browser() is None:
        print("skipped: no browser (chromium-headless-shell is not on PATH; see tests/servers.sh --with-chromium)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
