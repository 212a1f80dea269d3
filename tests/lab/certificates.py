"""Certificates made by openssl, into the test's own folder."""

from __future__ import annotations

import functools
import ipaddress
import ssl
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    cert_file: Path
    key_file: Path


@dataclass(frozen=True)
class ServerTls:
    """How a server speaks TLS; the lab's own connections come with its certificate."""

    certificate: Certificate
    ca_file: Path  # whose clients are let in
    clients: str = "no"  # whether they must have a certificate: no, optional, yes

    def lines(self, port: int) -> list[str]:
        """For the server's configuration, in the place of `port`."""
        return [
            "port 0",
            f"tls-port {port}",
            f"tls-cert-file {self.certificate.cert_file}",
            f"tls-key-file {self.certificate.key_file}",
            f"tls-ca-cert-file {self.ca_file}",
            f"tls-auth-clients {self.clients}",
            "tls-replication yes",
        ]

    @functools.cached_property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(self.certificate.cert_file, self.certificate.key_file)
        return context


class CertificateAuthority:
    """A CA of its own. Files bear its name and that of the certificate."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        self.name = name
        self.file = self._folder / "ca.crt"
        self._key = self._folder / "ca.key"
        (self._folder / "index").touch()
        (self._folder / "openssl.cnf").write_text(
            "[ca]\ndefault_ca = this\n[this]\ndatabase = index\nnew_certs_dir = .\n"
            f"certificate = {self.file}\nprivate_key = {self._key}\nrand_serial = yes\n"
            "default_md = sha256\npolicy = any\nunique_subject = no\n"
            "[any]\ncommonName = optional\norganizationName = optional\n"
            "[req]\ndistinguished_name = name\n[name]\n"
        )
        self._openssl(
            *("req", "-x509", *_NEW_KEY, "-days", "30", "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-keyout", str(self._key), "-out", str(self.file)),
        )

    def issue(
        self,
        name: str,
        *hosts: str,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=1),
        field: str = "CN",
    ) -> Certificate:
        """For these host names and IP addresses; `begins` and `ends` count from now; `field` of its
        subject has the name. A certificate of the same name is replaced."""
        made = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(
            "basicConstraints = CA:FALSE\n"
            + (f"subjectAltName = {','.join(map(_alternative, hosts))}\n" if hosts else "")
        )
        self._openssl(
            *("req", "-new", *_NEW_KEY, "-subj", f"/{field}={name}"),
            *("-keyout", str(made.key_file), "-out", str(request)),
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-in", str(request), "-out", str(made.cert_file)),
            *("-extfile", str(extensions), "-startdate", _date(begins), "-enddate", _date(ends)),
        )
        return made

    def server(self, name: str, host: str, clients: str = "no") -> ServerTls:
        """For a server of that name at that IP address."""
        return ServerTls(self.issue(name, name, host), self.file, clients)

    def _openssl(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", command, "-config", "openssl.cnf", *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"openssl {command}: {done.stderr}")


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _date(from_now: timedelta) -> str:
    return (datetime.now(timezone.utc) + from_now).strftime("%Y%m%d%H%M%SZ")


def _alternative(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"DNS:{host}"
    return f"IP:{host}"
