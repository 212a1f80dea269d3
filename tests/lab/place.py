"""A place that the program keeps in step, other than Kubernetes: with its real server, if it has one, its
table of the configuration, and a witness of where it leads."""

from __future__ import annotations

import abc

from lab.processes import Process
from lab.program import Program
from lab.valkey import Instance


class Place(abc.ABC):
    """One target of the program under test. start() to close() by whoever made it, in its main
    thread."""

    name: str
    missing: str = ""  # how to get its server, where it is not there

    @abc.abstractmethod
    def start(self) -> None:
        ...

    @abc.abstractmethod
    def close(self) -> None:
        ...

    @abc.abstractmethod
    def table(self) -> str:
        """Its `[[target]]`."""

    @abc.abstractmethod
    def strike(self, program: Program) -> None:
        """Does the worst that can happen to it in the midst of a failover."""

    @abc.abstractmethod
    def recover(self, program: Program) -> None:
        """As it comes back after that, some time later."""

    @abc.abstractmethod
    def wait_right(self, primary: Instance, timeout: float = 10.0) -> None:
        """Until it leads there, and nowhere else."""

    def check(self) -> None:
        """At no moment so far did it lead to two."""

    def story(self) -> str:
        """What the witness saw."""
        return ""


class ServedPlace(Place):
    """One with a server of its own."""

    @abc.abstractmethod
    def server(self) -> Process:
        """To be killed, started and paused at will."""

    @abc.abstractmethod
    def restart(self) -> None:
        """As it comes back after it was killed."""

    def strike(self, program: Program) -> None:
        self.server().kill()

    def recover(self, program: Program) -> None:
        self.restart()
