"""Label and field selectors: parsing (with the real error texts) and matching.

The grammar and its errors follow apimachinery's labels.Parse of 1.20.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import validation
from .status import bad_request

_TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
_OPERATORS = ("=", "==", "!=", "in", "notin", "<", ">")


@dataclass(frozen=True)
class Requirement:
    key: str
    operator: str  # exists, !, in, notin, >, <
    values: frozenset[str]

    def matches(self, labels: dict[str, str]) -> bool:
        present = self.key in labels
        if self.operator == "exists":
            return present
        if self.operator == "!":
            return not present
        if self.operator == "in":
            return present and labels[self.key] in self.values
        if self.operator == "notin":
            return not present or labels[self.key] not in self.values
        if not present or not re.fullmatch(r"[+-]?\d+", labels[self.key]):
            return False
        (bound,) = self.values
        have = int(labels[self.key])
        return have > int(bound) if self.operator == ">" else have < int(bound)


class LabelSelector:
    """A conjunction of requirements; an empty one selects everything."""

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        self.requirements = list(requirements)

    def matches(self, labels: dict[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        position = 0
        while match := _TOKEN.match(text, position):
            self.tokens.append(match.group(1))
            position = match.end()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        if not self.peek():
            return requirements
        while True:
            token = self.peek()
            if not _is_word(token) and token != "!":
                raise bad_request(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self.requirement())
            except ValueError as error:
                raise bad_request(f"unable to parse requirement: {error}") from None
            token = self.take()
            if not token:
                return requirements
            if token != ",":
                raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
            if not _is_word(self.peek()) and self.peek() != "!":
                raise bad_request(f"found '{self.peek()}', expected: identifier after ','")

    def requirement(self) -> Requirement:
        absent = self.peek() == "!"
        if absent:
            self.take()
        key = self.take()
        if not _is_word(key):
            raise ValueError(f"found '{key}', expected: identifier")
        problems = validation.qualified_name_problems(key)
        if problems:
            raise ValueError(f'invalid label key "{key}": {"; ".join(problems)}')
        if absent:
            return Requirement(key, "!", frozenset())
        if self.peek() in ("", ","):
            return Requirement(key, "exists", frozenset())
        operator = self.take()
        if operator not in _OPERATORS:
            raise ValueError(f"found '{operator}', expected: '=', '!=', '==', 'in', notin'")
        values = self.value_set() if operator in ("in", "notin") else [self.value()]
        for value in values:
            problems = validation.label_value_problems(value)
            if problems:
                raise ValueError(
                    f'invalid label value: "{value}": at key: "{key}": {"; ".join(problems)}'
                )
        if operator in ("<", ">"):
            if not re.fullmatch(r"[+-]?\d+", values[0]):
                raise ValueError("for 'Gt', 'Lt' operators, the value must be an integer")
            return Requirement(key, operator, frozenset(values))
        plain = {"=": "in", "==": "in", "!=": "notin"}
        return Requirement(key, plain.get(operator, operator), frozenset(values))

    def value(self) -> str:
        if self.peek() in ("", ","):
            return ""
        token = self.take()
        if not _is_word(token):
            raise ValueError(f"found '{token}', expected: identifier")
        return token

    def value_set(self) -> list[str]:
        token = self.take()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        if not _is_word(self.peek()) and self.peek() not in (",", ")"):
            raise ValueError(f"found '{self.peek()}', expected: ',', ')' or identifier")
        values: list[str] = [""] if self.peek() in (",", ")") else [self.take()]
        while True:
            token = self.take()
            if token == ")":
                return values
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or ')'")
            values.append("" if self.peek() in (",", ")") else self.take())


def _is_word(token: str) -> bool:
    return bool(token) and token not in ("=", "==", "!=", "!", ",", "(", ")", "<", ">")


def parse_labels(text: str) -> LabelSelector:
    return LabelSelector(_Parser(text).parse())


_FIELDS = frozenset(("metadata.name", "metadata.namespace"))
_KIND_FIELDS = {
    "pods": frozenset((
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    )),
    "namespaces": frozenset(("status.phase",)),
    "events": frozenset((
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "reason", "type",
    )),
}


class FieldSelector:
    """Terms of field, whether it must be equal, and value."""

    def __init__(self, terms: list[tuple[str, bool, str]]) -> None:
        self.terms = terms

    def matches(self, item: dict[str, Any]) -> bool:
        return all((_read(item, field) == value) == equal for field, equal, value in self.terms)


def _read(item: Any, field: str) -> Any:
    for part in field.split("."):
        item = item.get(part, {})
    return item or ""


def parse_fields(text: str, resource: str) -> FieldSelector:
    terms: list[tuple[str, bool, str]] = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", term)
        if not match:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = match.groups()
        if field not in _FIELDS and field not in _KIND_FIELDS.get(resource, ()):
            raise bad_request(f"field label not supported: {field}")
        terms.append((field, operator != "!=", value))
    return FieldSelector(terms)
