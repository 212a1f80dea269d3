"""The tables and the goals, from made-up rounds."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.rounds import Round  # noqa: E402

from report import judge, lines, ratio_lines, ratios, spread, tabulate  # noqa: E402
from routes import LISTENER, route_name, stream_name  # noqa: E402


def a_round(kind: str = "planned", connection: str = "new", **lost: int) -> Round:
    """`lost` by hearer, through the label; `listener` is the plain one."""
    names = {"listener": LISTENER}
    return {
        "ok": True,
        "kind": kind,
        "streams": {
            stream_name(route_name(names.get(hearer, hearer), "label"), connection): {
                "lost": count, "lost_ms": 20.0 * count, "failed_ms": 0.0, "failed_after_t0_ms": 0.0,
            }
            for hearer, count in lost.items()
        },
    }


def label_ratio(rounds: list[Round]) -> float:
    return {(r.hearer, r.way): r.times for r in ratios(tabulate(rounds))}["promotion", "label"]


class Table(unittest.TestCase):
    def test_a_cell_has_the_rounds_of_its_kind_and_connection_alone(self) -> None:
        rounds = [
            a_round(promotion=1), a_round(promotion=3), a_round("kill", promotion=70),
            a_round(connection="kept", promotion=500),
        ]
        cell = tabulate(rounds)["planned"]["new"]["promotion"]["label"]["lost"]
        self.assertEqual((cell["n"], cell["mean"], cell["max"]), (2, 2.0, 3))

    def test_a_way_that_nobody_took_is_a_dash_and_zeros_are_one_line(self) -> None:
        told = lines(tabulate([a_round(promotion=2, listener=90)]))
        row = next(line for line in told if line.startswith("promotion"))
        self.assertEqual(row.split(), ["promotion", "2", "/", "2"] + ["-"] * 6)
        self.assertIn("\nplanned, connection new: ms in which writes failed: 0 everywhere", told)

    def test_one_in_ten_lies_above_p90(self) -> None:
        self.assertEqual(spread(range(10))["p90"], 9)
        self.assertEqual(spread(range(100))["p90"], 90)


class Goals(unittest.TestCase):
    def test_rounds_count_together_so_that_one_without_any_loss_weighs_nothing(self) -> None:
        rounds = [a_round(promotion=0, listener=50), a_round(promotion=4, listener=150)]
        self.assertEqual(label_ratio(rounds), 50.0)
        self.assertIn("50.0", " ".join(ratio_lines(ratios(tabulate(rounds)))))

    def test_where_none_was_lost_one_is_counted(self) -> None:
        self.assertEqual(label_ratio([a_round(promotion=0, listener=50)]), 50.0)

    def test_the_goal_is_met_from_twenty_times_fewer_on(self) -> None:
        for listener, met in ((79, False), (80, True)):
            rounds = [a_round(promotion=4, listener=listener)]
            verdicts = judge(tabulate(rounds), rounds, wanted=1)
            self.assertEqual(list(verdicts.values()), [met, True], verdicts)

    def test_without_a_planned_failover_or_with_too_few_rounds_goals_are_missed(self) -> None:
        rounds = [a_round("kill", promotion=0, listener=0)]
        verdicts = judge(tabulate(rounds), rounds, wanted=2)
        self.assertEqual(list(verdicts.values()), [False, False], verdicts)


if __name__ == "__main__":
    unittest.main()
