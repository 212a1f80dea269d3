"""What the tests of packaging/kubernetes share: a copy of it with the lab's Sentinels in it, and the README's commands."""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, EndToEnd  # noqa: E402
from lab import kubectl  # noqa: E402
from lab.installation import Installation  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import ACCOUNT, Kubernetes, open_kubernetes  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402

README = kubectl.MANIFESTS / "README.md"
NODES = ["lab-node-0", "lab-node-1", "lab-node-2"]
PASSWORD = "correct horse, battery"
STAMP = "valkey-reconciler.io/stamp"


@functools.cache
def _cluster() -> Kubernetes:
    """An own one with its controllers: some of what is applied belongs to the whole cluster, and other tests would meet
    it. It ends with this process."""
    kubernetes = open_kubernetes(BACKEND, private=True, options=["--kcm"])
    for node in NODES:
        kubernetes.node(node, {"kubernetes.io/hostname": node, "kubernetes.io/os": "linux"})
    return kubernetes


def readme_commands(page: Path = README) -> dict[str, list[str]]:
    """By heading, each line of its `sh` blocks."""
    commands: dict[str, list[str]] = {}
    heading, within = "", False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            within = line == "```sh"
        elif within:
            commands.setdefault(heading, []).append(line)
        elif line.startswith("## "):
            heading = line[3:]
    return commands


def asked() -> list[str]:
    """The README's commands that run in a pod, as kubectl is given them."""
    return [command for command in readme_commands()["Ask the program"] if " exec " in command]


class Applied(EndToEnd):
    """The manifests as a user has them, with the lab's Sentinels written in as he would."""

    overlay = "base"
    installation: Installation  # of the last start()

    @classmethod
    def setUpClass(cls) -> None:
        cls.kubernetes = _cluster()
        cls.group = cls.enterClassContext(cls.make_group())

    @classmethod
    def make_group(cls) -> ValkeyGroup:
        return ValkeyGroup(sentinel_password=PASSWORD)

    def setUp(self) -> None:
        self.folder = temporary_folder("manifests")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.namespace = self.kubernetes.namespace("shop", rules=[])
        self.addCleanup(self.namespace.delete)
        rights = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace.name}"
        for path in (f"{rights}/rolebindings", f"{rights}/roles", f"{self.namespace.path}/serviceaccounts"):
            self.kubernetes.admin.delete(f"{path}/{ACCOUNT}")  # the lab's own, with its rights
        self.namespace.add_valkey_pods([instance.host for instance in self.group.instances])
        self.labels_before = self.labels()
        self.copy_manifests()
        self.programs: list[Program] = []
        self.numbers = itertools.count()

    def copy_manifests(self) -> None:
        manifests = self.folder / "packaging/kubernetes"
        shutil.copytree(kubectl.MANIFESTS, manifests)
        sentinels = ", ".join(f'"{address}"' for address in self.group.sentinels.addresses)
        self.edit(manifests / "base/valkey-reconciler.toml", '"vk-valkey-headless:26379"', sentinels)
        self.edit(manifests / "base/valkey-reconciler.toml", '"myprimary"', f'"{self.group.name}"')
        # All that 1.20 does not take: policy/v1 is there from 1.21 on, this field of it from 1.26 on.
        budget = manifests / "components/deployment/pod-disruption-budget.yaml"
        self.edit(budget, "policy/v1\n", "policy/v1beta1\n")
        self.edit(budget, "  unhealthyPodEvictionPolicy: AlwaysAllow\n", "")
        (self.folder / "sentinel-password").write_text(PASSWORD)

    def edit(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        self.assertIn(old, text, file)
        file.write_text(text.replace(old, new))

    def tell_why(self) -> str:
        return "\n".join(f"{program.name}'s log:\n{program.log_text()}" for program in self.programs)

    # Commands

    def run_command(self, command: str, status: int = 0) -> str:
        command = re.sub(r"\bshop\b", self.namespace.name, command)
        return kubectl.run(["bash", "-c", command], self.kubernetes, folder=self.folder, status=status)

    def manifests(self) -> str:
        return f"packaging/kubernetes/{self.overlay}"

    def install(self) -> None:
        """By the README's commands, after the API server was asked what it thinks of it."""
        self.run_command(f"kubectl -n shop apply --dry-run=server -k {self.manifests()}")
        create_secret, apply = readme_commands()["Install"]
        self.run_command(create_secret)
        if self.overlay != "base":
            others = readme_commands()["Which overlay"] + readme_commands()["An own kustomization"]
            [apply] = [command for command in others if command.endswith(self.overlay)]
        self.run_command(apply)

    def apply_again(self) -> None:
        """What was applied stays as it is, whatever the program has written meanwhile."""
        self.run_command(f"kubectl -n shop diff -k {self.manifests()}")
        self.run_command(f"kubectl -n shop apply -k {self.manifests()}")

    def start(self, count: int = 1) -> None:
        self.installation = Installation(self.namespace, self.folder)
        for number in range(count):
            program = self.installation.program(node=NODES[number], name=f"program-{next(self.numbers)}")
            self.addCleanup(program.close)
            self.programs.append(program)
            program.start()
        for program in self.programs:
            program.wait_ready(30)

    def stop(self) -> None:
        for program in self.programs:
            self.assertEqual(program.terminate().status, 0)
            program.close()
        self.programs.clear()

    # What is there

    def labels(self) -> dict[str, dict[str, str]]:
        pods = self.namespace.pods()
        return {name: pods[name]["metadata"]["labels"] for name in pods
                if pods[name]["metadata"]["labels"]["app.kubernetes.io/name"] == "valkey"}

    def stamped(self) -> list[str]:
        return sorted(name for name, pod in self.namespace.pods().items()
                      if STAMP in pod["metadata"].get("annotations", {}))

    def objects(self, kind: str, name: str = "") -> Json:
        return self.kubernetes.admin.get(f"{self.namespace.path}/{kind}{'/' if name else ''}{name}")

    def slices(self) -> list[Json]:
        path = f"/apis/discovery.k8s.io/v1beta1/namespaces/{self.namespace.name}/endpointslices"
        return [item for item in self.kubernetes.admin.get(path)["items"]
                if item["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
                == "valkey-reconciler.io"]

    def daemons(self) -> list[str]:
        """The nodes for which the DaemonSet has a pod."""
        return sorted(
            pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            ["nodeSelectorTerms"][0]["matchFields"][0]["values"][0]
            for pod in self.namespace.pods().values()
            if pod["metadata"]["labels"]["app.kubernetes.io/name"] == "valkey-reconciler")
