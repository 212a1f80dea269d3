"""`check --live`: what of Sentinels and targets it reaches, what it is granted, and how it says so."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.certificates import CertificateAuthority  # noqa: E402
from lab.configuration import configuration, file_target, table  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.program import build_folder  # noqa: E402
from lab.rights import sentinel_rights  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402

NO_SUBSCRIBE = sentinel_rights().replace("+subscribe ", "")
NO_SENTINEL = " ".join(rule for rule in sentinel_rights().split() if not rule.startswith("+sentinel|"))


class Checked(unittest.TestCase):
    """Runs it; `lines`: what it found."""

    def setUp(self) -> None:
        self.folder = temporary_folder("live")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.folder / "target"
        self.target.mkdir()

    def run_it(self, text: str, *options: str, expect: int) -> None:
        if "--timeout" not in options:
            options = (*options, "--timeout", "30s")  # it ends sooner, but for a loaded machine
        file = self.folder / "configuration.toml"
        file.touch(0o600)
        file.write_text(text)
        done = subprocess.run(
            [str(build_folder() / "bin/valkey-reconciler"), "check", "--live", "--config", str(file),
             *options],
            env={name: os.environ[name] for name in os.environ
                 if name in ("PATH", "HOME") or name.endswith("SAN_OPTIONS")},
            capture_output=True, text=True, timeout=90, check=False,
        )
        self.output = done.stdout
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.target), [], "nothing is written")
        self.lines = [] if "--json" in options else self.output.splitlines()[1:]

    def line(self, about: str) -> str:
        """The one line about that, with single spaces."""
        found = [" ".join(line.split()) for line in self.lines if f"{about} " in line]
        self.assertEqual(len(found), 1, self.output)
        return found[0]


class CheckLive(Checked):
    group: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(
            ValkeyGroup(
                replicas=1,
                sentinels=2,
                sentinel_lines=(
                    f"user watcher on >secret {sentinel_rights()}",
                    f"user deaf on >secret {NO_SUBSCRIBE}",
                    f"user mute on >secret {NO_SENTINEL}",
                ),
            )
        )

    def configuration(
        self, *targets: str, group: str = "", more: tuple[str, ...] = (), **keys: object
    ) -> str:
        addresses = [*self.group.sentinels.addresses, *more]
        return configuration(
            table("sentinel", name="main", addresses=addresses, **keys)  # type: ignore[arg-type]
            + "\n" + table("sentinel.group", name=group or self.group.name),
            *(targets or (file_target(self.target),)),
        )

    def test_all_is_well_with_the_least_rights(self) -> None:
        self.run_it(self.configuration(username="watcher", password="secret"), expect=0)
        for address in self.group.sentinels.addresses:
            self.assertEqual(
                self.line(f"Sentinel {address}"),
                f"ok Sentinel {address} PING, SUBSCRIBE and SENTINEL are granted; without TLS",
            )
        primary = self.group.primary()
        self.assertEqual(
            self.line("group myprimary"),
            "ok group myprimary known to 2 of 2 Sentinels, its primary is "
            f"{primary.host}:{primary.port}",
        )
        self.assertTrue(self.line("target file").startswith("ok target file plugin file is loaded"))

    def test_json_says_the_same(self) -> None:
        self.run_it(self.configuration(), "--json", expect=0)
        found = json.loads(self.output)
        self.assertEqual({one["state"] for one in found}, {"ok"})
        self.assertEqual(
            [one["about"] for one in found],
            [*(f"Sentinel {address}" for address in self.group.sentinels.addresses),
             "group myprimary", "target file"],
        )

    def test_a_user_who_may_not_subscribe_is_77(self) -> None:
        self.run_it(self.configuration(username="deaf", password="secret"), expect=77)
        for address in self.group.sentinels.addresses:
            line = self.line(f"Sentinel {address}")
            self.assertTrue(line.startswith("right missing"), line)
            self.assertRegex(line, "NOPERM .*subscribe.* -> ACL SETUSER")

    def test_a_user_who_may_not_ask_sentinel_is_named(self) -> None:
        self.run_it(self.configuration(username="mute", password="secret"), expect=77)
        for address in self.group.sentinels.addresses:
            line = self.line(f"Sentinel {address}")
            self.assertTrue(line.startswith("right missing"), line)
            self.assertRegex(line, "NOPERM .*sentinel")
        line = self.line("group myprimary")
        self.assertTrue(line.startswith("right missing"), line)

    def test_a_wrong_password_is_78_and_is_not_shown(self) -> None:
        self.run_it(self.configuration(username="watcher", password="wrong-word"), expect=78)
        line = self.line(f"Sentinel {self.group.sentinels.addresses[0]}")
        self.assertTrue(line.startswith("wrong configuration"), line)
        self.assertRegex(line, "WRONGPASS.* -> see username, password and password_file")
        self.assertNotIn("wrong-word", self.output)

    def test_instances_that_cannot_be_asked_are_named(self) -> None:
        keys = {"username": "nobody", "password": "wrong"}
        self.run_it(self.configuration(instances=keys), expect=78)
        [line] = [line for line in self.lines if "ROLE" in line]
        self.assertRegex(line, "wrong configuration +group myprimary .*WRONGPASS.* -> see ")

    def test_a_dead_address_beside_living_ones_is_69(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            dead = f"127.0.0.1:{taken.getsockname()[1]}"
        self.run_it(self.configuration(more=(dead,)), expect=69)
        self.assertTrue(self.line(f"Sentinel {dead}").startswith("unreachable"))
        self.assertIn("connection refused", self.line(f"Sentinel {dead}"))
        for address in self.group.sentinels.addresses:
            self.assertTrue(self.line(f"Sentinel {address}").startswith("ok"))
        self.assertTrue(self.line("group myprimary").startswith("ok"))

    def test_a_name_that_nobody_knows_is_69(self) -> None:
        self.run_it(self.configuration(more=("nobody.invalid:26379",)), expect=69)
        self.assertRegex(self.line("Sentinels"), "^unreachable .*nobody.invalid.* -> see that the name")

    def test_a_silent_address_is_69(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            self.run_it(self.configuration(more=(address,)), expect=69)
        self.assertRegex(self.line(f"Sentinel {address}"), "^unreachable .*no answer within")

    def test_a_group_that_is_not_known_is_78(self) -> None:
        self.run_it(self.configuration(group="nosuch"), expect=78)
        self.assertEqual(
            self.line("group nosuch"),
            "wrong configuration group nosuch not known to any Sentinel that answers -> see name of "
            "[[sentinel.group]]: SENTINEL MASTERS lists those that a Sentinel knows",
        )

    def test_what_has_no_time_to_answer_is_named(self) -> None:
        self.run_it(self.configuration(), "--timeout", "1s", expect=69)
        self.assertRegex(self.line("target file"), "^unreachable .* -> a longer --timeout")

    def test_a_refused_target_is_78_with_its_reason(self) -> None:
        path = build_folder() / "tests/plugins/refuse.so"
        if not path.exists():
            self.skipTest("the misbehaving plugins are not built")
        target = table("target", name="refuse", plugin=str(path))
        self.run_it(self.configuration(target), expect=78)
        self.assertTrue(self.line("target refuse").startswith("wrong configuration"))

    def test_a_configuration_that_is_wrong_contacts_nobody(self) -> None:
        self.run_it("[[sentinel]]\nname = 3\n", expect=78)
        self.assertEqual(self.output, "")

    def test_wrong_usage(self) -> None:
        self.run_it(self.configuration(), "--timeout", "soon", expect=64)
        self.run_it(self.configuration(), "--once", expect=64)


class Tls(Checked):
    def setUp(self) -> None:
        super().setUp()
        self.ca = CertificateAuthority(self.folder)
        self.other = CertificateAuthority(self.folder, "other")
        self.group = self.enterContext(
            ValkeyGroup(replicas=0, sentinels=1, tls=self.ca.server)
        )

    def check(self, tls: dict[str, object], expect: int) -> str:
        [address] = self.group.sentinels.addresses
        head = table("sentinel", name="main", addresses=[address], tls={"enabled": True, **tls})  # type: ignore
        text = head + "\n" + table("sentinel.group", name=self.group.name)
        self.run_it(configuration(text, file_target(self.target)), expect=expect)
        return self.line(f"Sentinel {address}")

    def test_a_verified_certificate_is_said(self) -> None:
        line = self.check({"ca_file": str(self.ca.file)}, 0)
        self.assertRegex(line, "^ok .*; TLSv1.3, certificate verified$")

    def test_one_that_is_not_verified_is_said(self) -> None:
        line = self.check({"insecure_skip_verify": True}, 0)
        self.assertRegex(line, "^ok .*; TLSv1.3, NOT verified$")

    def test_a_wrong_ca_is_78(self) -> None:
        line = self.check({"ca_file": str(self.other.file)}, 78)
        self.assertRegex(line, "^wrong configuration .*no secure connection.* -> see tls of")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
