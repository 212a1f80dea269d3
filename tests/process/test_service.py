"""The service, as packaging/systemd has it, run by a real systemd in a namespace of its own: what the sandbox takes away,
nobody misses."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys

from case import ProcessTest, main

from lab.addresses import free_port
from lab.configuration import table
from lab.processes import wait_until
from lab.program import build_folder, is_sanitized
from lab.systemd import Systemd, why_not

SERVICE = "valkey-reconciler.service"


class Service(ProcessTest):
    def setUp(self) -> None:
        super().setUp()
        installed = self.folder / "installed"
        subprocess.run(["cmake", "--install", build_folder(), "--prefix", installed], check=True,
                       stdout=subprocess.DEVNULL)
        self.folder.chmod(0o755)
        unit = self.folder / SERVICE
        text = (build_folder() / "packaging" / SERVICE).read_text()
        for line, instead in (
            (r"ExecStart=.*", "ExecStart=/usr/local/bin/valkey-reconciler --config /usr/local/etc/valkey-reconciler.toml"),
            (r"WatchdogSec=.*", "WatchdogSec=10s"),
        ):
            text, found = re.subn(f"^{line}$", instead, text, flags=re.MULTILINE)
            self.assertEqual(found, 1, line)
        unit.write_text(text)
        self.file = installed / "etc" / "valkey-reconciler.toml"
        self.file.parent.mkdir(exist_ok=True)
        self.port = free_port()
        self.http = f'[http]\nlisten = "127.0.0.1:{self.port}"\n'
        self.configure()
        self.systemd = self.enterContext(Systemd(self.folder, installed, unit))

    def configure(self, more: str = "") -> None:
        target = table("target", name="file", plugin="file", directory="/run/valkey-reconciler")
        self.file.write_text(self.configuration(target, extra=self.http) + more)

    def written(self) -> tuple[str, int] | None:
        try:
            text = (self.systemd.root() / f"run/valkey-reconciler/{self.group.name}.json").read_text()
        except OSError:
            return None
        primary = json.loads(text)["primary"]
        return (primary["host"], primary["port"])

    def test_a_failover_is_followed_in_the_sandbox(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        wait_until(lambda: self.written() == self.group.primary().address, 20.0, "the primary is written")
        failover = self.group.wait_failover(self.group.kill_primary())
        wait_until(lambda: self.written() == failover.new.address, 10.0, "the new one is")
        self.group.heal(failover)
        self.group.wait_healthy()
        self.assertEqual(self.systemd.state("NRestarts", "DynamicUser"), {"NRestarts": "0", "DynamicUser": "yes"})
        said = self.systemd.call("valkey-reconciler", "status")
        self.assertEqual((said.returncode, self.group.name in said.stdout), (0, True), said.stdout)
        self.assertEqual(self.systemd.control("stop").returncode, 0)
        self.assertEqual(self.systemd.state("ActiveState", "Result"),
                         {"ActiveState": "inactive", "Result": "success"})

    def test_one_that_stands_still_is_replaced(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        pid = self.systemd.state("MainPID")["MainPID"]
        self.systemd.call("kill", "-STOP", pid)
        self.systemd.wait_for(60.0, NRestarts="1", ActiveState="active", SubState="running")
        self.assertNotEqual(self.systemd.state("MainPID")["MainPID"], pid)

    def test_a_reload_comes_to_its_end(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        for more in ("", "nonsense = 1\n"):
            self.configure(more)
            self.assertEqual(self.systemd.control("reload").returncode, 0)
            self.systemd.wait_for(ActiveState="active", SubState="running")
        self.assertEqual(self.systemd.state("NRestarts")["NRestarts"], "0")

    def test_a_wrong_configuration_is_not_tried_again(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.configure("nonsense = 1\n")
        self.systemd.control("restart")
        self.systemd.wait_for(ActiveState="failed", ExecMainStatus="78", NRestarts="0")

    def test_a_port_that_somebody_has_is_waited_for(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.systemd.control("stop")
        with socket.create_server(("127.0.0.1", self.port)):
            self.systemd.control("start")  # fails
            # By default systemd would have given up after five within 10 s.
            self.systemd.wait_for(30.0, NRestarts="7", ExecMainStatus="71")
        self.systemd.wait_for(ActiveState="active", SubState="running")


if __name__ == "__main__":
    if why := why_not() or (is_sanitized() and "what sanitizers want, the sandbox refuses"):
        print(f"skipped: {why}")
        sys.exit(77)
    main()
