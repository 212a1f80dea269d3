"""No file at all: the seven variables do the whole Kubernetes job."""

from pathlib import Path

from case import EndToEnd, main

from lab.pod_watch import PodWatch
from lab.valkey import ValkeyGroup

PASSWORD = "correct horse, battery"


class Environment(EndToEnd):
    @classmethod
    def setUpClass(cls) -> None:
        cls.group = cls.enterClassContext(ValkeyGroup("orders", sentinel_password=PASSWORD))

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.enterContext(PodWatch(self.stage.namespace, "role", "primary"))
        sentinels = self.group.sentinels.all
        self.stage.program = self.stage.new_program(
            environment={
                "VALKEY_SENTINEL_HOST": ",".join(sentinel.host for sentinel in sentinels),
                "VALKEY_SENTINEL_PORT": str(sentinels[0].port),
                "VALKEY_SENTINEL_PASSWORD": PASSWORD,
                "VALKEY_MASTER_NAME": self.group.name,
                "POD_NAMESPACE": self.stage.namespace.name,
                "MASTER_POD_LABEL_NAME": "role",
                "MASTER_POD_LABEL_VALUE": "primary",
                # Stands for what a pod finds in its own folder, which can't be put there in a test.
                "KUBECONFIG": str(self.stage.namespace.kubeconfig()),
            }
        )
        self.stage.program.start()
        self.stage.program.wait_ready()

    def test_the_label_follows(self) -> None:
        self.watch.wait_for_label(self.group.primary().name, 5.0)
        failover = self.fail_over("kill")
        self.watch.wait_for_label(failover.new.name, 1.0)
        self.watch.check()

    def test_the_password_shows_nowhere(self) -> None:
        program = self.stage.program
        for process in program.processes():
            for file in ("environ", "cmdline"):
                seen = Path(f"/proc/{process.pid}/{file}").read_bytes()
                self.assertNotIn(PASSWORD.encode(), seen, f"{file} of {process}")
        self.assertNotIn(PASSWORD, program.log_text())
        for path in ("/readyz", "/healthz"):
            self.assertNotIn(PASSWORD, program.get(path)[1])


if __name__ == "__main__":
    main()
