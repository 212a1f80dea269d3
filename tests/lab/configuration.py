"""Pieces of a configuration file, in the program's own words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from lab.sentinels import SentinelSet

Value = str | int | bool | list[str]


def toml(value: Value) -> str:
    """What is needed here of TOML is written as JSON writes it."""
    return json.dumps(value)


def table(heading: str, **keys: Value) -> str:
    return "\n".join([f"[[{heading}]]", *(f"{key} = {toml(value)}" for key, value in keys.items())])


def sentinel(sentinels: SentinelSet, groups: Iterable[str], **keys: Value) -> str:
    if sentinels.password:
        keys = {"password_file": str(sentinels.password_file), **keys}
    head = table("sentinel", name="main", addresses=sentinels.addresses, **keys)
    return "\n".join([head, *(table("sentinel.group", name=group) for group in groups)])


def file_target(directory: Path, **keys: Value) -> str:
    return table("target", name="file", plugin="file", directory=str(directory), **keys)


def kubernetes_target(kubeconfig: Path | str, namespace: str, **keys: Value) -> str:
    keys = {"name": "kubernetes", "plugin": "kubernetes", **keys}
    return table("target", **keys, kubeconfig=str(kubeconfig), namespace=namespace)


def configuration(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"
