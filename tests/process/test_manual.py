"""The manual says what the commented configuration says, and is well-formed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "packaging" / "man").glob("*.[58]"))
# What stands in a table of its own in the file, and in one with the target's keys in the manual.
TARGET_KEYS = ("name", "plugin", "groups", "deadline", "retry_min", "retry_max")

Keys = dict[tuple[str, str], Any]  # by section and key: the value that is shown


def keys_of_configuration() -> Keys:
    """Section: the name of the table, or that of the plugin."""
    found: Keys = {}
    section = ""
    for line in (ROOT / "etc" / "valkey-reconciler.toml").read_text().splitlines():
        if heading := re.fullmatch(r"(?:# )?\[\[?([a-z.]+)\]\]?", line):
            section = heading[1]
        elif "Those of `kubernetes`" in line:
            section = "kubernetes"
        elif shown := re.match(r"(?:# )?([a-z_.]+ = .*)", line):
            key, value = flat(tomllib.loads(shown[1]))
            if line.startswith("# ") and section == "target" and key == "plugin":
                section = value
            elif not (line.startswith("# ") and section == "target" and key == "name"):
                found[section, key] = value
    return found


def flat(table: dict[str, Any]) -> tuple[str, Any]:
    """`tls.enabled = false` is a table within a table."""
    (key, value), = table.items()
    if not isinstance(value, dict):
        return key, value
    inner, value = flat(value)
    return f"{key}.{inner}", value


def keys_of_manual() -> Keys:
    found: Keys = {}
    section = ""
    for line in (ROOT / "packaging/man/valkey-reconciler.toml.5").read_text().splitlines():
        if heading := re.match(r"\.Ss (?:.*: )?(?:Plugin ([a-z]+)|\[\[?([a-z.]+)\]\]?)", line):
            section = heading[1] or heading[2]
        elif shown := re.match(r"\.It Cm ([a-z_.]+) = (.*)", line):
            value = shown[2].replace(r"\(dq", '"').replace(r"\-", "-")
            found[section, shown[1]] = tomllib.loads(f"value = {value}")["value"]
    return found


class Manual(unittest.TestCase):
    maxDiff = None

    def test_it_shows_each_key_with_its_default(self) -> None:
        self.assertEqual(keys_of_manual(), keys_of_configuration())
        self.assertGreater(len(keys_of_manual()), 90)

    def test_each_key_is_explained(self) -> None:
        text = (ROOT / "packaging/man/valkey-reconciler.toml.5").read_text()
        self.assertEqual(re.findall(r"^\.It Cm .*\n\.(?:It|El).*", text, re.MULTILINE), [])

    def test_each_duration_has_its_bounds(self) -> None:
        text = (ROOT / "packaging/man/valkey-reconciler.toml.5").read_text()
        items = re.findall(r'^\.It Cm (\S+) = \\\(dq\d+m?[smh]\\\(dq\n((?:[^.].*\n)+)', text, re.MULTILINE)
        self.assertGreater(len(items), 20)
        for key, explained in items:
            self.assertRegex(explained, r"to \d+m?[smh]\.\n", key)

    def test_each_variable_is_in_the_manual(self) -> None:
        wanted = set(re.findall(r"`((?:VALKEY|POD|MASTER)_[A-Z_]+|PUBLISH|SERVICE_NAME|NODE_NAME|KUBECONFIG)`",
                                (ROOT / "README.md").read_text()))
        self.assertGreater(len(wanted), 15)
        page = (ROOT / "packaging/man/valkey-reconciler.8").read_text()
        self.assertEqual({name for name in wanted if not re.search(rf"\b{name}\b", page)}, set())

    def test_it_is_well_formed(self) -> None:
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        for page in PAGES:
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual((said.returncode, said.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
