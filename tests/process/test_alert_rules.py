"""packaging/prometheus and packaging/grafana are right by promtool, and name nothing that the program has not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unittest

from case import ProcessTest, main

from lab.prometheus import DASHBOARD, PROJECT, RULES, dashboard_expressions
from lab.processes import wait_until

FOLDER = RULES.parent
TESTS = FOLDER / "valkey-reconciler.test.yaml"
MADE = PROJECT / "packaging/kubernetes/components/prometheus-rule/prometheus-rule.yaml"
README = FOLDER / "README.md"
METRIC = re.compile(r"\bvalkey_reconciler_\w+")


def alerts() -> dict[str, str]:
    """Each rule's text by its name."""
    parts = re.split(r"^ +- alert: (\w+)$", RULES.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def metrics_of_plugins() -> set[str]:
    """As their READMEs name them."""
    lines = [line for readme in (PROJECT / "plugins").glob("*/README.md")
             for line in readme.read_text().splitlines() if re.match(r"Counters?: ", line)]
    return {f"valkey_reconciler_{name}" for line in lines for name in re.findall(r"`(\w+_total)\b", line)}


class Files(unittest.TestCase):
    def test_the_prometheus_rule_is_made_of_the_rules(self) -> None:
        made = subprocess.run([FOLDER / "prometheus-rule.sh", "--print"], check=True, capture_output=True, text=True)
        self.assertEqual(made.stdout, MADE.read_text())
        try:
            import yaml
        except ImportError:
            self.skipTest("no python3-yaml")
        self.assertEqual(yaml.safe_load(MADE.read_text())["spec"], yaml.safe_load(RULES.read_text()))

    def test_each_alert_has_a_test_and_an_entry_in_the_readme_to_which_its_runbook_leads(self) -> None:
        readme, tests = README.read_text(), TESTS.read_text()
        headings = re.findall(r"^### (\w+)$", readme, re.MULTILINE)
        self.assertEqual(headings, list(alerts()))
        for name, rule in alerts().items():
            with self.subTest(name):
                for key in ("summary", "description", "severity"):
                    self.assertIn(f" {key}: ", rule)
                self.assertIn(f"runbook: {README.relative_to(PROJECT)}#{name.lower()}\n", rule)
                self.assertRegex(tests, rf"alertname: {name}\n +exp_alerts:")
                waits = re.search(r" for: (\d+) ?m$", rule, re.MULTILINE)
                wait = f"{waits[1]} min" if waits else "at once"
                self.assertRegex(readme, rf"(?m)^\| \[{name}\]\(#{name.lower()}\) \| \w+ \| {wait} \|")

    def test_each_problem_that_a_rule_names_is_in_a_readme(self) -> None:
        readmes = "".join(path.read_text() for path in (PROJECT / "supervisor/sentinel_watcher/README.md",
                                                        PROJECT / "plugins/kubernetes/README.md"))
        named = [name for alternatives in re.findall(r'id=~"([^"]+)"', RULES.read_text())
                 for name in alternatives.split("|")]
        self.assertTrue(named)
        for name in named:
            self.assertIn(f"`{name}`", readmes)

    def test_the_panels_of_the_dashboard_lie_beside_each_other(self) -> None:
        taken: set[tuple[int, int]] = set()
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            place = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(taken & place, panel["title"])
            taken |= place


@unittest.skipUnless(shutil.which("promtool"), "promtool is not on PATH (tests/servers.sh)")
class Promtool(unittest.TestCase):
    def promtool(self, *words: object, text: str | None = None) -> None:
        done = subprocess.run(["promtool", *map(str, words)], input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_rules_are_right(self) -> None:
        self.promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)

    def test_the_alerts_fire_and_stop_when_they_should(self) -> None:
        self.promtool("test", "rules", TESTS)

    def test_each_expression_of_the_dashboard_can_be_read(self) -> None:
        expressions = dashboard_expressions()
        self.assertGreater(len(expressions), 15)
        rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
        self.promtool("check", "rules", "/dev/stdin", text=json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))


class Names(ProcessTest):
    def test_rules_and_dashboard_name_metrics_that_are_there(self) -> None:
        program = self.start_ready()
        file = self.folder / "program.toml"
        file.write_text(file.read_text() + "\nwrong = 1\n")  # a problem, whose metric is there while one is

        def families() -> set[str]:
            return set(re.findall(r"^# TYPE (\w+) ", program.get("/metrics")[1], re.MULTILINE))

        wait_until(lambda: "valkey_reconciler_problem" in families(), 15, "a problem")
        there = families() | metrics_of_plugins()
        there |= {f"valkey_reconciler_label_seconds_{part}" for part in ("bucket", "sum", "count")}
        for path in (RULES, TESTS, DASHBOARD):
            named = set(METRIC.findall(path.read_text()))
            self.assertGreater(len(named), 5)
            self.assertEqual(named - there, set(), path.name)


if __name__ == "__main__":
    main()
