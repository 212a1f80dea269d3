#!/usr/bin/env python3
"""A Sentinel of one group that fails over whenever it is told to, so that there can be thousands of events: on "to NUMBER" it
says what the leader of a failover does once that instance is promoted, on "end" what it says at the end. A process of its
own with replies made beforehand, so that what is measured is whoever hears it; it prints the moment just before it spoke.

    fake_leader.py GROUP ADDRESS,ADDRESS,..."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import FakeGroup, FakeReplica, primary_fields, replica_fields  # noqa: E402
from lab.resp import encode  # noqa: E402

PORT = 6379


class Leader:
    def __init__(self, group: str, hosts: list[str]) -> None:
        self._group, self._hosts = group, hosts
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
        old, self._now = self._now, self._next
        self._make_replies()
        return self._publish("+switch-master", f"{self._group} {old} {PORT} {self._now} {PORT}")

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
        self.replies[encode(["SENTINEL", "MYID"])] = b"$40\r\n%s\r\n" % (b"a" * 40)


class Client(asyncio.Protocol):
    def __init__(self, leader: Leader) -> None:
        self._leader = leader
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
        if (reply := self._leader.replies.get(command)) is not None:
            return reply
        words = command.split(b"\r\n")[2::2]
        name = words[0].upper()
        if name == b"PING":
            return encode(["pong", ""]) if self._channels else b"+PONG\r\n"
        if name == b"SUBSCRIBE":
            if not self._channels:
                self._leader.subscribers.append(self._transport)
            told = []
            for channel in words[1:]:
                self._channels += 1
                told.append(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:%d\r\n" % (len(channel), channel, self._channels))
            return b"".join(told)
        return b"-ERR unknown command\r\n"

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport in self._leader.subscribers:
            self._leader.subscribers.remove(self._transport)


async def serve(group: str, hosts: list[str]) -> None:
    leader = Leader(group, hosts)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(leader), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode().split():
        spoken = leader.end() if order[0] == "end" else leader.promote(hosts[int(order[1])])
        print(json.dumps({"time": spoken, "subscribers": len(leader.subscribers)}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2].split(",")))
