#!/usr/bin/env python3
"""Failovers with five whole instances of the program, stopped and continued at random all the time,
one process of an instance or all of them, for up to 5 s.

valkey-0 and one Sentinel are on a far side, and so is the first instance, which hears of that
Sentinel alone. Whenever valkey-0 is primary, that side is cut off from all but the API server, for
some rounds: there its Sentinel lives in the past, and its instance believes it. Then it is healed.

Three instances are on the nodes of the pods (that of valkey-0 is the far one), one on another node,
and one knows no node. Each failover must end with the primary alone published, nothing but primaries
may have been published meanwhile, and at no version two at once. Every third round all instances
run on, and must say that they are right; the one that is cut off may also say that it stands down.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from instances import Freezer, Instances, wait_ready, wait_right_or_behind  # noqa: E402
from publishing import PUBLISHING  # noqa: E402

from lab import configuration  # noqa: E402
from lab.kubernetes import Pod, backends, open_kubernetes  # noqa: E402
from lab.namespaces import NetworkNamespace, TwoSides, why_not  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import Program  # noqa: E402
from lab.resp import RespError  # noqa: E402
from lab.rounds import SKIPPED, Options, Round, parse, run, summarise  # noqa: E402
from lab.sentinel_events import NEWS, was_taken_back  # noqa: E402
from lab.sentinels import SentinelOptions  # noqa: E402
from lab.servers import find_servers  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402
from lab.valkey import Failover, Trigger, ValkeyGroup  # noqa: E402

FAR_PRIMARY, FAR_SENTINEL = 11, 21  # the last parts of their addresses
API_HOST = "10.96.0.1"  # the certificates of the API servers have it
NODES = ("node-0", "node-1", "node-2", "node-of-none", "")  # of the instances; valkey-0 is on node-0
DOWN_AFTER = 1.0
MOST_ROUNDS_CUT_OFF = 5
RIGHT_WITHIN = 30.0  # all may be stopped for 5 s, and restarted since they were silent
SETTLED_WITHIN = 20.0
CALM_EVERY = 3


class Scene:
    """Two sides, and everything on them."""

    def __init__(self, options: Options) -> None:
        self._begun = time.monotonic()
        self._rounds_cut_off = 0  # that are still to come
        with ExitStack() as stack:
            find_servers()  # where they must be fetched first, that takes the network of the machine
            self._sides = TwoSides((FAR_PRIMARY, FAR_SENTINEL))  # the group closes it
            stack.enter_context(self._sides.near.entered())
            self._sides.share(API_HOST)

            kubernetes = open_kubernetes(options.backend, private=True)
            stack.callback(kubernetes.close)
            proxy = stack.enter_context(TcpProxy(urlsplit(kubernetes.url).port or 443, (API_HOST, 0)))
            self._group = stack.enter_context(self._make_group())

            publishing = PUBLISHING[options.others.publish]
            self._namespace = kubernetes.namespace("many", publishing.rules)
            self._namespace.add_pods(
                Pod(instance.name, instance.host, node=NODES[index])
                for index, instance in enumerate(self._group.instances)
            )
            publishing.prepare(self._namespace)
            self._witness = publishing.witness(self._namespace)
            stack.callback(self._witness.close)

            self._instances = Instances()
            stack.callback(self._instances.close)
            api = f"https://{API_HOST}:{proxy.port}"
            addresses = self._group.sentinels.addresses
            self._far_instance = self._add_instance(
                "far", addresses[:1], NODES[0], publishing.keys, api, self._sides.far
            )
            self._near_instances = [
                self._add_instance(f"near-{index}", addresses, node, publishing.keys)
                for index, node in enumerate(NODES[1:], 1)
            ]
            wait_ready(self._instances.all, 30)
            self._freezer = Freezer(self._instances.all)
            stack.callback(self._freezer.close)
            self._wait_right()
            self._stack = stack.pop_all()

    def run_round(self, number: int) -> Round:
        self._begun = time.monotonic()
        self._group.events.forget(before=self._begun - 60.0)
        for program in self._instances.all:
            program.forget_log(before=self._begun - 60.0)
        measured: Round = {"kind": ""}
        if self._far_is_cut_off() and self._rounds_cut_off == 0:
            measured["healed_ms"] = self._heal() * 1000
        self._wait_right()
        stops, since = self._freezer.stops, self._witness.last_version
        trigger = self._trigger(number)
        failover = self._group.wait_failover(trigger)
        self._wait_right()
        moves = self._witness.moves(since)
        self._check_moves(failover, [move.pod for move in moves])
        if not failover.old.is_cut_off:
            self._group.heal(failover)
        self._group.wait_healthy(40)
        self._rounds_cut_off = max(0, self._rounds_cut_off - 1)
        if number % CALM_EVERY == CALM_EVERY - 1:
            measured["calm_ms"] = self._wait_settled() * 1000
        self._witness.check()
        came = [move.received for move in moves if move.pod == failover.new.name]
        return measured | {
            "kind": trigger.kind,
            "far": "cut off" if self._far_is_cut_off() else "there",
            "event_to_right_ms": (came[-1] - failover.event.time) * 1000 if came else None,
            "stops": self._freezer.stops - stops,
            "took_s": round(time.monotonic() - self._begun, 1),
        }

    def is_void(self) -> bool:
        """Sentinels took their own failover back: there was no switch to follow. Two published
        would count all the same."""
        self._witness.check()
        return was_taken_back(self._group.events.since(self._begun))

    def save(self, folder: Path) -> None:
        self._instances.save(folder)
        (folder / "published.txt").write_text(self._witness.story() + "\n")
        said = "\n".join(map(str, self._group.events.since(0.0)))
        (folder / "sentinels.txt").write_text(said + "\n")
        (folder / "scene.txt").write_text(
            f"round begun at {self._begun}, saved at {time.monotonic()}; "
            f"the far side is cut off: {self._far_is_cut_off()}\n"
        )

    def close(self) -> None:
        self._stack.close()

    # Making it

    def _make_group(self) -> ValkeyGroup:
        group = ValkeyGroup(block=self._sides, options=SentinelOptions(down_after=DOWN_AFTER))
        for server in (group.instances[0], group.sentinels.all[0]):
            assert int(server.host.rsplit(".")[-1]) in self._sides.far_hosts
            server.namespace = self._sides.far
        return group

    def _add_instance(
        self,
        name: str,
        sentinels: list[str],
        node: str,
        keys: configuration.Value,
        api: str = "",
        side: NetworkNamespace | None = None,
    ) -> Program:
        """Who is told of one Sentinel hears of no other."""
        assert isinstance(keys, dict)
        namespace = self._namespace
        text = configuration.configuration(
            configuration.table(
                "sentinel", name="main", addresses=sentinels, discover=len(sentinels) > 1
            ),
            configuration.table("sentinel.group", name=self._group.name),
            configuration.kubernetes_target(
                namespace.kubeconfig(name=f"kubeconfig-{name}", url=api),
                namespace.name,
                node_name=node,
                **keys,
            ),
        )
        return self._instances.add(name, text, namespace=side)

    # A round

    def _far_is_cut_off(self) -> bool:
        return self._group.instances[0].is_cut_off

    def _trigger(self, number: int) -> Trigger:
        primary = self._group.primary()
        if primary is self._group.instances[0] and random.random() < 0.75:
            return self._cut()
        return self._group.kill_primary() if number % 2 else self._group.sentinel_failover()

    def _cut(self) -> Trigger:
        group = self._group
        trigger = Trigger("cut", time.monotonic(), group.instances[0])
        self._sides.cut()
        group.instances[0].is_cut_off = group.sentinels.all[0].is_cut_off = True
        self._rounds_cut_off = random.randint(1, MOST_ROUNDS_CUT_OFF)
        return trigger

    def _heal(self) -> float:
        """Until all on the far side know better; how many seconds that took."""
        begun = time.monotonic()
        group, old, lonely = self._group, self._group.instances[0], self._group.sentinels.all[0]
        primary = group.primary()
        old.command("CONFIG", "SET", "replica-priority", 10)  # the next one to be promoted
        self._sides.heal()
        wait_until(
            lambda: lonely.primary(group.name) == primary.address,
            30,
            f"the Sentinel that was cut off names {primary}",
        )
        old.is_cut_off = lonely.is_cut_off = False
        if old.role() != "slave":  # as a Sentinel will have it in some 10 s
            old.command("REPLICAOF", *primary.address)
        group.wait_healthy(40)
        self._wait_settled()
        return time.monotonic() - begun

    def _wait_right(self) -> None:
        """Failovers may follow each other unbidden: it is about the primary that is it by then."""

        def is_right() -> bool:
            try:
                return self._witness.published() == [self._group.primary().name]
            except (OSError, RespError, RuntimeError):
                return False

        try:
            wait_until(is_right, RIGHT_WITHIN, "")
        except TimeoutError:
            raise TimeoutError(
                f"not within {RIGHT_WITHIN:g} s: {self._group.primary()} is published, and it "
                f"alone; published: {self._witness.published()}"
            ) from None

    def _wait_settled(self) -> float:
        """While nobody is stopped; how many seconds it took."""
        begun = time.monotonic()
        with self._freezer.calm():
            wait_ready(self._near_instances, SETTLED_WITHIN)
            if self._far_is_cut_off():
                wait_right_or_behind(self._far_instance, SETTLED_WITHIN)
            else:
                wait_ready([self._far_instance], SETTLED_WITHIN)
            self._wait_right()
        return time.monotonic() - begun

    def _check_moves(self, failover: Failover, moves: list[str]) -> None:
        """What was published must be what Sentinels named, in their order."""
        named = [failover.old.name]
        for event in self._group.events.since(failover.begun):
            if event.channel in NEWS and event.group() == self._group.name:
                named.append(self._group.at(event.address()).name)
        rest = iter(named)
        if not all(pod in rest for pod in moves):
            raise AssertionError(f"published: {moves}; Sentinels named: {named}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--publish", choices=tuple(PUBLISHING), default="label")


def main() -> int:
    if lacking := why_not():
        print(f"skipped: {lacking}")
        return SKIPPED
    options = parse(str(__doc__), rounds=300, name="many-instances", more=add_arguments)
    if options.backend not in backends():
        raise SystemExit("no real Kubernetes API server here: KUBERNETES_LAB is not set")
    figures = {
        "first news to the last write": "event_to_right_ms",
        "all go on to all are right": "calm_ms",
        "healed to all are right": "healed_ms",
    }
    return summarise(run(options, Scene), options.rounds, figures)


if __name__ == "__main__":
    sys.exit(main())
