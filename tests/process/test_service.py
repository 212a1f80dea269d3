"""The service, as packaging/systemd has it, run by a real systemd in a namespace of its own: what the sandbox takes away,
nobody misses."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

from case import ProcessTest, main

from lab.addresses import free_port
from lab.configuration import table
from lab.processes import wait_until
from lab.program import build_folder, is_sanitized
from lab.systemd import Systemd, why_not

SOURCE = Path(__file__).resolve().parents[2]
SERVICE = "valkey-reconciler.service"
FOLDERS = {"run": "/run/valkey-reconciler", "state": "/var/lib/valkey-reconciler"}


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
        self.systemd = self.enterContext(Systemd(self.folder, installed, unit, "valkey-reconciler"))

    def configure(self, more: str = "") -> None:
        targets = "\n".join(table("target", name=name, plugin="file", directory=folder)
                          for name, folder in FOLDERS.items())
        self.file.write_text(self.configuration(targets, extra=self.http) + more)

    def written(self) -> list[tuple[str, int]]:
        """As others than root read it, in both folders; what can't be read is left out."""
        found = []
        for folder in FOLDERS.values():
            said = self.systemd.call("setpriv", "--reuid=nobody", "--clear-groups", "cat",
                                     f"{folder}/{self.group.name}.json")
            if said.returncode == 0:
                primary = json.loads(said.stdout)["primary"]
                found.append((primary["host"], primary["port"]))
        return found

    def wait_written(self, address: tuple[str, int], what: str) -> None:
        wait_until(lambda: self.written() == [address, address], 20.0, what)

    def test_a_failover_is_followed_in_the_sandbox(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.wait_written(self.group.primary().address, "the primary is written")
        failover = self.group.wait_failover(self.group.kill_primary())
        self.wait_written(failover.new.address, "the new one is")
        self.group.heal(failover)
        self.group.wait_healthy()
        self.assertEqual(self.systemd.state("NRestarts"), {"NRestarts": "0"})
        said = self.systemd.call("valkey-reconciler", "status")
        self.assertEqual((said.returncode, self.group.name in said.stdout), (0, True), said.stdout)
        self.assertEqual(self.systemd.control("stop").returncode, 0)
        self.assertEqual(self.systemd.state("ActiveState", "Result"),
                         {"ActiveState": "inactive", "Result": "success"})
        self.wait_written(failover.new.address, "it stays while the service is away")

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

    def drop_in(self, what: str) -> None:
        """As packaging/README.md has it."""
        page = (SOURCE / "packaging" / "README.md").read_text()
        row = re.search(rf"^\| {what} \| (.*) \|$", page, re.M)
        assert row is not None, what
        folder = self.systemd.root() / f"run/units/{SERVICE}.d"
        folder.mkdir()
        lines = re.findall(r"`([A-Za-z]+=[^`]*)`", row[1])
        (folder / "more.conf").write_text("\n".join(["[Service]", *lines, ""]))
        self.systemd.call("systemctl", "daemon-reload")

    def test_files_can_be_given_to_others(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.drop_in("`owner` of `file`")
        target = table("target", name="file", plugin="file", directory=FOLDERS["run"], owner="nobody:nogroup",
                       format="env")
        self.file.write_text(self.configuration(target, extra=self.http))
        self.systemd.control("restart")
        path = self.systemd.root() / f"run/valkey-reconciler/{self.group.name}.env"
        wait_until(lambda: path.exists(), 20.0, "the primary is written")
        self.assertEqual(path.owner(), "nobody")

    def test_a_program_can_move_addresses(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.drop_in("a program of `exec` that moves addresses")
        program = self.file.parent.parent / "bin" / "move"
        address = f"127.93.{self.port // 256}.{self.port % 256}/32"
        program.write_text("#!/bin/sh\nset -e\nip address add " + address + " dev lo\nip address del "
                           + address + " dev lo\n: >/run/valkey-reconciler/moved\n")
        program.chmod(0o755)
        target = table("target", name="exec", plugin="exec", command=["/usr/local/bin/move"])
        self.file.write_text(self.configuration(target, extra=self.http))
        self.systemd.control("restart")
        wait_until(lambda: (self.systemd.root() / "run/valkey-reconciler/moved").exists(), 20.0,
                   "an address came and went")

    def test_a_port_that_somebody_has_is_waited_for(self) -> None:
        self.systemd.wait_for(ActiveState="active", SubState="running")
        self.systemd.control("stop")
        with socket.create_server(("127.0.0.1", self.port)):
            self.systemd.control("start")  # fails
            # By default systemd would have given up after five within 10 s.
            wait_until(lambda: int(self.systemd.state("NRestarts")["NRestarts"]) > 6, 30.0, "it is tried again")
        self.systemd.wait_for(ActiveState="active", SubState="running")


if __name__ == "__main__":
    if why := why_not() or (is_sanitized() and "what sanitizers want, the sandbox refuses"):
        print(f"skipped: {why}")
        sys.exit(77)
    main()
