"""What each Sentinel says, with the moment at which it was heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.resp import RespError
from lab.sentinels import Sentinel

# What an `act_on` may act upon: from here the new primary is named by at least one Sentinel.
NEWS = ("+promoted-slave", "+switch-master")


@dataclass(frozen=True)
class Event:
    time: float  # time.monotonic()
    sentinel: str
    channel: str
    payload: str

    def group(self) -> str:
        """The group's name, which may hold spaces: it ends where the addresses begin."""
        if self.channel in ("+switch-master", "+config-update-from") and " @ " not in self.payload:
            return self.payload.rsplit(" ", 4)[0]
        if " @ " in self.payload:
            return self.payload.rsplit(" @ ", 1)[1].rsplit(" ", 2)[0]
        return self.payload.removeprefix("master ").rsplit(" ", 2)[0]

    def address(self) -> tuple[str, int]:
        """The instance that it is about; of +switch-master, the new primary."""
        if self.channel == "+switch-master":
            host, port = self.payload.rsplit(" ", 2)[1:]
            return host, int(port)
        host, port = self.payload.split(" @ ")[0].rsplit(" ", 2)[1:]
        return host, int(port)

    def gives_up(self) -> bool:
        """The leader ends its failover without a switch."""
        return self.channel.startswith("-failover-abort")


def was_taken_back(events: Sequence[Event]) -> bool:
    """Sentinels undid their own failover: its leader gave up, or one that had not heard of it yet made its new primary a
    replica again, and the others may name that one all the same."""
    candidates = set()
    for event in events:
        if event.gives_up():
            return True
        if event.channel == "+selected-slave":
            candidates.add(event.address())
        elif event.channel == "+convert-to-slave" and event.address() in candidates:
            return True
    return False


class SentinelEvents:
    """Subscribes to all of them, in a thread each, and again whenever a connection breaks."""

    def __init__(self, sentinels: Sequence[Sentinel]) -> None:
        self._events: list[Event] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._news = threading.Condition()
        self._subscribed: set[str] = set()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._listen,
                args=(sentinel,),
                daemon=True,
                name=f"events of {sentinel.name}",
            )
            for sentinel in sentinels
        ]
        for thread in self._threads:
            thread.start()

    def wait_subscribed(self, count: int | None = None, timeout: float = 10.0) -> None:
        wanted = len(self._threads) if count is None else count
        with self._news:
            if not self._news.wait_for(lambda: len(self._subscribed) >= wanted, timeout):
                raise TimeoutError(f"subscribed only to {sorted(self._subscribed)}")

    def since(self, moment: float) -> list[Event]:
        with self._news:
            return [event for event in self._events if event.time >= moment]

    def wait_for(
        self, matches: Callable[[Event], bool], *, since: float, timeout: float
    ) -> Event | None:
        """The first such event, or None when the time is over."""
        end = time.monotonic() + timeout
        with self._news:
            place = 0
            while True:
                for place in range(place, len(self._events)):
                    if self._events[place].time >= since and matches(self._events[place]):
                        return self._events[place]
                place = len(self._events)
                if (
                    not self._news.wait(max(0.0, end - time.monotonic()))
                    and time.monotonic() >= end
                ):
                    return None

    def on_event(self, listener: Callable[[Event], None]) -> None:
        """Called for each event, in the thread that hears it."""
        self._listeners.append(listener)

    def forget(self, before: float) -> None:
        """For loops of many rounds."""
        with self._news:
            self._events = [event for event in self._events if event.time >= before]

    def close(self) -> None:
        self._closing.set()

    def _listen(self, sentinel: Sentinel) -> None:
        while not self._closing.wait(0.0):
            try:
                with sentinel.connect() as connection:
                    messages = connection.subscribe("*")
                    self._note(lambda: self._subscribed.add(sentinel.name))
                    for channel, payload in messages:
                        event = Event(time.monotonic(), sentinel.name, channel, payload)
                        self._note(lambda: self._events.append(event))
                        for listener in self._listeners:
                            listener(event)
            except (OSError, RespError):
                self._note(lambda: self._subscribed.discard(sentinel.name))
                self._closing.wait(0.05)

    def _note(self, change: Callable[[], None]) -> None:
        with self._news:
            change()
            self._news.notify_all()
