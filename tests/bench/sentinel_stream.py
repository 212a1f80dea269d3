"""What a Sentinel says on one connection, as far as it names a primary. Pure: bytes in, news out."""

from __future__ import annotations

from dataclasses import dataclass

Value = bytes | None | list["Value"]
NAMING = (b"+promoted-slave", b"+switch-master")


@dataclass(frozen=True)
class Said:
    """`kind`: "subscribed" (to one more channel), "news" (a message that names a new primary), or "answer" (to
    GET-MASTER-ADDR-BY-NAME)."""

    kind: str
    group: str = ""  # of an answer it is not known
    host: str = ""


class SentinelStream:
    """One direction of one connection: what comes from the Sentinel (RESP2)."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Said]:
        self._buffer += data
        said = []
        while (read := _read(self._buffer, 0)) is not None:
            value, end = read
            self._buffer = self._buffer[end:]
            if (understood := _understand(value)) is not None:
                said.append(understood)
        return said


def _understand(value: Value) -> Said | None:
    if not isinstance(value, list):
        return None
    words = [word if isinstance(word, bytes) else b"" for word in value]
    if len(words) == 3 and words[0] in (b"subscribe", b"psubscribe"):
        return Said("subscribed")
    if len(words) in (3, 4) and words[0] in (b"message", b"pmessage"):
        return _of_message(words[-2], words[-1].decode()) if words[-2] in NAMING else None
    if len(words) == 2 and words[1].isdigit():
        return Said("answer", host=words[0].decode())
    return None


def _of_message(channel: bytes, payload: str) -> Said:
    if channel == b"+switch-master":
        group, _, _, host, _ = payload.rsplit(" ", 4)
        return Said("news", group, host)
    instance, _, primary = payload.partition(" @ ")
    return Said("news", primary.rsplit(" ", 2)[0], instance.rsplit(" ", 2)[1])


def _read(data: bytes, start: int) -> tuple[Value, int] | None:
    """One whole value and where it ends; None while it is not whole."""
    end = data.find(b"\r\n", start)
    if end < 0:
        return None
    kind, rest, end = data[start : start + 1], data[start + 1 : end], end + 2
    if kind == b"$":
        size = int(rest)
        if size < 0:
            return None, end
        return (data[end : end + size], end + size + 2) if len(data) >= end + size + 2 else None
    if kind == b"*":
        values: list[Value] = []
        for _ in range(int(rest)):
            if (read := _read(data, end)) is None:
                return None
            values.append(read[0])
            end = read[1]
        return values, end
    return rest, end
