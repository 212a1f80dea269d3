"""A failover is followed from inside the image's root file system, as a container would run it: read-only, an ordinary
user, the program as process 1."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from case import SKIPPED, EndToEnd, main
from manifests_case import asked

from lab import configuration
from lab.image import USER, InImage, make_rootfs, why_not
from lab.kubernetes import Kubernetes
from lab.stage import Stage

CONFIGURATION = "/run/configuration/file.toml"
SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"


class Image(EndToEnd):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = Path(tempfile.mkdtemp(prefix="reconciler-image-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.root = make_rootfs(folder)

    def make_stage(self, kubernetes: Kubernetes) -> Stage:
        stage = super().make_stage(kubernetes)
        stage.program = self.program_in_image(stage)
        return stage

    def program_in_image(self, stage: Stage) -> InImage:
        volumes = {
            "/run/configuration": stage.folder / "configuration",
            "/run/routes": stage.routes,
            SERVICE_ACCOUNT: stage.namespace.service_account_dir(),
        }
        volumes["/run/configuration"].mkdir()
        (volumes["/run/configuration"] / "file.toml").write_text(configuration.configuration(
            configuration.sentinel(self.group.sentinels, [self.group.name]),
            configuration.table("target", name="kubernetes", plugin="kubernetes"),
            configuration.file_target(Path("/run/routes"))))
        for folder in volumes.values():
            for file in [folder, *folder.iterdir()]:
                os.chown(file, USER, USER)
        server = urlsplit(stage.kubernetes.url)
        return InImage(stage.folder, self.root, ["--config", CONFIGURATION], {
            "KUBERNETES_SERVICE_HOST": server.hostname or "",
            "KUBERNETES_SERVICE_PORT": str(server.port),
        }, volumes)

    def test_a_failover_is_followed_from_inside(self) -> None:
        self.stage.start()
        failover = self.fail_over("kill")
        self.stage.wait_right(primary=failover.new, timeout=5.0)
        self.stage.check()
        self.assertEqual(self.stage.program.terminate().status, 0)

    def test_the_commands_for_a_pod_are_answered(self) -> None:
        self.stage.start()
        for command in asked():
            words = shlex.split(command.split(" -- ")[1])
            words = [{"myprimary": self.group.name, "/etc/valkey-reconciler/valkey-reconciler.toml": CONFIGURATION}.get(word, word)
                     for word in words]
            done = self.stage.program.ask(*words)
            is_order = words[1] in ("pause", "resume")
            self.assertEqual(done.returncode, int(is_order), f"{command}: {done.stdout}")  # the target `file` refuses orders
            self.assertIn("kubernetes: done" if is_order else self.group.name, done.stdout)

    def test_it_runs_as_a_container_would(self) -> None:
        self.stage.start()
        supervisor = self.stage.program.child("valkey-reconciler")
        for process in [supervisor, *self.stage.program.children("labeler")]:
            status = dict(
                line.split(":\t", 1)
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
            self.assertEqual(set(status["Uid"].split()), {str(USER)})
            self.assertEqual(int(status["CapEff"], 16) | int(status["CapPrm"], 16), 0)
            self.assertEqual(status["NoNewPrivs"], "1")
            is_first = status["NSpid"].split()[1] == "1"
            self.assertEqual(is_first, process == supervisor)
        mounts = Path(f"/proc/{supervisor.pid}/mountinfo").read_text().splitlines()
        options = {line.split()[4]: line.split()[5].split(",") for line in mounts}
        self.assertIn("ro", options["/"])


if __name__ == "__main__":
    if why := why_not():
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    main()
