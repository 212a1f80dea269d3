#!/usr/bin/env python3
"""As much of Consul's HTTP API as the plugin and its tests speak: keys with check-and-set, transactions of
key, node and service operations, the catalog, and one ACL token. What was written survives its death.
The tests that use it also run, unchanged, against a real `consul` where there is one."""

from __future__ import annotations

import argparse
import base64
import copy
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Refusal(Exception):
    pass


class State:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.json"
        self.lock = threading.Lock()
        self.index = 10
        self.keys: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}  # by "node/id"
        if self._file.exists():
            self.__dict__.update(json.loads(self._file.read_text()))

    def save(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({name: self.__dict__[name]
                                   for name in ("index", "keys", "nodes", "services")}))
        new.replace(self._file)

    def set_key(self, key: str, value: str, index: int | None) -> bool:
        """`value` in base64. With an index only where the key has it; 0: where it is not there."""
        found = self.keys.get(key)
        if index is not None and index != (found["ModifyIndex"] if found else 0):
            return False
        if found and found["Value"] == value:
            return True  # nothing changes, nor does the index
        self.index += 1
        self.keys[key] = {"LockIndex": 0, "Key": key, "Flags": 0, "Value": value,
                          "CreateIndex": found["CreateIndex"] if found else self.index,
                          "ModifyIndex": self.index}
        return True

    def transact(self, operations: list[dict[str, Any]]) -> tuple[int, Any]:
        before = copy.deepcopy((self.index, self.keys, self.nodes, self.services))
        results = []
        for number, operation in enumerate(operations):
            try:
                [(kind, what)] = operation.items()
                results += {"KV": self._key, "Node": self._node, "Service": self._service}[kind](what)
            except Refusal as refusal:
                self.index, self.keys, self.nodes, self.services = before
                return 409, {"Results": None,
                             "Errors": [{"OpIndex": number, "What": str(refusal)}]}
        return 200, {"Results": results, "Errors": None}

    def _key(self, what: dict[str, Any]) -> list[Any]:
        assert what["Verb"] == "cas"
        if not self.set_key(what["Key"], what["Value"], what["Index"]):
            raise Refusal(f'failed to set key "{what["Key"]}", index is stale')
        return [{"KV": {**self.keys[what["Key"]], "Value": None}}]

    def _node(self, what: dict[str, Any]) -> list[Any]:
        assert what["Verb"] == "set"
        node = what["Node"]
        if not node.get("Address"):
            raise Refusal("Must provide address if SkipNodeUpdate is not set")
        self.index += 1
        self.nodes[node["Node"]] = node
        return [{"Node": node}]

    def _service(self, what: dict[str, Any]) -> list[Any]:
        node, service = what["Node"], what["Service"]
        where = f"{node}/{service['ID']}"
        self.index += 1
        if what["Verb"] == "delete":
            self.services.pop(where, None)
            return []
        assert what["Verb"] == "set"
        if node not in self.nodes:
            raise Refusal("Missing node registration")
        self.services[where] = {**service, "node": node}
        return [{"Service": service}]

    def deregister(self, node: str, service: str | None) -> None:
        """Without service the node, and all that it has."""
        if service:
            self.services.pop(f"{node}/{service}", None)
            return
        self.nodes.pop(node, None)
        self.services = {where: service for where, service in self.services.items()
                         if service["node"] != node}

    def catalog(self, name: str) -> list[dict[str, Any]]:
        return [{"Node": service["node"], "Address": self.nodes[service["node"]]["Address"],
                 "ServiceID": service["ID"], "ServiceName": name,
                 "ServiceAddress": service.get("Address", ""), "ServicePort": service.get("Port", 0),
                 "ServiceTags": service.get("Tags") or []}
                for service in self.services.values() if service["Service"] == name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State
    token: str

    def do_GET(self) -> None:
        path, _ = self._asked()
        with self.state.lock:
            if path == "/v1/status/leader":
                self._say(200, "127.0.0.1:8300")
            elif self._may():
                if path.startswith("/v1/kv/"):
                    found = self.state.keys.get(path.removeprefix("/v1/kv/"))
                    self._say(200, [found]) if found else self._say(404)
                elif path.startswith("/v1/catalog/service/"):
                    self._say(200, self.state.catalog(path.removeprefix("/v1/catalog/service/")))
                elif path == "/v1/catalog/nodes":
                    self._say(200, list(self.state.nodes.values()))
                else:
                    self._say(404)

    def do_PUT(self) -> None:
        path, query = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.state.lock:
            if not self._may():
                return
            if path.startswith("/v1/kv/"):
                index = int(query["cas"][0]) if "cas" in query else None
                done = self.state.set_key(path.removeprefix("/v1/kv/"),
                                          base64.b64encode(body).decode(), index)
                status, said = 200, done
            elif path == "/v1/txn":
                status, said = self.state.transact(json.loads(body))
            elif path == "/v1/catalog/deregister":
                what = json.loads(body)
                self.state.deregister(what["Node"], what.get("ServiceID"))
                status, said = 200, True
            else:
                return self._say(404)
            self.state.save()
            self._say(status, said)

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        with self.state.lock:
            if self._may():
                self.state.keys.pop(path.removeprefix("/v1/kv/"), None)
                self.state.index += 1
                self.state.save()
                self._say(200, True)

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)

    def _may(self) -> bool:
        if not self.token or self.headers.get("X-Consul-Token") == self.token:
            return True
        self.rfile.read(0)
        text = b"Permission denied: token with AccessorID 'anonymous' lacks permission"
        self._send(403, text, "text/plain")
        return False

    def _say(self, status: int, said: Any = None) -> None:
        self._send(status, b"" if said is None else json.dumps(said).encode() + b"\n",
                   "application/json")

    def _send(self, status: int, text: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Consul-Index", str(self.state.index))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--token", default="", help="the one that may do anything; others nothing")
    parser.add_argument("--certificate", nargs=3, metavar=("CERT", "KEY", "CA"),
                        help="speaks TLS with clients that have a certificate of this CA")
    options = parser.parse_args()
    Handler.state = State(options.folder)
    Handler.token = options.token
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    if options.certificate:
        cert, key, authority = options.certificate
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
