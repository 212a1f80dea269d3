"""What is in the image's root file system, and the image itself where buildah is there. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.image import PACKAGING, USER, is_packaged, make_rootfs, why_not  # noqa: E402
from lab.program import build_folder  # noqa: E402


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


@unittest.skipIf(shutil.which("buildah") is None, "buildah is not installed")
class Image(unittest.TestCase):
    def test_it_starts_the_program_as_nobody_special_and_is_small(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reconciler-image-"))
        self.addCleanup(shutil.rmtree, self.folder)
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
        if is_packaged():
            self.assertLessEqual(self.pushed(options), 12_000_000)
            self.assertLessEqual(self.pushed(options, "--compression-format", "zstd", "--compression-level", "19"), 10_500_000)

    def pushed(self, options: list[str], *compression: str) -> int:
        """What goes over the network, in bytes."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        subprocess.run(["buildah", *options, "push", *compression, "valkey-reconciler:test", f"oci:{place}"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return sum(blob.stat().st_size for blob in (place / "blobs/sha256").iterdir())


if __name__ == "__main__":
    if why := why_not():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
