"""One face over fakes/consul.py and a real `consul` (1.12 or later) of one server, so that a test runs
against both."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from lab.addresses import free_port
from lab.certificates import CertificateAuthority
from lab.processes import Process, wait_until

TOKEN = "8a2f6a8e-0000-4000-8000-not-to-be-seen"
REAL_TOKEN = "8a2f6a8e-3b1d-4c52-9d3f-5f0a3c1b7e42"  # Consul wants a UUID
_FAKE = Path(__file__).resolve().parent.parent / "fakes" / "consul.py"


def find_consul() -> bool:
    return shutil.which("consul") is not None


class Consul:
    """Owned by a test, in its main thread. What was written survives its death."""

    def __init__(self, folder: Path, *, real: bool = False,
                 authority: CertificateAuthority | None = None, with_token: bool = False) -> None:
        self.folder = folder
        self.token = (REAL_TOKEN if real else TOKEN) if with_token else ""
        self.port = free_port("127.0.0.1")
        self.url = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        self._authority = authority
        self._context: ssl.SSLContext | None = None
        server = authority.issue("consul", "127.0.0.1") if authority else None
        if authority:
            self.client = authority.issue("client")
            self._context = ssl.create_default_context(cafile=str(authority.file))
            self._context.load_cert_chain(self.client.cert_file, self.client.key_file)
        certificate = [server.cert_file, server.key_file, authority.file] if authority and server \
            else []
        if real:
            self._write_configuration(certificate)
            argv: list[str | Path] = [shutil.which("consul") or "consul", "agent",
                                      "-config-file", folder / "consul.json"]
        else:
            argv = [sys.executable, _FAKE, "--port", str(self.port), "--folder", folder,
                    "--token", self.token]
            if certificate:
                argv += ["--certificate", *certificate]
        self.process = Process("consul", argv, folder=folder, log=folder / "consul.log")

    def __enter__(self) -> Consul:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def settings(self) -> dict[str, str | Path]:
        """The plugin's, but for its key."""
        given: dict[str, str | Path] = {"urls": self.url}
        if self._authority:
            given |= {"tls_ca_file": self._authority.file, "tls_cert_file": self.client.cert_file,
                      "tls_key_file": self.client.key_file}
        if self.token:
            file = self.folder / "token"
            file.write_text(self.token + "\n")
            given["token_file"] = file
        return given

    def start(self) -> None:
        self.process.start()
        try:
            wait_until(self._has_leader, 30, "Consul has a leader", interval=0.1)
        except TimeoutError:
            raise TimeoutError(self.process.log_tail()) from None

    def restart(self) -> None:
        self.process.kill()
        self.start()

    def get(self, key: str) -> Any:
        """The value, as JSON where it is some; None where there is none."""
        found = self._found(key)
        if found is None:
            return None
        text = base64.b64decode(found["Value"] or "").decode()
        try:
            return json.loads(text)
        except ValueError:
            return text

    def version(self, key: str) -> int:
        found = self._found(key)
        return int(found["ModifyIndex"]) if found else 0

    def put(self, key: str, value: str) -> None:
        self._ask("PUT", f"/v1/kv/{urllib.parse.quote(key)}", value)

    def delete(self, key: str) -> None:
        self._ask("DELETE", f"/v1/kv/{urllib.parse.quote(key)}")

    def registered(self, service: str) -> list[tuple[str, int, list[str]]]:
        """Address, port and tags of each instance."""
        found = self._ask("GET", f"/v1/catalog/service/{service}?consistent")
        return [(entry["ServiceAddress"], entry["ServicePort"], entry["ServiceTags"])
                for entry in found]

    def nodes(self) -> list[str]:
        return [node["Node"] for node in self._ask("GET", "/v1/catalog/nodes?consistent")]

    def deregister(self, node: str, service: str) -> None:
        self._ask("PUT", "/v1/catalog/deregister",
                  json.dumps({"Node": node, "ServiceID": service}))

    def register(self, node: str, service: str, address: str, port: int, tag: str) -> None:
        """As somebody else."""
        self._ask("PUT", "/v1/txn", json.dumps([
            {"Node": {"Verb": "set", "Node": {"Node": node, "Address": address}}},
            {"Service": {"Verb": "set", "Node": node, "Service": {
                "ID": service, "Service": service, "Address": address, "Port": port,
                "Tags": [tag]}}}]))

    def _found(self, key: str) -> dict[str, Any] | None:
        try:
            return self._ask("GET", f"/v1/kv/{urllib.parse.quote(key)}?consistent")[0]
        except FileNotFoundError:
            return None

    def _ask(self, method: str, path: str, body: str = "") -> Any:
        request = urllib.request.Request(self.url + path, body.encode() if body else None,
                                         {"X-Consul-Token": self.token}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5, context=self._context) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            if refusal.code == 404:
                raise FileNotFoundError(path) from None
            raise RuntimeError(f"{path}: {refusal.read().decode()}") from None

    def _has_leader(self) -> bool:
        try:
            return self._ask("GET", "/v1/status/leader") != ""
        except (OSError, RuntimeError, ValueError):
            return False

    def _write_configuration(self, certificate: list[Path]) -> None:
        plain, tls = (-1, self.port) if certificate else (self.port, -1)
        written: dict[str, Any] = {
            "server": True, "bootstrap_expect": 1, "data_dir": str(self.folder / "data"),
            "node_name": "lab", "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1",
            "ports": {"http": plain, "https": tls, "dns": -1, "grpc": -1,
                      "server": free_port("127.0.0.1"), "serf_lan": free_port("127.0.0.1"),
                      "serf_wan": -1}}
        if certificate:
            cert, key, authority = map(str, certificate)
            written["tls"] = {"https": {"cert_file": cert, "key_file": key, "ca_file": authority,
                                        "verify_incoming": True}}
        if self.token:
            written["acl"] = {"enabled": True, "default_policy": "deny",
                              "tokens": {"initial_management": self.token}}
        (self.folder / "consul.json").write_text(json.dumps(written))
