"""Faults that a test asks for: answers that a real server cannot be made to give on demand.

A fault is JSON, posted to /_fault:
  match     a regular expression for the whole of "METHOD /path" (or "VERB /path", with the verb in
            capitals as RBAC has it: LIST, WATCH, CREATE; or "METHOD /path?query")
  user      a regular expression for the whole of the user's name; anybody's where it is missing
  count     how many requests it meets (default 1, 0: all)
  skip      how many it lets through first (default 0)
  delay_ms  wait so long first
  status    answer this code, with `body` (an object, or text as it is) and `headers`
  drop      true: close the connection without an answer
  when      "before" (default): the request is not done; "after": it is done, only the answer is
            delayed, replaced or lost
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .status import Json, bad_request

_KEYS = frozenset(("match", "user", "count", "skip", "delay_ms", "status", "body", "headers",
                   "drop", "when"))


@dataclass
class Fault:
    match: re.Pattern[str]
    user: re.Pattern[str]
    count: int = 1
    skip: int = 0
    delay_ms: float = 0
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    when: str = "before"
    hits: int = 0


class Faults:
    """Owned by the API. The oldest fault that matches and is not used up counts."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, wanted: Json) -> int:
        unknown = wanted.keys() - _KEYS
        if unknown or "match" not in wanted or wanted.get("when", "before") not in (
                "before", "after"):
            raise bad_request(f"bad fault: {sorted(unknown) or wanted}")
        values: dict[str, Any] = {**wanted, "match": re.compile(wanted["match"]),
                                  "user": re.compile(wanted.get("user", ".*"))}
        self._faults.append(Fault(**values))
        return len(self._faults) - 1

    def clear(self) -> None:
        self._faults.clear()

    def describe(self) -> list[Json]:
        return [{**vars(fault), "match": fault.match.pattern, "user": fault.user.pattern}
                for fault in self._faults]

    def meet(self, names: list[str], user: str) -> Fault | None:
        """The fault for a request, known by any of `names`; counts it."""
        for fault in self._faults:
            if fault.count and fault.hits >= fault.count:
                continue
            if not fault.user.fullmatch(user):
                continue
            if not any(fault.match.fullmatch(name) for name in names):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.hits += 1
            return fault
        return None
