"""The objects, their versions and their history: what etcd and the watch cache are to the real one.

Everything happens on one thread (the server's event loop), so there are no locks. Objects are never
changed in place: each write stores a new one. Every write is also a line of a journal, from which
the store comes back after a kill; its history does not, so old versions then answer 410.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import status
from .status import Json

Name = tuple[str, str]  # namespace (empty for cluster-wide ones) and name


@dataclass
class Event:
    """One change of one object. `encoded` caches its lines for watches, by their form."""

    version: int
    type: str  # ADDED, MODIFIED, DELETED
    name: Name
    item: Json  # as it is now; of a deleted one, as it was, with the version of its end
    before: Json | None
    encoded: dict[Any, bytes] = field(default_factory=dict)


@dataclass
class Table:
    """The objects of one resource, with its watch cache."""

    items: dict[Name, Json] = field(default_factory=dict)
    history: deque[Event] = field(default_factory=deque)
    oldest: int = 0  # a watch may begin here or later
    forgotten: int = 0  # no list of an older version can be had
    last: int = 0  # version of the last event
    watchers: list[Callable[[Event], None]] = field(default_factory=list)


class Store:
    """Owned by the API; `history` bounds the number of events kept for each resource."""

    def __init__(self, journal: Path | None, history: int = 10000) -> None:
        self.version = 1
        self.compacted = 0
        self._first = 0
        self.history = history
        self._tables: dict[str, Table] = {}
        self._journal = None
        if journal is not None:
            self._load(journal)
            self._journal = open(journal, "a", encoding="utf-8", buffering=1)
        self._first = self.version  # with which this process began
        for table in self._tables.values():
            table.oldest = self.version

    def table(self, resource: str) -> Table:
        table = self._tables.get(resource)
        if table is None:
            table = self._tables[resource] = Table(oldest=max(self._first, self.compacted))
        return table

    def get(self, resource: str, name: Name) -> Json | None:
        return self.table(resource).items.get(name)

    def put(self, resource: str, name: Name, item: Json) -> Json:
        """Stores `item` under the next version, which it is given, and tells the watchers."""
        table = self.table(resource)
        before = table.items.get(name)
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        table.items[name] = item
        self._write(resource, name, item)
        self._tell(table, Event(self.version, "MODIFIED" if before else "ADDED", name, item,
                                before))
        return item

    def delete(self, resource: str, name: Name) -> None:
        table = self.table(resource)
        before = table.items.pop(name)
        self.version += 1
        last = {**before, "metadata": {**before["metadata"],
                                       "resourceVersion": str(self.version)}}
        self._write(resource, name, None)
        self._tell(table, Event(self.version, "DELETED", name, last, before))

    def snapshot(self, resource: str, version: int, otherwise: str) -> dict[Name, Json]:
        """The objects as they were at a version; raises 410 with a text where that is forgotten."""
        table = self.table(resource)
        if version >= table.last or version >= self.version:
            return table.items
        if version < max(table.forgotten, self.compacted):
            raise status.expired(otherwise)
        items = dict(table.items)
        for event in reversed(table.history):
            if event.version <= version:
                break
            if event.before is None:
                items.pop(event.name, None)
            else:
                items[event.name] = event.before
        return items

    def since(self, resource: str, version: int) -> Iterator[Event]:
        """The events after a version; raises 410 where some of them are forgotten."""
        table = self.table(resource)
        if version < table.oldest:
            raise status.too_old(version, table.oldest)
        return (event for event in table.history if event.version > version)

    def compact(self) -> None:
        """Forgets all history: every version but the newest is too old now."""
        self.compacted = self.version
        for table in self._tables.values():
            table.history.clear()
            table.oldest = self.version

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _tell(self, table: Table, event: Event) -> None:
        self._remember(table, event)
        for watcher in list(table.watchers):
            watcher(event)

    def _write(self, resource: str, name: Name, item: Json | None) -> None:
        if self._journal is not None:
            self._journal.write(
                json.dumps([self.version, resource, *name, item], separators=(",", ":")) + "\n"
            )

    def _remember(self, table: Table, event: Event) -> None:
        table.last = event.version
        table.history.append(event)
        while len(table.history) > self.history:
            gone = table.history.popleft()
            # What may begin is one before the first event that is left.
            first = table.history[0].version if table.history else event.version + 1
            table.oldest = max(table.oldest, first - 1)
            table.forgotten = gone.version

    def _load(self, journal: Path) -> None:
        if not journal.exists():
            return
        text = journal.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # killed while it wrote
            os.truncate(journal, len(whole.encode()))
        for line in whole.splitlines():
            self.version, resource, namespace, name, item = json.loads(line)
            table, key = self.table(resource), (namespace, name)
            before = table.items.pop(key, None)
            if item is not None:
                table.items[key] = item
                kind = "MODIFIED" if before else "ADDED"
            else:
                kind, item = "DELETED", before
            self._remember(table, Event(self.version, kind, key, item, before))
