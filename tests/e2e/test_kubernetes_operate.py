"""The plugin `kubernetes` alone: what operators want of a group (pause, resume, release), and a dry run."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from e2e.service_case import PAUSED, SLICE, ServiceCase  # noqa: E402
from lab.kube_namespace import LABEL, PROGRAM_RULES  # noqa: E402
from lab.plugin_host import Event, PluginHost  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402

WRITES = ("patch", "update", "create", "delete")
# A right is asked for by creating a review, which nobody keeps.
REVIEWS = "selfsubjectaccessreviews"


def proxied(case: PluginCase | ServiceCase) -> tuple[TcpProxy, Path]:
    """Between an instance with that kubeconfig and the API server."""
    proxy = case.enterContext(TcpProxy(urlsplit(case.kubernetes.url).port or 443))
    return proxy, case.namespace.kubeconfig(name="proxied", url=f"https://127.0.0.1:{proxy.port}")


class OperateCase(PluginCase):
    def settled(self, epoch: int = 1, pod: int = 0, **settings: str) -> PluginHost:
        host = self.host(**settings)
        host.apply(GROUP, epoch, ADDRESSES[pod])
        host.applied()
        return host

    def pauses(self) -> dict[str, str]:
        return {name: pod["metadata"].get("annotations", {}).get(PAUSED, "")
                for name, pod in self.namespace.pods().items()}

    def done(self, event: Event) -> None:
        self.assertEqual((event.outcome, event.text), ("applied", ""))


class Pausing(OperateCase):
    def test_a_pause_is_seen_by_all_instances_and_holds_back_a_failover_until_it_is_resumed(self) -> None:
        one, two = self.settled(), self.settled()
        self.done(one.tell("pause", GROUP, "jane", "until 10:00"))
        self.assertEqual(set(self.pauses().values()), {"by jane: until 10:00"})
        for host in (one, two):
            host.wait("problem", id="paused", severity="degraded", text="by jane: until 10:00")
            host.apply(GROUP, 2, ADDRESSES[1])
            host.wait("complete", outcome="rejected", epoch="2", text="by jane: until 10:00")
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        marks = [len(host.events) for host in (one, two)]
        self.done(two.tell("resume", GROUP))
        self.assertEqual(set(self.pauses().values()), {""})
        self.watch.wait_for_label("valkey-1", 10)
        for host, mark in zip((one, two), marks):
            host.wait("problem_clear", id="paused", mark=mark)
            host.applied(epoch="2", mark=mark)
        self.never_two()

    def test_it_holds_for_an_instance_that_starts_later_and_for_a_pod_that_comes_anew(self) -> None:
        self.done(self.settled().tell("pause", GROUP))
        self.namespace.recreate_pod("valkey-2")
        late = self.host()
        late.apply(GROUP, 2, ADDRESSES[2])
        late.wait("complete", outcome="rejected", text="by jane")
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])

    def test_it_holds_for_an_instance_that_has_not_heard_of_it(self) -> None:
        """Its patches arrive. Nothing of what the API server says reaches it, the pause neither."""
        proxy, kubeconfig = proxied(self)
        late, present = self.settled(kubeconfig=kubeconfig), self.settled()
        proxy.hold_answers()
        self.done(present.tell("pause", GROUP))
        before = self.stamps()
        mark = late.apply(GROUP, 2, ADDRESSES[1])
        late.wait("count", name="patches_total", value="timeout", timeout=20, mark=mark)
        self.assertEqual((self.namespace.labelled(), self.stamps()), (["valkey-0"], before))
        proxy.release_answers()
        late.wait("complete", outcome="rejected", text="by jane", timeout=30, mark=mark)
        self.assertEqual((self.namespace.labelled(), self.stamps()), (["valkey-0"], before))
        mark = len(late.events)
        self.done(present.tell("resume", GROUP))
        late.applied(epoch="2", mark=mark)
        self.never_two()

    def test_what_is_so_already_is_done_without_a_write(self) -> None:
        host = self.settled()
        self.done(host.tell("resume", GROUP))
        self.done(host.tell("pause", GROUP, "jane", "once"))
        before = self.namespace.audit(verb="patch", resource="pods")
        self.done(host.tell("pause", GROUP, "jane", "once"))
        self.assertEqual(len(self.namespace.audit(verb="patch", resource="pods")), len(before))
        self.done(host.tell("pause", GROUP, "jane", "another reason"))
        self.assertEqual(set(self.pauses().values()), {"by jane: another reason"})

    def test_it_needs_no_topology(self) -> None:
        host = self.host()
        self.done(host.tell("pause", GROUP))
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="by jane")
        self.assertEqual(self.namespace.labelled(), [])
        self.done(host.tell("resume", GROUP))
        self.watch.wait_for_label("valkey-0", 10)

    def test_pods_of_another_group_are_left_alone(self) -> None:
        other = f"v1 0.1.0 {ADDRESSES[2]}:6379 fenced 0123456789abcdef other"
        self.namespace.annotate("valkey-2", "valkey-reconciler.io/stamp", other)
        self.done(self.host().tell("pause", GROUP))
        self.assertEqual(self.pauses()["valkey-2"], "")
        self.assertEqual(self.stamps()["valkey-2"], other)

    def test_without_pods_and_without_rights_it_is_refused(self) -> None:
        host = self.settled()
        self.namespace.set_rules(self.rules("list", "watch"))
        told = host.tell("pause", GROUP)
        self.assertEqual(told.outcome, "rejected")
        self.assertIn("forbidden: cannot patch pods", told.text)
        self.namespace.set_rules(PROGRAM_RULES)
        for name in self.namespace.pods():
            self.namespace.delete_pod(name)
        told = host.tell("pause", GROUP)
        self.assertEqual((told.outcome, told.text), ("rejected", "no pod of the group is there"))

    def test_all_who_pause_at_once_have_it_done(self) -> None:
        hosts = [self.settled() for _ in range(3)]
        for _ in range(8):
            marks = [host.ask("pause", GROUP, f"operator-{i}") for i, host in enumerate(hosts)]
            for host, mark in zip(hosts, marks):
                self.done(host.wait("ordered", 15, mark=mark))
            self.assertNotIn("", self.pauses().values())
            self.done(hosts[0].tell("resume", GROUP))

    def test_it_is_done_amid_failovers(self) -> None:
        one, two = self.settled(), self.settled()
        for epoch in range(2, 30):
            for host in (one, two):
                host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            if epoch % 4 == 0:
                self.done(one.tell("pause", GROUP))
                self.done(two.tell("resume", GROUP))
        self.watch.wait_for_label(f"valkey-{29 % 3}", 10)
        self.never_two()


class Releasing(OperateCase):
    def test_it_lets_a_lower_epoch_in(self) -> None:
        self.settled(epoch=9, pod=2).close()
        host = self.host()
        host.apply(GROUP, 3, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="remembers epoch 9")
        self.done(host.tell("release", GROUP))
        self.watch.wait_for_label("valkey-0", 10)
        host.applied(epoch="3")
        self.assertTrue(all(" 0.3.0 " in stamp for stamp in self.stamps().values()), self.stamps())
        self.never_two()

    def test_of_a_paused_group_nothing_else_is_written_until_it_is_resumed(self) -> None:
        self.settled(epoch=9, pod=2).close()
        host = self.host()
        host.apply(GROUP, 3, ADDRESSES[0])
        host.wait("complete", outcome="rejected")
        self.done(host.tell("pause", GROUP))
        self.done(host.tell("release", GROUP))
        for stamp in self.stamps().values():
            self.assertRegex(stamp, "^released [0-9a-f]{16} by jane$")
        host.wait("complete", outcome="rejected", text="paused by the annotation")
        self.assertEqual(self.namespace.labelled(), ["valkey-2"])
        self.done(host.tell("resume", GROUP))
        self.watch.wait_for_label("valkey-0", 10)
        self.never_two()

    def test_it_is_refused_where_nothing_stands_in_the_way(self) -> None:
        host = self.host()
        self.assertIn("no primary is known yet", host.tell("release", GROUP).text)
        host.apply(GROUP, 5, ADDRESSES[0])
        host.applied()
        before = self.stamps()
        told = host.tell("release", GROUP)
        self.assertEqual(told.outcome, "rejected")
        self.assertIn("nothing to release: no pod remembers a higher decision than epoch 5", told.text)
        self.assertEqual(self.stamps(), before)

    def test_it_takes_the_stamp_of_a_newer_program_too(self) -> None:
        self.namespace.annotate("valkey-1", "valkey-reconciler.io/stamp", "v2 of times to come")
        host = self.host()
        host.apply(GROUP, 3, ADDRESSES[0])
        host.wait("complete", outcome="rejected")
        self.done(host.tell("release", GROUP))
        self.watch.wait_for_label("valkey-0", 10)

    def test_who_knows_better_puts_it_right_again(self) -> None:
        better = self.settled(epoch=9, pod=2)
        worse = self.host()
        worse.apply(GROUP, 3, ADDRESSES[0])
        worse.wait("complete", outcome="rejected")
        mark = len(better.events)
        worse.tell("release", GROUP)
        better.wait("complete", 10, mark=mark, outcome="applied", epoch="9")
        self.watch.wait_for_label("valkey-2", 10)
        self.never_two()


class Anything(OperateCase):
    def test_whatever_operators_want_amid_failovers_there_are_never_two_and_it_ends_right(self) -> None:
        chance = random.Random(6)
        hosts = [self.settled() for _ in range(3)]
        asked: dict[PluginHost, int] = {}
        epoch = 1
        for _ in range(300):
            host, pod = chance.choice(hosts), chance.randrange(3)
            what = chance.choice(("failover", "old news", "order", "order", "new pod"))
            if what == "failover":
                epoch += 1
                for each in chance.sample(hosts, chance.randint(1, 3)):
                    each.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            elif what == "old news":
                host.apply(GROUP, chance.randint(1, epoch), ADDRESSES[pod])
            elif what == "order":
                if host in asked:  # one at a time, as a labeler has it
                    host.wait("ordered", 15, mark=asked[host])
                asked[host] = host.ask(chance.choice(("pause", "resume", "release")), GROUP)
            elif chance.random() < 0.2:
                self.namespace.recreate_pod(f"valkey-{pod}")
        for host, mark in asked.items():
            host.wait("ordered", 15, mark=mark)
        self.done(hosts[0].tell("resume", GROUP))
        epoch += 1
        for host in hosts:
            mark = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(20, mark=mark, epoch=str(epoch))
        self.assertEqual(self.namespace.labelled(), [f"valkey-{epoch % 3}"])
        self.never_two()


class DryRun(OperateCase):
    def dry(self, **settings: str) -> PluginHost:
        settings = {"kubeconfig": str(self.namespace.kubeconfig()), **settings}
        host = self.enterContext(PluginHost("kubernetes", [GROUP], dry_run=True, **settings))
        host.wait("log", text="connected")
        return host

    def wrote(self) -> list[str]:
        return [f"{line['verb']} {line['objectRef']['resource']}"
                for verb in WRITES for line in self.namespace.audit(verb=verb)
                if line["objectRef"]["resource"] != REVIEWS]

    def test_it_writes_nothing_and_says_what_it_would(self) -> None:
        host = self.dry()
        host.apply(GROUP, 1, ADDRESSES[0])
        end = host.wait("complete")
        self.assertEqual((end.outcome, end.text), (
            "rejected", "dry run: would fence pods {0}/valkey-1, {0}/valkey-2, then label pod "
            "{0}/valkey-0 {1}=true".format(self.namespace.name, LABEL)))
        self.assertEqual(self.namespace.labelled(), [])
        self.assertEqual(self.wrote(), [])

    def test_it_is_applied_where_nothing_would_be_written_and_tells_of_drift(self) -> None:
        self.settled().close()
        host = self.dry()
        before = len(self.wrote())
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        mark = len(host.events)
        self.namespace.remove_label("valkey-0", LABEL)
        host.wait("complete", mark=mark, outcome="rejected", text="then label pod")
        mark = len(host.events)
        self.namespace.label("valkey-0", LABEL, "true")
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.assertEqual(len(self.wrote()), before)

    def test_it_tells_of_labels_of_replicas(self) -> None:
        self.settled().close()
        host = self.dry(replica_label="valkey-replica")
        before = len(self.wrote())
        host.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[1]])
        end = host.wait("complete", outcome="rejected")
        self.assertEqual(end.text, f"dry run: would label pod {self.namespace.name}/valkey-1 "
                                   "valkey-replica=true")
        mark = len(host.events)
        self.namespace.label("valkey-1", "valkey-replica", "true")
        host.applied(mark=mark)
        self.assertEqual(len(self.wrote()), before)

    def test_of_a_paused_group_it_would_write_no_label_of_replicas(self) -> None:
        host = self.settled()
        self.done(host.tell("pause", GROUP))
        dry = self.dry(replica_label="valkey-replica")
        dry.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[1]])
        self.assertEqual(dry.wait("complete").outcome, "applied")
        self.done(host.tell("resume", GROUP))
        dry.wait("complete", outcome="rejected", text="valkey-replica=true")

    def test_a_problem_goes_when_what_it_kept_from_would_be_done(self) -> None:
        host = self.dry()
        host.apply(GROUP, 1, "10.9.9.9")
        host.wait("problem", id="no-pod")
        mark = host.apply(GROUP, 2, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="dry run: would", mark=mark)
        host.wait("problem_clear", id="no-pod", mark=mark)

    def test_it_tells_of_an_old_label_without_a_pod_for_the_primary(self) -> None:
        self.settled().close()
        host = self.dry(no_match_after="100ms")
        before = len(self.wrote())
        host.apply(GROUP, 2, "10.9.9.9")
        host.wait("complete", outcome="rejected", text=f"would take the label {LABEL} off pod")
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.assertEqual(len(self.wrote()), before)


class Service:
    """What both ways through a Service must do; the subclasses below name them."""

    def test_a_dry_run_writes_nothing_and_says_what_it_would(self) -> None:
        settings = {"kubeconfig": self.namespace.kubeconfig(), "publish": self.way, "service": "valkey"}
        host = self.enterContext(PluginHost("kubernetes", [GROUP], dry_run=True, **settings))
        host.wait("log", text="connected")
        host.apply(GROUP, 1, ADDRESSES[0])
        end = host.wait("complete")
        self.assertEqual(end.outcome, "rejected")
        self.assertRegex(end.text, "^dry run: would write: (Service|EndpointSlice) .* "
                                   f"(selects|leads to) {self.place(0)}")
        resources = [line["objectRef"]["resource"] for verb in WRITES
                     for line in self.namespace.audit(verb=verb)]
        self.assertEqual(set(resources) - {REVIEWS}, set())
        host.close()
        self.lead_to(self.host(), 1, 0)
        again = self.enterContext(PluginHost("kubernetes", [GROUP], dry_run=True, **settings))
        again.apply(GROUP, 1, ADDRESSES[0])
        again.applied()

    def test_a_release_lets_a_lower_epoch_in_where_one_is_held_off(self) -> None:
        host = self.host()
        self.lead_to(host, 9, 2)
        self.assertIn("nothing to release", host.tell("release", GROUP).text)
        host.close()
        late = self.host()
        late.apply(GROUP, 3, ADDRESSES[0])
        late.wait("complete", outcome="rejected", text="epoch 9")
        mark = len(late.events)
        self.assertEqual(late.tell("release", GROUP).outcome, "applied")
        late.applied(mark=mark, epoch="3")
        self.assertIn(" 0.3.0 ", f" {self.stamp()} ")
        self.never_two()


class Slices(Service, ServiceCase):
    way = "endpointslice"

    def test_a_pause_needs_a_right_that_the_documented_ones_lack(self) -> None:
        host = self.host()
        told = host.tell("pause", GROUP)
        self.assertEqual(told.outcome, "rejected")
        self.assertIn("forbidden: cannot patch services", told.text)

    def test_a_dry_run_tells_of_the_slice_of_replicas_until_somebody_writes_it(self) -> None:
        self.make_service("valkey-replicas")
        real = self.host(replica_service="valkey-replicas")
        self.lead_to(real, 1, 0)
        dry = self.enterContext(PluginHost(
            "kubernetes", [GROUP], dry_run=True, kubeconfig=self.namespace.kubeconfig(),
            publish=self.way, service="valkey", replica_service="valkey-replicas"))
        dry.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[2]])
        dry.wait("complete", outcome="rejected",
                 text=f"valkey-replicas-valkey-reconciler leads to {ADDRESSES[2]}")
        mark = len(dry.events)
        real.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[2]])
        dry.applied(mark=mark)

    def test_a_release_without_a_slice_is_refused(self) -> None:
        host = self.host()
        told = host.tell("release", GROUP)
        self.assertEqual(told.outcome, "rejected")
        self.assertIn("no primary is known yet", told.text)
        with self.assertRaises(Exception):
            self.slice(SLICE)


class Selectors(Service, ServiceCase):
    way = "service-selector"
    selector = {"app.kubernetes.io/name": "valkey"}

    def test_a_pause_holds_back_a_failover_until_it_is_resumed(self) -> None:
        one, two = self.host(), self.host()
        for host in (one, two):
            self.lead_to(host, 1, 0)
        self.assertEqual(one.tell("pause", GROUP, "jane", "until 10:00").outcome, "applied")
        self.assertEqual(self.service()["metadata"]["annotations"][PAUSED], "by jane: until 10:00")
        for host in (one, two):
            host.apply(GROUP, 2, ADDRESSES[1])
            host.wait("complete", outcome="rejected", epoch="2", text="by jane")
        marks = [len(host.events) for host in (one, two)]
        self.assertEqual(two.tell("resume", GROUP).outcome, "applied")
        for host, mark in zip((one, two), marks):
            host.applied(epoch="2", mark=mark)
        self.never_two()

    def test_a_pause_holds_for_an_instance_that_has_not_heard_of_it(self) -> None:
        proxy, kubeconfig = proxied(self)
        late, present = self.host(kubeconfig=kubeconfig), self.host()
        for host in (late, present):
            self.lead_to(host, 1, 0)
        proxy.hold_answers()
        self.assertEqual(present.tell("pause", GROUP).outcome, "applied")
        before = self.stamp()
        mark = late.apply(GROUP, 2, ADDRESSES[1])
        late.wait("count", name="patches_total", value="timeout", timeout=20, mark=mark)
        self.assertEqual(self.stamp(), before)
        proxy.release_answers()
        late.wait("complete", outcome="rejected", text="by jane", timeout=30, mark=mark)
        self.assertEqual(self.stamp(), before)
        self.never_two()


if __name__ == "__main__":
    main()
