"""`--once` sets the label and ends: as a cron job or an init container would use it."""

from __future__ import annotations

from case import EndToEnd, main

from lab.configuration import configuration, kubernetes_target, sentinel
from lab.program import Program


class Once(EndToEnd):
    def run_once(self, *options: str) -> Program:
        """With the target kubernetes alone; until it has ended."""
        namespace = self.stage.namespace
        text = configuration(
            sentinel(self.group.sentinels, [self.group.name]),
            kubernetes_target(namespace.kubeconfig(), namespace.name),
        )
        program = Program(
            self.stage.folder, text, name="once", options=("--once", *options)
        )
        self.enterContext(program)
        self.status = program.wait(60.0)
        return program

    def test_it_sets_the_label_and_ends_with_0(self) -> None:
        program = self.run_once()
        self.assertEqual(self.status, 0, program.log_text())
        self.stage.watch.wait_for_label(self.group.primary().name, 1.0)

    def test_it_follows_a_failover_that_came_between_two_runs(self) -> None:
        self.run_once()
        failover = self.fail_over("planned")
        program = self.run_once()
        self.assertEqual(self.status, 0, program.log_text())
        self.stage.watch.wait_for_label(failover.new.name, 1.0)
        self.stage.check()

    def test_a_primary_without_a_pod_is_75_with_the_reason(self) -> None:
        name = self.group.primary().name
        self.stage.namespace.delete_pod(name)
        program = self.run_once("--timeout", "4s")
        self.assertEqual(self.status, 75, program.log_text())
        lines = program.log_text().splitlines()
        reasons = lines[lines.index("not done within 4s:") + 1 :]
        self.assertTrue(
            any(f"group {self.group.name}" in reason for reason in reasons), reasons
        )
        self.assertEqual(self.stage.watch.labelled_now(), [])


if __name__ == "__main__":
    main()
