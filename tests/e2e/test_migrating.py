"""From the earlier Go program (packaging/MIGRATING.md): its variables and its Role do the job, on pods as it leaves them."""

from __future__ import annotations

import shutil

from case import EndToEnd, main

from lab.certificates import CertificateAuthority
from lab.kubernetes import Kubernetes
from lab.pod_watch import PodWatch
from lab.processes import wait_until
from lab.stage import Stage
from lab.valkey import ValkeyGroup, temporary_folder

LABEL = "vk-master"  # that of its Service's selector
ITS_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "update", "patch"]}]
PASSWORD = "that of its secret"


class Migrating(EndToEnd):
    @classmethod
    def setUpClass(cls) -> None:
        folder = temporary_folder("certificates")
        cls.addClassCleanup(shutil.rmtree, folder)
        authority = CertificateAuthority(folder)
        cls.group = cls.enterClassContext(ValkeyGroup(
            sentinel_password=PASSWORD, tls=lambda name, host: authority.server(name, host)))

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


if __name__ == "__main__":
    main()
