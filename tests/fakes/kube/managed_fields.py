"""metadata.managedFields: which manager last changed which field.

Maps are followed, a list counts as one field (the real one follows lists with keys). That is exact
for labels and annotations, which is what anybody reads here.
"""

from __future__ import annotations

from typing import Any

from .status import Json

Path = tuple[str, ...]

_UNMANAGED = frozenset((
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation",
    "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName", "selfLink",
))


def record(old: Json | None, new: Json, manager: str, api_version: str, now: str) -> None:
    """Sets managedFields of `new`: what differs from `old` is the manager's from now on."""
    before = _fields(old) if old else {}
    after = _fields(new)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    entries: list[Json] = []
    mine: set[Path] = set()
    for entry in (old or {}).get("metadata", {}).get("managedFields", []):
        owned = _paths(entry["fieldsV1"])
        kept = {path for path in owned if path in after and path not in changed}
        if changed and entry["manager"] == manager and entry["apiVersion"] == api_version:
            mine = kept
        elif kept == owned:
            entries.append(entry)
        elif kept:
            entries.append({**entry, "fieldsV1": _tree(kept)})
    if changed:
        entries.append({
            "manager": manager,
            "operation": "Update",
            "apiVersion": api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(changed | mine),
        })
    fields = sorted(entries, key=lambda entry: (entry["time"], entry["manager"]))
    if fields:
        new["metadata"]["managedFields"] = fields
    else:
        new["metadata"].pop("managedFields", None)


def _fields(item: Json) -> dict[Path, Any]:
    """Every leaf of the object by its path; `.` stands for a map itself."""
    leaves: dict[Path, Any] = {}

    def walk(node: Json, path: Path) -> None:
        for key, value in node.items():
            where = (*path, "f:" + key)
            if isinstance(value, dict) and value:
                if len(where) > 1 and where[0] != "f:spec":
                    leaves[(*where, ".")] = True
                walk(value, where)
            elif value is not None:
                leaves[where] = value

    for field, value in item.items():
        if field in ("kind", "apiVersion"):
            continue
        if field == "metadata":
            value = {key: inner for key, inner in value.items() if key not in _UNMANAGED}
        walk({field: value}, ())
    return leaves


def _tree(paths: set[Path]) -> Json:
    root: Json = {}
    for path in sorted(paths):
        node = root
        for part in path:
            node = node.setdefault(part, {})
    return root


def _paths(tree: Json) -> set[Path]:
    found: set[Path] = set()

    def walk(node: Json, path: Path) -> None:
        for key, inner in node.items():
            if inner:
                walk(inner, (*path, key))
            else:
                found.add((*path, key))

    walk(tree, ())
    return found
