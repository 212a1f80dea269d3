"""The demonstration behind demo.sh: a real primary dies, and the label follows."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from demo_places import FileWatch, Pods, open_pods  # noqa: E402
from demo_timeline import Timeline, table  # noqa: E402
from lab import configuration  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import LABELER, WATCHER, LogEntry, ProcessId, Program  # noqa: E402
from lab.sentinel_events import Event  # noqa: E402
from lab.servers import ServersMissing, find_servers  # noqa: E402
from lab.valkey import Failover, Trigger, ValkeyGroup  # noqa: E402

GROUP = "myprimary"

# Of all that Sentinels say in a failover, what a person can follow it by.
TOLD = {
    "+sdown": "{it} does not answer",
    "+odown": "enough of us see it so: {it} is down",
    "+try-failover": "there must be a new primary",
    "+elected-leader": "I was elected to choose it",
    "+selected-slave": "it shall be {it}",
    "+promoted-slave": "{it} is the new primary",
    "+switch-master": "{it} is the new primary",
}


class Demo:
    """One run: servers, pods, a file, the program, and a timeline of what all of them say."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.timeline = Timeline()
        installed = find_servers()
        self._say(f"{self._bold('Valkey Reconciler')}: the label follows the primary.\n")
        product = f"{installed.product} {installed.version()}"
        self._say(f"Valkey: {product}, a primary, two replicas and three Sentinels")
        self.group = stack.enter_context(ValkeyGroup(GROUP))
        names = {instance.address: instance.name for instance in self.group.instances}
        self.pods: Pods = stack.enter_context(open_pods(names, self._say))
        self.file: FileWatch = stack.enter_context(
            FileWatch(self.group.folder / "routes", GROUP, names)
        )
        self.program = Program(
            self.group.folder,
            configuration.configuration(
                configuration.sentinel(self.group.sentinels, [GROUP]),
                configuration.file_target(self.file.path.parent),
                configuration.kubernetes_target(self.pods.kubeconfig, self.pods.namespace),
            ),
            log_level="info",
        )
        self._names = names
        at = {f"{host}:{port}": name for (host, port), name in names.items()}
        at |= {f"{s.host}:{s.port}": s.name for s in self.group.sentinels.all}
        folders = {f"{self.file.path.parent}/": "", f"{self.pods.namespace}/": ""}
        self._short = at | folders
        self._came: dict[str, float] = {}
        self._left: float | None = None
        self._listen()
        stack.enter_context(self.program)
        self.program.wait_ready()
        self._wait_in_step()

    def run(self) -> None:
        self._introduce()
        self.timeline.heading("1. The primary dies: kill -9")
        killed = self._failover(self.group.kill_primary, "kill -9")
        self._say("\n(the old primary is started again, as a replica)")
        self.group.heal(killed)
        self.group.wait_healthy()
        self.timeline.heading(
            "2. The program loses its watcher and both labelers while the primary moves again"
        )
        self._failover(self.group.sentinel_failover, "SENTINEL FAILOVER", self._kill_children)
        self._say("\nThey are back, and nothing was lost:\n")
        self._show_processes()
        self._say("")
        self._show_places()

    # What is shown

    def _introduce(self) -> None:
        self.timeline.heading("Who is there")
        primary = self.group.primary()
        rows = [
            (
                instance.name,
                f"{instance.host}:{instance.port}",
                "primary" if instance is primary else "replica",
                f"pid {instance.pid}",
            )
            for instance in self.group.instances
        ]
        rows += [
            (sentinel.name, f"{sentinel.host}:{sentinel.port}", "", f"pid {sentinel.pid}")
            for sentinel in self.group.sentinels.all
        ]
        table(rows, self._say)
        self._say("")
        self._show_processes()
        self._say("")
        self._show_places()

    def _show_processes(self) -> None:
        rows = [
            (
                "valkey-reconciler",
                f"pid {self.program.pid}",
                "starts the others, restarts what dies",
            )
        ]
        for process in self.program.processes():
            target = self.program.target_of(process)
            duty = f"keeps target {target} in step" if target else "listens to all Sentinels"
            rows.append((f"  {process.name}", f"pid {process.pid}", duty))
        table(rows, self._say)

    def _show_places(self) -> None:
        labelled = ", ".join(sorted(self.pods.labelled()))
        rows = [
            ("kubernetes", f"pod with the label valkey-master=true: {labelled}"),
            ("file", f"{self.file.path.name} names {self.file.primary()}"),
        ]
        table(rows, self._say)

    # What is done

    def _failover(
        self,
        begin: Callable[[], Trigger],
        how: str,
        meanwhile: Callable[[Trigger], None] = lambda _: None,
    ) -> Failover:
        self._came, self._left = {}, None
        self._say("")
        self.timeline.begin(time.monotonic())
        trigger = begin()
        self.timeline.begin(trigger.moment)
        self.timeline.add(
            trigger.moment,
            "you",
            f"{how} {trigger.old.name}" if trigger.kind == "kill" else how,
            "red",
        )
        meanwhile(trigger)
        failover = self.group.wait_failover(trigger)
        self._wait_in_step()

        self.timeline.end()
        self._conclude(failover)
        return failover

    def _kill_children(self, trigger: Trigger) -> None:
        """Shortly before Sentinel says who is primary, which it does 0.9 s after it is so."""
        turned = self.group.roles.wait_for_turn(since=trigger.moment, timeout=20)
        if turned is not None:
            time.sleep(max(0.0, turned.time + 0.7 - time.monotonic()))
        victims: list[ProcessId] = self.program.children(WATCHER) + self.program.children(LABELER)
        for victim in victims:
            target = self.program.target_of(victim)
            victim.send(signal.SIGKILL)
            name = f"{victim.name} {target}".strip()
            self.timeline.add(time.monotonic(), "you", f"kill -9 {victim.pid} ({name})", "red")
        for victim in victims:
            self.program.wait_for_successor(victim)

    def _wait_in_step(self) -> None:
        def in_step() -> bool:
            name = self.group.primary().name
            return self.pods.labelled() == {name} and self.file.primary() == name

        try:
            wait_until(in_step, 20, "label and file name the primary", interval=0.005)
        except TimeoutError as error:
            raise SystemExit(
                f"demo: {error}; the program says:\n{self.program.log_text()}"
            ) from None

    def _conclude(self, failover: Failover) -> None:
        news = failover.event.time
        pod, file = self._came["kubernetes"], self._came["file"]
        # Seen by different threads, so that a file may seem to be there before the news.
        label_ms, file_ms = (max(0.0, seen - news) * 1000 for seen in (pod, file))
        to_label, to_file = self.timeline.paint(f"{label_ms:.0f} ms", "bold", "green"), f"{file_ms:.0f} ms"
        self._say(f"\nFrom Sentinel's news to the label: {to_label}; to the file: {to_file}")
        if self.pods.most_at_once > 1:
            raise SystemExit(f"demo: {self.pods.most_at_once} pods had the label at once: a bug")
        if self._left is not None:
            gone = (pod - self._left) * 1000
            self._say(
                f"In between no pod had the label for {gone:.1f} ms; at no time did two have it"
            )

    # What is heard

    def _listen(self) -> None:
        add = self.timeline.add

        def pod_changed(moment: float, pod: str, has_label: bool) -> None:
            if has_label:
                self._came["kubernetes"] = moment
                add(moment, "pod", f"{self._bold(pod)} has the label", "magenta")
            else:
                self._left = moment
                add(moment, "pod", f"{pod} has lost the label", "magenta")

        def file_changed(moment: float, name: str, _: bool) -> None:
            self._came["file"] = moment
            add(moment, "file", f"names {self._bold(name)}", "magenta")

        self.pods.tell(pod_changed)
        self.file.tell(file_changed)
        self.group.roles.on_turn(
            lambda turned: add(turned.time, turned.instance, "takes writes from here on", "green")
        )
        self.group.events.on_event(self._sentinel_said)
        self.program.on_log(self._program_said)

    def _sentinel_said(self, event: Event) -> None:
        told = TOLD.get(event.channel)
        if told is None or event.group() != GROUP:
            return
        name = self._names.get(event.address())
        if name is None:  # a Sentinel is down, which is not what this is about
            return
        text = f"{event.channel:<16} {told.format(it=name)}"
        self.timeline.add(event.time, event.sentinel, text, "yellow")

    def _program_said(self, entry: LogEntry) -> None:
        fields = entry.fields
        if fields.get("level") == "debug":
            return
        who = str(fields.get("process", "program"))
        if "target" in fields:
            who = f"{who} {fields['target']}" if who == LABELER else who
        text = ": ".join(str(fields[key]) for key in ("message", "error") if fields.get(key))
        for long, short in self._short.items():
            text = text.replace(long, short)
        self.timeline.add(entry.written, who, text or entry.line, "cyan")

    def _say(self, text: str) -> None:
        self.timeline.say(text)

    def _bold(self, text: str) -> str:
        return self.timeline.paint(text, "bold")


def main() -> int:
    argparse.ArgumentParser(prog="demo.sh", description=__doc__).parse_args()
    stop_on_signals()
    begun = time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            demo = Demo(stack)
            demo.run()
            ended = demo.program.terminate()
            print(
                f"\nTERM stopped it in {ended.seconds * 1000:.0f} ms; the label stays where it is."
            )
    except ServersMissing as error:
        raise SystemExit(f"demo: {error}") from None
    except KeyboardInterrupt:
        print("\nInterrupted; everything was stopped.")
        return 130
    print(f"All that was started is gone. It took {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
