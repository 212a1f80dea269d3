"""10,000 requests by 200 clients hold nothing up: failovers take as long as without, and no memory stays."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from case import ProcessTest, main
from test_http import GROWTH, growth_kib, rss_kib

from lab.processes import wait_until
from lab.program import Program

LOAD = Path(__file__).resolve().parent.parent / "lab" / "http_load.py"
CLIENTS, REQUESTS = 200, 10_000
ESTABLISHED, SYN_SENT = "01", "02"


class Took(NamedTuple):
    """Until the target named the new primary, as an onlooker sees it."""

    seconds: float  # from the order to fail over
    from_news: float  # from Sentinel's first word of it


class HttpLoadTest(ProcessTest):
    def test_failovers_and_memory_are_the_same_under_load(self) -> None:
        program = self.start_ready()
        self.load(program)  # what is needed once is there afterwards
        before = rss_kib(program.pid)
        answered = self.load(program)
        self.assertEqual(sum(answered.values()), REQUESTS)
        self.assertGreater(answered["200"], REQUESTS * 0.95)
        self.assertLess(growth_kib(program.pid, before), GROWTH)

        quiet: list[Took] = []
        loaded: list[Took] = []
        while True:
            quiet.append(self.fail_over(program))
            with self.load_going_on(program):
                loaded.append(self.fail_over(program))
            # How long Sentinel takes is chance: it looks at the promoted one once a second.
            added = median(took.from_news for took in loaded) - median(took.from_news for took in quiet)
            ratio = 1 + added / median(took.seconds for took in [*quiet, *loaded])
            if len(quiet) >= 3 and (ratio <= 1.2 or len(quiet) >= 9):
                break
        print(f"quiet {quiet}\nunder load {loaded}\nratio {ratio:.3f}", file=sys.stderr)
        self.assertLessEqual(ratio, 1.2)
        self.assertLess(growth_kib(program.pid, before), GROWTH)

    def fail_over(self, program: Program) -> Took:
        old = self.group.primary()

        def followed() -> bool:
            content = self.content()
            return content is not None and content["primary"] != {
                "host": old.host,
                "port": old.port,
            }

        trigger = self.group.sentinel_failover()
        wait_until(followed, 15.0, "the target has followed", interval=0.002)
        ended = time.monotonic()
        failover = self.group.wait_failover(trigger)
        self.group.heal(failover)
        self.group.wait_healthy()
        return Took(round(ended - trigger.moment, 3), round(ended - failover.event.time, 3))

    def load(self, program: Program) -> dict[str, int]:
        ended = subprocess.run(
            [sys.executable, LOAD, str(program.http_port), str(CLIENTS), str(REQUESTS)],
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        )
        return json.loads(ended.stdout)

    @contextmanager
    def load_going_on(self, program: Program) -> Iterator[None]:
        command = [sys.executable, LOAD, str(program.http_port), str(CLIENTS), "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            try:
                wait_until(lambda: self.is_under_load(program), 20.0, "the load is there")
                yield
            finally:
                load.terminate()
                said = load.communicate(timeout=30)[0]
        self.assertGreater(json.loads(said)["200"], CLIENTS, "it was a load")

    @staticmethod
    def is_under_load(program: Program) -> bool:
        """By the clients' connections that the kernel knows; those that are over stay there for a minute."""
        wanted = f":{program.http_port:04X}"
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
        opened = sum(1 for row in rows if row[2].endswith(wanted) and row[3] in (ESTABLISHED, SYN_SENT))
        return opened >= CLIENTS / 2


if __name__ == "__main__":
    main()
