"""What systemd is told of a service with Type=notify."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from pathlib import Path

from case import ProcessTest, main

from lab.program import Program


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._messages: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, wanted: str, timeout: float = 20.0) -> str:
        """Messages come in order: what is before the wanted one is gone."""
        end = time.monotonic() + timeout
        while not (message := self._messages.get(timeout=end - time.monotonic())).startswith(wanted):
            pass
        return message

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        while message := self._socket.recv(4096):
            self._messages.put(message.decode())


class ServiceNotice(ProcessTest):
    def start_under(self, address: str, **more: str) -> tuple[Systemd, Program]:
        systemd = Systemd(address)
        self.addCleanup(systemd.close)
        program = self.start(self.configuration(), environment={"NOTIFY_SOCKET": address, **more})
        return systemd, program

    def test_start_reload_and_stop_are_told(self) -> None:
        for address in (str(self.folder / "notify"), f"@valkey-reconciler-test-{os.getpid()}"):
            with self.subTest(address):
                systemd, program = self.start_under(address)
                systemd.wait_for("READY=1")
                before = time.monotonic_ns() // 1000
                program.send(signal.SIGHUP)
                told = systemd.wait_for("RELOADING=1\nMONOTONIC_USEC=")
                self.assertGreaterEqual(int(told.rpartition("=")[2]), before)
                systemd.wait_for("READY=1")
                program.send(signal.SIGTERM)
                systemd.wait_for("STOPPING=1")
                self.assertEqual(program.wait(10), 0)

    def test_a_refused_reload_ends_too(self) -> None:
        systemd, program = self.start_under(str(self.folder / "notify"))
        systemd.wait_for("READY=1")
        (self.folder / "program.toml").write_text("nonsense = 1\n")
        program.send(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("READY=1")

    def test_the_watchdog_is_fed_well_before_its_deadline(self) -> None:
        systemd, program = self.start_under(str(self.folder / "notify"), WATCHDOG_USEC="6000000")
        systemd.wait_for("WATCHDOG=1")
        first = time.monotonic()
        systemd.wait_for("WATCHDOG=1")
        self.assertGreater(time.monotonic() - first, 1.0)
        self.assertLess(time.monotonic() - first, 6.0)

    def test_a_watchdog_of_another_process_is_left_to_it(self) -> None:
        systemd, program = self.start_under(
            str(self.folder / "notify"), WATCHDOG_USEC="300000", WATCHDOG_PID="1")
        systemd.wait_for("READY=1")
        program.wait_ready()
        program.send(signal.SIGTERM)
        self.assertEqual(systemd.wait_for(""), "STOPPING=1")

    def test_children_know_nothing_of_it(self) -> None:
        systemd, program = self.start_under(str(self.folder / "notify"), WATCHDOG_USEC="6000000")
        systemd.wait_for("READY=1")
        for process in program.processes():
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            self.assertNotIn(b"NOTIFY_SOCKET", environment)
            self.assertNotIn(b"WATCHDOG", environment)

    def test_a_socket_that_is_none_keeps_nobody_from_starting(self) -> None:
        for address in ("notify", "/" + "x" * 200, str(self.folder / "nobody")):
            with self.subTest(address):
                program = self.start(self.configuration(), environment={"NOTIFY_SOCKET": address})
                program.wait_ready()
                program.wait_for_log("can't be")


if __name__ == "__main__":
    main()
