"""The least rights of the watcher, as its page documents them: what is tested is what users are told."""

from __future__ import annotations

from pathlib import Path

_PAGE = Path(__file__).resolve().parents[2] / "supervisor/sentinel_watcher/README.md"


def sentinel_rights() -> str:
    """The ACL rule of the user at the Sentinels."""
    return _rules()[0]


def instance_rights() -> str:
    """And of the user at the instances."""
    return _rules()[1]


def _rules() -> list[str]:
    rules: list[str] = []
    within = False
    for line in _PAGE.read_text().splitlines():
        is_code = line.startswith("    ")
        if is_code and line.strip().startswith("-@all"):
            rules.append("")
            within = True
        within = within and is_code
        if within:
            rules[-1] += " " + line.strip()
    assert len(rules) == 2, f"{_PAGE.name} has {len(rules)} ACL rules"
    return [rule.strip() for rule in rules]
