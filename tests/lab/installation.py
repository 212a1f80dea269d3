"""What a kubelet would make of the applied manifests: files, environment and rights of the program, here in a folder."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from lab.kube_client import Json
from lab.kubernetes import ACCOUNT, Namespace
from lab.program import Program


class Installation:
    """Read from the API server when it is made. Nothing but what was applied there gets into a pod; where the pod has
    a path, the program has the same one below a folder."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self._namespace, self._folder = namespace, folder
        kind = "daemonsets"
        admin = namespace.kubernetes.admin
        workloads = f"/apis/apps/v1/namespaces/{namespace.name}"
        if not admin.get(f"{workloads}/{kind}")["items"]:
            kind = "deployments"
        self.workload: Json = admin.get(f"{workloads}/{kind}/valkey-reconciler")
        self.pod: Json = self.workload["spec"]["template"]["spec"]
        self.container: Json = self.pod["containers"][0]

    def program(self, *, node: str, name: str = "program") -> Program:
        """Not started yet."""
        root = self._folder / name
        mounts = {mount["mountPath"]: root / mount["mountPath"][1:]
                  for mount in self.container["volumeMounts"]}
        for mount in self.container["volumeMounts"]:
            self._fill(mounts[mount["mountPath"]], mount["name"])

        def placed(text: str) -> str:
            for path, folder in mounts.items():
                text = text.replace(f"{path}/", f"{folder}/")
            return text

        flag, file = self.container["args"]
        assert flag == "--config", self.container["args"]
        # That folder alone has no mount of its own in the manifest: Kubernetes adds it.
        account = self._account(root)
        configuration = placed(Path(placed(file)).read_text()).replace(
            'plugin = "kubernetes"', f'plugin = "kubernetes"\nservice_account_dir = "{account}"')
        host, _, port = self._namespace.kubernetes.url.removeprefix("https://").rpartition(":")
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        for variable in self.container.get("env", []):
            environment[variable["name"]] = placed(self._value(variable, node))
        return Program(self._folder, configuration, environment, name=name)

    def _value(self, variable: Json, node: str) -> str:
        if "value" in variable:
            return str(variable["value"])
        assert variable["valueFrom"] == {"fieldRef": {
            "apiVersion": "v1", "fieldPath": "spec.nodeName"}}, variable
        return node

    def _fill(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True)
        volume = next(volume for volume in self.pod["volumes"] if volume["name"] == name)
        path, admin = self._namespace.path, self._namespace.kubernetes.admin
        files: dict[str, bytes] = {}
        if "configMap" in volume:
            data: dict[str, str] = admin.get(f"{path}/configmaps/{volume['configMap']['name']}")["data"]
            files = {key: text.encode() for key, text in data.items()}
        elif "secret" in volume:
            secret: Any = volume["secret"]
            answer = admin.request("GET", f"{path}/secrets/{secret['secretName']}")
            assert answer.code == 200 or secret.get("optional"), answer
            if answer.code == 200:
                data = answer.json["data"]
                items = {item["key"]: item["path"] for item in secret.get("items", [])}
                files = {items.get(key, key): base64.b64decode(text) for key, text in data.items()
                         if not items or key in items}
        else:
            assert "emptyDir" in volume, volume
        for file, content in files.items():
            (folder / file).write_bytes(content)

    def _account(self, root: Path) -> Path:
        kubernetes = self._namespace.kubernetes
        assert self.pod["serviceAccountName"] == ACCOUNT and self.pod["automountServiceAccountToken"]
        folder = root / "var/run/secrets/kubernetes.io/serviceaccount"
        folder.mkdir(parents=True)
        (folder / "token").write_text(self._namespace.new_token())
        (folder / "ca.crt").write_bytes(kubernetes.ca.read_bytes())
        (folder / "namespace").write_text(self._namespace.name)
        return folder
