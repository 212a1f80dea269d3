"""One group whose failovers are followed by all publishers at once, while a client of each kind writes through each of
their routes."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from child import Child
from losses import Attempt, losses
from publishers import Listener, Publisher, ReconcilerPublisher
from routes import ACT_ON, CONNECTIONS, route_name, stream_name

from lab.kubernetes import open_kubernetes
from lab.namespaces import PodNetwork
from lab.processes import wait_until
from lab.rounds import Options, Round
from lab.valkey import Failover, Trigger, ValkeyGroup, temporary_folder

# Debian's 1 MB and more; of the lab's 16 kB a replica would need a full synchronisation with these writers.
_BACKLOG = "repl-backlog-size 10mb"
_ANSWER_WITHIN = 1.0
_RIGHT_WITHIN = 30.0
_DEMOTED_WITHIN = 40.0


class Scene:
    """In a network of its own, since EndpointSlices refuse loopback addresses; the worker's thread enters it for good."""

    def __init__(self, options: Options) -> None:
        self._interval_ms: float = options.others.interval
        self._kinds: list[str] = options.others.kinds
        self._begun = time.monotonic()
        self._folder = temporary_folder("writes")
        with contextlib.ExitStack() as opened:
            opened.callback(shutil.rmtree, self._folder, ignore_errors=True)
            network = PodNetwork()
            opened.enter_context(network.inside.entered())
            self._group = opened.enter_context(ValkeyGroup(block=network, instance_lines=(_BACKLOG,)))
            kubernetes = opened.enter_context(
                open_kubernetes("real", private=True, options=["--kcm"])
            )
            for instance in self._group.instances:  # of pods on no Node there are no EndpointSlices
                kubernetes.node(instance.name.replace("valkey", "lab-node"))
            self._publishers: list[Publisher] = [Listener(kubernetes, self._group, self._folder)]
            self._publishers += [
                ReconcilerPublisher(act_on, kubernetes, self._group, self._folder)
                for act_on in ACT_ON
            ]
            for publisher in self._publishers:
                opened.callback(publisher.close)
                publisher.start()
            forwarder = Child("forwarder.py", self._forwarding(kubernetes.folder))
            opened.callback(forwarder.close)
            self._clients = Child("client.py", self._streams(forwarder.first_answer))
            opened.callback(self._clients.close)
            self._opened = opened.pop_all()

    def run_round(self, number: int) -> Round:
        group, kind = self._group, self._kinds[number % len(self._kinds)]
        group.events.forget(before=time.monotonic() - 60.0)
        self._begun = time.monotonic()
        prefix = f"round-{number}"
        self._clients.ask({"do": "begin", "prefix": prefix})
        self._wait_written()
        failover = group.wait_failover(self._trigger(kind, number))
        demoted = self._wait_demoted(failover)
        self._wait_written()
        written = self._clients.ask({"do": "end"})
        failover.old.resume()
        group.heal(failover)
        group.wait_healthy()
        if group.had_another(self._begun):
            raise AssertionError("another failover followed on its heels")
        turned = failover.turned
        if turned is None or turned.address != failover.new.address:
            raise AssertionError(f"T0 of {failover.new} was not seen: {turned}")
        measured: Round = {
            "kind": kind,
            "interval_ms": self._interval_ms,
            "load": os.getloadavg()[0],
            "t0_ms": (turned.time - failover.begun) * 1000,
            "event_after_t0_ms": (failover.event.time - turned.time) * 1000,
        }
        if demoted is not None:
            measured["old_demoted_after_t0_ms"] = (demoted - turned.time) * 1000
        measured["streams"] = {
            name: asdict(losses([Attempt(*each) for each in written[name]], kept, turned.time))
            for name, kept in self._kept(failover, prefix, written).items()
        }
        return measured

    def is_void(self) -> bool:
        return not self._group.had_one_alone(self._begun)

    def save(self, folder: Path) -> None:
        said = "\n".join(map(str, self._group.events.since(self._begun)))
        (folder / "sentinels.txt").write_text(said + "\n")
        for log in self._folder.glob("**/*.log"):
            shutil.copy(log, folder)

    def close(self) -> None:
        self._opened.close()

    def _forwarding(self, kubernetes: Path) -> dict[str, object]:
        return {
            "kubernetes": str(kubernetes),
            "port": self._group.instances[0].port,
            "routes": {
                route_name(publisher.name, way): asdict(follow)
                for publisher in self._publishers
                for way, follow in publisher.follows().items()
            },
        }

    def _streams(self, forwarded: dict[str, int]) -> dict[str, object]:
        ports = forwarded | {
            route_name(publisher.name, way): port
            for publisher in self._publishers
            for way, port in publisher.ports().items()
        }
        return {
            "interval": self._interval_ms / 1000,
            "answer_within": _ANSWER_WITHIN,
            "streams": {
                stream_name(route, connection): {
                    "host": "127.0.0.1", "port": port, "keeps": connection == "kept",
                }
                for route, port in ports.items()
                for connection in CONNECTIONS
            },
        }

    def _trigger(self, kind: str, number: int) -> Trigger:
        """A planned one is led by the Sentinel that is asked: each in turn, the one that the listener hears too."""
        if kind == "kill":
            return self._group.kill_primary()
        if kind == "stop":
            return self._group.pause_primary()
        sentinels = self._group.sentinels.all
        return self._group.sentinel_failover(
            sentinels[number // len(self._kinds) % len(sentinels)]
        )

    def _wait_demoted(self, failover: Failover) -> float | None:
        """Until no old primary takes writes any more; None: it can't. An acknowledgement is the new one's from then
        on, so that who gets one has been led there."""
        if failover.old.is_paused or not failover.old.is_alive():
            return None
        wait_until(
            lambda: failover.old.role() == "slave", _DEMOTED_WITHIN, f"{failover.old} is demoted"
        )
        return time.monotonic()

    def _wait_written(self) -> None:
        """Until each client had a write acknowledged that it began after this call."""
        now = time.monotonic()
        behind: list[str] = []

        def all_have() -> bool:
            last = self._clients.ask({"do": "acknowledged"})
            behind[:] = [name for name, begun in last.items() if begun < now]
            return not behind

        try:
            wait_until(all_have, _RIGHT_WITHIN, "", interval=0.1)
        except TimeoutError:
            raise TimeoutError(
                f"no acknowledged write within {_RIGHT_WITHIN:g} s: {', '.join(behind)}"
            ) from None

    def _kept(
        self, failover: Failover, prefix: str, streams: Iterable[str]
    ) -> dict[str, set[int]]:
        """Which numbers of each stream the new primary holds; then it holds them no more."""
        keys = failover.new.command("KEYS", f"{prefix}:*", timeout=10.0)
        assert isinstance(keys, list)
        kept: dict[str, set[int]] = {stream: set() for stream in streams}
        for key in keys:
            _, stream, number = key.split(":")
            kept[stream].add(int(number))
        failover.new.command("FLUSHALL", timeout=10.0)
        return kept

