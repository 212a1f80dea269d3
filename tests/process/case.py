"""What the process tests share: a real primary with one Sentinel, and the program with file targets."""

from __future__ import annotations

import json
import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import configuration, file_target, sentinel, table  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import Program, build_folder  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402

FAST = "[supervision]\nheartbeat_interval = \"200ms\"\nheartbeat_deadline = \"1500ms\"\n"


def misbehaving(way: str) -> str:
    return str(build_folder() / "tests" / "plugins" / f"{way}.so")


class ProcessTest(unittest.TestCase):
    """One group for all tests of a class; a folder and a program of its own for each."""

    group: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup(replicas=1, sentinels=1))

    def setUp(self) -> None:
        self.folder = temporary_folder("process")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.folder / "target"
        self.target.mkdir()

    def configuration(self, *targets: str, extra: str = FAST) -> str:
        head = sentinel(self.group.sentinels, [self.group.name])
        return configuration(extra, head, *(targets or (file_target(self.target),)))

    def start(self, text: str, **keys: object) -> Program:
        program = Program(self.folder, text, **keys)  # type: ignore[arg-type]
        self.enterContext(program)
        return program

    def start_ready(self, *targets: str) -> Program:
        program = self.start(self.configuration(*targets))
        program.wait_ready()
        return program

    def content(self) -> dict[str, object] | None:
        try:
            return json.loads((self.target / f"{self.group.name}.json").read_text())
        except (OSError, ValueError):
            return None

    def wait_written(self, timeout: float = 5.0) -> None:
        wait_until(lambda: self.content() is not None, timeout, "the file target is written")


def plugin_target(way: str, **keys: str) -> str:
    return table("target", name=way, plugin=misbehaving(way), **keys)


def main() -> None:
    stop_on_signals()
    unittest.main(verbosity=2)
