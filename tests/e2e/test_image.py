"""The image's root file system, as a container would run it: read-only, an ordinary user, the program as process 1. And
the image itself, where buildah is there. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from case import SKIPPED, EndToEnd, main

from lab import configuration
from lab.kubernetes import Kubernetes
from lab.processes import Process
from lab.program import Program, build_folder
from lab.stage import Stage

PACKAGING = Path(__file__).resolve().parents[2] / "packaging" / "image"
USER = 65532
SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"


def make_rootfs(folder: Path) -> Path:
    root = folder / "rootfs"
    subprocess.run([PACKAGING / "rootfs.sh", "--build", build_folder(), root], check=True)
    return root


class InImage(Program):
    """The supervisor is a child of what makes its namespaces, and process 1 in them."""

    def __init__(self, folder: Path, root: Path, arguments: list[str],
                 environment: Mapping[str, str], volumes: Mapping[str, Path]) -> None:
        super().__init__(folder, environment=environment)
        argv: list[str | Path] = [PACKAGING / "try.sh"]
        for name, value in self.environment.items():
            argv += ["--env", f"{name}={value}"]
        for inner, host in volumes.items():
            argv += ["--volume", f"{host}:{inner}"]
        self._process = Process(self.name, [*argv, root, *arguments], folder=folder)

    def send(self, number: int) -> None:
        self.child("valkey-reconciler").send(number)

    def close(self) -> None:
        # A change of user takes PR_SET_PDEATHSIG away.
        for process in self.children("valkey-reconciler"):
            process.send(signal.SIGKILL)
        super().close()


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
        return InImage(stage.folder, self.root, ["--config", "/run/configuration/file.toml"], {
            "KUBERNETES_SERVICE_HOST": server.hostname or "",
            "KUBERNETES_SERVICE_PORT": str(server.port),
        }, volumes)

    def test_a_failover_is_followed_from_inside(self) -> None:
        self.stage.start()
        failover = self.fail_over("kill")
        self.stage.wait_right(primary=failover.new, timeout=5.0)
        self.stage.check()
        self.assertEqual(self.stage.program.terminate().status, 0)

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


class RootFileSystem(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp(prefix="reconciler-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.root = make_rootfs(cls.folder)

    def test_it_holds_nothing_else_that_can_be_run(self) -> None:
        executable = set()
        for file in self.root.rglob("*"):
            mode = file.lstat().st_mode
            self.assertFalse(mode & (stat.S_ISUID | stat.S_ISGID), file)
            if stat.S_ISREG(mode) and mode & 0o111 and ".so" not in file.name:
                executable.add(file.name)
        self.assertEqual(executable, {"valkey-reconciler", "sentinel-watcher", "labeler"})

    def test_every_link_leads_somewhere_inside(self) -> None:
        for link in (file for file in self.root.rglob("*") if file.is_symlink()):
            target = link.readlink()
            inside = self.root / target.relative_to("/") if target.is_absolute() else link.resolve()
            self.assertTrue(inside.exists(), f"{link} -> {target}")

    def test_each_package_has_its_licence(self) -> None:
        packages = {file.name for file in (self.root / "var/lib/dpkg/status.d").iterdir()}
        licences = {file.parent.name for file in self.root.glob("usr/share/doc/*/copyright")}
        self.assertEqual(licences, packages | {"valkey-reconciler"})
        self.assertIn("libc6", packages)

    def test_it_is_small(self) -> None:
        packed = self.folder / "rootfs.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=6) as archive:
            archive.add(self.root, "")
        self.assertLessEqual(packed.stat().st_size, 12_000_000)

    def test_the_image_starts_the_program_as_nobody_special(self) -> None:
        if shutil.which("buildah") is None:
            self.skipTest("buildah is not installed")
        options = ["--storage-driver", "vfs", "--root", str(self.folder / "storage"),
                   "--runroot", str(self.folder / "run")]
        self.addCleanup(subprocess.run, ["buildah", *options, "rmi", "--all"], check=True,
                        stdout=subprocess.DEVNULL)
        subprocess.run(
            [PACKAGING / "build.sh", "--tool", "buildah", "--here", "--build", build_folder(),
             "--tag", "valkey-reconciler:test"],
            env={**os.environ, "BUILDAH_OPTIONS": " ".join(options)}, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        image = json.loads(subprocess.run(
            ["buildah", *options, "inspect", "--type", "image", "valkey-reconciler:test"],
            check=True, stdout=subprocess.PIPE).stdout)["OCIv1"]
        self.assertEqual(image["config"]["Entrypoint"], ["/usr/bin/valkey-reconciler"])
        self.assertEqual(image["config"]["User"], f"{USER}:{USER}")
        self.assertEqual(len(image["rootfs"]["diff_ids"]), 1)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: only root can make namespaces and change roots")
        sys.exit(SKIPPED)
    main()
