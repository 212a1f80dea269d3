"""`valkey-reconciler check` on each wrong configuration of bad_configurations/: exit status 78, and
one message with place, key and what was expected. The same files are read by
tests/unit/bad_configuration_test.cpp, which tells what their lines mean."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import configuration, file_target, table  # noqa: E402
from lab.program import Program  # noqa: E402

PROGRAM = Path(os.environ.get("RECONCILER_BUILD", "build")) / "bin" / "valkey-reconciler"
FOLDER = Path(__file__).resolve().parent / "bad_configurations"
COMMENTED = Path(__file__).resolve().parents[2] / "etc" / "valkey-reconciler.toml"
WRONG_CONFIGURATION = 78


@dataclass
class BadConfiguration:
    name: str
    file: bytes | None
    environment: dict[str, str] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def read_row(path: Path) -> BadConfiguration:
    content = path.read_bytes()
    row = BadConfiguration(path.stem, content if path.suffix == ".toml" else None)
    for line in content.decode().splitlines():
        if not line.startswith("# "):
            break
        what, text = line[2:].split(": ", 1)
        if what == "expect":
            row.expected.append(text)
        elif what == "absent":
            row.absent.append(text)
        elif what == "environment":
            name, value = text.split("=", 1)
            row.environment[name] = value
        elif what == "then":
            count, unit = text.split(" * ")
            row.file = content.removesuffix(b"\n") + bytes.fromhex(unit) * int(count)
        else:
            raise ValueError(f"{path}: {line}")
    return row


def check(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs the program with these variables and no others of its own."""
    inherited = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")
                 if name in os.environ}
    return subprocess.run([str(PROGRAM), "check", *arguments], env=inherited | environment,
                          capture_output=True, text=True, timeout=30, check=False)


class BadConfigurationTest(unittest.TestCase):
    def test_each_is_refused_with_status_78_and_one_message(self) -> None:
        rows = [read_row(path) for path in sorted(FOLDER.iterdir())]
        self.assertGreaterEqual(len(rows), 36)
        with tempfile.TemporaryDirectory() as folder:
            for row in rows:
                with self.subTest(row.name):
                    self.refuse(row, Path(folder) / f"{row.name}.toml")

    def refuse(self, row: BadConfiguration, path: Path) -> None:
        arguments = []
        if row.file is not None:
            path.write_bytes(row.file)
            arguments = ["--config", str(path)]
        done = check(arguments, row.environment)
        self.assertEqual(done.returncode, WRONG_CONFIGURATION, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(row.expected)
        for text in [*row.expected, "expected"]:
            self.assertIn(text.replace("{file}", str(path)), done.stderr)
        for text in row.absent:
            self.assertNotIn(text, done.stderr)

    def test_a_start_refuses_it_as_well_with_the_same_message_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wrong.toml"
            path.write_text("[log]\nlevel = 3\n", encoding="utf-8")
            done = subprocess.run([str(PROGRAM), "--config", str(path)],
                                  env={"PATH": os.environ["PATH"]}, capture_output=True,
                                  text=True, timeout=30, check=False)
            checked = check(["--config", str(path)], {})
        self.assertEqual(done.returncode, WRONG_CONFIGURATION, done.stderr)
        self.assertEqual((done.stdout, done.stderr), ("", checked.stderr))
        self.assertIn(f"{path}:2:9: log.level: is an integer; expected a text", done.stderr)


class GoodConfigurationTest(unittest.TestCase):
    def test_the_commented_configuration_is_accepted_as_it_is(self) -> None:
        done = check(["--config", str(COMMENTED)], {})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('addresses = ["vk-valkey-headless:26379"]', done.stdout)

    def test_it_shows_each_key_of_the_shipped_plugins_with_its_default(self) -> None:
        effective = check(["--config", str(COMMENTED)], {}).stdout.splitlines()
        commented = [line.removeprefix("# ") for line in
                     COMMENTED.read_text(encoding="utf-8").splitlines()]
        own = [line.removeprefix("# ") for line in effective if " = " in line]
        self.assertIn('label = "valkey-master"', own)
        defaults_elsewhere = ("groups = ",)  # shown as they apply, not as they are written
        for line in own:
            if not line.startswith(defaults_elsewhere):
                self.assertTrue(any(shown.startswith(line) for shown in commented), line)

    def test_the_seven_variables_do_without_a_file_and_the_password_is_masked(self) -> None:
        done = check([], {"VALKEY_SENTINEL_HOST": "vk-headless", "VALKEY_SENTINEL_PORT": "26380",
                          "VALKEY_SENTINEL_PASSWORD": "s3cret", "VALKEY_MASTER_NAME": "shop",
                          "POD_NAMESPACE": "store", "MASTER_POD_LABEL_NAME": "primary",
                          "MASTER_POD_LABEL_VALUE": "yes"})
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in ('addresses = ["vk-headless:26380"]', 'password = "***"', 'name = "shop"',
                     'namespace = "store"', 'label = "primary"', 'value = "yes"'):
            self.assertIn(line, done.stdout)
        self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_tls_and_how_much_proof_is_wanted_by_variables_alone(self) -> None:
        done = check([], {"VALKEY_SENTINEL_HOST": "vk-headless", "VALKEY_SENTINEL_TLS": "true",
                          "VALKEY_SENTINEL_CA_FILE": "/run/ca.pem",
                          "VALKEY_INSTANCE_USERNAME": "asker",
                          "VALKEY_INSTANCE_PASSWORD_FILE": "/run/password",
                          "VALKEY_MASTER_NAME": "shop,carts", "VALKEY_ACT_ON": "agreement"})
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in ("tls.enabled = true", 'tls.ca_file = "/run/ca.pem"',
                     'instances.username = "asker"', 'instances.password_file = "/run/password"'):
            self.assertIn(f"\n{line}\n", done.stdout)
        self.assertEqual(done.stdout.count('act_on = "agreement"'), 2)

    def test_what_is_risky_is_noted_by_the_check_and_at_each_start(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text = configuration(
                table("sentinel", name="main", addresses=["127.0.0.1:1"],
                      tls={"insecure_skip_verify": True}, instances={}),
                table("sentinel.group", name="shop", act_on="promotion"),
                file_target(folder))
            path = folder / "risky.toml"
            path.write_text(text, encoding="utf-8")
            notes = ("meant for a few instances of this program", "are not verified")
            done = check(["--config", str(path)], {})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), len(notes))
            for note in notes:
                self.assertRegex(done.stderr, f"note: .*{note}")
            for _ in range(2):
                with Program(folder, text) as program:
                    for note in notes:
                        program.wait_for_log(note)

    def test_of_twenty_that_start_at_once_none_is_refused(self) -> None:
        at_once = [subprocess.Popen([str(PROGRAM), "check", "--config", str(COMMENTED)],
                                    env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True) for _ in range(20)]
        said = [started.communicate(timeout=60)[1] for started in at_once]
        self.assertEqual({started.returncode for started in at_once}, {0}, said)

    def test_what_it_prints_can_be_read_again(self) -> None:
        first = check(["--config", str(COMMENTED)], {}).stdout
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "again.toml"
            path.write_text(first, encoding="utf-8")
            again = check(["--config", str(path)], {})
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout.splitlines()[1:], first.splitlines()[1:])


if __name__ == "__main__":
    unittest.main()
