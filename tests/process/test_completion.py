"""Completion for bash, asked as a pressed Tab asks it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.program import build_folder  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "completion" / "valkey-reconciler"
# The function that `complete` names for the program is called with the words so far.
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[[ $(complete -p valkey-reconciler) =~ -F\\ ([^ ]+) ]] && "${BASH_REMATCH[1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder("completion")
        self.addCleanup(shutil.rmtree, self.folder)
        self.configuration = self.folder / "groups.toml"
        self.configuration.write_text("""
[[sentinel]]
name = "main"
addresses = ["127.0.0.1:26379"]
[[sentinel.group]]
name = "orders"
[[sentinel.group]]
name = "sessions.eu"
[[target]]
name = "primary-file"
plugin = "file"
directory = "."
""")

    def ask(self, line: str, **environment: str) -> list[str]:
        """What a line may be continued with; its last word is the begun one."""
        words = [*shlex.split(line), ""] if line.endswith(" ") else shlex.split(line)
        program = str(build_folder() / "bin" / "valkey-reconciler")
        done = subprocess.run(["bash", "-c", ASK, "bash", SCRIPT, program, *words[1:]], check=True,
                              stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", **environment})
        return done.stdout.split()

    def test_commands_and_options(self) -> None:
        self.assertLessEqual({"check", "status", "explain", "--config"},
                             set(self.ask("valkey-reconciler ")))
        self.assertEqual(self.ask("valkey-reconciler st"), ["status"])
        self.assertEqual(self.ask("valkey-reconciler --c"), ["--config"])
        self.assertEqual(self.ask("valkey-reconciler status --j"), ["--json"])

    def test_all_that_help_names(self) -> None:
        program = build_folder() / "bin" / "valkey-reconciler"
        summary = subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        commands = re.findall(r"^  ([a-z]+) ", summary.partition("Subcommands:")[2], re.MULTILINE)
        self.assertIn("check", commands)
        self.assertLessEqual(set(commands), set(self.ask("valkey-reconciler ")))
        for command in ["", *commands]:
            text = subprocess.run([program, *filter(None, [command]), "--help"],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
            options = set(re.findall(r"(--[a-z][a-z-]*)", text.partition("Options:")[2].partition("\n\n")[0]))
            offered = set(self.ask(f"valkey-reconciler {command} -" if command else "valkey-reconciler -"))
            self.assertLessEqual(options, offered, command)

    def test_a_command_is_known_behind_options(self) -> None:
        self.assertEqual(self.ask("valkey-reconciler --config x.toml check --l"), ["--live"])

    def test_groups_of_the_configuration(self) -> None:
        line = f"valkey-reconciler --config {self.configuration} explain "
        self.assertEqual(self.ask(line), ["orders", "sessions.eu"])
        self.assertEqual(self.ask(line + "s"), ["sessions.eu"])

    def test_groups_of_the_environment(self) -> None:
        groups = self.ask("valkey-reconciler explain ", VALKEY_SENTINEL_HOST="127.0.0.1",
                          VALKEY_MASTER_NAME="carts,orders", KUBECONFIG="/dev/null")
        self.assertEqual(groups, ["carts", "orders"])

    def test_no_groups_of_a_wrong_configuration(self) -> None:
        self.configuration.write_text("nonsense = 1")
        self.assertEqual(
            self.ask(f"valkey-reconciler --config {self.configuration} explain "), [])

    def test_files(self) -> None:
        begun = str(self.configuration)[:-3]
        self.assertEqual(self.ask(f"valkey-reconciler --config {begun}"), [str(self.configuration)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
