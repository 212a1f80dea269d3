"""Pieces of a configuration file, in the program's own words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.sentinels import SentinelSet

Value = str | int | bool | list[str] | Mapping[str, "Value"]


def toml(value: Value) -> str:
    """What is needed here of TOML is written as JSON writes it, but for tables within a line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


def table(heading: str, **keys: Value) -> str:
    return "\n".join([f"[[{heading}]]", *(f"{key} = {toml(value)}" for key, value in keys.items())])


def sentinel(
    sentinels: SentinelSet,
    groups: Iterable[str],
    *,
    of_groups: Mapping[str, Value] | None = None,
    **keys: Value,
) -> str:
    """A set of Sentinels with its `keys`, and its groups, each with the keys `of_groups`."""
    if sentinels.password:
        keys = {"password_file": str(sentinels.password_file), **keys}
    head = table("sentinel", name="main", addresses=sentinels.addresses, **keys)
    tables = (table("sentinel.group", name=group, **(of_groups or {})) for group in groups)
    return "\n".join([head, *tables])


def file_target(directory: Path, **keys: Value) -> str:
    return table("target", name="file", plugin="file", directory=str(directory), **keys)


def kubernetes_target(kubeconfig: Path | str, namespace: str, **keys: Value) -> str:
    keys = {"name": "kubernetes", "plugin": "kubernetes", **keys}
    return table("target", **keys, kubeconfig=str(kubeconfig), namespace=namespace)


def configuration(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"
