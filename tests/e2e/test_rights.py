"""A right that is taken from the program's Role while it runs: what is said, where, and how soon;
and that it heals when the right is given back."""

from __future__ import annotations

import time

from case import EndToEnd, main

from lab.kube_namespace import PROGRAM_RULES
from lab.kubernetes import LABEL, Kubernetes
from lab.processes import wait_until
from lab.stage import Stage
from lab.tcp_proxy import TcpProxy

SOON = 5.0  # seconds after the right's next use


class RightsTaken(EndToEnd):
    """A right is used when the test makes it be used: the API server is reached by a proxy that can
    cut connections, and the pods are listed every other second."""

    def setUp(self) -> None:
        super().setUp()
        namespace = self.stage.namespace
        url = self.stage.kubernetes.url
        self.proxy = self.enterContext(TcpProxy(int(url.rpartition(":")[2])))
        file = namespace.kubeconfig()
        through = file.read_text().replace(url, f"https://127.0.0.1:{self.proxy.port}")
        self.stage.program = self.stage.new_program()
        file.write_text(through)  # new_program has written it, too
        self.stage.start()

    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(Stage(kubernetes, [self.group], of_targets={"resync": "2s"}))

    def take(self, verb: str) -> None:
        rules = [{**rule, "verbs": [each for each in rule["verbs"] if each != verb]}
                 if rule["resources"] == ["pods"] else rule for rule in PROGRAM_RULES]
        self.taken = time.monotonic()
        self.stage.namespace.set_rules(rules)
        self.next_use = time.monotonic()

    def assert_told(self, verb: str, *, ready: bool) -> None:
        said = f"forbidden: cannot {verb} pods in namespace {self.stage.namespace.name}"
        program = self.stage.program
        entry = program.wait_for_log(lambda entry: said in entry.line,
                                     self.next_use + SOON - time.monotonic(), since=self.taken)
        self.assertIn(entry.fields["level"], ("warning", "error"))
        if ready:
            self.assertEqual(program.readyz()[0], 200)
            return
        wait_until(lambda: program.readyz()[0] == 503 and said in program.readyz()[1],
                   max(0.1, self.next_use + SOON - time.monotonic()), "unready, and why")

    def assert_heals(self) -> None:
        program = self.stage.program
        children = program.processes()
        self.stage.namespace.set_rules(PROGRAM_RULES)
        program.wait_ready(45)  # a review, every half minute while a right is missing
        self.stage.wait_right(timeout=10)
        self.assertEqual(program.processes(), children)
        self.stage.check()

    def test_patch(self) -> None:
        self.take("patch")
        primary = self.group.primary().name
        self.stage.namespace.remove_label(primary, LABEL)
        self.assert_told("patch", ready=False)
        self.assert_heals()

    def test_list(self) -> None:
        self.take("list")
        self.next_use += 2.4  # a resync, with its jitter
        self.assert_told("list", ready=False)
        self.assert_heals()

    def test_watch(self) -> None:
        self.take("watch")
        self.proxy.cut()
        self.assert_told("watch", ready=True)
        self.stage.namespace.remove_label(self.group.primary().name, LABEL)
        self.stage.wait_right(timeout=20)  # by lists
        mark = time.monotonic()
        self.assert_heals()
        self.stage.program.wait_for_log("watch resumed", 45, since=mark)


if __name__ == "__main__":
    main()
