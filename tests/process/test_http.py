"""What is too long, too slow or too much of HTTP is cut off, and the kubelet's probe gets in."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import statistics
import time
from pathlib import Path

from case import ProcessTest, main

from lab.configuration import configuration, file_target, table
from lab.processes import PATIENCE, wait_until
from lab.program import Program, is_sanitized

OF_ONE_ADDRESS = 16  # connections
REQUEST_SECONDS, ANSWER_SECONDS = 3, 10
GROWTH = 4 * 1024  # KiB


def rss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def growth_kib(pid: int, before: int) -> int:
    """A build with AddressSanitizer keeps what is freed, and nothing can be told of it."""
    return 0 if is_sanitized() else rss_kib(pid) - before


def cpu_seconds(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


class HttpTest(ProcessTest):
    def connect(self, program: Program, source: str = "127.0.0.1") -> socket.socket:
        connection = socket.create_connection(
            ("127.0.0.1", program.http_port), 10, source_address=(source, 0)
        )
        self.addCleanup(connection.close)
        return connection

    def say(self, program: Program, text: bytes) -> bytes:
        """All that is answered until the end; what was read before a reset counts."""
        connection = self.connect(program)
        answer = b""
        try:
            connection.sendall(text)
            while more := connection.recv(65536):
                answer += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer

    def start_large(self) -> Program:
        """One with a thousand groups, of which none is ever known: its answers are large."""
        head = table("sentinel", name="main", addresses=["127.0.0.1:1"])
        groups = [table("sentinel.group", name=f"group-{i}") for i in range(1000)]
        program = self.start(configuration(head, *groups, file_target(self.target)))
        wait_until(lambda: answers(program), 20.0, "HTTP answers")
        self.assertGreater(len(program.get("/status", 10)[1]), 200_000)
        return program

    def test_only_get_and_head_are_answered(self) -> None:
        program = self.start_ready()
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "NONSENSE"):
            client = http.client.HTTPConnection("127.0.0.1", program.http_port, timeout=10)
            client.request(method, "/status", body=b"x" * 1000)
            answer = client.getresponse()
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), method)
            client.close()
        head = self.say(program, b"HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b" 200 OK\r\n", head)
        self.assertIn(b"Content-Type: application/json\r\n", head)
        self.assertIn(b"X-Content-Type-Options: nosniff\r\n", head)
        self.assertTrue(head.endswith(b"\r\n\r\n"), "no body")
        self.assertIn(b" 404 ", self.say(program, b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"))

    def test_a_long_header_is_refused(self) -> None:
        program = self.start_ready()
        before = rss_kib(program.pid)
        for size in (20_000, 1_000_000):
            request = b"GET /status HTTP/1.1\r\nHost: x\r\nX: " + b"x" * size + b"\r\n\r\n"
            answer = self.say(program, request)
            # What comes after the limit is not read, so the answer may be lost in a reset.
            self.assertRegex(answer, rb"^(HTTP/1.1 431 (?s:.)*)?$")
        line = self.say(program, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertRegex(line, rb"^(HTTP/1.1 414 (?s:.)*)?$")
        for _ in range(50):
            self.say(program, request)
            self.say(program, b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
                     + b"x" * 1_000_000)
        self.assertEqual(program.healthz(), (200, "alive\n"))
        self.assertLess(growth_kib(program.pid, before), GROWTH)

    def test_a_header_of_just_over_the_limit_gets_431(self) -> None:
        program = self.start_ready()
        connection = self.connect(program)
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 15_000)
        for _ in range(20):  # in pieces, so that nothing is unread at the end
            try:
                connection.sendall(b"x" * 100)
                connection.settimeout(0.05)
                answer = connection.recv(4096)
                self.assertIn(b" 431 ", answer)
                return
            except TimeoutError:
                continue
        self.fail("17,000 bytes of header are no problem")

    def test_a_request_that_drips_is_dropped_and_keeps_no_probe_out(self) -> None:
        program = self.start_ready()
        dripping = [self.connect(program, "127.0.0.2") for _ in range(OF_ONE_ADDRESS)]
        for connection in dripping:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        begun = time.monotonic()
        open_ones, probes = set(dripping), []
        while open_ones and time.monotonic() - begun < 30:
            for connection in list(open_ones):
                try:
                    connection.sendall(b"X: x\r\n")
                except OSError:
                    open_ones.discard(connection)
            asked = time.monotonic()
            self.assertEqual(program.get("/healthz", 10)[0], 200)
            probes.append(time.monotonic() - asked)
            time.sleep(0.2)
        lasted = time.monotonic() - begun
        self.assertGreaterEqual(lasted, REQUEST_SECONDS)
        self.assertLess(lasted, REQUEST_SECONDS + 5 * PATIENCE)
        self.assertLess(statistics.median(probes), 0.5 * PATIENCE)

    def test_one_address_gets_a_part_of_the_connections_only(self) -> None:
        program = self.start_ready()
        held = [self.connect(program, "127.0.0.2") for _ in range(200)]
        wait_until(
            lambda: sum(map(self.is_ended, held)) >= 200 - OF_ONE_ADDRESS,
            REQUEST_SECONDS,  # then all of them are ended
            "the others are closed",
        )
        self.assertEqual(program.get("/healthz", 5)[0], 200)

    @staticmethod
    def is_ended(connection: socket.socket) -> bool:
        connection.settimeout(0)
        try:
            return connection.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    def test_without_a_free_descriptor_it_rests(self) -> None:
        program = self.start_ready()
        before = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        taken = max(int(number) for number in os.listdir(f"/proc/{program.pid}/fd")) + 1
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (taken, before[1]))
        waiting = self.connect(program)
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        busy, begun = cpu_seconds(program.pid), time.monotonic()
        time.sleep(1)  # nothing is to happen meanwhile
        self.assertLess(cpu_seconds(program.pid) - busy, 0.3 * (time.monotonic() - begun))
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, before)
        self.assertIn(b" 200 OK", waiting.recv(4096))

    def test_who_does_not_read_is_dropped_and_fills_no_memory(self) -> None:
        program = self.start_large()
        program.get("/metrics", 10)
        before = rss_kib(program.pid)
        readers = []
        for number in range(12 if is_sanitized() else 48):  # an answer takes a build with sanitizers 0.3 s
            connection = self.connect(program, f"127.0.0.{2 + number // 12}")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            path = ("/status", "/metrics")[number % 2]
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            readers.append(connection)
            time.sleep(0.05)  # so that not all are given the same answer
        self.assertEqual(program.get("/healthz", 5)[0], 200)
        self.assertEqual(program.get("/status", 5)[0], 200)
        self.assertLess(growth_kib(program.pid, before), 16 * 1024)
        wait_until(
            lambda: all(self.is_cut(reader) for reader in readers),
            ANSWER_SECONDS + 10,
            "all are dropped",
            interval=0.5,
        )

    @staticmethod
    def is_cut(reader: socket.socket) -> bool:
        """Without reading what is there: by the state of the connection."""
        state = reader.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state != 1  # TCP_ESTABLISHED


def answers(program: Program) -> bool:
    try:
        return program.get("/healthz", 5)[0] == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
