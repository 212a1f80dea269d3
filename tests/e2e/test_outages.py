"""What the program needs is not there when it starts, and comes later."""

import contextlib
import time

from case import BACKEND, EndToEnd, main

from lab.kubernetes import PrivateKubernetes, open_kubernetes
from lab.processes import PATIENCE
from lab.stage import Stage
from lab.valkey import ValkeyGroup

AWAY = 4.0  # seconds; tests/accept/late_start.py does the same for longer


class LateStart(EndToEnd):
    """The program waits, says for what, is alive but not ready; nothing of it is restarted."""

    @classmethod
    def setUpClass(cls) -> None:
        pass  # each test has a group of its own

    def setUp(self) -> None:
        self.group = ValkeyGroup()
        self.addCleanup(self.group.close)
        self.group.start_instances()

    def test_sentinels_that_come_later(self) -> None:
        self.stage = self.make_stage(open_kubernetes(BACKEND))
        self.stage.program.start()
        children = self.wait_in_vain(says=str(self.group.sentinels.all[0].host))
        self.group.start_sentinels()
        self.assert_does_its_job(children)

    def test_an_api_server_that_comes_later(self) -> None:
        self.group.start_sentinels()
        self.group.wait_healthy()
        kubernetes = self.enterContext(open_kubernetes(BACKEND, private=True))
        assert isinstance(kubernetes, PrivateKubernetes)
        self.stage = self.make_stage(kubernetes)
        kubernetes.kill()
        self.stage.program.start()
        children = self.wait_in_vain(says="kubernetes")
        self.stage.wait_file(self.group, self.group.primary(), 1.0)  # the other target is served
        kubernetes.revive()
        self.assert_does_its_job(children)

    def wait_in_vain(self, says: str) -> set[int]:
        """For AWAY; returns the children's process numbers."""
        program = self.stage.program
        end = time.monotonic() + AWAY
        program.wait_for_log(f'"level": ?"(warning|error)".*{says}', timeout=AWAY)
        time.sleep(max(0.0, end - time.monotonic()))
        status, reasons = program.readyz()
        self.assertEqual(status, 503)
        self.assertNotEqual(reasons.strip(), "")
        self.assertEqual(program.healthz()[0], 200)
        return {process.pid for process in program.processes()}

    def assert_does_its_job(self, children: set[int]) -> None:
        self.group.wait_healthy()
        self.stage.wait_right(timeout=10.0)
        self.stage.program.wait_ready()
        failover = self.fail_over("planned")
        self.stage.wait_right(primary=failover.new)
        self.stage.check()
        self.assertEqual({process.pid for process in self.stage.program.processes()}, children)


class Frozen(EndToEnd):
    def setUp(self) -> None:
        kubernetes = self.enterContext(open_kubernetes(BACKEND, private=True))
        assert isinstance(kubernetes, PrivateKubernetes)
        self.kubernetes = kubernetes
        self.addCleanup(self.thaw)
        self.stage: Stage = self.make_stage(kubernetes)
        self.stage.start()

    def thaw(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.kubernetes.thaw()

    def test_an_api_server_frozen_around_a_failover(self) -> None:
        """Right within 1 s of its thaw; the other target does not wait for it."""
        self.kubernetes.freeze()
        frozen = time.monotonic()
        failover = self.fail_over("planned")
        self.stage.wait_file(self.group, failover.new, timeout=1.0)
        time.sleep(max(0.0, frozen + 10.0 - time.monotonic()))  # as long as the issue has it
        thawed = time.monotonic()
        self.kubernetes.thaw()
        self.stage.watch.wait_for_label(failover.new.name, 10.0)
        self.assertLess(time.monotonic() - thawed, 1.0 * PATIENCE)
        self.stage.check()

    def test_an_api_server_killed_around_a_failover(self) -> None:
        self.kubernetes.kill()
        failover = self.fail_over("planned")
        self.kubernetes.revive()
        self.stage.wait_right(primary=failover.new, timeout=12.0)
        self.stage.program.wait_ready()
        self.stage.check()

    def test_an_api_server_restarted_just_before_a_failover(self) -> None:
        """It knows nothing of the watch that was: that must begin with a new list."""
        self.kubernetes.bounce()
        failover = self.fail_over("kill")
        self.stage.wait_right(primary=failover.new, timeout=5.0)
        self.stage.check()


if __name__ == "__main__":
    main()
