"""kubectl as a user has it: renders packaging/kubernetes, and runs as the administrator of an API server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.kubernetes import Kubernetes

PROJECT = Path(__file__).resolve().parents[2]
MANIFESTS = PROJECT / "packaging/kubernetes"
OLDEST_KUSTOMIZE = (5, 4)  # that of kubectl 1.31; older ones leave the ConfigMap without labels


def why_not() -> str:
    """Why nothing can be rendered here; empty where it can."""
    if shutil.which("kubectl") is None:
        return "no kubectl on PATH"
    said = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True)
    found = re.search(r"Kustomize Version: v(\d+)\.(\d+)", said.stdout)
    if not found:
        return f"this kubectl does not tell of its kustomize: {said.stdout.strip()}"
    if (int(found[1]), int(found[2])) < OLDEST_KUSTOMIZE:
        return f"this kubectl is too old: {found[0]}; 5.4 is needed"
    try:
        import yaml  # noqa: F401
    except ImportError:
        return "no python3-yaml"
    return ""


def render(folder: Path) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send."""
    import yaml

    return list(yaml.safe_load_all(run(["kubectl", "kustomize", str(folder)])))


def run(argv: Sequence[str], kubernetes: Kubernetes | None = None, *, folder: Path = PROJECT,
        status: int = 0) -> str:
    """As the administrator; what it prints. An AssertionError that shows it, where it ends otherwise than it should."""
    environment = {**os.environ, "KUBECONFIG": str(kubernetes.admin_kubeconfig)} if kubernetes else None
    done = subprocess.run(argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == status, f"{' '.join(argv)}: {done.returncode}\n{done.stdout}"
    return done.stdout
