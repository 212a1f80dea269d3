"""The image's root file system, made of the build under test, and the program in it. Needs root."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.processes import Process
from lab.program import Program, build_folder, is_sanitized

PACKAGING = Path(__file__).resolve().parents[2] / "packaging" / "image"
USER = 65532


def why_not() -> str:
    """Why no image can be tried here; empty: one can."""
    if os.geteuid() != 0:
        return "only root can make namespaces and change roots"
    return "a build with sanitizers is not for images" if is_sanitized() else ""


def is_packaged() -> bool:
    """Whether the build under test is one as packaging/build.sh makes it."""
    return _cached("CMAKE_BUILD_TYPE") == "MinSizeRel"


def _cached(name: str) -> str:
    cache = (build_folder() / "CMakeCache.txt").read_text()
    return next(iter(re.findall(rf"^{name}:\w+=(.*)$", cache, re.MULTILINE)), "")


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

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """As `kubectl exec` runs a command in the container."""
        inside = ("--mount", "--ipc", "--uts", "--pid", "--root", "--setgid", str(USER), "--setuid", str(USER))
        return subprocess.run(["nsenter", "--target", str(self.child("valkey-reconciler").pid), *inside, *words],
                              env={**self.environment, "PATH": os.environ["PATH"]}, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def send(self, number: int) -> None:
        self.child("valkey-reconciler").send(number)

    def close(self) -> None:
        # A change of user takes PR_SET_PDEATHSIG away.
        for process in self.children("valkey-reconciler"):
            process.send(signal.SIGKILL)
        super().close()
