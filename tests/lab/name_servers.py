"""Real name servers, BIND and Knot, with one zone that takes updates under one TSIG key."""

from __future__ import annotations

import base64
import secrets
import shutil
import subprocess
from pathlib import Path

from lab.addresses import free_port
from lab.processes import Process, wait_until

ZONE = "example.org"
KEY = "reconciler"
SERVERS = ("bind", "knot")


def find_name_servers() -> bool:
    """tests/servers.sh --with-dns puts them on PATH."""
    return all(shutil.which(name) for name in ("named", "knotd", "dig", "nsupdate"))


class NameServer:
    """Owned by a test, in its main thread. Updates survive its death: both keep a journal."""

    def __init__(self, kind: str, folder: Path, names: list[str], *,
                 algorithm: str = "hmac-sha256") -> None:
        """`names`: those of the zone that the key may change, each with its holder of decisions.
        `algorithm` empty: anybody on this machine may, and there is no key."""
        self.algorithm = algorithm
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port(self.host)
        self.secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.secret_file = folder / "secret"
        self.secret_file.write_text(self.secret + "\n")
        (folder / f"{ZONE}.zone").write_text(
            f"{ZONE}. 60 IN SOA ns.{ZONE}. admin.{ZONE}. 1 3600 600 86400 60\n"
            f"{ZONE}. 60 IN NS ns.{ZONE}.\n"
            f"ns.{ZONE}. 60 IN A {self.host}\n"
        )
        file = folder / f"{kind}.conf"
        file.write_text(_bind(self, names) if kind == "bind" else _knot(self, names))
        argv: list[str | Path] = ["named", "-f", "-n", "1", "-c", file]
        if kind == "knot":
            argv = ["knotd", "-c", file]
        argv[0] = shutil.which(str(argv[0])) or argv[0]
        self.process = Process(kind, argv, folder=folder, log=folder / f"{kind}.log")

    def __enter__(self) -> NameServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        self.process.start()
        try:
            wait_until(lambda: bool(self.ask(ZONE, "SOA")), 20, "the name server answers")
        except TimeoutError:
            raise TimeoutError(self.process.log_tail()) from None

    def restart(self) -> None:
        self.process.kill()
        self.start()

    def ask(self, name: str, kind: str, *, tries: int = 1) -> list[str]:
        """The data of these records, as dig shows them; empty, too, where it does not answer."""
        said = subprocess.run(
            ["dig", "+short", "+time=1", f"+tries={tries}", "+norecurse", "-p", str(self.port),
             f"@{self.host}", name, kind],
            capture_output=True, text=True, check=False)
        if said.returncode != 0:
            return []
        return sorted(line for line in said.stdout.splitlines() if not line.startswith(";"))

    def wait_for(self, name: str, kind: str, data: list[str], timeout: float = 10.0) -> None:
        wait_until(lambda: self.ask(name, kind) == data, timeout, f"{name} {kind} is {data}")

    def update(self, *lines: str) -> None:
        """As somebody else who has the key."""
        orders = [f"server {self.host} {self.port}", f"zone {ZONE}",
                  f"key {self.algorithm}:{KEY} {self.secret}", *lines, "send"]
        subprocess.run(["nsupdate"], input="\n".join(orders) + "\n", text=True, check=True,
                       capture_output=True)


def _bind(server: NameServer, names: list[str]) -> str:
    policy = " ".join(
        f"grant {KEY} name {name} A AAAA CNAME SRV TXT; grant {KEY} name _valkey-reconciler.{name} TXT;"
        for name in names)
    allowed = f"update-policy {{ {policy} }};" if server.algorithm else "allow-update { localhost; };"
    return f"""
options {{
  directory "{server.folder}";
  listen-on port {server.port} {{ {server.host}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  dnssec-validation no;
}};
controls {{ }};
key {KEY} {{ algorithm {server.algorithm or "hmac-sha256"}; secret "{server.secret}"; }};
zone "{ZONE}" {{
  type primary;
  file "{ZONE}.zone";
  {allowed}
}};
"""


def _knot(server: NameServer, names: list[str]) -> str:
    who = f"key: {KEY}" if server.algorithm else f"address: {server.host}"
    allowed = ", ".join(f"{name}., _valkey-reconciler.{name}." for name in names)
    return f"""
server:
    listen: {server.host}@{server.port}
    rundir: "{server.folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{server.folder}"
    journal-db-max-size: 8M
log:
  - target: stdout
    any: info
key:
  - id: {KEY}
    algorithm: {server.algorithm or "hmac-sha256"}
    secret: {server.secret}
acl:
  - id: reconciler
    {who}
    action: update
    update-type: [A, AAAA, CNAME, SRV, TXT]
    update-owner: name
    update-owner-match: equal
    update-owner-name: [{allowed}]
zone:
  - domain: {ZONE}
    storage: "{server.folder}"
    file: "{ZONE}.zone"
    acl: reconciler
"""
