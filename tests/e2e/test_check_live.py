"""`check --live` with the target kubernetes: rights, reach, and that nothing is written."""

from __future__ import annotations

import os
import subprocess

from case import EndToEnd, main

from lab.configuration import configuration, kubernetes_target, sentinel
from lab.kube_namespace import PROGRAM_RULES
from lab.program import build_folder

WRITES = {"create", "update", "patch", "delete", "deletecollection"}


class Checked(EndToEnd):
    def check(self, expect: int) -> None:
        namespace = self.stage.namespace
        file = self.stage.folder / "live.toml"
        file.touch(0o600)
        file.write_text(configuration(
            sentinel(self.group.sentinels, [self.group.name]),
            kubernetes_target(namespace.kubeconfig(), namespace.name),
        ))
        done = subprocess.run(
            [str(build_folder() / "bin/valkey-reconciler"), "check", "--live", "--timeout", "25s",
             "--config", str(file)],
            env={name: os.environ[name] for name in os.environ
                 if name == "PATH" or name.endswith("SAN_OPTIONS")},
            capture_output=True, text=True, timeout=90, check=False,
        )
        self.output = done.stdout
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)

    def lines(self, about: str) -> list[str]:
        every = (" ".join(line.split()) for line in self.output.splitlines())
        return [line for line in every if line.startswith(about)]


class CheckLive(Checked):
    def test_all_is_well_and_nothing_is_written(self) -> None:
        self.check(0)
        self.assertEqual(len(self.lines("ok target kubernetes")), 1, self.output)
        [matches] = self.lines("note target kubernetes group")
        self.assertRegex(matches, f"selector .* matches 3 pods in namespace {self.stage.namespace.name}: "
                                  "valkey-0, valkey-1, valkey-2$")
        self.assertIn("cannot be told without the right to list services", self.output)
        asked = self.stage.namespace.audit()
        self.assertNotEqual([line for line in asked if line["verb"] == "list"], [])
        self.assertEqual([line for line in asked if line["verb"] in WRITES], [])
        self.assertEqual(self.stage.watch.labelled_now(), [])

    def test_a_selector_that_matches_nothing_is_78(self) -> None:
        for pod in self.stage.namespace.pods():
            self.stage.namespace.delete_pod(pod)
        self.check(78)
        [line] = self.lines("wrong configuration target kubernetes")
        self.assertRegex(line, "selector .* matches no pod in namespace .* -> see the keys")

    def test_who_may_list_services_is_told_which_select_the_label(self) -> None:
        namespace = self.stage.namespace
        namespace.set_rules([*PROGRAM_RULES, {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}])
        self.check(0)
        self.assertIn("label valkey-master=true is selected by no Service in namespace", self.output)
        self.stage.kubernetes.admin.post(f"{namespace.path}/services", {
            "metadata": {"name": "to-primary"},
            "spec": {"selector": {"valkey-master": "true"}, "ports": [{"port": 6379}]},
        })
        self.check(0)
        self.assertIn("label valkey-master=true is selected by Service to-primary", self.output)

    def test_a_right_that_is_missing_is_77_with_verb_resource_and_namespace(self) -> None:
        namespace = self.stage.namespace
        namespace.set_rules([{**rule, "verbs": [verb for verb in rule["verbs"] if verb != "patch"]}
                             for rule in PROGRAM_RULES])
        self.check(77)
        [line] = self.lines("right missing target kubernetes")
        self.assertIn(f"forbidden: cannot patch pods in namespace {namespace.name} -> add it to the "
                      "Role", line)
        self.assertEqual([line for line in namespace.audit() if line["verb"] in WRITES], [])


class WithoutApiServer(Checked):
    def setUp(self) -> None:
        self.kubernetes = self.private_kubernetes()
        self.stage = self.make_stage(self.kubernetes)

    def test_an_api_server_that_is_down_is_69(self) -> None:
        self.kubernetes.kill()  # type: ignore[attr-defined]
        self.check(69)
        self.assertEqual(len(self.lines("unreachable target kubernetes")), 1, self.output)

    def test_an_api_server_that_hangs_is_69(self) -> None:
        self.kubernetes.freeze()  # type: ignore[attr-defined]
        try:
            self.check(69)
        finally:
            self.kubernetes.thaw()  # type: ignore[attr-defined]
        self.assertEqual(len(self.lines("unreachable target kubernetes")), 1, self.output)


if __name__ == "__main__":
    main()
