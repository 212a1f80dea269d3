"""The clients that write, with a real server: which writes they call acknowledged, and how they connect."""

from __future__ import annotations

import shutil
import socket
import sys
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from child import Child  # noqa: E402

from lab.addresses import AddressBlock  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.valkey import Instance, temporary_folder  # noqa: E402


MANY = 10  # attempts, of which both clients have had some then


class Writing(unittest.TestCase):
    def setUp(self) -> None:
        folder = temporary_folder("client")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        block = AddressBlock()
        self.addCleanup(block.close)
        host = block.address(11)
        self.server = Instance("valkey-0", host, block.free_port([host]), folder)
        self.addCleanup(self.server.kill)
        self.start_server()
        streams = {
            name: {"host": host, "port": self.server.port, "keeps": name == "kept"}
            for name in ("new", "kept")
        }
        self.clients = Child("client.py", {"interval": 0.005, "answer_within": 20.0, "streams": streams})
        self.addCleanup(self.clients.close)

    def start_server(self) -> None:
        self.server.start_as(None)
        self.server.wait_ready()

    def begin(self) -> None:
        self.clients.ask({"do": "begin", "prefix": "p"})

    def wait_acknowledged(self) -> None:
        """Of each, one that was begun after this call."""
        now = time.monotonic()
        wait_until(
            lambda: min(self.clients.ask({"do": "acknowledged"}).values()) > now,
            10.0, "both clients have a write acknowledged",
        )

    def end(self) -> dict[str, list[tuple[int, float, float, bool]]]:
        """Checked: numbered from 0 on, one after the other."""
        written = self.clients.ask({"do": "end"})
        for attempts in written.values():
            self.assertEqual([each[0] for each in attempts], list(range(len(attempts))))
            for before, after in zip(attempts, attempts[1:]):
                self.assertLessEqual(before[2], after[1], "the next is begun when the last is over")
        return written

    def kept(self, stream: str) -> set[int]:
        keys = self.server.command("KEYS", f"p:{stream}:*")
        assert isinstance(keys, list)
        return {int(key.rsplit(":", 1)[1]) for key in keys}

    def connections(self) -> int:
        return int(self.info("stats")["total_connections_received"])

    def refusals(self) -> int:
        return int(self.info("errorstats").get("errorstat_READONLY", "count=0").split("=")[1])

    def info(self, section: str) -> dict[str, str]:
        told: Any = self.server.command("INFO", section)
        return dict(line.split(":", 1) for line in told.splitlines() if ":" in line)

    def test_every_acknowledged_write_is_there_and_each_connects_as_it_should(self) -> None:
        before = self.connections()
        self.begin()
        self.wait_acknowledged()
        written = self.end()
        for stream, attempts in written.items():
            acknowledged = {number for number, *_, acknowledged in attempts if acknowledged}
            self.assertLessEqual(acknowledged, self.kept(stream))
            self.assertEqual(len(acknowledged), len(attempts))
        one_under_way = 1
        self.assertAlmostEqual(
            self.connections() - before, len(written["new"]) + 1, delta=one_under_way
        )

    def test_writes_fail_while_the_server_is_away_and_go_on_by_themselves(self) -> None:
        self.begin()
        self.wait_acknowledged()
        self.server.kill()
        died = time.monotonic()
        with socket.create_server(self.server.address) as nobody:
            nobody.settimeout(10)
            for _ in range(MANY):
                nobody.accept()[0].close()
        back = time.monotonic()
        self.start_server()
        self.wait_acknowledged()
        for attempts in self.end().values():
            meanwhile = [each for each in attempts if died < each[1] and each[2] < back]
            self.assertTrue(meanwhile)
            self.assertFalse(any(each[3] for each in meanwhile))

    def test_an_error_is_no_acknowledgement(self) -> None:
        self.begin()
        self.wait_acknowledged()
        self.server.command("REPLICAOF", "127.0.0.1", 1)
        refused = time.monotonic()
        wait_until(lambda: self.refusals() > MANY, 10.0, "many writes are refused")
        for attempts in self.end().values():
            late = [each for each in attempts if each[1] > refused]
            self.assertTrue(late)
            self.assertFalse(any(each[3] for each in late))

    def test_a_new_round_has_nothing_of_the_one_before(self) -> None:
        self.begin()
        self.wait_acknowledged()
        self.end()
        ended = time.monotonic()
        self.begin()
        self.wait_acknowledged()
        for attempts in self.end().values():
            self.assertGreater(attempts[0][1], ended)


if __name__ == "__main__":
    unittest.main()
