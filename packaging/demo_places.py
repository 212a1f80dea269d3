"""Where the demonstration's labels are: pods at an API server, and a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab.kubernetes import open_kubernetes
from lab.processes import die_with_parent, wait_until
from lab.valkey import Address

LABEL, VALUE = "valkey-master", "true"

Heard = Callable[[float, str, bool], None]  # when, which pod, labelled or not


class Api:
    """The few requests that are needed, over HTTP or, with a context, TLS."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        self._url = url
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def open(self, method: str, path: str, body: Any = None, timeout: float = 20.0) -> Any:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": kind, "Accept": "application/json"},
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as refused:
            with refused:
                said = refused.read().decode(errors="replace")
            with contextlib.suppress(ValueError):
                said = json.loads(said)["message"]
            raise RuntimeError(f"{method} {path}: {refused.code} {said}") from None

    def call(self, method: str, path: str, body: Any = None) -> Any:
        with self.open(method, path, body) as answer:
            return json.load(answer)


class Pods:
    """An own namespace with a pod for each instance, and a watch of them beside the program's."""

    def __init__(self, api: Api, kubeconfig: str, names: dict[Address, str]) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = f"valkey-reconciler-demo-{secrets.token_hex(3)}"
        self._api = api
        self._path = f"/api/v1/namespaces/{self.namespace}"
        self._labelled: set[str] = set()
        self.most_at_once = 0
        self._heard: Heard | None = None
        self._closing = False
        self._watching: Any = None
        meta = {"metadata": {"name": self.namespace}}
        api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", **meta})
        try:
            for (host, _), name in names.items():
                self._create_pod(name, host)
            self._watching = api.open("GET", f"{self._path}/pods?watch=1", timeout=3600)
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, daemon=True).start()

    def tell(self, heard: Heard) -> None:
        self._heard = heard

    def labelled(self) -> set[str]:
        return set(self._labelled)

    def close(self) -> None:
        self._closing = True
        self._api.call("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def _create_pod(self, name: str, address: str) -> None:
        """No scheduler takes it, so nothing runs it, and its status is ours to write."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "valkey"}},
            "spec": {
                "schedulerName": "valkey-reconciler-demo",
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "containers": [{"name": "valkey", "image": "valkey/valkey:8"}],
            },
        }
        # A new namespace may lack its default service account for a moment.
        created = [""]

        def create() -> bool:
            try:
                self._api.call("POST", f"{self._path}/pods", pod)
            except RuntimeError as error:
                created[0] = str(error)
                if "serviceaccount" not in created[0]:
                    raise
                return False
            return True

        wait_until(create, 20, f"pod {name} can be created", interval=0.2)
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        self._api.call("PATCH", f"{self._path}/pods/{name}/status", {"status": status})

    def _watch(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._watching:
                now = time.monotonic()
                pod = json.loads(line)["object"]
                if self._closing or "metadata" not in pod or "name" not in pod["metadata"]:
                    continue
                name = pod["metadata"]["name"]
                has_label = pod["metadata"].get("labels", {}).get(LABEL) == VALUE
                if has_label == (name in self._labelled):
                    continue
                (self._labelled.add if has_label else self._labelled.discard)(name)
                self.most_at_once = max(self.most_at_once, len(self._labelled))
                if self._heard is not None:
                    self._heard(now, name, has_label)


@contextlib.contextmanager
def open_pods(names: dict[Address, str], say: Callable[[str], None]) -> Iterator[Pods]:
    """At $KUBECONFIG where it is set, else at the fake API server of the tests."""
    server = _own_cluster if os.environ.get("KUBECONFIG") else _fake_server
    with server(say) as (api, kubeconfig):
        pods = Pods(api, kubeconfig, names)
        try:
            yield pods
        finally:
            pods.close()


@contextlib.contextmanager
def _own_cluster(say: Callable[[str], None]) -> Iterator[tuple[Api, str]]:
    kubeconfig = os.environ["KUBECONFIG"]
    absolute = ":".join(os.path.abspath(file) for file in kubeconfig.split(":") if file)
    say(f"Kubernetes: your own cluster, KUBECONFIG={kubeconfig}. The demo makes a namespace of its")
    say(
        "own, with three pods that nothing runs, and deletes it afterwards; it touches no other one"
    )
    if shutil.which("kubectl") is None:
        raise SystemExit(
            "demo: KUBECONFIG is set, but there is no kubectl to reach that cluster with"
        )
    proxy = subprocess.Popen(
        ["kubectl", "proxy", "--port=0"],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
        process_group=0,  # Ctrl-C is for the demo, which still needs it to clean up
    )
    try:
        assert proxy.stdout is not None
        port = re.search(r"127\.0\.0\.1:(\d+)", proxy.stdout.readline())
        if port is None:
            raise SystemExit("demo: kubectl proxy did not start; what it said is above")
        yield Api(f"http://127.0.0.1:{port[1]}"), absolute
    finally:
        proxy.terminate()
        proxy.wait(10)


@contextlib.contextmanager
def _fake_server(say: Callable[[str], None]) -> Iterator[tuple[Api, str]]:
    say("Kubernetes: KUBECONFIG is not set, so the fake API server of the project's tests")
    with open_kubernetes("fake", private=True) as server:
        pki = server.folder / "pki"
        context = ssl.create_default_context(cafile=server.ca)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        yield Api(server.url, context), str(server.admin_kubeconfig)


class FileWatch:
    """The file that the `file` target keeps, looked at every few milliseconds."""

    def __init__(self, directory: Path, group: str, names: dict[Address, str]) -> None:
        directory.mkdir()
        self.path = directory / f"{group}.json"
        self._names = names
        self._primary = ""
        self._heard: Heard | None = None
        self._closing = threading.Event()

    def __enter__(self) -> FileWatch:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()

    def tell(self, heard: Heard) -> None:
        self._heard = heard

    def primary(self) -> str:
        """The name of the instance that the file names; empty while there is none."""
        return self._primary

    def _watch(self) -> None:
        while not self._closing.wait(0.002):
            try:
                named = json.loads(self.path.read_text())["primary"]
            except (OSError, ValueError):
                continue
            name = self._names.get((named["host"], int(named["port"])), str(named))
            if name != self._primary:
                self._primary = name
                if self._heard is not None:
                    self._heard(time.monotonic(), name, True)
