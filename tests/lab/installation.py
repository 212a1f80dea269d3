"""What a kubelet would make of the applied manifests: files, environment and rights of the program, here in a folder."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

from lab.kube_client import Json
from lab.kubernetes import Namespace
from lab.program import Program

ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"


class Installation:
    """Read from the API server when it is made. Nothing but what was applied there gets into a pod; where the pod has
    a path, the program has the same one below a folder."""

    def __init__(self, namespace: Namespace, folder: Path, workload: str = "valkey-reconciler") -> None:
        self._namespace, self._folder = namespace, folder
        kind = "daemonsets"
        workloads = f"/apis/apps/v1/namespaces/{namespace.name}"
        if not self._admin.get(f"{workloads}/{kind}")["items"]:
            kind = "deployments"
        self.workload: Json = self._admin.get(f"{workloads}/{kind}/{workload}")
        self.pod: Json = self.workload["spec"]["template"]["spec"]
        self.container: Json = self.pod["containers"][0]
        self._mounts: dict[str, str] = {  # each volume's path
            mount["name"]: mount["mountPath"] for mount in self.container.get("volumeMounts", [])}
        self._programs: list[str] = []
        self._updates = itertools.count()

    @property
    def _admin(self) -> Any:
        return self._namespace.kubernetes.admin

    def program(self, *, node: str, name: str = "program") -> Program:
        """Not started yet."""
        root = self._folder / name
        self._programs.append(name)
        self._make_account(root / ACCOUNT_FOLDER[1:])
        for volume in self._mounts:
            self._fill(name, volume)
        host, _, port = self._namespace.kubernetes.url.removeprefix("https://").rpartition(":")
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        for variable in self.container.get("env", []):
            environment[variable["name"]] = self._placed(self._value(variable, node), root)
        if "args" not in self.container:  # a variable says what the file would
            environment["KUBECONFIG"] = str(self._kubeconfig(root))
            return Program(self._folder, None, environment, name=name)
        return Program(self._folder, None, environment, name=name, file=self.file(name))

    def file(self, program: str) -> Path:
        """Its configuration."""
        flag, file = self.container["args"]
        assert flag == "--config", self.container["args"]
        return Path(self._placed(file, self._folder / program))

    def follow(self) -> None:
        """Mounted ConfigMaps become what they are by now, in one step and in every pod, as the kubelet does it a minute later."""
        for name in self._programs:
            for volume in self._mounts:
                if "configMap" in self._volume(volume):
                    self._fill(name, volume)

    def _placed(self, text: str, root: Path) -> str:
        for path in [*self._mounts.values(), ACCOUNT_FOLDER]:
            text = text.replace(f"{path}/", f"{root}{path}/")
        # That folder has no mount of its own in the manifest: Kubernetes adds it.
        return text.replace('plugin = "kubernetes"', f'plugin = "kubernetes"\nservice_account_dir = "{root}{ACCOUNT_FOLDER}"')

    def _value(self, variable: Json, node: str) -> str:
        source = variable.get("valueFrom", {})
        if secret := source.get("secretKeyRef"):
            return self._secret(secret["name"])[secret["key"]].decode()
        if field := source.get("fieldRef"):
            return {"spec.nodeName": node, "metadata.namespace": self._namespace.name}[field["fieldPath"]]
        return str(variable["value"])

    def _volume(self, name: str) -> Json:
        return next(volume for volume in self.pod["volumes"] if volume["name"] == name)

    def _fill(self, program: str, name: str) -> None:
        root, volume = self._folder / program, self._volume(name)
        folder = root / self._mounts[name][1:]
        folder.mkdir(parents=True, exist_ok=True)
        if "configMap" in volume:
            data = self._admin.get(f"{self._namespace.path}/configmaps/{volume['configMap']['name']}")["data"]
            self._put(folder, {key: self._placed(text, root).encode() for key, text in data.items()})
        elif "secret" in volume:
            secret: Any = volume["secret"]
            files = self._secret(secret["secretName"], secret.get("optional", False))
            items = {item["key"]: item["path"] for item in secret.get("items", [])}
            self._put(folder, {items.get(key, key): content for key, content in files.items() if not items or key in items})
        else:
            assert "emptyDir" in volume, volume

    def _put(self, folder: Path, files: dict[str, bytes]) -> None:
        """The names are links by way of `..data`, which is what changes."""
        version = folder / f"..{next(self._updates)}"
        version.mkdir()
        for name, content in files.items():
            (version / name).write_bytes(content)
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"..data/{name}")
        fresh = folder / "..data_tmp"
        fresh.symlink_to(version.name)
        fresh.rename(folder / "..data")

    def _secret(self, name: str, optional: bool = False) -> dict[str, bytes]:
        answer = self._admin.request("GET", f"{self._namespace.path}/secrets/{name}")
        if optional and answer.code == 404:
            return {}
        assert answer.code == 200, answer
        return {key: base64.b64decode(text) for key, text in answer.json["data"].items()}

    def _token(self) -> str:
        return self._namespace.new_token(account=self.pod["serviceAccountName"])

    def _make_account(self, folder: Path) -> None:
        assert self.pod.get("automountServiceAccountToken", True)
        folder.mkdir(parents=True)
        (folder / "token").write_text(self._token())
        (folder / "ca.crt").write_bytes(self._namespace.kubernetes.ca.read_bytes())
        (folder / "namespace").write_text(self._namespace.name)

    def _kubeconfig(self, root: Path) -> Path:
        return self._namespace.kubeconfig(self._token(), f"kubeconfig-{root.name}")
