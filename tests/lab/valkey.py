"""A real group of primary, replicas and Sentinels, in which failovers can follow quickly."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.addresses import AddressBlock
from lab.certificates import ServerTls
from lab.processes import wait_until
from lab.resp import RespError, pairs
from lab.role_watch import RoleWatch, Turned
from lab.sentinel_events import NEWS, Event, SentinelEvents, was_taken_back
from lab.sentinels import MakeTls, Sentinel, SentinelOptions, SentinelSet, Server
from lab.servers import find_servers

Address = tuple[str, int]


def temporary_folder(purpose: str) -> Path:
    """In memory where there is such a place: Sentinels call fsync at every change."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 28 else None
    return Path(tempfile.mkdtemp(prefix=f"reconciler-{purpose}-", dir=place))


class Instance(Server):
    """One valkey-server. Its configuration is written anew at each start."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        folder: Path,
        *,
        password: str = "",
        host_name: str = "",
        extra_lines: tuple[str, ...] = (),
        tls: ServerTls | None = None,
    ) -> None:
        super().__init__(name, host, port, folder, password=password, tls=tls)
        self.host_name = host_name
        self._file = folder / f"{name}.conf"
        self._lines = [
            f"bind {host}",
            f"bind-source-addr {host}",
            f"replica-announce-ip {host_name or host}",
            *self.port_lines(),
            f"dir {folder}",
            f"dbfilename {name}.rdb",
            "protected-mode no",
            'save ""',
            "appendonly no",
            # A full synchronisation starts at once, and what changed hands while an instance
            # was away is small.
            "repl-diskless-sync no",
            "repl-backlog-size 16kb",
            "repl-timeout 10",
            "repl-ping-replica-period 1",
            "hz 50",
            "enable-debug-command local",
            *([f'requirepass "{password}"', f'masterauth "{password}"'] if password else []),
            *extra_lines,
        ]

    @property
    def announced(self) -> Address:
        """The address by which it is made known to Sentinels and replicas."""
        return self.host_name or self.host, self.port

    def is_at(self, address: Address | None) -> bool:
        return address in (self.address, self.announced)

    def start_as(self, primary: Address | None) -> None:
        """As a replica of that one, or as a primary."""
        lines = self._lines + ([f"replicaof {primary[0]} {primary[1]}"] if primary else [])
        self._file.write_text("\n".join(lines) + "\n")
        self.argv = [str(find_servers().server), str(self._file)]
        self.start()

    def role(self) -> str:
        """ "master" or "slave", as it says itself; empty while it can't be reached."""
        try:
            reply = self.command("ROLE")
        except (OSError, RespError):
            return ""
        assert isinstance(reply, list)
        return str(reply[0])


@dataclass(frozen=True)
class Trigger:
    """A failover that was begun: how, at which time.monotonic(), and who was primary before."""

    kind: str
    moment: float
    old: Instance


@dataclass(frozen=True)
class Failover:
    """Times are of time.monotonic(). `event` is the first news that may be acted upon."""

    kind: str
    begun: float
    old: Instance
    new: Instance
    turned: Turned | None
    event: Event
    agreed: float | None  # when a second Sentinel had switched
    ended: float

    @property
    def t0(self) -> float | None:
        return self.turned.time if self.turned else None


class ValkeyGroup:
    """start() to close() by whoever made it, in its main thread. A second group on the same
    Sentinels is given those of the first; they stay the first one's. `role_interval`: how often
    the instances are asked for their role, by which T0 is known."""

    def __init__(
        self,
        name: str = "myprimary",
        *,
        replicas: int = 2,
        sentinels: int | SentinelSet = 3,
        options: SentinelOptions = SentinelOptions(),
        password: str = "",
        sentinel_password: str = "",
        block: AddressBlock | None = None,
        host_names: tuple[str, ...] = (),
        instance_lines: tuple[str, ...] = (),
        sentinel_lines: tuple[str, ...] = (),
        role_interval: float = 0.1,
        tls: MakeTls | None = None,
    ) -> None:
        self.name = name
        self.folder = temporary_folder("valkey")
        self._block = block or AddressBlock()
        self.options = replace(options, auth_password=password) if password else options
        hosts = [self._block.address(11 + index) for index in range(replicas + 1)]
        port = self._block.free_port(hosts)
        self.instances = [
            Instance(
                instance_name := f"valkey-{index}",
                host,
                port,
                self.folder,
                password=password,
                host_name=host_names[index] if host_names else "",
                extra_lines=instance_lines,
                tls=tls(instance_name, host) if tls else None,
            )
            for index, host in enumerate(hosts)
        ]
        self._own_sentinels = isinstance(sentinels, int)
        self.sentinels = (
            sentinels
            if isinstance(sentinels, SentinelSet)
            else SentinelSet(
                self.folder,
                self._block,
                sentinels,
                password=sentinel_password,
                extra_lines=sentinel_lines,
                tls=tls,
            )
        )
        self._role_interval = role_interval
        self._roles: RoleWatch | None = None
        self._events: SentinelEvents | None = None

    def __enter__(self) -> ValkeyGroup:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Life

    def start(self) -> None:
        self.start_instances()
        self.start_sentinels()
        self.wait_healthy()

    def start_instances(self) -> None:
        first = self.instances[0]
        for instance in self.instances:
            instance.start_as(None if instance is first else first.address)
        for instance in self.instances:
            instance.wait_ready()
        wait_until(lambda: not self._replication_fault(first), 10, "all replicas have synchronised")
        self._roles = RoleWatch(self.instances, self._role_interval)

    def start_sentinels(self) -> None:
        if self._own_sentinels:
            self.sentinels.start()
        self._events = SentinelEvents(self.sentinels.all)
        self._events.wait_subscribed()
        self.sentinels.monitor(self.name, self.instances[0].announced, self.options)

    def close(self) -> None:
        for watch in (self._roles, self._events):
            if watch is not None:
                watch.close()
        if self._own_sentinels:
            self.sentinels.close()
        for instance in self.instances:
            instance.kill()
        self._block.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What is

    @property
    def roles(self) -> RoleWatch:
        assert self._roles is not None, "the instances were not started"
        return self._roles

    @property
    def events(self) -> SentinelEvents:
        assert self._events is not None, "the Sentinels were not started"
        return self._events

    @property
    def present(self) -> list[Instance]:
        """Without those that are cut off."""
        return [instance for instance in self.instances if not instance.is_cut_off]

    def at(self, address: Address) -> Instance:
        return next(instance for instance in self.instances if instance.is_at(address))

    def primary(self) -> Instance:
        """The one that a majority of the Sentinels names and that says so itself."""
        words = [sentinel.primary(self.name) for sentinel in self.sentinels.alive()]
        named = Counter(self.at(word) for word in words if word is not None)
        instance, votes = named.most_common(1)[0] if named else (self.instances[0], 0)
        if votes < self.sentinels.quorum:
            raise RuntimeError(f"no majority about {self.name}: {words}")
        if (role := instance.role()) != "master":
            raise RuntimeError(f"Sentinels name {instance}, whose role is {role!r}")
        return instance

    def replicas(self) -> list[Instance]:
        primary = self.primary()
        return [instance for instance in self.instances if instance is not primary]

    def wait_healthy(self, timeout: float = 30.0) -> None:
        """Until the next failover can begin: all are there, are in step and know of each other."""
        fault = ["not looked at yet"]

        def healthy() -> bool:
            try:
                fault[0] = self._fault()
            except (OSError, RespError, RuntimeError) as error:
                fault[0] = str(error)
            return not fault[0]

        try:
            wait_until(healthy, timeout, "")
        except TimeoutError:
            raise TimeoutError(
                f"{self.name} is not healthy within {timeout:g} s: {fault[0]}"
            ) from None

    # What is done to it

    def kill_primary(self) -> Trigger:
        primary = self.primary()
        trigger = Trigger("kill", time.monotonic(), primary)
        primary.kill()
        return trigger

    def pause_primary(self) -> Trigger:
        """SIGSTOP; resume() lets it go on, as one that still believes itself primary."""
        primary = self.primary()
        primary.pause()
        return Trigger("pause", time.monotonic(), primary)

    def sentinel_failover(self, sentinel: Sentinel | None = None, timeout: float = 10.0) -> Trigger:
        """SENTINEL FAILOVER, asked of one of them, again while it says that it can't yet."""
        primary = self.primary()
        asked = sentinel or random.choice(self.sentinels.alive())
        answer = ["never asked"]
        moment = [0.0]

        def accepted() -> bool:
            moment[0] = time.monotonic()
            reply = asked.query(("SENTINEL", "FAILOVER", self.name))[0]
            answer[0] = str(reply)
            return reply == "OK"

        try:
            wait_until(accepted, timeout, "", interval=0.1)
        except TimeoutError:
            raise TimeoutError(f"{asked} refuses a failover of {self.name}: {answer[0]}") from None
        return Trigger("planned", moment[0], primary)

    def wait_failover(self, trigger: Trigger, timeout: float = 40.0) -> Failover:
        """Until all living Sentinels name one new primary. Sentinels may take a planned one back
        (`+convert-to-slave` by one that has not heard of it yet): it is asked for again."""
        end = trigger.moment + timeout
        if trigger.kind == "planned" and self._wait_taken_back(trigger, timeout):
            return self.wait_failover(self.sentinel_failover(), end - time.monotonic())
        event = self.wait_event(trigger, timeout)
        if event is None:
            raise TimeoutError(
                f"no failover of {self.name} within {timeout:g} s of its {trigger.kind}; "
                f"Sentinels said: {self._told(trigger.moment)}"
            )

        alive = self.sentinels.alive()
        others = any(sentinel.name != event.sentinel for sentinel in alive)
        second = self._said(event.time, end, but_not_by=event.sentinel) if others else None
        # The leader's own +switch-master is the last: it ends the failover.
        for sentinel in alive:
            self._said(trigger.moment, end, by=sentinel.name)
        wait_until(
            lambda: (named := self._named()) is not None and named is not trigger.old,
            max(1.0, end - time.monotonic()),
            f"all Sentinels name one new primary of {self.name}",
        )
        turned = self.roles.wait_for_turn(since=trigger.moment, timeout=0.0)
        return Failover(
            kind=trigger.kind,
            begun=trigger.moment,
            old=trigger.old,
            new=self.primary(),
            turned=turned,
            event=event,
            agreed=second.time if second else None,
            ended=time.monotonic(),
        )

    def _wait_taken_back(self, trigger: Trigger, timeout: float) -> bool:
        """Whether that is what is heard next, and not the news."""
        first = self.events.wait_for(
            lambda event: event.group() == self.name
            and (
                event.gives_up()
                or (event.channel in NEWS and not trigger.old.is_at(event.address()))
            ),
            since=trigger.moment,
            timeout=timeout,
        )
        return first is not None and first.gives_up()

    def wait_event(self, trigger: Trigger, timeout: float = 40.0) -> Event | None:
        """The first news of the new primary."""
        return self.events.wait_for(
            lambda event: event.channel in NEWS
            and event.group() == self.name
            and not trigger.old.is_at(event.address()),
            since=trigger.moment,
            timeout=timeout,
        )

    def had_another(self, since: float) -> bool:
        """More than one new primary was announced since then."""
        said = self.events.since(since)
        return len({event.address() for event in said if event.channel == "+switch-master"}) > 1

    def had_one_alone(self, since: float) -> bool:
        """A failover that was not taken back, and no other one after it."""
        return not was_taken_back(self.events.since(since)) and not self.had_another(since)

    def set_priorities(self, replicas: Sequence[Instance], priority: int) -> None:
        """0: not to be promoted. Until every Sentinel knows, from its next INFO on: within 10 s."""
        for replica in replicas:
            replica.command("CONFIG", "SET", "replica-priority", priority)
        hosts = {replica.host for replica in replicas}

        def known() -> bool:
            for sentinel in self.sentinels.alive():
                replies = sentinel.command("SENTINEL", "REPLICAS", self.name)
                assert isinstance(replies, list)
                seen = [pairs(reply) for reply in replies]
                if any(
                    one["slave-priority"] != str(priority) for one in seen if one["ip"] in hosts
                ):
                    return False
            return True

        wait_until(known, 15, f"the Sentinels know the priority {priority} of {replicas}")

    @contextmanager
    def without_failover(self) -> Iterator[None]:
        """Meanwhile no replica may be promoted, whatever becomes of the primary."""
        replicas = self.replicas()
        self.set_priorities(replicas, 0)
        try:
            yield
        finally:
            self.set_priorities(replicas, 100)

    def heal(self, failover: Failover) -> None:
        """The old primary becomes a replica at once; by Sentinel it would do so in some 10 s."""
        if not failover.old.is_alive():
            self.restart(failover.old)
        elif failover.old.role() != "slave":
            failover.old.command("REPLICAOF", *failover.new.address)

    def restart(self, instance: Instance) -> None:
        """Kills it, if it lives, and starts it as a replica of the present primary."""
        primary = self.primary()
        instance.kill()
        instance.start_as(None if primary is instance else primary.address)
        instance.wait_ready()

    # Inside

    def _named(self) -> Instance | None:
        """The one that all Sentinels name; none while one of them has no time to answer."""
        try:
            named = {sentinel.primary(self.name) for sentinel in self.sentinels.alive()}
        except OSError:
            return None
        return next(
            (each for each in self.instances if all(each.is_at(address) for address in named)), None
        )

    def _said(self, since: float, end: float, by: str = "", but_not_by: str = "") -> Event | None:
        """The first +switch-master of this group from that Sentinel, or from any other one."""
        return self.events.wait_for(
            lambda event: event.channel == "+switch-master"
            and event.group() == self.name
            and (event.sentinel == by if by else event.sentinel != but_not_by),
            since=since,
            timeout=max(0.0, end - time.monotonic()),
        )

    def _told(self, since: float) -> str:
        return "; ".join(
            f"{event.time - since:.3f} {event.sentinel} {event.channel} {event.payload}"
            for event in self.events.since(since)
        )

    def _fault(self) -> str:
        primary = self.primary()
        return self._replication_fault(primary) or next(
            (
                fault
                for sentinel in self.sentinels.alive()
                if (fault := self._sentinel_fault(sentinel, primary))
            ),
            "",
        )

    def _replication_fault(self, primary: Instance) -> str:
        for instance in self.present:
            role = instance.command("ROLE")
            assert isinstance(role, list)
            if instance is primary:
                if role[0] != "master" or len(role[2]) != len(self.present) - 1:
                    return f"{instance} has the role {role}"
            elif (
                role[0] != "slave"
                or not primary.is_at((role[1], role[2]))
                or role[3] != "connected"
            ):
                return f"{instance} has the role {role}"
        return ""

    def _sentinel_fault(self, sentinel: Sentinel, primary: Instance) -> str:
        master, replicas, peers = sentinel.query(
            ("SENTINEL", "MASTER", self.name),
            ("SENTINEL", "REPLICAS", self.name),
            ("SENTINEL", "SENTINELS", self.name),
        )
        for reply in (master, replicas, peers):
            if isinstance(reply, RespError):
                return f"{sentinel}: {reply}"
        known = pairs(master)
        if known["flags"] != "master" or not primary.is_at(
            (known["ip"], int(known["port"]))
        ):
            return f"{sentinel} sees the primary {known['ip']}:{known['port']} as {known['flags']}"
        assert isinstance(replicas, list) and isinstance(peers, list)
        away = [instance.address for instance in self.instances if instance.is_cut_off]
        seen = [
            replica
            for replica in map(pairs, replicas)
            if (replica["ip"], int(replica["port"])) not in away
        ]
        if len(seen) != len(self.present) - 1 or any(
            replica["flags"] != "slave" for replica in seen
        ):
            flags = [(replica["name"], replica["flags"]) for replica in seen]
            return f"{sentinel} sees the replicas {flags}"
        if not all(replica["runid"] for replica in seen):
            return f"{sentinel} has had no INFO yet of a replica"
        seen = [pairs(reply) for reply in peers]
        answering = [peer.address for peer in self.sentinels.alive()]
        if len(seen) != len(self.sentinels.all) - 1 or any(
            "s_down" in peer["flags"] or "disconnected" in peer["flags"]
            for peer in seen
            if (peer["ip"], int(peer["port"])) in answering
        ):
            return (
                f"{sentinel} sees the Sentinels {[(peer['name'], peer['flags']) for peer in seen]}"
            )
        return ""
