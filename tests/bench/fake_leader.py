#!/usr/bin/env python3
"""Sentinels of one group that fail over whenever they are told to, so that there can be thousands of events: on "to NUMBER" the
first says what the leader of a failover does once that instance is promoted, and the second, where there is one, that it has
heard of it; on "end" the others, and the leader what it says at the end. A process of its own with replies made beforehand,
so that what is measured is whoever hears it; it prints the moment just before the last of them spoke.

    fake_leader.py GROUP PORT SENTINEL,... INSTANCE,..."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeGroup, FakeReplica, primary_fields, replica_fields  # noqa: E402
from lab.resp import encode  # noqa: E402

PORT = 6379
UNTIL_HEARD = 0.02  # seconds after the leader: its next hello


class Sentinel:
    def __init__(self, number: int, group: str, hosts: list[str]) -> None:
        self._group, self._hosts = group, hosts
        self._id = b"%040x" % (number + 1)
        self._now = self._next = hosts[0]
        self._epoch = 1
        self.subscribers: list[asyncio.WriteTransport] = []
        self.replies: dict[bytes, bytes] = {}
        self._make_replies()

    def promote(self, host: str) -> float:
        self._next, self._epoch = host, self._epoch + 1
        self._make_replies()
        told = f"slave {host}:{PORT} {host} {PORT} @ {self._group} {self._now} {PORT}"
        return self._publish("+promoted-slave", told)

    def end(self) -> float:
        """Of its own failover."""
        old, self._now = self._now, self._next
        self._make_replies()
        return self._publish("+switch-master", f"{self._group} {old} {PORT} {self._now} {PORT}")

    def hear(self, host: str) -> float:
        """Of another one's."""
        self._next, self._epoch = host, self._epoch + 1
        return self.end()

    def _publish(self, channel: str, payload: str) -> float:
        message = encode(["message", channel, payload])
        now = time.monotonic()
        for subscriber in self.subscribers:
            subscriber.write(message)
        return now

    def _make_replies(self) -> None:
        promoted = (self._next, PORT) if self._next != self._now else None
        state = "reconf_slaves" if promoted else ""
        group = FakeGroup((self._now, PORT), self._epoch, failover_state=state, promoted=promoted)
        replicas = [FakeReplica((host, PORT), primary_host=self._now) for host in self._hosts if host != self._now]
        group.replicas = replicas
        others = b"".join(encode(replica_fields(replica)) for replica in replicas)
        for question, reply in (
            ("GET-MASTER-ADDR-BY-NAME", encode([self._next, PORT])),
            ("MASTER", encode(primary_fields(self._group, group))),
            ("REPLICAS", b"*%d\r\n%s" % (len(replicas), others)),
            ("SENTINELS", b"*0\r\n"),
        ):
            self.replies[encode(["SENTINEL", question, self._group])] = reply
        self.replies[encode(["SENTINEL", "MYID"])] = b"$40\r\n%s\r\n" % self._id


class Client(asyncio.Protocol):
    def __init__(self, sentinel: Sentinel) -> None:
        self._sentinel = sentinel
        self._channels = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Commands come whole, perhaps several at once: clients send each by one write."""
        for command in data.split(b"\r\n*"):
            command = b"*" + command.removeprefix(b"*").removesuffix(b"\r\n") + b"\r\n"
            self._transport.write(self._answer(command))

    def _answer(self, command: bytes) -> bytes:
        if (reply := self._sentinel.replies.get(command)) is not None:
            return reply
        words = command.split(b"\r\n")[2::2]
        name = words[0].upper()
        if name == b"PING":
            return encode(["pong", ""]) if self._channels else b"+PONG\r\n"
        if name == b"SUBSCRIBE":
            if not self._channels:
                self._sentinel.subscribers.append(self._transport)
            told = []
            for channel in words[1:]:
                self._channels += 1
                told.append(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:%d\r\n" % (len(channel), channel, self._channels))
            return b"".join(told)
        return b"-ERR unknown command\r\n"

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport in self._sentinel.subscribers:
            self._sentinel.subscribers.remove(self._transport)


async def fail_over(sentinels: list[Sentinel], host: str) -> float:
    spoken = sentinels[0].promote(host)
    for sentinel in sentinels[1:2]:
        await asyncio.sleep(UNTIL_HEARD)
        spoken = sentinel.hear(host)
    return spoken


def end(sentinels: list[Sentinel], host: str) -> float:
    for sentinel in sentinels[2:]:
        sentinel.hear(host)
    return sentinels[0].end()


async def serve(group: str, port: int, at: list[str], hosts: list[str]) -> None:
    sentinels = [Sentinel(number, group, hosts) for number in range(len(at))]
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(partial(Client, sentinel), host, port)
        for host, sentinel in zip(at, sentinels)
    ]
    print(json.dumps({"listening": len(servers)}), flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    host = hosts[0]
    while order := (await orders.readline()).decode().split():
        if order[0] == "to":
            host = hosts[int(order[1])]
            spoken = await fail_over(sentinels, host)
        else:
            spoken = end(sentinels, host)
        print(json.dumps({"time": spoken}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4].split(",")))
