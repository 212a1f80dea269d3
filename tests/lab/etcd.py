"""A real etcd of one member, asked through its JSON gateway; with TLS and users where a test wants them."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from lab.addresses import free_port
from lab.certificates import CertificateAuthority
from lab.processes import Process, wait_until

USER = "reconciler"
PASSWORD = "not to be seen"
ROOT_PASSWORD = "root's"


def find_etcd() -> bool:
    """tests/servers.sh --with-etcd puts it on PATH."""
    return shutil.which("etcd") is not None


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _permission(prefix: str, kind: str) -> dict[str, Any]:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return {"name": USER, "perm": {
        "permType": kind, "key": _coded(prefix), "range_end": _coded(end)}}


class Etcd:
    """Owned by a test, in its main thread. What was written survives its death."""

    def __init__(self, folder: Path, *, authority: CertificateAuthority | None = None,
                 prefix: str = "") -> None:
        """With `authority` clients need a certificate of its; with `prefix` a user, who may change
        the keys that begin so and no others."""
        self.folder = folder
        self._prefix = prefix
        self._authority = authority
        self.port = free_port("127.0.0.1")
        peer = f"http://127.0.0.1:{free_port('127.0.0.1')}"
        self.url = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        argv: list[str | Path] = [
            shutil.which("etcd") or "etcd", "--data-dir", folder / "data",
            "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--logger", "zap"]
        self._context: ssl.SSLContext | None = None
        if authority:
            server = authority.issue("etcd", "127.0.0.1")
            # With users the gateway refuses a client whose certificate has a CommonName: that would
            # be a user's name, were it not the gateway.
            self.client = authority.issue("client", field="O")
            argv += ["--cert-file", server.cert_file, "--key-file", server.key_file,
                     "--trusted-ca-file", authority.file, "--client-cert-auth"]
            self._context = ssl.create_default_context(cafile=str(authority.file))
            self._context.load_cert_chain(self.client.cert_file, self.client.key_file)
        self.process = Process("etcd", argv, folder=folder, log=folder / "etcd.log")
        self._has_users = False

    def __enter__(self) -> Etcd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def settings(self) -> dict[str, str | Path]:
        """The plugin's, but for its key."""
        given: dict[str, str | Path] = {"endpoints": self.url}
        if self._authority:
            given |= {"tls_ca_file": self._authority.file, "tls_cert_file": self.client.cert_file,
                      "tls_key_file": self.client.key_file}
        if self._prefix:
            password = self.folder / "password"
            password.write_text(PASSWORD + "\n")
            given |= {"username": USER, "password_file": password}
        return given

    def start(self) -> None:
        self.process.start()
        try:
            wait_until(self._is_well, 30, "etcd is well", interval=0.1)
        except TimeoutError:
            raise TimeoutError(self.process.log_tail()) from None
        if self._prefix and not self._has_users:
            self._make_users()

    def restart(self) -> None:
        self.process.kill()
        self.start()

    def get(self, key: str) -> Any:
        """The value, as JSON where it is some; None where there is none."""
        found = self._as_root("kv/range", {"key": _coded(key)}).get("kvs")
        if not found:
            return None
        text = base64.b64decode(found[0].get("value", "")).decode()
        try:
            return json.loads(text)
        except ValueError:
            return text

    def version(self, key: str) -> int:
        """How often the key was written since it was made."""
        found = self._as_root("kv/range", {"key": _coded(key)}).get("kvs")
        return int(found[0]["version"]) if found else 0

    def put(self, key: str, value: str) -> None:
        self._as_root("kv/put", {"key": _coded(key), "value": _coded(value)})

    def delete(self, key: str) -> None:
        self._as_root("kv/deleterange", {"key": _coded(key)})

    def lease_of(self, key: str) -> str | None:
        found = self._as_root("kv/range", {"key": _coded(key)}).get("kvs")
        return found[0].get("lease") if found else None

    def revoke(self, lease: str) -> None:
        self._as_root("kv/lease/revoke", {"ID": lease})

    def leases(self) -> set[str]:
        return {lease["ID"] for lease in self._as_root("lease/leases", {}).get("leases", [])}

    def allow(self, prefix: str, kind: str) -> None:
        """The plugin's user: READ, or READWRITE, of the keys that begin so."""
        self._as_root("auth/role/grant", _permission(prefix, kind))

    def forget_tokens(self) -> None:
        """Those of the plugin's user: a change of its password does that, be it to the same one."""
        self._as_root("auth/user/changepw", {"name": USER, "password": PASSWORD})

    def _as_root(self, path: str, body: dict[str, Any]) -> Any:
        token = ""
        if self._has_users:
            said = self._post("auth/authenticate", {"name": "root", "password": ROOT_PASSWORD})
            token = said["token"]
        return self._post(path, body, token)

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        request = urllib.request.Request(
            f"{self.url}/v3/{path}", json.dumps(body).encode(),
            {"Authorization": token} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(f"{path}: {refusal.read().decode()}") from None

    def _is_well(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2,
                                        context=self._context) as answer:
                return json.loads(answer.read())["health"] == "true"
        except (OSError, urllib.error.URLError):
            return False

    def _make_users(self) -> None:
        self._post("auth/role/add", {"name": "root"})
        self._post("auth/role/add", {"name": USER})
        self._post("auth/role/grant", _permission(self._prefix, "READWRITE"))
        for name, password in (("root", ROOT_PASSWORD), (USER, PASSWORD)):
            self._post("auth/user/add", {"name": name, "password": password})
            self._post("auth/user/grant", {"user": name, "role": name})
        self._post("auth/enable", {})
        self._has_users = True
