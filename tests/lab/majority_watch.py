"""What the majority of the Sentinels says of a group, over time: what topologies are judged by."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.resp import RespError, pairs
from lab.sentinels import Sentinel

Address = tuple[str, int]


@dataclass(frozen=True)
class Word:
    """What one Sentinel says from `time` on (time.monotonic()); no address: nothing."""

    time: float
    sentinel: str
    address: Address | None = None
    epoch: int = 0


class MajorityWatch:
    """Asks each Sentinel every 20 ms, in a thread of its own. Host names are taken for the address
    that `hosts` has for them."""

    def __init__(
        self, sentinels: Sequence[Sentinel], group: str, hosts: Mapping[str, str] | None = None
    ) -> None:
        self._group = group
        self._hosts = hosts or {}
        self._quorum = len(sentinels) // 2 + 1
        self._words: list[Word] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._listen, args=(sentinel,), daemon=True)
            for sentinel in sentinels
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> MajorityWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(5)

    def known_as(self, address: Address) -> Address:
        return self._hosts.get(address[0], address[0]), address[1]

    def primary(self) -> Address | None:
        """Which one a majority names at this moment."""
        *_, (_, last) = self._states()
        named = Counter(word.address for word in last.values() if word.address is not None)
        return next((address for address, votes in named.items() if votes >= self._quorum), None)

    def word_of(self, sentinel: Sentinel) -> Word:
        """The last one."""
        *_, (_, last) = self._states()
        return last.get(sentinel.name, Word(0.0, sentinel.name))

    def named(self, address: Address, epoch: int, since: float) -> bool:
        """Whether a majority named that primary under that epoch or a higher one, then or later."""
        return self._named(self.known_as(address), epoch, since, self._quorum)

    def named_by_one(self, address: Address, epoch: int, since: float) -> bool:
        return self._named(self.known_as(address), epoch, since, 1)

    def story(self, since: float = 0.0) -> str:
        with self._lock:
            words = list(self._words)
        return "\n".join(
            f"{word.time - since:9.3f} {word.sentinel} {word.address} epoch {word.epoch}"
            for word in words
            if word.time >= since
        )

    def _named(self, address: Address, epoch: int, since: float, votes: int) -> bool:
        return any(
            until >= since
            and sum(word.address == address and word.epoch >= epoch for word in last.values())
            >= votes
            for until, last in self._states()
        )

    def _states(self) -> Iterator[tuple[float, dict[str, Word]]]:
        """Each with the moment at which it ended."""
        with self._lock:
            words = list(self._words)
        last: dict[str, Word] = {}
        for word in words:
            yield word.time, dict(last)
            last[word.sentinel] = word
        yield float("inf"), last

    def _listen(self, sentinel: Sentinel) -> None:
        while not self._closing.is_set():
            try:
                with sentinel.connect(timeout=1.0) as connection:
                    while not self._closing.wait(0.02):
                        address, master = connection.pipeline(
                            [
                                ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._group),
                                ("SENTINEL", "MASTER", self._group),
                            ]
                        )
                        if isinstance(address, list) and isinstance(master, list):
                            named = self.known_as((address[0], int(address[1])))
                            epoch = int(pairs(master)["config-epoch"])
                            self._note(sentinel, named, epoch)
                        else:
                            self._note(sentinel, None, 0)
            except (OSError, RespError):
                self._note(sentinel, None, 0)
                self._closing.wait(0.02)

    def _note(self, sentinel: Sentinel, address: Address | None, epoch: int) -> None:
        with self._lock:
            last = next(
                (word for word in reversed(self._words) if word.sentinel == sentinel.name), None
            )
            if last is None or (last.address, last.epoch) != (address, epoch):
                self._words.append(Word(time.monotonic(), sentinel.name, address, epoch))
