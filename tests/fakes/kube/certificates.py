"""A certificate authority of its own, by the openssl command; the files are those of a real lab."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SERVER = """subjectAltName=IP:127.0.0.1,IP:::1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,\
DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
extendedKeyUsage=serverAuth
"""


def make(folder: Path) -> None:
    """ca, apiserver and admin (.crt, .key) in `folder`; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ca.crt").exists():
        return
    _key(folder, "ca")
    _openssl(folder, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=fake-ca", "-days",
             "3650", "-out", "ca.crt.new", "-addext",
             "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
    (folder / "ca.crt.new").rename(folder / "ca.crt")
    leaf(folder, "apiserver", "/CN=kube-apiserver", _SERVER)
    leaf(folder, "admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n")


def leaf(folder: Path, name: str, subject: str, extensions: str) -> None:
    """Makes NAME.crt and NAME.key, signed by the authority in `folder`."""
    _key(folder, name)
    _openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(extensions)
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
             "-CAcreateserial", "-days", "3650", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def _key(folder: Path, name: str) -> None:
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    (folder / f"{name}.key").chmod(0o600)


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")
