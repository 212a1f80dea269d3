"""Names, labels and annotations: which are valid, with the real texts for those that are not."""

from __future__ import annotations

import re
from typing import Any

from .status import Cause, Json

_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_DNS_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_NAME_PART_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def label_value_problems(value: str) -> list[str]:
    problems = []
    if len(value) > 63:
        problems.append("must be no more than 63 characters")
    if not _LABEL_VALUE.fullmatch(value):
        problems.append(_LABEL_VALUE_TEXT)
    return problems


def qualified_name_problems(key: str) -> list[str]:
    """What is wrong with a label's or annotation's key."""
    problems = []
    parts = key.split("/")
    if len(parts) > 2:
        return [
            f"a qualified name {_NAME_PART_TEXT} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    if len(parts) == 2:
        if not parts[0]:
            problems.append("prefix part must be non-empty")
        elif not _SUBDOMAIN.fullmatch(parts[0]):
            problems.append(f"prefix part {_SUBDOMAIN_TEXT}")
    name = parts[-1]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > 63:
        problems.append("name part must be no more than 63 characters")
    if not _NAME_PART.fullmatch(name):
        problems.append(f"name part {_NAME_PART_TEXT}")
    return problems


def dns_label_causes(field: str, value: str) -> list[Cause]:
    if _DNS_LABEL.fullmatch(value) and len(value) <= 63:
        return []
    return [Cause.value(field, value, _DNS_LABEL_TEXT)]


def metadata_causes(metadata: Json, dns_label: bool) -> list[Cause]:
    """What is wrong with a name, labels and annotations (of the right types already)."""
    causes: list[Cause] = []
    name = metadata.get("name", "")
    if not name:
        causes.append(Cause.required("metadata.name", "name or generateName is required"))
    elif dns_label:
        causes += dns_label_causes("metadata.name", name)
    elif not (_SUBDOMAIN.fullmatch(name) and len(name) <= 253):
        causes.append(Cause.value("metadata.name", name, _SUBDOMAIN_TEXT))
    for key, value in metadata.get("labels", {}).items():
        for problem in qualified_name_problems(key):
            causes.append(Cause.value("metadata.labels", key, problem))
        for problem in label_value_problems(value):
            causes.append(Cause.value("metadata.labels", value, problem))
    size = 0
    for key, value in metadata.get("annotations", {}).items():
        for problem in qualified_name_problems(key.lower()):
            causes.append(Cause.value("metadata.annotations", key, problem))
        size += len(key) + len(value)
    if size > 256 * 1024:
        causes.append(
            Cause("metadata.annotations", "FieldValueTooLong", "Too long: must have at most 262144 "
                  "bytes")
        )
    return causes


def wrong_type(item: Json, kind: str) -> str | None:
    """The decoder's words for the first field of a wrong type, None where all are right.

    `item` is looked at as the decoder does: metadata first; what the fake never reads is not
    looked at.
    """
    metadata = item.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return f"v1.{kind}.ObjectMeta: expects {{ or n, but found {_found(metadata)}"
    for field, title in (("labels", "Labels"), ("annotations", "Annotations")):
        where = f"v1.{kind}.ObjectMeta: v1.ObjectMeta.{title}"
        values = (metadata or {}).get(field)
        if values is None:
            continue
        if not isinstance(values, dict):
            return f"{where}: ReadMapCB: expect {{ or n, but found {_found(values)}"
        for key, value in values.items():
            if value is not None and not isinstance(value, str):
                return f'{where}: ReadString: expects " or n, but found {_found(value)}'
    for field in ("name", "namespace", "uid", "resourceVersion", "generateName"):
        value = (metadata or {}).get(field)
        if value is not None and not isinstance(value, str):
            title = {"uid": "UID"}.get(field, field[0].upper() + field[1:])
            return (
                f"v1.{kind}.ObjectMeta: v1.ObjectMeta.{title}: ReadString: "
                f'expects " or n, but found {_found(value)}'
            )
    finalizers = (metadata or {}).get("finalizers")
    if finalizers is not None and not isinstance(finalizers, list):
        return f"v1.{kind}.ObjectMeta: v1.ObjectMeta.Finalizers: decode slice: expect [ or n"
    for field in ("spec", "status"):
        value = item.get(field)
        if value is not None and not isinstance(value, dict):
            return f"v1.{kind}.{field.title()}: expects {{ or n, but found {_found(value)}"
    return None


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (int, float)):
        return str(value)[0]
    if isinstance(value, str):
        return '"'
    return "[" if isinstance(value, list) else "{"
