"""Somebody's own cluster, by $KUBECONFIG, for what may be measured there too. It has no audit log that could be read, and pods
that are made in it are put on none of its nodes."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from lab.kubernetes import Kubernetes


class Cluster(Kubernetes):
    has_kubelets = True


def open_cluster() -> Cluster:
    """As whom kubectl would be now: a client certificate or a token."""
    shown = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--minify", "--flatten", "--output", "json"],
        capture_output=True, text=True, check=False,
    )
    if shown.returncode != 0:
        raise SystemExit(f"kubectl knows of no cluster: {shown.stderr.strip()}")
    folder = Path(tempfile.mkdtemp(prefix="reconciler-cluster-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_lab(folder, json.loads(shown.stdout))
    return Cluster("real", folder)


def write_lab(folder: Path, kubeconfig: dict[str, Any]) -> None:
    """The files by which the lab's own server is known."""
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    (folder / "url").write_text(cluster["server"])
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    (folder / "pki").mkdir(mode=0o700)
    if "client-certificate-data" in user:
        for name, key in (("admin.crt", "client-certificate-data"), ("admin.key", "client-key-data")):
            (folder / "pki" / name).write_bytes(base64.b64decode(user[key]))
    elif "token" in user:
        (folder / "pki" / "token").write_text(user["token"])
    else:
        raise SystemExit("the user of $KUBECONFIG has neither a client certificate nor a token")
