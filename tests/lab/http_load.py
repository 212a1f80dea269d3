"""Many HTTP clients at once, as a process of its own: python3 http_load.py PORT CLIENTS REQUESTS.

Each client has a loopback address of its own and opens a connection for each request, the next one
as soon as the one before is answered. REQUESTS are those of all clients together; 0: until the
process is ended. Prints {"status": count, ...}, with those that got no answer under "none"."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator

PATHS = ("/status", "/metrics", "/readyz", "/healthz")


async def ask(port: int, source: str, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: load\r\n\r\n".encode())
        head = await reader.readline()
        await reader.read()
        return head.split()[1].decode() if head else "none"
    finally:
        writer.close()


async def client(port: int, number: int, tickets: Iterator[int], answers: Counter[str]) -> None:
    source = f"127.77.{number // 200}.{number % 200 + 1}"
    for ticket in tickets:
        try:
            answers[await asyncio.wait_for(ask(port, source, PATHS[ticket % len(PATHS)]), 30)] += 1
        except (OSError, TimeoutError):
            answers["none"] += 1


async def load(port: int, clients: int, requests: int) -> None:
    answers: Counter[str] = Counter()
    tickets = iter(range(requests or sys.maxsize))
    all_of_them = asyncio.gather(*(client(port, n, tickets, answers) for n in range(clients)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, all_of_them.cancel)
    try:
        await all_of_them
    except asyncio.CancelledError:
        pass
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    asyncio.run(load(*map(int, sys.argv[1:])))
