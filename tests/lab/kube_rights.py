"""The least rights of each way to publish, as the files say that users apply: what is tested is what users are told."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab.kube_client import Json

_FOLDER = Path(__file__).resolve().parents[2] / "packaging/kubernetes"
_ROLES = {
    "label": _FOLDER / "base/role.yaml",
    "endpointslice": _FOLDER / "components/endpointslice/role.yaml",
    "service-selector": _FOLDER / "components/service-selector/role.yaml",
}


def least_rules(way: str) -> list[Json]:
    """Of `label`, `endpointslice` or `service-selector`: the rules of the Role, which is written so that this can read it."""
    rules: list[Json] = []
    within = False
    for line in _ROLES[way].read_text().splitlines():
        if not line.startswith(" "):
            within = line == "rules:"
            continue
        entry = re.fullmatch(r"  (- |  )(apiGroups|resources|verbs): (\[.*\])", line)
        if not within:
            continue
        assert entry, f"{_ROLES[way]}: {line!r} is none of what is read here"
        if entry[1] == "- ":
            rules.append({})
        rules[-1][entry[2]] = json.loads(entry[3])
    assert rules and all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in rules), rules
    return rules
