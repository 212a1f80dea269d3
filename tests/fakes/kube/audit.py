"""The audit log: JSON lines of audit.k8s.io/v1, level Metadata, as a real lab writes them.

As there, what the administrator does is left out.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import IO

from .auth import Attributes, User
from .status import Json


class Audit:
    """Owned by the API; without a file it does nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file: IO[str] | None = None
        if file:
            self._file = open(file, "a", encoding="utf-8", buffering=1)

    def write(self, stage: str, user: User | None, wanted: Attributes, target: str,
              version: str, received: float, code: int, annotations: Json,
              failure: str = "", agent: str = "") -> None:
        if self._file is None or (user is not None and user.name == "admin"):
            return
        line: Json = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": str(uuid.uuid4()),
            "stage": stage,
            "requestURI": target,
            "verb": wanted.verb,
            "user": {},
        }
        if user is not None:
            line["user"] = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
        line["sourceIPs"] = ["127.0.0.1"]
        if agent:
            line["userAgent"] = agent
        if wanted.resource:
            line["objectRef"] = {key: value for key, value in (
                ("resource", wanted.resource), ("namespace", wanted.namespace),
                ("name", wanted.name), ("apiGroup", wanted.group), ("apiVersion", version),
                ("subresource", wanted.subresource)) if value}
        result: Json = {"metadata": {}, "code": code}
        if failure:
            result = {"metadata": {}, "status": "Failure", "reason": failure, "code": code}
        line["responseStatus"] = result
        line["requestReceivedTimestamp"] = _micro(received)
        line["stageTimestamp"] = _micro(time.time())
        if annotations:
            line["annotations"] = annotations
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _micro(moment: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1e6):06d}Z"
