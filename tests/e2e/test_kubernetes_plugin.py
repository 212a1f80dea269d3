"""The plugin `kubernetes` alone, against the fake and the real API server: what it writes, when it
does not, and how it comes back from whatever happens to the API server."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from fakes.kube import certificates  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import LABEL, FakeKubernetes, Pod, PrivateKubernetes  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import PATIENCE, wait_until  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402


def version_of(pod: Json) -> int:
    return int(pod["metadata"]["resourceVersion"])


class Deciding(PluginCase):
    def test_moves_the_label_with_one_fence_and_one_promotion(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.assertEqual(host.count("patches_total", mark=mark), 2)
        self.assertEqual(host.count("lists_total", mark=mark), 0)
        host.wait("log", text="valkey-0 unlabelled for epoch 2", mark=mark)
        host.wait("log", text="valkey-1 labelled valkey-master=true for epoch 2", mark=mark)
        self.never_two()

    def test_sends_nothing_where_all_is_right(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        before = self.stamps()
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.applied(mark=mark)
        other = self.host()
        other.apply(GROUP, 1, ADDRESSES[0])
        other.applied()
        self.assertEqual(host.count("patches_total", mark=mark), 0)
        self.assertEqual(other.count("patches_total"), 0)
        self.assertEqual(self.stamps(), before)

    def test_a_lower_decision_stands_down_and_says_why(self) -> None:
        self.host().apply(GROUP, 5, ADDRESSES[1])
        self.watch.wait_for_label("valkey-1", 10)
        old = self.host()
        old.apply(GROUP, 4, ADDRESSES[0])
        reason = old.wait("complete", outcome="rejected").text
        self.assertIn("remembers epoch 5", reason)
        old.wait("problem", id="higher-decision", severity="blocking")
        mark = old.apply(GROUP, 6, ADDRESSES[0])
        old.applied(mark=mark)
        old.wait("problem_clear", id="higher-decision", mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.never_two()

    def test_adopts_a_label_that_came_without_stamps(self) -> None:
        self.namespace.label("valkey-1", LABEL, "true")
        host = self.host()
        host.apply(GROUP, 3, ADDRESSES[1])
        host.applied()
        stamps = self.stamps()
        self.assertTrue(all(stamp.startswith("v1 0.3.0 ") for stamp in stamps.values()), stamps)
        self.assertFalse([change for change in self.watch.label_changes() if not change.labelled])
        self.never_two()

    def test_knows_the_primary_by_its_host_name_and_by_its_second_address(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20,fd00::20"))
        host = self.host()
        names = [f"Valkey-1.valkey.{self.namespace.name}.svc.cluster.local.", "valkey-2.valkey",
                 "valkey-0", "FD00:0::20"]
        for epoch, (name, pod) in enumerate(zip(names, (1, 2, 0, 3)), start=1):
            mark = host.apply(GROUP, epoch, name)
            host.applied(mark=mark)
            self.assertEqual(self.namespace.labelled(), [f"valkey-{pod}"], name)
        self.never_two()

    def test_withdraws_a_suspected_primary_and_restores_it(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        mark = host.apply(GROUP, 1, ADDRESSES[0], step=1, suspected=True)
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), [])
        mark = host.apply(GROUP, 1, ADDRESSES[0], step=2)
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])

    def test_keeps_the_label_when_the_primary_is_no_pod_and_takes_it_off_under_a_new_epoch(
            self) -> None:
        host = self.host(no_match_after="600ms")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        mark = host.apply(GROUP, 1, "10.9.9.9", step=1)
        host.wait("complete", outcome="rejected", mark=mark, text="no pod of the group is 10.9.9.9")
        host.wait("problem", id="no-pod", mark=mark)
        mark = host.apply(GROUP, 2, "10.9.9.9")
        done = host.wait("complete", outcome="rejected", mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        gone = host.wait("log", text="valkey-0 unlabelled", mark=mark)
        self.assertGreater(gone.time - done.time, 0.5)
        # And as soon as there is one, it is labelled.
        self.namespace.add_pod(Pod("valkey-9", "10.9.9.9"))
        self.watch.wait_for_label("valkey-9", 2)
        host.wait("problem_clear", id="no-pod", mark=mark)
        self.never_two()

    def test_leaves_pods_of_another_group_alone(self) -> None:
        other = self.enterContext(PluginHost("kubernetes", ["other"],
                                             kubeconfig=self.namespace.kubeconfig(),
                                             label="other-master"))
        other.apply("other", 9, ADDRESSES[2])
        other.applied()
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="belongs to group other")
        self.assertEqual(self.namespace.labelled("other-master"), ["valkey-2"])
        self.assertEqual(self.namespace.labelled(), [])

    def test_works_with_a_prefixed_label_and_pods_without_any_annotation(self) -> None:
        host = self.host(label="example.com/primary", value="yes")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled("example.com/primary", "yes"), ["valkey-1"])

    def test_demotes_a_terminating_pod(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20", grace=60))
        host = self.host()
        host.apply(GROUP, 1, "10.244.0.20")
        host.applied()
        self.namespace.delete_pod("valkey-3", grace=60)
        mark = host.apply(GROUP, 2, ADDRESSES[0])
        host.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])
        self.never_two()


class Pausing(PluginCase):
    """By an annotation of any pod of the group, which every instance reads."""

    PAUSED = "valkey-reconciler.io/paused"

    def test_a_paused_group_is_left_alone_until_it_is_resumed(self) -> None:
        hosts = [self.host(), self.host()]
        for host in hosts:
            host.apply(GROUP, 1, ADDRESSES[0])
            host.applied()
        self.namespace.annotate("valkey-2", self.PAUSED, "by jane")
        marks = [len(host.events) for host in hosts]
        for host in hosts:
            host.wait("problem", id="paused", severity="degraded", text="pod valkey-2: by jane")
            host.apply(GROUP, 2, ADDRESSES[1])
            self.assertIn("by jane", host.wait("complete", outcome="rejected", epoch="2").text)
        self.namespace.remove_label("valkey-0", LABEL)
        self.watch.wait_for(lambda: not self.watch.labelled_now(), 2, "the label is off")
        self.namespace.annotate("valkey-2", self.PAUSED, None)
        self.watch.wait_for_label("valkey-1", 3)
        for host, mark in zip(hosts, marks):
            host.wait("problem_clear", id="paused")
            host.applied(epoch="2", mark=mark)
        self.never_two()

    def test_a_paused_group_that_is_right_is_in_sync(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.namespace.annotate("valkey-0", self.PAUSED, "true")
        host.wait("problem", id="paused")
        mark = host.apply(GROUP, 1, ADDRESSES[0])
        host.applied(mark=mark)


class Drifting(PluginCase):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def test_a_wiped_label_comes_back(self) -> None:
        started = time.time()
        version = self.namespace.remove_label("valkey-0", LABEL)["metadata"]["resourceVersion"]
        found = self.watch.wait_for_label("valkey-0", 1, after=int(version))
        self.assertLess(found.wall - started, 1 * PATIENCE)
        self.one.wait("log", text="was taken off by", level="warning")
        self.never_two()

    def test_a_second_label_goes_within_a_second_and_names_who_set_it(self) -> None:
        mark = len(self.one.events)
        version = self.namespace.label("valkey-2", LABEL, "true",
                                       manager="kubectl-label")["metadata"]["resourceVersion"]
        self.watch.wait_for_label("valkey-0", 1, after=int(version))
        self.one.wait("log", text="was set by kubectl-label", level="warning", mark=mark)
        self.one.applied(mark=mark)
        self.assertEqual(self.one.count("patches_total", mark=mark), 1)

    def test_a_moved_label_is_moved_back(self) -> None:
        self.namespace.remove_label("valkey-0", LABEL)
        self.namespace.label("valkey-1", LABEL, "true")
        self.watch.wait_for(lambda: self.watch.labelled_now() == ["valkey-0"], 3, "moved back")

    def test_a_recreated_pod_is_labelled_again(self) -> None:
        made = self.namespace.recreate_pod("valkey-0")
        self.watch.wait_for_label("valkey-0", 2, after=int(made["metadata"]["resourceVersion"]))
        self.namespace.recreate_pod("valkey-0", "10.244.0.77")
        mark = self.one.apply(GROUP, 1, "10.244.0.77", step=1)
        self.one.applied(mark=mark)
        self.watch.wait_for_label("valkey-0", 2)

    def test_own_writes_are_no_drift(self) -> None:
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.applied(mark=mark)
        time.sleep(0.5)  # for what must not come
        self.assertFalse([e for e in self.one.events[mark:] if e.kind == "changed"])

    def test_two_who_disagree_do_not_wear_out_the_api_server(self) -> None:
        stop = threading.Event()

        def fight() -> None:
            while not stop.is_set():
                if self.watch.labelled_now():
                    self.namespace.remove_label("valkey-0", LABEL)
                time.sleep(0.005)

        mark = len(self.one.events)
        thread = threading.Thread(target=fight)
        thread.start()
        try:
            self.one.wait("problem", id="contested", mark=mark, severity="degraded", timeout=10)
            mark = len(self.one.events)
            time.sleep(4)
            self.assertLessEqual(self.one.count("patches_total", "ok", mark=mark), 3 * 6 + 3)
        finally:
            stop.set()
            thread.join()
        self.watch.wait_for_label("valkey-0", 3)


class Learning(PluginCase):
    """Eras and steps are counted from the start of a program; the pods remember those of others."""

    def test_a_step_is_learnt_and_then_drift_is_repaired(self) -> None:
        first = self.host()
        first.apply(GROUP, 5, ADDRESSES[0], step=2)
        first.applied()
        first.kill()
        late = self.host()
        mark = late.apply(GROUP, 5, ADDRESSES[0])
        late.applied(mark=mark)
        off = self.namespace.remove_label("valkey-0", LABEL)
        self.watch.wait_for_label("valkey-0", 5, after=version_of(off))
        second = self.namespace.label("valkey-2", LABEL, "true")
        self.watch.wait_for_label("valkey-0", 5, after=version_of(second))

    def test_an_era_that_alone_is_in_the_way_is_taken_over_after_a_while(self) -> None:
        first = self.host()
        first.apply(GROUP, 4, ADDRESSES[0], era=1)
        first.applied()
        first.kill()
        late = self.host()
        mark = late.apply(GROUP, 5, ADDRESSES[1])
        rejected = late.wait("complete", outcome="rejected", mark=mark)
        applied = late.applied(25, mark)
        self.assertGreater(applied.time - rejected.time, 14.5)
        late.wait("log", text="era 1 is taken over", level="warning", mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()


class Racing(PluginCase):
    def test_instances_that_race_and_are_paused_never_make_two_labels(self) -> None:
        draw = random.Random(7)
        hosts = [self.host() for _ in range(3)]
        for epoch in range(1, 41):
            target = draw.randrange(3)
            for host in draw.sample(hosts, 3):
                if draw.random() < 0.3:
                    host.pause()
                lagging = draw.random() < 0.2
                host.apply(GROUP, max(1, epoch - 1) if lagging else epoch,
                           ADDRESSES[draw.randrange(3) if lagging else target])
            time.sleep(draw.uniform(0, 0.05))
            for host in hosts:
                host.resume()
            if draw.random() < 0.2:
                self.namespace.recreate_pod(f"valkey-{draw.randrange(3)}")
        for host in hosts:
            host.apply(GROUP, 100, ADDRESSES[1])

        def is_right() -> bool:
            return (not self.namespace.make_missing_pods()
                    and self.namespace.labelled() == ["valkey-1"])

        wait_until(is_right, 10, "the label is on valkey-1 alone")
        for host in hosts:
            host.applied(epoch="100")
        self.never_two()

    def test_an_instance_that_is_killed_between_fence_and_promotion_is_made_good(self) -> None:
        one, two = self.host(), self.host()
        one.apply(GROUP, 1, ADDRESSES[0])
        one.applied()
        two.apply(GROUP, 1, ADDRESSES[0])
        two.applied()
        for epoch in range(2, 12):
            one.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            time.sleep(random.uniform(0, 0.02))
            one.kill()
            version = self.watch.last_version
            two.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            self.watch.wait_for_label(f"valkey-{epoch % 3}", 3, after=version - 1)
            one = self.host()
        self.never_two()

    def test_the_instance_beside_the_primary_acts_first(self) -> None:
        for i, node in enumerate(("node-a", "node-b", "node-c")):
            self.namespace.add_pod(Pod(f"near-{i}", f"10.244.1.{i}", node=node))
        hosts = {node: self.host(node_name=node) for node in ("node-a", "node-b", "node-z")}
        marks = {node: host.apply(GROUP, 1, "10.244.1.1") for node, host in hosts.items()}
        for node, host in hosts.items():
            host.applied(mark=marks[node])
        took = {node: int(host.applied(mark=marks[node]).took_us) for node, host in hosts.items()}
        self.assertGreater(hosts["node-b"].count("patches_total"), 0)
        if took["node-b"] < 100_000:  # a machine that is not overloaded
            self.assertEqual(hosts["node-z"].count("patches_total"), 0)
        self.assertGreaterEqual(took["node-a"], 40_000)
        self.assertGreaterEqual(took["node-z"], 150_000)
        self.never_two()

    def test_who_sees_another_amid_its_decision_lets_it_finish_but_not_for_long(self) -> None:
        claim = f"v1 0.1.0 {ADDRESSES[1]}:6379"
        for i in (0, 2):
            self.namespace.annotate(f"valkey-{i}", "valkey-reconciler.io/stamp",
                                    f"{claim} fenced {i:016x} {GROUP}")
        hosts = [self.host(node_name="lab-node-0"), self.host()]
        for host in hosts:
            host.apply(GROUP, 1, ADDRESSES[1])
        took = [int(host.applied().took_us) for host in hosts]
        self.assertGreaterEqual(took[0], 25_000)  # though it is beside the primary; else some 5 ms
        if took[1] < 50_000:  # a machine that is not overloaded
            self.assertEqual(hosts[0].count("patches_total"), 0)
            self.assertEqual(hosts[1].count("patches_total"), 3)  # it knows no node: waits for nobody

        for i in (0, 2):  # by one that has died since
            self.namespace.annotate(f"valkey-{i}", "valkey-reconciler.io/stamp",
                                    f"{claim.replace('0.1.0', '0.2.0')} fenced {i:016x} {GROUP}")
        mark = hosts[0].apply(GROUP, 2, ADDRESSES[1])
        self.assertGreaterEqual(int(hosts[0].applied(mark=mark).took_us), 100_000)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def test_a_begun_promotion_is_finished_at_the_end(self) -> None:
        for epoch in range(1, 11):
            host = self.host()
            host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(epoch=str(epoch))
            mark = host.apply(GROUP, epoch, ADDRESSES[(epoch + 1) % 3], step=1)
            time.sleep(random.uniform(0, 0.01))
            self.assertEqual(host.close(), 0, host.story(mark))
            self.assertEqual(len(self.namespace.labelled()), 1)
        self.never_two()

@unittest.skipUnless(BACKEND == "real", "the fake has no HTTP/2")
class HeadOfThePromotion(PluginCase):
    """It goes ahead while the fence is on its way; the promotion itself follows when that is confirmed."""

    def setUp(self) -> None:
        super().setUp()
        self.start = self.kubernetes.audit_size()
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()
        self.wait_patches(3)  # or they would be taken for what comes

    def patches(self) -> list[Json]:
        """Of this namespace, as the API server ended them."""
        return [line for line in self.kubernetes.audit(self.start)
                if line["verb"] == "patch" and line["stage"] == "ResponseComplete"
                and line["objectRef"].get("namespace") == self.namespace.name
                and line["user"]["username"].startswith("system:serviceaccount:")]

    def wait_patches(self, count: int) -> list[Json]:
        wait_until(lambda: len(self.patches()) >= count, 5, f"{count} patches have ended")
        return self.patches()

    def test_it_is_there_before_the_fence_is_done(self) -> None:
        ahead, epoch = 0, 1
        while ahead < 3:  # a busy machine may do one after the other
            epoch += 1
            self.assertLess(epoch, 62, f"{ahead} of 60")
            self.start = self.kubernetes.audit_size()
            old, new = (epoch - 2) % 3, (epoch - 1) % 3
            mark = self.one.apply(GROUP, epoch, ADDRESSES[new])
            self.one.applied(mark=mark)
            patches = self.wait_patches(2)
            self.assertEqual([200] * len(patches), [line["responseStatus"]["code"] for line in patches])
            of = {line["objectRef"]["name"]: line for line in patches}
            self.assertEqual(set(of), {f"valkey-{old}", f"valkey-{new}"})
            ahead += (of[f"valkey-{new}"]["requestReceivedTimestamp"]
                      < of[f"valkey-{old}"]["stageTimestamp"])
        self.never_two()

    def test_it_is_withdrawn_where_the_fence_is_refused(self) -> None:
        refused = 0
        for epoch in range(2, 12):
            self.start = self.kubernetes.audit_size()
            old, new = (epoch - 2) % 3, (epoch - 1) % 3
            self.one.pause()
            mark = self.one.apply(GROUP, epoch, ADDRESSES[new])
            # It hears of this later than of its order.
            self.namespace.annotate(f"valkey-{old}", "valkey-reconciler.io/stamp", None)
            self.one.resume()
            self.one.applied(mark=mark, epoch=str(epoch))
            self.assertEqual(self.namespace.labelled(), [f"valkey-{new}"])
            codes = [line["responseStatus"]["code"] for line in self.patches()]
            refused += 422 in codes
        self.assertGreaterEqual(refused, 3, "of ten")
        self.never_two()

    def test_what_it_is_answered_before_the_promotion_itself_is_sent_is_nobodys_matter(self) -> None:
        fenced_alone = {**self.rules("patch")[0], "resourceNames": ["valkey-0"]}
        self.namespace.set_rules([*self.rules("list", "watch"), fenced_alone])
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        told = self.one.wait("complete", outcome="retry", text="forbidden: cannot patch pods",
                             mark=mark)
        counted = [(event.name, event.by) for event in self.one.events[mark:]
                   if event.kind == "count" and event.value == "403" and event.time <= told.time]
        self.assertEqual(counted, [("api_errors_total", "1"), ("patches_total", "1")])
        self.assertEqual(self.namespace.labelled(), [])
        self.namespace.set_rules(self.rules("list", "watch", "patch"))
        self.one.applied(30, mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()


class Rights(PluginCase):
    def test_without_the_right_to_patch_it_says_so_and_goes_on_when_it_has_it(self) -> None:
        self.namespace.set_rules(self.rules("list", "watch"))
        host = self.host()
        shown = host.wait("problem", id="rights-missing", severity="blocking")
        self.assertEqual(shown.text,
                         f"forbidden: cannot patch pods in namespace {self.namespace.name}")
        host.apply(GROUP, 1, ADDRESSES[0])
        refused = host.wait("complete", outcome="retry")
        self.assertIn(shown.text, refused.text)
        host.wait("problem", id="change-refused")
        self.namespace.set_rules(self.rules("list", "watch", "patch"))
        host.applied()
        host.check()
        host.wait("problem_clear", id="rights-missing")

    def test_a_right_to_the_groups_own_pods_is_enough(self) -> None:
        def to(*pods: str) -> list[Json]:
            own = {**self.rules("patch")[0], "resourceNames": list(pods)}
            return [*self.rules("list", "watch"), own]

        self.namespace.set_rules(to("valkey-0", "valkey-1", "valkey-2"))
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.check()
        time.sleep(3)  # what is missing is asked for again before it is told
        host.check()
        time.sleep(1)
        self.assertEqual([event.text for event in host.events if event.kind == "problem"], [])
        self.namespace.set_rules(to("valkey-0"))
        host.check()
        host.wait("problem", id="rights-missing", severity="blocking", text="cannot patch pods")
        self.namespace.set_rules(to("valkey-0", "valkey-1", "valkey-2"))
        host.check()
        host.wait("problem_clear", id="rights-missing")

    def test_without_the_right_to_watch_it_lists(self) -> None:
        self.namespace.set_rules(self.rules("list", "patch"))
        host = self.host(poll="1s")
        host.wait("problem", id="watch-refused", severity="degraded",
                  text=f"forbidden: cannot watch pods in namespace {self.namespace.name}")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        off = self.namespace.remove_label("valkey-0", LABEL)
        self.watch.wait_for_label("valkey-0", 5, after=version_of(off))

    def test_without_the_right_to_list_it_waits_and_says_so(self) -> None:
        self.namespace.set_rules(self.rules("watch", "patch"))
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="retry",
                  text=f"forbidden: cannot list pods in namespace {self.namespace.name}")
        host.wait("problem", id="list-refused")
        self.namespace.set_rules(self.rules("list", "watch", "patch"))
        host.applied()
        host.wait("problem_clear", id="list-refused")

    def test_a_token_that_is_replaced_is_read_again(self) -> None:
        folder = self.namespace.service_account_dir("not.a.token")
        address, _, port = self.kubernetes.url.removeprefix("https://").rpartition(":")
        host = self.enterContext(PluginHost(
            "kubernetes", [GROUP], service_account_dir=folder, api_host=address, api_port=port))
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="retry", text="unauthorized")
        self.namespace.service_account_dir()
        host.applied()
        host.wait("log", text="is a new one")
        self.assertFalse([event for event in host.events if self.namespace.token in str(event)])


class DeadConnections(PluginCase):
    """Nothing tells that they are dead: the machine at the other end is gone."""

    def setUp(self) -> None:
        super().setUp()
        url = self.kubernetes.url
        self.proxy = self.enterContext(TcpProxy(int(url.rpartition(":")[2])))
        file = self.namespace.kubeconfig()
        file.write_text(file.read_text().replace(url, f"https://127.0.0.1:{self.proxy.port}"))
        self.one = self.enterContext(PluginHost("kubernetes", [GROUP], kubeconfig=file,
                                                request_timeout="1s"))
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def test_a_dead_connection_costs_one_timeout(self) -> None:
        self.assertGreaterEqual(self.proxy.silence(), 2)
        started = time.time()
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        done = self.one.applied(mark=mark)
        self.one.wait("log", text="no answer within 1000 ms", mark=mark)
        self.assertLess(done.time - started, 2.5 * PATIENCE)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])

    def test_a_dead_watch_is_found_within_half_a_minute(self) -> None:
        self.proxy.silence()
        started = time.time()
        self.namespace.remove_label("valkey-0", LABEL)
        self.watch.wait_for(lambda: not self.watch.labelled_now(), 2, "the label is off")
        found = self.watch.wait_for_label("valkey-0", 35)
        self.assertLess(found.wall - started, 30)


@unittest.skipUnless(BACKEND == "fake", "only a fake answers wrongly on demand")
class OddServers(PluginCase):
    private = True

    def setUp(self) -> None:
        super().setUp()
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.server: FakeKubernetes = self.kubernetes
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def test_a_server_that_takes_four_seconds_for_each_answer_gets_its_label(self) -> None:
        # The first is too slow, so that the plugin asks whether the server is there at all.
        self.server.fault(r"PATCH /api/v1/.*", count=1, delay_ms=5500)
        self.server.fault(r"(PATCH|GET) (/api/v1/namespaces/.*/pods.*|/readyz)", count=0,
                          delay_ms=4000, user=".*:serviceaccount:.*")
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.applied(30, mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def test_a_client_certificate_that_was_renewed_is_shown_by_a_new_connection(self) -> None:
        pki, folder = self.server.folder / "pki", Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("old", "new"):
            certificates.leaf(pki, name, f"/O=system:masters/CN={name}", "extendedKeyUsage=clientAuth\n")

        def show(name: str) -> None:
            for kind in ("crt", "key"):
                shutil.copy(pki / f"{name}.{kind}", folder / f"client.{kind}.next")
                (folder / f"client.{kind}.next").rename(folder / f"client.{kind}")

        show("old")
        config = folder / "kubeconfig"
        config.write_text(
            f'{{current-context: c, contexts: [{{name: c, context: {{cluster: c, user: c, namespace: {self.namespace.name}}}}}],'
            f' clusters: [{{name: c, cluster: {{server: "{self.server.url}", certificate-authority: "{pki / "ca.crt"}"}}}}],'
            f' users: [{{name: c, user: {{client-certificate: "{folder / "client.crt"}", client-key: "{folder / "client.key"}"}}}}]}}'
        )
        host = self.host(kubeconfig=config)
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.server.fault(".*", count=0, status=401, user="old")  # it has run out
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", outcome="retry", text="unauthorized", mark=mark)
        show("new")
        host.applied(20, mark=mark, epoch="2")
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.watch.wait_for_label("valkey-1", 10)
        self.namespace.label("valkey-0", LABEL, "true")  # it is seen: the watch is there, too
        wait_until(lambda: self.namespace.labelled() == ["valkey-1"], 30, "it is put right")

    def test_an_answer_that_is_no_pod_confirms_nothing(self) -> None:
        self.server.fault(r"PATCH /api/v1/.*", count=1, status=200, body={"kind": "Status"})
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.assertGreater(self.one.count("lists_total", mark=mark), 0)
        self.never_two()

    def test_a_fence_of_a_pod_that_is_being_deleted_is_not_believed(self) -> None:
        self.server.prolong_deletions(0.7)
        self.namespace.delete_pod("valkey-0")
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def test_a_fence_whose_answer_lacks_the_stamp_is_refused(self) -> None:
        pod = self.namespace.pods()["valkey-0"]
        pod["metadata"]["annotations"] = {}
        pod["metadata"]["labels"].pop(LABEL)
        self.server.fault(r"PATCH /api/v1/.*/valkey-0", count=1, status=200, body=pod)
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.wait("problem", id="change-refused", text="does not show it", mark=mark)
        self.one.applied(mark=mark)
        self.assertEqual(self.namespace.labelled(), ["valkey-1"])
        self.never_two()

    def test_a_list_that_was_refused_while_the_watch_was_away_is_asked_for_again(self) -> None:
        """A server that has just started may refuse the list and then take the watch: after that
        nothing is wrong, and nobody needs a list."""
        mark, ours = len(self.one.events), ".*:serviceaccount:.*"
        self.server.fault(r"LIST /api/v1/.*/pods", count=0, status=403, body={}, user=ours)
        self.server.fault(r"WATCH /api/v1/.*/pods", count=1, delay_ms=500, user=ours)
        self.server.watches("cut")
        self.one.wait("problem", id="watch-lost", mark=mark)
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.wait("problem", id="list-refused", mark=mark)
        self.one.applied(mark=mark)  # by the watch alone
        self.server.clear_faults()
        self.one.wait("problem_clear", id="list-refused", mark=mark)

    def test_lists_come_though_watches_end_often(self) -> None:
        host = self.host(resync="2s")
        mark = len(host.events)
        for _ in range(5):
            time.sleep(1.3)  # long enough to be opened again at once
            self.server.watches("end")
        self.assertGreaterEqual(host.count("lists_total", mark=mark), 1)


class Outages(PluginCase):
    private = True

    def setUp(self) -> None:
        super().setUp()
        assert isinstance(self.kubernetes, PrivateKubernetes)
        self.server: PrivateKubernetes = self.kubernetes
        self.one = self.host()
        self.one.apply(GROUP, 1, ADDRESSES[0])
        self.one.applied()

    def test_a_killed_api_server_is_waited_for(self) -> None:
        mark = len(self.one.events)  # the watch may find it out before the order does
        self.server.kill()
        self.one.apply(GROUP, 2, ADDRESSES[1])
        self.one.wait("complete", outcome="retry", mark=mark)
        self.one.wait("problem", id="api-unreachable", severity="blocking", mark=mark)
        time.sleep(3)
        self.server.revive()
        # A server that has just started is slow on a busy machine, with its watches too.
        self.watch.wait_for_label("valkey-1", 15)
        self.one.wait("problem_clear", id="api-unreachable", mark=mark)
        self.one.wait("log", text="watch resumed", mark=mark)
        off = self.namespace.remove_label("valkey-1", LABEL)
        self.watch.wait_for_label("valkey-1", 10, after=version_of(off))
        self.never_two()

    def test_a_frozen_api_server_is_used_within_a_second_of_its_thaw(self) -> None:
        self.server.freeze()
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        time.sleep(10)
        self.server.thaw()
        thawed = time.time()
        found = self.watch.wait_for_label("valkey-1", 5)
        self.assertLess(found.wall - thawed, 1, self.one.story(mark))
        self.one.applied(mark=mark)
        self.never_two()

    def test_a_request_that_is_cancelled_while_the_server_is_frozen_ends(self) -> None:
        self.server.freeze()
        mark = self.one.apply(GROUP, 2, ADDRESSES[1])
        time.sleep(0.2)
        self.one.cancel(GROUP)
        started = time.time()
        done = self.one.wait("complete", outcome="cancelled", mark=mark)
        self.assertLess(done.time - started, 2.9 * PATIENCE)
        mark = self.one.apply(GROUP, 3, ADDRESSES[2])
        self.server.thaw()
        self.one.applied(mark=mark, epoch="3")
        self.watch.wait_for_label("valkey-2", 3)
        self.never_two()

    def test_one_that_was_overdue_hurries_when_the_server_is_back(self) -> None:
        host = self.enterContext(PluginHost("kubernetes", [GROUP], eager=False,
                                            kubeconfig=self.namespace.kubeconfig()))
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.server.freeze()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        time.sleep(0.2)
        host.cancel(GROUP)
        host.wait("complete", outcome="cancelled", mark=mark)
        host.wait("problem", id="api-unreachable", mark=mark, timeout=15)
        mark = len(host.events)
        self.server.thaw()
        host.wait("changed", mark=mark, timeout=3)

    def test_a_plugin_that_starts_without_an_api_server_waits_for_it(self) -> None:
        self.server.kill()
        host = self.enterContext(
            PluginHost("kubernetes", [GROUP], kubeconfig=self.namespace.kubeconfig()))
        host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", outcome="retry")
        self.server.revive()
        self.watch.wait_for_label("valkey-1", 5)
        host.applied()

    def test_drift_after_a_restart_is_seen(self) -> None:
        for _ in range(2):
            self.server.bounce()
            version = self.namespace.remove_label("valkey-0", LABEL)["metadata"]["resourceVersion"]
            self.watch.wait_for_label("valkey-0", 6, after=int(version))
        self.never_two()

    def test_a_watch_that_has_become_silent_is_found(self) -> None:
        """A server that was told to end refuses new connections and leaves the watch open."""
        mark = len(self.one.events)
        self.server.terminate()
        self.one.wait("log", text="watch", mark=mark, level="warning", timeout=40)
        self.server.kill()
        self.server.revive()
        self.one.wait("log", text="watch resumed", mark=mark)


if __name__ == "__main__":
    main()
