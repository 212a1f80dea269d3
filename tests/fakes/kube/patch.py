"""JSON merge patch (RFC 7386) and JSON Patch (RFC 6902) as the API server applies them.

One rule beyond the RFC: `test` with null passes where the key is absent, so absence can be a
precondition. `replace` of an absent key fails, as in 1.36 (1.20 adds it): the fake is the stricter
of the two, so that nobody comes to rely on what only one of them does.
"""

from __future__ import annotations

from typing import Any

from .status import Json, rejected_patch


def merge(target: Any, patch: Any) -> Any:
    """A new value; neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def apply_json_patch(document: Json, operations: list[Any]) -> Json:
    """Changes and returns `document`; raises the 422 that names no reason."""
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise rejected_patch()
        _apply(document, operation)
    return document


def _apply(document: Json, operation: Json) -> None:
    name = operation.get("op")
    path = _split(operation["path"])
    if name == "add":
        _add(document, path, operation.get("value"))
    elif name == "remove":
        _remove(document, path)
    elif name == "replace":
        _get(document, path)
        _remove(document, path)
        _add(document, path, operation.get("value"))
    elif name == "test":
        _test(document, path, operation.get("value"))
    elif name in ("move", "copy"):
        source = _split(operation.get("from") or "")
        value = _get(document, source)
        if name == "move":
            _remove(document, source)
        _add(document, path, value)
    else:
        raise rejected_patch()


def _split(path: str) -> list[str]:
    if not path.startswith("/"):
        raise rejected_patch()
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _parent(document: Json, path: list[str]) -> Any:
    node: Any = document
    for part in path[:-1]:
        node = _child(node, part)
    if not isinstance(node, (dict, list)):
        raise rejected_patch()
    return node


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list):
        return node[_index(node, part)]
    raise rejected_patch()


def _index(node: list[Any], part: str, end: int = 0) -> int:
    if not part.isdigit() or int(part) >= len(node) + end:
        raise rejected_patch()
    return int(part)


def _get(document: Json, path: list[str]) -> Any:
    return _child(_parent(document, path), path[-1])


def _add(document: Json, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif path[-1] == "-":
        parent.append(value)
    else:
        parent.insert(_index(parent, path[-1], end=1), value)


def _remove(document: Json, path: list[str]) -> None:
    parent = _parent(document, path)
    _child(parent, path[-1])
    del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]


def _test(document: Json, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    if isinstance(parent, dict) and path[-1] not in parent:
        if value is None:
            return
        raise rejected_patch()
    if not _equal(_child(parent, path[-1]), value):
        raise rejected_patch()


def _equal(one: Any, other: Any) -> bool:
    """JSON equality: Python holds True and 1 for equal, JSON does not."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
