"""Lists: selectors, pages, and the resourceVersion that a client may ask for."""

from __future__ import annotations

import asyncio
import base64
import json
import time

from . import selectors, status
from .forms import Form
from .resources import Resource
from .status import Cause, Json
from .store import Store

_PATIENCE = 3.0  # so long a read waits for a version that is yet to come

_VERSION_TOO_OLD = "The resourceVersion for the provided list is too old."
_TOKEN_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


async def wait_for_version(store: Store, text: str) -> int:
    """The version that a client named (0 where it named none), once there is such a one."""
    if not text:
        return 0
    version = parse_version(text)
    until = time.monotonic() + _PATIENCE
    while version > store.version:
        if time.monotonic() >= until:
            raise status.too_large_version(version, store.version)
        await asyncio.sleep(0.02)
    return version


def parse_version(text: str) -> int:
    if not text.isdigit():
        raise status.internal(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
            "invalid syntax")
    return int(text)


async def list_objects(store: Store, resource: Resource, form: Form, namespace: str,
                       query: dict[str, str]) -> Json:
    labels = selectors.parse_labels(query.get("labelSelector", ""))
    fields = selectors.parse_fields(query.get("fieldSelector", ""), resource.plural)
    limit = _parse_limit(query.get("limit", ""))
    wanted = query.get("resourceVersion", "")
    match = query.get("resourceVersionMatch", "")
    token = query.get("continue", "")
    if match and not wanted:
        raise _match_needs_version()
    if token and wanted not in ("", "0"):
        raise status.bad_request(
            "specifying resource version is not allowed when using continue")
    version = await wait_for_version(store, wanted)
    start = ""
    if token:
        version, start = _parse_token(token)
        items = store.snapshot(resource.key, version, _TOKEN_TOO_OLD)
    elif version and (match == "Exact" or (limit and match != "NotOlderThan")):
        items = store.snapshot(resource.key, version, _VERSION_TOO_OLD)
    else:
        items = store.table(resource.key).items
        if wanted == "0":
            limit = 0  # answered from the watch cache, which knows no pages
        version = store.version
    chosen: list[Json] = []
    metadata: Json = {"resourceVersion": str(version)}
    found = sorted(
        (f"{ns}/{name}" if ns else name, item) for (ns, name), item in items.items()
        if not namespace or ns == namespace)
    found = [(key, item) for key, item in found if key >= start]
    for position, (key, item) in enumerate(found):
        if not labels.matches(item["metadata"].get("labels", {})) or not fields.matches(item):
            continue
        chosen.append(item)
        rest = len(found) - position - 1
        if limit and len(chosen) == limit and rest:
            metadata["continue"] = _token(version, key)
            if not labels.requirements and not fields.terms:
                metadata["remainingItemCount"] = rest
            break
    return form.many(resource, chosen, metadata)


def _parse_limit(text: str) -> int:
    if not text:
        return 0
    if not text.isdigit():
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _token(version: int, key: str) -> str:
    content = {"v": "meta.k8s.io/v1", "rv": version, "start": key + "\0"}
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _parse_token(token: str) -> tuple[int, str]:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(content["rv"]), content["start"]
    except (ValueError, KeyError, TypeError):
        raise status.bad_request(
            "invalid continue token: continue key is not valid: illegal base64 data") from None


def _match_needs_version() -> status.ApiError:
    return status.invalid("ListOptions", "meta.k8s.io", "", [Cause.forbidden(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden unless resourceVersion is provided")])
