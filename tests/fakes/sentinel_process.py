"""A Sentinel of many groups as a process of its own, with an event loop and replies that are made
beforehand, so that what is measured is whoever asks it. For what it says at each moment, and for
Sentinels that misbehave, there is sentinel.py."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import (  # noqa: E402
    Address,
    FakeGroup,
    FakeReplica,
    _array,
    _bulk,
    _message,
    _strings,
    primary_fields,
    replica_fields,
)
from lab.processes import die_with_parent  # noqa: E402

INSTANCES = 3  # of a group
AT_A_TIME = 50  # groups that are announced before questions are answered again


def group_name(number: int) -> str:
    return f"group-{number:04}"


def instance(number: int, index: int) -> Address:
    """Of the three instances of a group, 0 is the primary at first, 1 the one after it, then 2, then 0 again."""
    return f"10.{number // 250}.{number % 250}.{index + 1}", 6379


class FakeSentinelProcess:
    """One such process, started by a test in its main thread."""

    def __init__(self, groups: int) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, __file__, str(groups)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
        )
        self.address: Address = ("127.0.0.1", int(self._read()["port"]))

    def __enter__(self) -> FakeSentinelProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.wait(10)
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe is not None
            pipe.close()

    def begin(self, order: str) -> None:
        """"promote" (as a leader does) or "switch" (as all do in the end); "prepare" and one of them, so
        that it takes no time then; or "count"."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(order + "\n")
        self._popen.stdin.flush()

    def end(self) -> dict[str, Any]:
        """Of the order begun: `last`, the time.monotonic() of its last announcement; `questions`
        and `subscribers` so far."""
        return self._read()

    def do(self, order: str) -> dict[str, Any]:
        self.begin(order)
        return self.end()

    def _read(self) -> dict[str, Any]:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        assert line, "the fake Sentinel has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


class _Groups:
    """The replies by the words of the question, and what is announced."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._primary, self._epoch, self._promoted = 0, 1, False
        self.replies: dict[bytes, bytes] = {}
        self._prepared: dict[str, list[tuple[dict[bytes, bytes], bytes]]] = {}
        self.subscribers: list[asyncio.WriteTransport] = []
        self.questions = 0
        self.replies[_strings("SENTINEL", "MYID")] = _bulk(secrets.token_hex(20).encode())
        for number in range(count):
            group = FakeGroup(primary=instance(number, 0), epoch=1)
            self.replies |= _replies(number, group, replicas=(1, 2))

    def prepare(self, order: str) -> None:
        """The replies of each group from then on, and what is said."""
        self._prepared[order] = [self._changed(order, number) for number in range(self.count)]

    def _changed(self, order: str, number: int) -> tuple[dict[bytes, bytes], bytes]:
        before, after = self._primary, (self._primary + 1) % INSTANCES
        third = (after + 1) % INSTANCES
        epoch = self._epoch if self._promoted else self._epoch + 1
        name, old, new = group_name(number), instance(number, before), instance(number, after)
        if order == "promote":
            group = FakeGroup(old, epoch, promoted=new, failover_state="reconf_slaves")
            said = f"slave {new[0]}:{new[1]} {new[0]} {new[1]} @ {name} {old[0]} {old[1]}"
            return _replies(number, group, (after, third)), _message("+promoted-slave", said)
        said = f"{name} {old[0]} {old[1]} {new[0]} {new[1]}"
        return _replies(number, FakeGroup(new, epoch), (before, third)), _message("+switch-master", said)

    async def announce(self, order: str) -> float:
        if order not in self._prepared:
            self.prepare(order)
        for number, (replies, message) in enumerate(self._prepared.pop(order)):
            self.replies |= replies
            for subscriber in self.subscribers:
                subscriber.write(message)
            if number % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
        if not self._promoted:
            self._epoch += 1
        self._promoted = order == "promote"
        if order == "switch":
            self._primary = (self._primary + 1) % INSTANCES
        return time.monotonic()


def _replies(number: int, group: FakeGroup, replicas: tuple[int, int]) -> dict[bytes, bytes]:
    name = group_name(number)
    group.replicas = [
        FakeReplica(instance(number, index), primary_host=group.primary[0]) for index in replicas
    ]
    others = _array(*(_strings(*replica_fields(replica)) for replica in group.replicas))
    return {
        _strings("SENTINEL", question, name): reply
        for question, reply in (
            ("GET-MASTER-ADDR-BY-NAME", _strings(*map(str, group.promoted or group.primary))),
            ("MASTER", _strings(*primary_fields(name, group))),
            ("REPLICAS", others),
            ("SENTINELS", _array()),
        )
    }


class _Client(asyncio.Protocol):
    def __init__(self, groups: _Groups) -> None:
        self._groups = groups
        self._rest = b""
        self._channels = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Commands are split where an array begins: no word here has such bytes in it."""
        *commands, last = (self._rest + data).split(b"\r\n*")
        commands = [b"*" + command.removeprefix(b"*") + b"\r\n" for command in commands]
        last = b"*" + last.removeprefix(b"*")
        head, end, _ = last.partition(b"\r\n")
        if end and last.count(end) == 2 * int(head[1:]) + 1:
            commands.append(last)
            last = b""
        self._rest = last
        self._transport.write(b"".join(map(self._answer, commands)))

    def _answer(self, command: bytes) -> bytes:
        reply = self._groups.replies.get(command)
        if reply is not None:
            self._groups.questions += 1
            return reply
        words = command.split(b"\r\n")[2::2]
        if words[0] == b"PING":
            return _array(_bulk(b"pong"), _bulk(b"")) if self._channels else b"+PONG\r\n"
        if words[0] == b"SUBSCRIBE":
            self._channels += 1
            if self._channels == 1:
                self._groups.subscribers.append(self._transport)
            return _array(_bulk(b"subscribe"), _bulk(words[1]), b":%d\r\n" % self._channels)
        return b"-ERR unknown command\r\n"

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport in self._groups.subscribers:
            self._groups.subscribers.remove(self._transport)


async def _serve(count: int) -> None:
    groups = _Groups(count)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(groups), "127.0.0.1", 0)
    _say({"port": server.sockets[0].getsockname()[1]})
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode().strip():
        answer: dict[str, Any] = {"last": 0.0}
        if order.startswith("prepare "):
            groups.prepare(order.removeprefix("prepare "))
        elif order != "count":
            answer["last"] = await groups.announce(order)
        _say(answer | {"questions": groups.questions, "subscribers": len(groups.subscribers)})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
