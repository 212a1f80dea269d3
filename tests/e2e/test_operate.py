"""An operator pauses a group, Sentinel fails it over, and the label waits for him: the whole program, twice."""

from __future__ import annotations

import os
import subprocess

from case import EndToEnd, main

from lab.configuration import configuration, kubernetes_target, sentinel
from lab.processes import wait_until
from lab.program import Program, build_folder


class Operate(EndToEnd):
    def program(self, name: str, *options: str) -> Program:
        namespace = self.stage.namespace
        text = configuration(
            sentinel(self.group.sentinels, [self.group.name]),
            kubernetes_target(namespace.kubeconfig(), namespace.name),
        )
        program = Program(
            self.stage.folder,
            text,
            name=name,
            options=options,
            environment={"VALKEY_RECONCILER_SOCKET": str(self.socket(name))},
        )
        self.enterContext(program)
        return program

    def socket(self, name: str) -> str:
        return str(self.stage.folder / f"{name}.sock")

    def told(self, name: str, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(build_folder() / "bin/valkey-reconciler"), "--socket", self.socket(name), *arguments],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, status, done)
        return done.stdout

    def test_a_pause_holds_the_label_through_a_failover_for_all_instances(self) -> None:
        programs = [self.program("one"), self.program("two")]
        for program in programs:
            program.wait_ready(30)
        old = self.group.primary().name
        self.assertEqual(
            self.told("one", "pause", self.group.name, "--reason", "until 10:00"),
            "kubernetes: done\n",
        )
        failover = self.fail_over("planned")
        for program in programs:

            def waits(of: Program = program) -> bool:
                status, page = of.readyz()
                return status == 503 and "until 10:00" in page

            wait_until(waits, 30, "it waits for the operator")
        self.assertEqual(self.stage.watch.labelled_now(), [old])
        self.assertIn("until 10:00", self.told("two", "explain", self.group.name))
        self.assertEqual(self.told("two", "resume", self.group.name), "kubernetes: done\n")
        self.stage.watch.wait_for_label(failover.new.name, 30)
        for program in programs:
            program.wait_ready(30)
        self.stage.watch.check()

    def test_a_dry_run_beside_it_says_what_it_would_do_and_writes_nothing(self) -> None:
        dry = self.program("dry", "--dry-run")
        dry.wait_for_log("dry run: would fence", 30)
        self.assertEqual(self.stage.watch.labelled_now(), [])
        self.assertIn(
            "kubernetes: refused: this program is on a dry run",
            self.told("dry", "pause", self.group.name, status=1),
        )
        once = self.program("once", "--once", "--dry-run")
        self.assertEqual(once.wait(60), 75, once.log_text())
        self.assertIn("dry run: would fence", once.log_text())
        patches = self.stage.namespace.audit(verb="patch", resource="pods")
        self.assertEqual(patches, [])
        self.assertEqual(self.program("right", "--once").wait(60), 0)
        again = self.program("again", "--once", "--dry-run")
        self.assertEqual(again.wait(60), 0, again.log_text())
        self.stage.watch.check()


if __name__ == "__main__":
    main()
