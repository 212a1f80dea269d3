#!/usr/bin/env python3
"""The pure parts of the benchmark."""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import callgrind  # noqa: E402
from consumption import Memory, alone, read_smaps  # noqa: E402
from figures import ALL, REST, Spread, ratio, ratios_of_blocks, spread, tabulate, value  # noqa: E402
from goals import judge  # noqa: E402
from page import BEGIN, END, IN_SHORT, measured, measured_in_short, put_into  # noqa: E402
from plan import plan  # noqa: E402
from plot import plot  # noqa: E402
from proxied_sentinels import Passed, named_by  # noqa: E402
from requests_made import requests_made, writes_of  # noqa: E402
from sentinel_stream import Said, SentinelStream  # noqa: E402
from tables import table_in_short, tables  # noqa: E402
from worse import BESIDE_FLOOR, BOUND, is_worse, told  # noqa: E402

from lab.cluster import write_lab  # noqa: E402
from lab.resp import encode  # noqa: E402


def failover(way: str, published: float, kind: str = "planned", **more: float) -> dict:
    return {"round": 0, "ok": True, "way": way, "kind": kind, "event_to_published_ms": published, **more}


class Figures(unittest.TestCase):
    def test_the_spread_of_no_values_is_none_and_p90_is_one_of_them(self) -> None:
        self.assertIsNone(spread([]))
        self.assertEqual(spread([3.0]), Spread(3.0, 3.0, 3.0, 1))
        self.assertEqual(spread(range(10, 0, -1)), Spread(5.5, 10, 10, 10))
        self.assertEqual(spread(range(1, 21)), Spread(10.5, 19, 20, 20))

    def test_each_kind_has_figures_of_its_own_and_all_have_theirs(self) -> None:
        figures = tabulate([failover("floor", 10.0), failover("floor", 30.0, "kill"), failover("a/label", 40.0)])
        self.assertEqual(value(figures, "floor", "event_to_published_ms"), 20.0)
        self.assertEqual(value(figures, "floor", "event_to_published_ms", kind="kill"), 30.0)
        self.assertEqual(ratio(figures, "a/label", "event_to_published_ms"), 2.0)
        self.assertEqual(ratio(figures, "a/label", "event_to_published_ms", kind="planned"), 4.0)
        self.assertIsNone(ratio(figures, "a/label", "event_to_published_ms", kind="kill"))
        self.assertIsNone(ratio(figures, "b/label", "event_to_published_ms"))

    def test_what_would_have_been_taken_at_rest_is_not_the_failovers(self) -> None:
        rest = {"round": 0, "ok": True, "way": "a/label", "kind": "rest", "rest_cpu_percent": 0.1}
        figures = tabulate([rest, failover("a/label", 1.0, cpu_ms=7.0, window_s=4.0)])
        self.assertAlmostEqual(value(figures, "a/label", "own_cpu_ms") or 0.0, 3.0)
        self.assertNotIn("event_to_published_ms", figures[REST]["a/label"])

    def test_a_figure_that_only_some_rounds_have_is_of_those(self) -> None:
        figures = tabulate([failover("floor", 1.0, event_to_answer_ms=5.0), failover("floor", 1.0)])
        self.assertEqual(figures[ALL]["floor"]["event_to_answer_ms"].n, 1)


    def test_how_much_a_ratio_differs_between_parts_of_one_run(self) -> None:
        rounds = [failover("floor", 10.0) for _ in range(5)]
        rounds += [failover("a/label", published) for published in (11.0, 11.0, 12.0, 13.0, 99.0)]
        self.assertEqual(ratios_of_blocks(rounds, "a/label", "event_to_published_ms", 2), [1.1, 1.25])
        self.assertEqual(ratios_of_blocks(rounds, "b/label", "event_to_published_ms", 2), [])


class Goals(unittest.TestCase):
    def test_what_was_not_measured_is_not_met(self) -> None:
        verdicts = judge(tabulate([failover("floor", 10.0)]), 1)
        self.assertFalse(next(met for text, met in verdicts.items() if "not measured" in text))
        self.assertTrue(verdicts["1 failovers each: 1 at least"])

    def test_the_bound_itself_is_met_and_more_is_not(self) -> None:
        for published, met in ((11.0, True), (11.1, False)):
            verdicts = judge(tabulate([failover("floor", 10.0), failover("announcement/label", published)]), 1)
            self.assertEqual(next(m for text, m in verdicts.items() if "median, beside floor <=" in text), met)

    def test_fewer_rounds_than_wanted_do_not_pass(self) -> None:
        self.assertFalse(judge(tabulate([failover("floor", 10.0)]), 2)["2 failovers each: 1 at least"])


class Shown(unittest.TestCase):
    figures = tabulate([failover("floor", 10.0), failover("announcement/label", 12.0), failover("a<b", 900.0)])

    def test_all_rows_of_a_table_are_equally_long(self) -> None:
        lines = tables(self.figures)
        for first in (number for number, line in enumerate(lines) if line.startswith("| way")):
            rows = lines[first : lines.index("", first)]
            self.assertEqual(len({len(row) for row in rows}), 1)
            self.assertEqual(len(rows), 2 + 3)

    def test_what_each_process_takes_at_rest_has_a_table(self) -> None:
        process = {"name": "labeler", "pss_kb": 1234, "cpu_percent": 0.5, "wakeups_per_s": 3.0}
        rest = {"round": 0, "ok": True, "way": "announcement/label", "kind": "rest", "rest_cpu_percent": 0.5}
        figures = tabulate([rest | {"by_process": [process]}])
        row = next(line for line in tables(figures) if line.startswith("| labeler"))
        self.assertEqual([cell.strip() for cell in row.split("|")[1:-1]], ["labeler", "1234", "0.50", "3.00"])

    def test_the_ratio_to_the_floor_stands_in_the_table_and_in_the_picture(self) -> None:
        row = next(line for line in tables(self.figures) if line.startswith("| announcement/label"))
        self.assertIn(" 1.20 ", row)
        self.assertIn("12.0 ms, 1.20 x floor", plot(self.figures))

    def test_the_picture_is_well_formed_and_has_the_ways_in_the_order_of_their_medians(self) -> None:
        root = ElementTree.fromstring(plot(self.figures))
        dots = root.findall("{http://www.w3.org/2000/svg}circle")
        places = [float(dot.attrib["cx"]) for dot in dots if dot.attrib["class"] != "most"]
        self.assertEqual(len(places), 3)
        self.assertEqual(places, sorted(places))
        ElementTree.fromstring(plot(tabulate([])))


class Page(unittest.TestCase):
    def test_what_was_measured_takes_the_place_of_what_was_there_and_nothing_else(self) -> None:
        page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
        once = put_into(page, ["", "new", ""], ["short"])
        self.assertEqual(once, f"before\n{BEGIN}\nnew\n{END}\nafter\n")
        self.assertEqual(put_into(once, ["new"], ["short"]), once)

    def test_a_page_may_have_a_place_for_it_in_short_with_its_heading(self) -> None:
        in_short = measured_in_short({"day": "today"}, table_in_short(Shown.figures), "figures.svg", "bench.md")
        page = put_into(f"{IN_SHORT}\n{END}\n", ["new"], in_short)
        self.assertIn("## How fast\n", page)
        self.assertIn("| announcement/label | 12.0 ", page)
        self.assertNotIn("new", page)

    def test_a_page_without_a_place_for_it_is_refused(self) -> None:
        for page in ("nothing", f"{BEGIN}\n", END):
            self.assertRaises(ValueError, put_into, page, ["new"], ["short"])

    def test_goals_that_are_not_met_stand_out(self) -> None:
        lines = measured({"day": "today"}, ["| a |"], {"fast": True, "small": False}, "figures.svg")
        self.assertEqual(lines[0], "Measured with day: today.")
        self.assertEqual(lines[-2:], ["- met: fast", "- **not met**: small"])


class Plan(unittest.TestCase):
    def test_each_way_has_one_turn_in_each_cycle_and_rests_once_before(self) -> None:
        ways = ["a", "b", "c"]
        rounds = plan(ways, 4, ["planned", "kill"], 60.0)
        self.assertEqual([each["way"] for each in rounds[:3]], ways)
        self.assertEqual({each["kind"] for each in rounds[:3]}, {"rest"})
        for cycle in range(4):
            turn = rounds[3 + 3 * cycle : 6 + 3 * cycle]
            self.assertEqual(sorted(each["way"] for each in turn), ways)
            self.assertEqual({each["kind"] for each in turn}, {("planned", "kill")[cycle % 2]})

    def test_it_is_the_same_plan_each_time_so_that_a_run_can_go_on(self) -> None:
        ways = ["a", "b", "c", "d"]
        self.assertEqual(plan(ways, 3, ["kill"], 0.0), plan(ways, 3, ["kill"], 0.0))
        self.assertEqual(plan(ways, 2, ["kill"], 0.0), plan(ways, 3, ["kill"], 0.0)[:8])


class Sentinel(unittest.TestCase):
    def said(self, data: bytes, piece: int = 1 << 20) -> list[Said]:
        stream = SentinelStream()
        return [said for at in range(0, len(data), piece) for said in stream.feed(data[at : at + piece])]

    def test_messages_that_name_a_new_primary_are_news_and_others_are_not(self) -> None:
        data = b"".join(
            encode(words)
            for words in (
                ["pmessage", "*", "+sdown", "master shop 10.0.0.1 6379"],
                ["pmessage", "*", "+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ my shop 10.0.0.1 6379"],
                ["message", "+switch-master", "my shop 10.0.0.1 6379 fd00::2 6379"],
            )
        )
        expected = [Said("news", "my shop", "10.0.0.2"), Said("news", "my shop", "fd00::2")]
        self.assertEqual(self.said(data), expected)
        self.assertEqual(self.said(data, piece=1), expected)

    def test_answers_about_the_primary_and_subscriptions_are_told_of(self) -> None:
        data = b"*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n" + b"*-1\r\n$-1\r\n+PONG\r\n"
        data += b"*2\r\n$8\r\n10.0.0.2\r\n$4\r\n6379\r\n" + b"*2\r\n$4\r\nname\r\n$4\r\nshop\r\n"
        self.assertEqual(self.said(data), [Said("subscribed"), Said("answer", host="10.0.0.2")])

    def test_the_event_is_when_so_many_sentinels_had_named_it(self) -> None:
        passed = [
            Passed(1.0, 0, "answer", "", "old"),
            Passed(2.0, 1, "news", "shop", "new"),
            Passed(2.5, 1, "answer", "", "new"),
            Passed(3.0, 0, "answer", "", "new"),
        ]
        self.assertEqual(named_by(passed, "new"), 2.0)
        self.assertEqual(named_by(passed, "new", 2), 3.0)
        self.assertIsNone(named_by(passed, "new", 3))


def audited(verb: str, resource: str, begins: str, ends: str, namespace: str = "shop", stage: str = "ResponseComplete") -> dict:
    return {
        "stage": stage,
        "verb": verb,
        "objectRef": {"resource": resource, "namespace": namespace},
        "requestReceivedTimestamp": f"1970-01-01T00:00:{begins}Z",
        "stageTimestamp": f"1970-01-01T00:00:{ends}Z",
        "responseStatus": {"code": 200},
    }


class Requests(unittest.TestCase):
    lines = [
        audited("patch", "pods", "10.002000", "10.005000"),
        audited("patch", "pods", "10.006000", "10.010000"),
        audited("create", "events", "10.011000", "10.012000"),
        audited("list", "pods", "10.001000", "10.002000"),
        audited("patch", "pods", "11.000000", "11.001000"),
        audited("watch", "pods", "09.000000", "10.000000"),
        audited("patch", "pods", "10.000000", "10.001000", namespace="another"),
        {"stage": "ResponseComplete", "verb": "get", "requestURI": "/readyz"},
    ]

    def test_writes_reads_and_events_of_the_namespace_are_counted_apart(self) -> None:
        requests = requests_made(self.lines, "shop", 0.0)
        self.assertEqual(sum(each.is_write for each in requests), 3)
        self.assertEqual(sum(each.is_event for each in requests), 1)
        self.assertEqual(sum(each.is_read for each in requests), 1)

    def test_what_led_to_the_publication_is_what_came_before_it(self) -> None:
        steps = writes_of(requests_made(self.lines, "shop", 5.0), event=15.0, published=15.012)
        self.assertEqual(steps["event_to_first_write_ms"], 2.0)
        self.assertEqual(steps["first_writes_took_ms"], 3.0)
        self.assertEqual(steps["last_write_took_ms"], 5.0)
        self.assertEqual(steps["event_to_written_ms"], 10.0)
        self.assertEqual(steps["written_to_observed_ms"], 2.0)
        self.assertEqual(len(steps["writes_ms"]), 3)

    def test_a_write_whose_head_came_ahead_took_so_long_from_the_end_of_the_other(self) -> None:
        lines = [self.lines[0], audited("patch", "pods", "10.002500", "10.010000")]
        steps = writes_of(requests_made(lines, "shop", 0.0), event=10.0, published=10.012)
        self.assertEqual(steps["first_writes_took_ms"], 3.0)
        self.assertEqual(steps["last_write_took_ms"], 5.0)

    def test_one_write_has_nothing_before_it(self) -> None:
        steps = writes_of(requests_made(self.lines[:1], "shop", 0.0), event=10.0, published=10.006)
        self.assertNotIn("first_writes_took_ms", steps)
        self.assertEqual(steps["last_write_took_ms"], 3.0)
        self.assertEqual(writes_of([], 1.0, 2.0), {"writes_ms": []})


class Commands(unittest.TestCase):
    def test_each_says_what_it_does(self) -> None:
        """So all that they import is there: no other test starts most of them."""
        here = Path(__file__).resolve().parent
        for script in ("run.py", "tail.py", "check.py", "hearing.py", "where.py", "growth/main.py", "lost_writes/main.py"):
            with self.subTest(script):
                done = subprocess.run([sys.executable, here / script, "--help"], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)


class Consumption(unittest.TestCase):
    SMAPS = """\
55d0-55d8 r-xp 00000000 fe:00 1234   /usr/bin/a thing
Rss:                 100 kB
Pss:                  40 kB
Anonymous:            10 kB
55d9-55da rw-p 00000000 00:00 0
Rss:                  20 kB
Pss:                  20 kB
Anonymous:            20 kB
"""

    def test_what_no_file_stands_behind_is_private_and_the_rest_is_the_files(self) -> None:
        found = read_smaps(self.SMAPS.replace("55d0-55d8", "000055d0-000055d8"))
        self.assertEqual((found.pss, found.private), (60, 30))
        self.assertEqual({name: size for name, size in found.files.items() if size}, {"/usr/bin/a thing": 90})

    def test_a_file_that_several_processes_map_counts_once(self) -> None:
        self.assertEqual(alone([Memory(0, 10, {"libc": 100}), Memory(0, 20, {"libc": 120, "own": 5})]), 155)


class Cluster(unittest.TestCase):
    def written(self, user: dict[str, str]) -> dict[str, str]:
        """Files by their names."""
        cluster = {"server": "https://there:6443", "certificate-authority-data": base64.b64encode(b"CA").decode()}
        with tempfile.TemporaryDirectory() as name:
            write_lab(Path(name), {"clusters": [{"cluster": cluster}], "users": [{"user": user}]})
            return {file.name: file.read_text() for file in Path(name).glob("**/*") if file.is_file()}

    def test_it_is_known_by_a_certificate_or_by_a_token(self) -> None:
        known = {"url": "https://there:6443", "ca.crt": "CA"}
        self.assertEqual(self.written({"token": "secret"}), known | {"token": "secret"})
        data = {f"client-{what}-data": base64.b64encode(what.encode()).decode() for what in ("certificate", "key")}
        self.assertEqual(self.written(data), known | {"admin.crt": "certificate", "admin.key": "key"})

    def test_a_user_that_a_program_vouches_for_is_refused(self) -> None:
        self.assertRaises(SystemExit, self.written, {"exec": "login"})


class Check(unittest.TestCase):
    def test_a_tenth_more_is_worse_and_the_bound_itself_is_not(self) -> None:
        self.assertTrue(is_worse(1.10, 1.0))
        self.assertFalse(is_worse(BOUND, 1.0))

    def test_what_is_worse_is_told_and_what_is_better_asks_to_be_accepted(self) -> None:
        for found, word in ((1.32, "FAIL"), (1.2, "pass")):
            self.assertEqual([line.split()[0] for line in told({BESIDE_FLOOR: found}, {BESIDE_FLOOR: 1.2})], [word])
        self.assertIn("--accept", told({BESIDE_FLOOR: 1.1}, {BESIDE_FLOOR: 1.2})[-1])

    def test_callgrind_tells_whose_instructions_they_are_and_how_many(self) -> None:
        text = "version: 1\ncmd:  /there/bin/labeler 12\npart: 1\nsummary: 0\n\n0 1458\ntotals: 8872055\n"
        self.assertEqual((callgrind.command(text), callgrind.total(text)), ("labeler", 8872055))
        self.assertRaises(ValueError, callgrind.total, "summary: 0\n")


if __name__ == "__main__":
    unittest.main()
