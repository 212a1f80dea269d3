"""One open watch: from the store's events to lines on a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from .forms import Form
from .http import Drop, Stream, encode
from .resources import Resource
from .selectors import FieldSelector, LabelSelector
from .status import ApiError, Json
from .store import Event, Store

_BEFORE_TIMEOUT = 2.0  # a last bookmark comes so long before the end


class Watch:
    """Made by the API for one request, which it lives as long as; then `close` it.

    From its creation on no event is missed: what is old is taken from the history, what is new
    comes by the store's call.
    """

    def __init__(self, store: Store, resource: Resource, form: Form, namespace: str,
                 labels: LabelSelector, fields: FieldSelector, version: int, timeout: float,
                 bookmark_every: float) -> None:
        self._table = store.table(resource.key)
        self._resource = resource
        self._form = form
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._from = version
        self._deadline = time.monotonic() + timeout
        self._bookmark_every = bookmark_every  # 0: the client wants none
        self._bookmarked = self._table.last
        self._queue: asyncio.Queue[bytes | Callable[[], None]] = asyncio.Queue()
        self._silent_until = 0.0
        self._ending = ""
        try:
            if version == 0:
                for item in list(self._table.items.values()):
                    if self._selects(item):
                        self._queue.put_nowait(self._line("ADDED", item))
            else:
                for event in store.since(resource.key, version):
                    self._take(event)
        except ApiError as error:
            self.expire(error)
        self._table.watchers.append(self._take)

    async def run(self, stream: Stream) -> None:
        """Returns when the time is over or the client is gone."""
        stream.on_close(lambda: self._do(self._set_ending("gone")))
        try:
            await stream.start({"Content-Type": "application/json"})
            bookmark_at = self._next_bookmark()
            while not self._ending:
                now = time.monotonic()
                if now >= self._deadline:
                    break
                if now >= bookmark_at:
                    self.bookmark()
                    bookmark_at = self._next_bookmark()
                wait = min(self._deadline, bookmark_at)
                if now < self._silent_until:
                    await self._listen_only(min(wait, self._silent_until) - now)
                    continue
                await self._send_some(stream, wait - now)
            if self._ending == "cut":
                raise Drop
            if self._ending != "gone":
                await stream.end()
        finally:
            stream.on_close(None)

    def close(self) -> None:
        if self._take in self._table.watchers:
            self._table.watchers.remove(self._take)

    # What a test may have done to an open watch:

    def cut(self) -> None:
        """Ends it without a last chunk, as the death of the server does."""
        self._do(self._set_ending("cut"))

    def end(self) -> None:
        """Ends it in order, as its timeout does, once all that is waiting is sent."""
        self._do(self._set_ending("end"))

    def expire(self, error: ApiError) -> None:
        """Sends an ERROR event, then ends it in order."""
        self._queue.put_nowait(encode({"type": "ERROR", "object": error.body()}) + b"\n")
        self.end()

    def send(self, line: str) -> None:
        self._queue.put_nowait(line.encode())

    def silence(self, seconds: float) -> None:
        """Sends nothing for so long; what happens meanwhile comes late."""
        self._silent_until = time.monotonic() + seconds
        self._do(lambda: None)

    def bookmark(self) -> None:
        if not self._bookmark_every or self._table.last <= self._bookmarked:
            return  # nothing changed: none, as the real one
        self._bookmarked = self._table.last
        item = self._form.bookmark(self._resource, str(self._table.last))
        self._queue.put_nowait(encode({"type": "BOOKMARK", "object": item}) + b"\n")

    async def _listen_only(self, seconds: float) -> None:
        """Waits, but not beyond the end of the client or a test's order to cut."""
        until = time.monotonic() + seconds
        while not self._ending and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.05))

    async def _send_some(self, stream: Stream, seconds: float) -> None:
        try:
            entry = self._queue.get_nowait()
        except asyncio.QueueEmpty:
            try:
                entry = await asyncio.wait_for(self._queue.get(), seconds)
            except asyncio.TimeoutError:
                return
        if isinstance(entry, bytes):
            await stream.send(entry)
        else:
            entry()

    def _do(self, action: Callable[[], None]) -> None:
        """In its turn, after what waits to be sent."""
        self._queue.put_nowait(action)

    def _set_ending(self, how: str) -> Callable[[], None]:
        def end() -> None:
            self._ending = self._ending or how
        if how in ("cut", "gone") and time.monotonic() < self._silent_until:
            end()
        return end

    def _next_bookmark(self) -> float:
        if not self._bookmark_every:
            return self._deadline
        now = time.monotonic()
        last = self._deadline - _BEFORE_TIMEOUT
        regular = now + self._bookmark_every
        return min(regular, last) if now < last else self._deadline

    def _selects(self, item: Json) -> bool:
        metadata = item["metadata"]
        return ((not self._namespace or metadata.get("namespace") == self._namespace)
                and self._labels.matches(metadata.get("labels", {}))
                and self._fields.matches(item))

    def _take(self, event: Event) -> None:
        if event.version <= self._from:
            return  # a watch from the future
        is_in = event.type != "DELETED" and self._selects(event.item)
        was_in = event.before is not None and self._selects(event.before)
        if is_in:
            kind, item = ("MODIFIED" if was_in else "ADDED"), event.item
        elif was_in and event.before is not None:
            # It left the selection: with its old content, but the version of the change.
            kind = "DELETED"
            item = {**event.before, "metadata": {
                **event.before["metadata"],
                "resourceVersion": event.item["metadata"]["resourceVersion"]}}
        else:
            return
        key: Any = (kind, self._form)
        if key not in event.encoded:
            event.encoded[key] = self._line(kind, item)
        self._queue.put_nowait(event.encoded[key])

    def _line(self, kind: str, item: Json) -> bytes:
        return encode({"type": kind, "object": self._form.one(self._resource, item)}) + b"\n"


