"""One face over a real Kubernetes API server and the tests' fake, so that a test runs against both.

The real one comes from the folder that $KUBERNETES_LAB names (up.sh, down.sh, bounce.sh); where
$KUBERNETES_LAB_RUNNING names the folder of one that runs already, tests share that. The fake is
fakes/kube_api.py. A test that bounces, freezes or kills its API server opens a private one.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.addresses import free_port
from lab.kube_client import Json, KubeClient
from lab.kube_namespace import ACCOUNT, LABEL, PROGRAM_RULES, Namespace, Pod
from lab.processes import Process, wait_until

__all__ = ["ACCOUNT", "LABEL", "PROGRAM_RULES", "FakeKubernetes", "Kubernetes", "Namespace", "Pod",
           "PrivateKubernetes", "RealKubernetes", "backends", "open_kubernetes"]

FAKE = Path(__file__).resolve().parent.parent / "fakes" / "kube_api.py"

_shared: dict[str, Kubernetes] = {}


def backends() -> list[str]:
    """What `open_kubernetes` can open here: the fake always, the real one where there is one."""
    return ["fake", "real"] if os.environ.get("KUBERNETES_LAB") else ["fake"]


def open_kubernetes(backend: str, private: bool = False, *,
                    options: Sequence[str] = ()) -> Kubernetes:
    """An API server that answers. Without `private` it is shared, and kept until the process ends.

    `options` are more arguments of up.sh or of the fake, for a private one.
    """
    if private:
        return _start(backend, options)
    if backend not in _shared:
        running = os.environ.get("KUBERNETES_LAB_RUNNING")
        if backend == "real" and running:
            _shared[backend] = Kubernetes(backend, Path(running))
        else:
            _shared[backend] = _start(backend, ())
    return _shared[backend]


def _start(backend: str, options: Sequence[str]) -> Kubernetes:
    if backend == "fake":
        return FakeKubernetes(options)
    return RealKubernetes(options)


def administrator(folder: Path, timeout: float = 30.0) -> KubeClient:
    """Of the API server of this folder: by a token where there is one, else by a certificate."""
    url, ca, pki = (folder / "url").read_text().strip(), folder / "ca.crt", folder / "pki"
    if (pki / "token").exists():
        return KubeClient(url, ca, token=(pki / "token").read_text(), timeout=timeout)
    return KubeClient(url, ca, (pki / "admin.crt", pki / "admin.key"), timeout=timeout)


class Kubernetes:
    """One API server, by its folder. This class itself has one that somebody else started."""

    is_private = False
    has_kubelets = False  # which would run the pods that tests make

    def __init__(self, backend: str, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.url = (folder / "url").read_text().strip()
        self.ca = folder / "ca.crt"
        self.admin_kubeconfig = folder / "admin.kubeconfig"
        self.admin = self.admin_client()
        self._scratch = Path(tempfile.mkdtemp(prefix="reconciler-kubernetes-files-"))
        atexit.register(shutil.rmtree, self._scratch, ignore_errors=True)
        atexit.register(self.admin.close)

    def __enter__(self) -> Kubernetes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.backend} Kubernetes {self.url}>"

    @property
    def is_fake(self) -> bool:
        return self.backend == "fake"

    def admin_client(self, timeout: float = 30.0) -> KubeClient:
        return administrator(self.folder, timeout)

    def client(self, token: str = "", timeout: float = 30.0) -> KubeClient:
        """Somebody with a token, or nobody."""
        return KubeClient(self.url, self.ca, token=token, timeout=timeout)

    def namespace(self, prefix: str = "test", rules: Iterable[Json] | None = None) -> Namespace:
        """A new one with a name of its own, and a service account that has just these rights
        (PROGRAM_RULES where `rules` is None)."""
        suffix = "".join(random.choices(string.ascii_lowercase + string.digits, k=6))
        name = f"{prefix}-{suffix}"
        self.admin.post("/api/v1/namespaces", {"metadata": {"name": name}})
        return Namespace(self, name, self._scratch / name,
                         PROGRAM_RULES if rules is None else list(rules))

    def node(self, name: str, labels: dict[str, str] | None = None) -> None:
        self.admin.call("POST", "/api/v1/nodes", {
            "metadata": {"name": name, "labels": labels or {"kubernetes.io/hostname": name}},
        }, ok=(201, 409))

    def is_ready(self) -> bool:
        client = self.admin_client(timeout=2.0)
        try:
            return client.request("GET", "/readyz").text == "ok"
        except OSError:
            return False
        finally:
            client.close()

    def audit(self, start: int = 0) -> list[Json]:
        """The lines of the audit log from an offset on (see `audit_size`), without the admin's."""
        file = self.folder / "audit.log"
        if not file.exists():
            return []
        with open(file, "rb") as log:
            if start > 0:
                log.seek(start - 1)
                log.readline()  # the rest of one that was being written then
            return [json.loads(line) for line in log if line.endswith(b"\n")]

    def audit_size(self) -> int:
        file = self.folder / "audit.log"
        return file.stat().st_size if file.exists() else 0

    def close(self) -> None:
        """Stops it, where it is our own."""
        self.admin.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


class PrivateKubernetes(Kubernetes):
    """One that was started for this process, which may do with it what it wants."""

    is_private = True

    @property
    def pid(self) -> int:
        return int((self.folder / "pids" / "kube-apiserver.pid").read_text())

    def freeze(self) -> None:
        """Connections then hang rather than fail."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """As a rolling upgrade does: new connections are refused, open watches become silent."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; `revive` starts it again on the same data."""
        raise NotImplementedError

    def revive(self) -> None:
        raise NotImplementedError

    def back_up(self) -> None:
        """Keeps what is stored now, for `restore`. The API server is killed and back afterwards."""
        self._with_data_at_rest(self._copy_data)

    def restore(self) -> None:
        """Everything is as it was then, resourceVersions too."""
        self._with_data_at_rest(self._put_data_back)

    def _with_data_at_rest(self, do: Callable[[], None]) -> None:
        self.kill()
        do()
        self.revive()

    def _data(self) -> Path:
        raise NotImplementedError

    def _copy_data(self) -> None:
        _copy(self._data(), self.folder / "backup")

    def _put_data_back(self) -> None:
        _copy(self.folder / "backup", self._data())

    def bounce(self, seconds: float = 0.0) -> None:
        """Kills it, and has it back after so long: old watches then get 410."""
        self.kill()
        time.sleep(seconds)
        self.revive()

    def is_refusing(self) -> bool:
        """New connections are refused at once."""
        return _is_free(urlsplit(self.url).port or 443)

    def _wait_ready(self, timeout: float) -> None:
        wait_until(self.is_ready, timeout, f"{self!r} is ready")


class FakeKubernetes(PrivateKubernetes):
    """The fake, with the orders that only it takes."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        folder = Path(tempfile.mkdtemp(prefix="reconciler-kubernetes-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._port = free_port()
        argv: list[str | Path] = [
            sys.executable, FAKE, "--port", str(self._port), "--dir", folder, "--audit",
            "--drain-seconds", "30", *options]
        self._process = Process("fake Kubernetes API server", argv, log=folder / "log")
        self._process.start()
        self._wait_started(folder)
        super().__init__("fake", folder)
        self._wait_ready(10)

    def kill(self) -> None:
        self._process.kill()

    def revive(self) -> None:
        self._process.start()
        self._wait_ready(20)

    def _data(self) -> Path:
        return self.folder / "data.jsonl"

    def close(self) -> None:
        self._process.kill()
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fault(self, match: str, **fault: Any) -> None:
        """See fakes/kube/faults.py: status, body, headers, count, skip, delay_ms, drop, when."""
        self.admin.post("/_fault", {"match": match, **fault})

    def faults(self) -> list[Json]:
        """As they are now, with their "hits"."""
        faults: list[Json] = json.loads(self.admin.request("GET", "/_fault").text)
        return faults

    def clear_faults(self) -> None:
        self.admin.delete("/_fault")

    def prolong_deletions(self, seconds: float) -> None:
        """Between their two steps, where a pod's writes are answered and not kept."""
        self.admin.post("/_deletions", {"seconds": seconds})

    def compact(self) -> None:
        """Forgets the history: watches and pages from an old version get 410."""
        self.admin.post("/_compact", {})

    def watches(self, do: str, match: str = ".*", **order: Any) -> int:
        """To the open watches: cut, end, expire, silence, send or bookmark (see control.py)."""
        return int(self.admin.post("/_watches", {"do": do, "match": match, **order})["met"])

    def open_watches(self) -> list[str]:
        paths: list[str] = json.loads(self.admin.request("GET", "/_watches").text)
        return paths

    def token(self, namespace: str, account: str, seconds: float) -> str:
        """One that ends just after so long."""
        return str(self.admin.post("/_token", {
            "namespace": namespace, "serviceAccount": account, "expirationSeconds": seconds,
        })["token"])

    def revoke(self, token: str) -> None:
        self.admin.post("/_revoke", {"token": token})

    def _wait_started(self, folder: Path) -> None:
        def started() -> bool:
            if not self._process.is_alive():
                raise RuntimeError(f"the fake ended: {self._process.log_tail()}")
            return (folder / "admin.kubeconfig").exists() and (folder / "url").exists()

        wait_until(started, 20, "the fake Kubernetes API server starts")


class RealKubernetes(PrivateKubernetes):
    """kube-apiserver and etcd of $KUBERNETES_LAB. They end with this process, whatever its way."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._lab = Path(os.environ["KUBERNETES_LAB"])
        folder = Path(tempfile.mkdtemp(prefix="reconciler-kubernetes-"))
        # Ends when its standard input does, and that ends with this process.
        self._guardian = subprocess.Popen(
            ["bash", "-c",
             'trap "" INT TERM HUP; cat >/dev/null; "$0" "$1" >/dev/null; rm -rf "$1"',
             self._lab / "down.sh", folder],
            stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(self._end)
        self._up(folder, options)
        super().__init__("real", folder)

    def kill(self) -> None:
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        # Its threads, and so its sockets, may outlive its pid by some milliseconds.
        wait_until(lambda: _is_gone(pid) and self.is_refusing(), 10, f"kube-apiserver {pid} ends")

    def revive(self) -> None:
        subprocess.run([self._lab / "bounce.sh", self.folder, "0"], check=True,
                       stdout=subprocess.DEVNULL)
        self._wait_ready(30)

    def _with_data_at_rest(self, do: Callable[[], None]) -> None:
        self.kill()
        etcd = int((self.folder / "pids" / "etcd.pid").read_text())
        os.kill(etcd, signal.SIGKILL)
        wait_until(lambda: _is_gone(etcd), 10, f"etcd {etcd} ends")
        do()
        # Its old process is gone already, about which the script complains.
        again = subprocess.Popen([self._lab / "bounce.sh", self.folder, "0", "etcd"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.revive()
        again.wait(60)

    def _data(self) -> Path:
        return Path((self.folder / "etcd-datadir").read_text().strip())

    def close(self) -> None:
        super().close()
        self._end()

    def _up(self, folder: Path, options: Sequence[str]) -> None:
        said = ""
        for _ in range(5):
            up = subprocess.run(
                [self._lab / "up.sh", str(_free_ports(4)), folder, "--audit", *options],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                text=True)
            if up.returncode == 0:
                return
            said = up.stdout
        self._end()
        raise RuntimeError(f"the real Kubernetes API server did not start: {said}")

    def _end(self) -> None:
        if self._guardian.stdin is not None and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
            self._guardian.wait(30)


def _copy(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _is_gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def _free_ports(count: int) -> int:
    """The first of so many in a row, none of them in use now."""
    for _ in range(1000):
        first = random.randrange(20000, 32000, count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
