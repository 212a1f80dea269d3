"""The targets that etc/valkey-reconciler.toml shows as comments: each is accepted as soon as it is none,
and shows each key of its plugin with its default."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.program import build_folder  # noqa: E402

PLUGINS = ("file", "exec", "haproxy", "dns", "etcd", "webhook", "consul")
FILE = Path(__file__).resolve().parent.parent.parent / "etc" / "valkey-reconciler.toml"
HEAD = """[[sentinel]]
name = "main"
addresses = ["127.0.0.1:26379"]
[[sentinel.group]]
name = "myprimary"

"""


def example_of(plugin: str) -> str:
    """Its `[[target]]`, no comment any more."""
    blocks = FILE.read_text().split("\n\n")
    block = next(b for b in blocks if f'# plugin = "{plugin}"' in b)
    table = block[block.index("# [[target]]"):]
    return "\n".join(line.removeprefix("# ") for line in table.splitlines()) + "\n"


def value_of(example: str, key: str) -> str:
    """As it is written, without the remark beside it."""
    line = next(line for line in example.splitlines() if line.startswith(f"{key} = "))
    return line.removeprefix(f"{key} = ").split("  ")[0].strip()


class CommentedTargets(unittest.TestCase):
    def test_each_is_accepted_as_it_is_shown(self) -> None:
        for plugin in PLUGINS:
            with self.subTest(plugin), tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "example.toml"
                file.write_text(HEAD + example_of(plugin))
                done = subprocess.run(
                    [build_folder() / "bin/valkey-reconciler", "check", "--config", file],
                    capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_shows_every_key_with_its_default(self) -> None:
        for plugin in PLUGINS:
            labeler = build_folder() / "libexec/valkey-reconciler/labeler"
            described = json.loads(subprocess.run([labeler, "--describe", plugin],
                                                  capture_output=True, check=True).stdout)
            for key in described["keys"]:
                with self.subTest(plugin=plugin, key=key["name"]):
                    shown = value_of(example_of(plugin), key["name"])
                    if not key["required"]:
                        self.assertEqual(shown.strip('"[]'), key["default"])


if __name__ == "__main__":
    unittest.main()
