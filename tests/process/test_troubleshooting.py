"""packaging/TROUBLESHOOTING.md has each problem that the program and its plugins can show, no other one, and their own words."""

from __future__ import annotations

import re
import sys
import unittest
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.pages import ROOT  # noqa: E402

PAGE = ROOT / "packaging" / "TROUBLESHOOTING.md"
FOLDERS = ("common", "supervisor", "plugins")
# How a problem comes about in the sources, up to its id. Ids that are chosen elsewhere have a constant, or are returned.
WAYS = (
    r"(?:set_blocking|set_degraded|problem_set|show|doubt|trouble)\(\s*(?:[\w.()]+,\s*|\{\},\s*)?",
    r"refuse\(plan,\s*|plan\.problem = (?:plan\.newer_format \? )?|\bid\(",
    r"doubts\.push_back\(\s*\{|note_problem\(\s*\{\{\},\s*|return \{(?=\"sentinels-)",
    r"case ConnectionFailure::Kind::\w+:\s*return |^  return (?=\"no-sentinel)|: (?=\"higher-decision)",
    r"constexpr const char\* \w+ = ",
)
# Found by these, and no problems.
OTHERS = {"no-store", "no-referrer"}


def sources() -> list[Path]:
    return [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*"))
            if file.suffix in (".cpp", ".h") and "example" not in file.parts]


@cache
def text() -> str:
    return "\n".join(file.read_text() for file in sources())


def ids() -> set[str]:
    found = {name for way in WAYS
             for name in re.findall(rf'(?:{way})"([a-z]+(?:-[a-z]+)*)"', text(), re.MULTILINE)}
    return found - OTHERS


@cache
def words() -> str:
    """All that the sources say, texts in pieces put together, with `…` for what is filled in."""
    joined = re.sub(r'"\s*\n\s*"', "", text())
    said = re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined)
    return "\n".join(re.sub(r"\{[^}]*\}", "…", piece.replace('\\"', '"')) for piece in said)


def rows() -> list[list[str]]:
    """Those that have an id's column: the cells, an escaped bar within one put back."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().replace("\0", "|") for cell in line.replace("\\|", "\0").strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 4 and not set(cells[0]) <= set("-"):
            found.append(cells)
    return [cells for cells in found if cells[0] != "id"]


class Troubleshooting(unittest.TestCase):
    maxDiff = None

    def test_it_has_each_problem_and_no_other(self) -> None:
        told = {name for cells in rows() for name in re.findall(r"`([a-z-]+)`", cells[0])}
        with_resource = {name for name in told if re.fullmatch(r"(list|watch)-(refused|lost)-(services|endpointslices)", name)}
        self.assertEqual(told - with_resource, ids())
        self.assertGreater(len(told), 60)

    def test_each_identifier_with_a_hyphen_is_seen(self) -> None:
        """A problem that comes about in a way of its own would be found by none of ours."""
        called = {name for call in re.findall(r"(?:set_blocking|set_degraded|problem_set|doubt|trouble)\([^;]*;", text())
                  for name in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', call)}
        self.assertLessEqual(called, ids())

    def test_each_message_is_one_of_the_sources(self) -> None:
        for cells in rows():
            seen = cells[-2]
            for message in re.findall(r"`([^`]+)`", seen):
                for part in (part.strip(" :;") for part in message.split("…")):
                    with self.subTest(message=message, part=part):
                        self.assertIn(part, words())


if __name__ == "__main__":
    unittest.main(verbosity=2)
