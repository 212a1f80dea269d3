"""The project's pages (Markdown): what they show in boxes, name in code, and link to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Box:
    page: Path
    line: int
    language: str  # of a fenced one; an indented one has none
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Build folders and what is hidden hold none of ours."""
    found = sorted(ROOT.glob("*.md"))
    for folder in sorted(ROOT.iterdir()):
        if folder.is_dir() and not folder.name.startswith((".", "build")):
            found += sorted(folder.rglob("*.md"))
    return found


def boxes(page: Path) -> Iterator[Box]:
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        begin = at
        if fence := re.fullmatch(r"```([a-z]*)", lines[at]):
            at = lines.index("```", at + 1)
            yield Box(page, begin + 1, fence[1], "\n".join(lines[begin + 1:at]) + "\n")
        elif lines[at].startswith("    ") and not lines[at - 1].strip():
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at]):
                at += 1
            text = "\n".join(line.strip() if line.startswith("      kubectl") else line[4:]
                             for line in lines[begin:at])
            yield Box(page, begin + 1, "", text.strip("\n") + "\n")
        at += 1


def prose(page: Path) -> str:
    """Without the boxes."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<=\n\n)(?:    .*\n)+", "", text)


def code(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", prose(page)))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-1" if anchor in found else anchor)
    return found
