"""From the earlier Go program, as packaging/MIGRATING.md has it: its variables and its Role do the job, on pods as it leaves
them; and, where there are kubectl and a real API server, both ways over from its manifests, by the page's commands."""

from __future__ import annotations

import json
import shutil
import unittest
from pathlib import Path

from case import BACKEND, EndToEnd, main
from manifests_case import NODES, PASSWORD, Applied, readme_commands

from lab import kubectl
from lab.certificates import CertificateAuthority
from lab.installation import Installation
from lab.kube_client import Json
from lab.kubernetes import Kubernetes
from lab.pages import ROOT, boxes
from lab.pod_watch import PodWatch
from lab.processes import wait_until
from lab.stage import Stage
from lab.valkey import ValkeyGroup, temporary_folder

PAGE = ROOT / "packaging/MIGRATING.md"
OWN, OURS = WAYS = ("With its own manifests, and another image", "With the manifests here")
LABEL = "vk-master"  # that of its Service's selector
ITS_RULES: list[Json] = [
    {"apiGroups": [""], "resources": ["pods", "services", "endpoints"], "verbs": ["list", "patch", "update"]}]


def group_with_certificates(test: type[unittest.TestCase]) -> ValkeyGroup:
    folder = temporary_folder("certificates")
    test.addClassCleanup(shutil.rmtree, folder)
    authority = CertificateAuthority(folder)
    return ValkeyGroup(sentinel_password=PASSWORD, tls=lambda name, host: authority.server(name, host))


class Variables(EndToEnd):
    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(group_with_certificates(cls))

    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        return self.enterContext(Stage(kubernetes, [self.group], rules=ITS_RULES))

    def setUp(self) -> None:
        super().setUp()
        namespace = self.stage.namespace
        primary = self.group.primary()
        for pod in namespace.pods():
            namespace.label(pod, LABEL, "true" if pod == primary.name else "")
        self.watch = self.enterContext(PodWatch(namespace, LABEL, "true"))
        sentinel = self.group.sentinels.all[0]
        self.its_variables = {
            "VALKEY_SENTINEL_HOST": sentinel.host,
            "VALKEY_SENTINEL_PORT": str(sentinel.port),
            "VALKEY_SENTINEL_PASSWORD": PASSWORD,
            "POD_NAMESPACE": namespace.name,
            "MASTER_POD_LABEL_NAME": LABEL,
            # Stands for what a pod finds in its own folder, which can't be put there in a test.
            "KUBECONFIG": str(namespace.kubeconfig()),
        }

    def start(self, **more: str) -> None:
        self.stage.program = self.stage.new_program(environment={**self.its_variables, **more})
        self.stage.program.start()

    def labels(self) -> dict[str, str | None]:
        return {name: pod["metadata"].get("labels", {}).get(LABEL)
                for name, pod in self.stage.namespace.pods().items()}

    def test_its_variables_and_role_are_enough(self) -> None:
        self.start(VALKEY_SENTINEL_TLS="insecure")
        self.stage.program.wait_ready(30)
        failover = self.fail_over("kill")
        self.watch.wait_for_label(failover.new.name, 5.0)
        self.watch.check()

        # No empty labels are left.
        self.assertEqual(
            {name: value for name, value in self.labels().items() if value is not None},
            {failover.new.name: "true"})
        wait_until(lambda: "watch" in self.stage.program.readyz()[1], 30.0, "the missing right is told")
        self.assertEqual(self.stage.program.readyz()[0], 200)

    def test_without_tls_it_says_what_is_wrong(self) -> None:
        self.start()
        self.stage.program.wait_for_log("a port that wants TLS", 20.0)


class Page(unittest.TestCase):
    def test_it_has_no_command_that_these_tests_do_not_run(self) -> None:
        self.assertEqual(tuple(readme_commands(PAGE)), WAYS)


@unittest.skipIf(BACKEND == "fake", "the fake knows no kubectl")
@unittest.skipIf(why := kubectl.why_not(), why)
class Manifests(Applied):
    """Its objects by their names; of its Deployment what this program could meet."""

    @classmethod
    def make_group(cls) -> ValkeyGroup:
        return group_with_certificates(cls)

    def setUp(self) -> None:
        super().setUp()
        primary = self.group.primary()
        for pod in self.labels_before:
            self.namespace.label(pod, LABEL, "true" if pod == primary.name else "", manager="valkey-reconciler-in-go")
        self.install_it()
        self.watch = self.enterContext(PodWatch(self.namespace, LABEL, "true"))

    def install_it(self) -> None:
        sentinel = self.group.sentinels.all[0]
        account, role = "valkey-reconciler-sa", "valkey-reconciler-role"
        container: Json = {
            "name": "valkey-reconciler", "image": "valkey-reconciler:latest",
            "env": [
                {"name": "VALKEY_SENTINEL_HOST", "value": sentinel.host},
                {"name": "VALKEY_SENTINEL_PORT", "value": str(sentinel.port)},
                {"name": "VALKEY_SENTINEL_PASSWORD",
                 "valueFrom": {"secretKeyRef": {"name": "valkey-cluster", "key": "password"}}},
                {"name": "VALKEY_MASTER_NAME", "value": self.group.name},
                {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "MASTER_POD_LABEL_NAME", "value": LABEL},
                {"name": "MASTER_POD_LABEL_VALUE", "value": "true"}],
            "resources": {"requests": {"cpu": "10m", "memory": "28Mi"}, "limits": {"cpu": "100m", "memory": "148Mi"}}}
        its = {"app": "valkey-reconciler"}
        self.apply([
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "valkey-cluster"}, "stringData": {"password": PASSWORD}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": role}, "rules": ITS_RULES},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "valkey-reconciler-binding"},
             "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace.name}],
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "valkey"},
             "spec": {"selector": {LABEL: "true"}, "ports": [{"port": 6379}]}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "valkey-reconciler"}, "spec": {
                "replicas": 1, "selector": {"matchLabels": its},
                "template": {"metadata": {"labels": its}, "spec": {"serviceAccountName": account, "containers": [container]}}}},
        ])

    def apply(self, objects: list[Json]) -> None:
        (self.folder / "its.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        self.run_command("kubectl -n shop apply -f its.json")

    def run_page(self, heading: str) -> None:
        for command in readme_commands(PAGE)[heading]:
            self.run_command(command)

    def follow(self) -> None:
        """The label does, as the Service `valkey` selects it; and nothing of the old program is left on the pods."""
        self.start()
        failover = self.fail_over("kill")
        self.watch.wait_for_label(failover.new.name, 10)
        self.watch.check()
        left = {name: labels[LABEL] for name, labels in self.labels().items() if LABEL in labels}
        self.assertEqual(left, {failover.new.name: "true"})
        self.assertEqual(self.objects("services", "valkey")["spec"]["selector"], {LABEL: "true"})
        wait_until(lambda: self.programs[0].readyz() == (200, "ready\n"), 30, "nothing is to be said")

    def test_with_its_own_manifests_and_another_image(self) -> None:
        self.run_page(OWN)
        installation = Installation(self.namespace, self.folder)
        self.assertEqual(installation.container["image"], "registry.example/valkey-reconciler:0.1.0")
        self.assertEqual(installation.container["resources"]["limits"], {"memory": "148Mi"})
        self.assertEqual(installation.workload["spec"]["replicas"], 1)
        self.follow()

    def test_with_the_manifests_here(self) -> None:
        own = self.folder / "packaging/kubernetes/own"
        own.mkdir()
        [kustomization], [configuration] = ([box.text for box in boxes(PAGE) if box.language == language]
                                            for language in ("yaml", "toml"))
        self.write(own / "kustomization.yaml", kustomization, {"namespace: shop": f"namespace: {self.namespace.name}"})
        sentinels = ", ".join(f'"{address}"' for address in self.group.sentinels.addresses)
        self.write(own / "valkey-reconciler.toml", configuration,
                   {'"vk-valkey-headless:26379"': sentinels, '"myprimary"': f'"{self.group.name}"'})
        self.run_page(OURS)
        wait_until(lambda: self.daemons() == NODES, 30, "a pod for each node")
        services = {service["metadata"]["name"] for service in self.objects("services")["items"]}
        self.assertEqual(services, {"valkey"})
        self.assertNotIn("valkey-reconciler-", self.run_command("kubectl -n shop get sa,role,rolebinding -o name"))
        self.follow()

    def test_its_deployment_has_to_go_before_ours_comes(self) -> None:
        self.assertIn("field is immutable",
                      self.run_command("kubectl -n shop apply -k packaging/kubernetes/overlays/deployment", status=1))

    def write(self, file: Path, text: str, changes: dict[str, str]) -> None:
        file.write_text(text)
        for old, new in changes.items():
            self.edit(file, old, new)


if __name__ == "__main__":
    main()
