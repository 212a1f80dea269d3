"""What the end-to-end tests share. Each file runs against one Kubernetes API server, that of
$RECONCILER_BACKEND: "fake" (the default) or "real", which needs $KUBERNETES_LAB."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.kubernetes import Kubernetes, backends, open_kubernetes  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import Failover, ValkeyGroup  # noqa: E402

SKIPPED = 77  # ctest: SKIP_RETURN_CODE

BACKEND = os.environ.get("RECONCILER_BACKEND") or "fake"


class EndToEnd(unittest.TestCase):
    """One group for all tests of a class; pods, file and program of its own for each."""

    group: ValkeyGroup

    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup())

    def setUp(self) -> None:
        self.stage = self.make_stage(open_kubernetes(BACKEND))

    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(Stage(kubernetes, [self.group]))

    def private_kubernetes(self) -> Kubernetes:
        """One that may be stopped and frozen. For setUp."""
        return self.enterContext(open_kubernetes(BACKEND, private=True))

    def fail_over(self, kind: str) -> Failover:
        """All the way: the group is whole again afterwards."""
        group = self.group
        trigger = group.kill_primary() if kind == "kill" else group.sentinel_failover()
        failover = group.wait_failover(trigger)
        group.heal(failover)
        group.wait_healthy()
        return failover

    def tell_why(self) -> str:
        stage = getattr(self, "stage", None)
        return f"the program's log:\n{stage.program.log_text()}\n" if stage else ""


class _Result(unittest.TextTestResult):
    def addFailure(self, test, error):  # type: ignore[no-untyped-def]
        super().addFailure(test, error)
        self._tell_why(test)

    def addError(self, test, error):  # type: ignore[no-untyped-def]
        super().addError(test, error)
        self._tell_why(test)

    def _tell_why(self, test: object) -> None:
        if isinstance(test, EndToEnd):
            self.stream.write(test.tell_why() + "\n")


def main() -> None:
    stop_on_signals()
    if BACKEND not in backends():
        print("skipped: no real Kubernetes API server (KUBERNETES_LAB is not set)")
        sys.exit(SKIPPED)
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=_Result, verbosity=2))
