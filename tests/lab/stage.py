"""All parts together: groups, their pods, an independent watch of them, a file, the program."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import configuration
from lab.kube_client import Json
from lab.kubernetes import Kubernetes, Namespace
from lab.pod_watch import PodWatch
from lab.processes import wait_until
from lab.program import Program
from lab.valkey import Failover, Instance, ValkeyGroup, temporary_folder


@dataclass(frozen=True)
class Switch:
    """How a label followed a failover: times in seconds after the first news of it."""

    left: float | None  # None: no pod had it
    came: float
    came_after_t0: float | None


class Stage:
    """Made by a test in its main thread, and closed by it. Each group has a namespace of its own,
    in which valkey-0 is the pod of its instance valkey-0, and so on; and a target for that. The
    groups and the API server belong to others, who may share them."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        groups: Sequence[ValkeyGroup],
        *,
        more_configuration: str = "",
        log_level: str = "debug",
        of_sentinels: Mapping[str, configuration.Value] | None = None,
        of_groups: Mapping[str, configuration.Value] | None = None,
        of_targets: Mapping[str, configuration.Value] | None = None,
        rules: list[Json] | None = None,
        instances: int = 1,
    ) -> None:
        self.kubernetes = kubernetes
        self.groups = list(groups)
        self.folder = temporary_folder("stage")
        self.routes = self.folder / "routes"
        self.routes.mkdir()
        self._log_level = log_level
        self._more = more_configuration
        self._of_sentinels, self._of_groups = of_sentinels or {}, of_groups or {}
        self._of_targets = of_targets or {}
        self.namespaces: dict[str, Namespace] = {}
        self.watches: dict[str, PodWatch] = {}
        for group in groups:
            namespace = kubernetes.namespace("stage", rules)
            self.namespaces[group.name] = namespace
            namespace.add_valkey_pods([instance.host for instance in group.instances])
            self.watches[group.name] = PodWatch(namespace)
            self.watches[group.name].start()
        self.program = self.new_program()
        self.others = [self._other_program(number) for number in range(2, instances + 1)]

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        try:
            with contextlib.ExitStack() as programs:
                for program in self.programs:
                    programs.callback(program.close)
        finally:
            for watch in self.watches.values():
                watch.close()
            if not self.kubernetes.is_private:  # else it is at its end, and may be down already
                for namespace in self.namespaces.values():
                    namespace.delete()
            shutil.rmtree(self.folder, ignore_errors=True)

    # Of the first group, which most tests have alone

    @property
    def group(self) -> ValkeyGroup:
        return self.groups[0]

    @property
    def namespace(self) -> Namespace:
        return self.namespaces[self.group.name]

    @property
    def watch(self) -> PodWatch:
        return self.watches[self.group.name]

    # The program

    @property
    def programs(self) -> list[Program]:
        return [self.program, *self.others]

    def new_program(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        name: str = "program",
        routes: Path | None = None,
    ) -> Program:
        """Not started yet. With an environment it has that alone and no file."""
        text = self.configuration(routes or self.routes) if environment is None else None
        return Program(self.folder, text, environment, name=name, log_level=self._log_level)

    def add_configuration(self, more: str) -> None:
        """For a program that was not started yet."""
        self._more = f"{self._more}\n{more}"
        self.program = self.new_program()

    def _other_program(self, number: int) -> Program:
        routes = self.folder / f"routes-{number}"
        routes.mkdir()
        return self.new_program(name=f"program-{number}", routes=routes)

    def configuration(self, routes: Path) -> str:
        group_names = [group.name for group in self.groups]
        targets = [
            configuration.kubernetes_target(
                namespace.kubeconfig(),
                namespace.name,
                name="kubernetes" if len(self.groups) == 1 else f"kubernetes-{index}",
                groups=[name],
                **self._of_targets,
            )
            for index, (name, namespace) in enumerate(self.namespaces.items())
        ]
        return configuration.configuration(
            configuration.sentinel(
                self.group.sentinels, group_names, of_groups=self._of_groups, **self._of_sentinels
            ),
            *targets,
            configuration.file_target(routes),
            self._more,
        )

    def start(self, timeout: float = 20.0) -> None:
        """Until the program is ready and everything right."""
        for program in self.programs:
            program.start()
        for program in self.programs:
            program.wait_ready(timeout)
        for group in self.groups:
            self.wait_right(group, timeout)

    # What must be so

    def wait_right(
        self,
        group: ValkeyGroup | None = None,
        timeout: float = 10.0,
        primary: Instance | None = None,
    ) -> None:
        """Until label and file name the primary, and it alone."""
        group = group or self.group
        primary = primary or group.primary()
        self.watches[group.name].wait_for_label(primary.name, timeout)
        self.wait_file(group, primary, timeout)

    def wait_file(self, group: ValkeyGroup, primary: Instance, timeout: float = 10.0) -> None:
        wait_until(
            lambda: self.file_primary(group) == primary.address,
            timeout,
            f"the file of {group.name} names {primary}, not {self.file_primary(group)}",
        )

    def file_content(self, group: ValkeyGroup) -> dict[str, Any]:
        """Empty while there is none. What is there must be whole at any moment."""
        file = self.routes / f"{group.name}.json"
        content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return content

    def file_primary(self, group: ValkeyGroup) -> tuple[str, int] | None:
        primary = self.file_content(group).get("primary")
        return (primary["host"], primary["port"]) if primary else None

    def check(self) -> None:
        """At no version of the pods did two have the label."""
        for group, watch in self.watches.items():
            pods = self.namespaces[group].pods().values()
            newest = max(int(pod["metadata"]["resourceVersion"]) for pod in pods)
            watch.wait_for_version(newest)
            watch.check()

    def switch(self, group: ValkeyGroup, failover: Failover, after: int) -> Switch:
        """How the label came to the new primary's pod, of the changes after a version."""
        changes = [
            change for change in self.watches[group.name].label_changes() if change.version > after
        ]
        came = [c.received for c in changes if c.labelled and c.pod == failover.new.name]
        left = [c.received for c in changes if not c.labelled]
        return Switch(
            left[0] - failover.event.time if left else None,
            came[-1] - failover.event.time,
            came[-1] - failover.t0 if failover.t0 is not None else None,
        )

    def save(self, folder: Path) -> None:
        """All that tells what happened."""
        for log in self.folder.glob("*.log"):
            shutil.copy(log, folder)
        for group in self.groups:
            watch = self.watches[group.name]
            history = "\n".join(map(str, [*watch.versions(), *watch.label_changes()]))
            (folder / f"pods-{group.name}.txt").write_text(history + "\n")
            said = "\n".join(map(str, group.events.since(0.0)))
            (folder / f"sentinels-{group.name}.txt").write_text(said + "\n")
        for program in self.programs:
            lines = (f"{entry.time:.6f} {entry.line}" for entry in program.log())
            name = f"{program.log_file.stem}-with-times.txt"
            (folder / name).write_text("\n".join(lines) + "\n")
