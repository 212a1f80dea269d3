"""The plugin `file` alone: what its files say of decisions that are not settled, and what the next
run of the program makes of them."""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.plugin_host import PluginHost  # noqa: E402

GROUP = "myprimary"
OLD, NEW = "10.244.0.10", "10.244.0.11"


class Unsettled(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.host = self.start()

    def start(self) -> PluginHost:
        return self.enterContext(PluginHost("file", [GROUP], directory=self.folder))

    def restart(self) -> None:
        self.host.kill()
        self.host = self.start()

    def apply(self, host: str, step: int, epoch: int = 5, suspected: bool = False) -> str:
        """Gives the outcome."""
        mark = self.host.apply(GROUP, epoch, host, step=step, suspected=suspected)
        # Its own file that changes makes the plugin look again, so that an earlier order may end meanwhile.
        return self.host.wait("complete", mark=mark, epoch=str(epoch), step=str(step)).outcome

    def says(self, primary: str | None, step: int, epoch: int = 5) -> None:
        document: dict[str, Any] = json.loads((self.folder / f"{GROUP}.json").read_text())
        expected = None if primary is None else {"host": primary, "port": 6379}
        self.assertEqual((document["primary"], document["epoch"], document["step"]),
                         (expected, epoch, step))

    def test_a_suspected_primary_is_withdrawn_and_restored(self) -> None:
        for step, suspected in enumerate((False, True, False, True, False)):
            self.assertEqual(self.apply(OLD, step, suspected=suspected), "applied")
            self.says(None if suspected else OLD, step)
        self.host.wait("log", text=f"names no primary: {OLD}:6379 is suspected")

    def test_a_provisional_promotion_is_published_and_taken_back_or_confirmed(self) -> None:
        for step, host in enumerate((OLD, NEW, OLD, NEW)):
            self.assertEqual(self.apply(host, step), "applied")
            self.says(host, step)
        self.assertEqual(self.apply(NEW, 0, epoch=6), "applied")
        self.says(NEW, 0, epoch=6)

    def test_what_an_earlier_run_left_unsettled_is_settled_at_once(self) -> None:
        for host, suspected in ((OLD, True), (NEW, False)):
            self.host.kill()  # it would repair the file
            (self.folder / f"{GROUP}.json").unlink(missing_ok=True)
            self.host = self.start()
            self.assertEqual(self.apply(OLD, 0), "applied")
            self.assertEqual(self.apply(host, 1, suspected=suspected), "applied")
            self.restart()
            self.assertEqual(self.apply(OLD, 0), "applied")
            self.says(OLD, 2)
            self.host.wait("log", level="warning", text="holds step 1 of epoch 5")
            # And it goes on counting from there.
            self.assertEqual(self.apply(NEW, 1), "applied")
            self.says(NEW, 3)
            self.assertEqual(self.apply(OLD, 2), "applied")
            self.says(OLD, 4)

    def test_a_restored_primary_is_known_again(self) -> None:
        self.assertEqual(self.apply(OLD, 2), "applied")
        self.restart()
        self.assertEqual(self.apply(OLD, 0), "applied")
        self.says(OLD, 2)
        self.assertEqual(self.apply(OLD, 1, suspected=True), "applied")
        self.says(None, 3)

    def test_a_program_that_starts_amid_a_suspicion_goes_on_with_it(self) -> None:
        self.assertEqual(self.apply(OLD, 3, suspected=True), "applied")
        self.restart()
        self.assertEqual(self.apply(OLD, 1, suspected=True), "applied")
        self.says(None, 3)
        self.assertEqual(self.apply(OLD, 2), "applied")
        self.says(OLD, 4)

    def test_a_settled_decision_for_another_primary_stands(self) -> None:
        self.assertEqual(self.apply(OLD, 2), "applied")
        self.restart()
        self.assertEqual(self.apply(NEW, 0), "rejected")
        self.says(OLD, 2)


if __name__ == "__main__":
    unittest.main()
