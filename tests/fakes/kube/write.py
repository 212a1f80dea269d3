"""What a write is about, and the two things that all writes need."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import status
from .resources import Resource
from .status import Json
from .store import Name, Store


@dataclass(frozen=True)
class Write:
    """Where a write goes and on whose behalf."""

    resource: Resource
    version: str
    namespace: str
    name: str = ""
    subresource: str = ""
    manager: str = "unknown"
    dry_run: bool = False

    @property
    def key(self) -> Name:
        return self.namespace, self.name

    @property
    def kind(self) -> str:
        return self.resource.kind

    @property
    def address(self) -> tuple[str, str, str]:
        return self.resource.plural, self.resource.group, self.name


def get(store: Store, resource: Resource, name: Name) -> Json:
    """The object, or the 404."""
    item = store.get(resource.key, name)
    if item is None:
        raise status.not_found(resource.plural, resource.group, name[1])
    return item


def now(later: int = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + later))
