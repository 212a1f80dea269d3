"""What holds for both ways to publish through one object: a switch is one write, at no version does the Service lead to two
places, a lower decision never undoes a higher one, whatever others do to the object comes right."""

from __future__ import annotations

import random
import time
from urllib.parse import urlsplit

from e2e.plugin_case import ADDRESSES, GROUP
from e2e.service_case import PAUSED, SERVICE, ServiceCase
from lab.kube_client import Json
from lab.kube_rights import least_rules
from lab.kubernetes import Pod
from lab.plugin_host import PluginHost
from lab.processes import wait_until
from lab.tcp_proxy import TcpProxy


class PublishCases(ServiceCase):
    def test_a_switch_is_one_write_without_any_other_request(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.watch.wait_for([self.place(0)])
        before = len(self.watch.versions())
        mark = self.lead_to(host, 2, 1)
        self.watch.wait_for([self.place(1)])
        self.assertEqual([v.leads_to for v in self.watch.versions()[before:]], [(self.place(1),)])
        self.assertEqual(host.count("patches_total", mark=mark), 1)
        self.assertEqual(host.count("lists_total", mark=mark), 0)
        host.wait("log", text=f"{self.place(1)} for epoch 2", mark=mark)
        self.assertRegex(self.stamp(), rf"^v1 0\.2\.0 {ADDRESSES[1]}:6379 promoted [0-9a-f]+ ")
        self.never_two()

    def test_sends_nothing_where_all_is_right(self) -> None:
        self.lead_to(self.host(), 1, 0)
        before = self.stamp()
        other = self.host()
        mark = self.lead_to(other, 1, 0)
        self.assertEqual(other.count("patches_total", mark=mark), 0)
        self.assertEqual(self.stamp(), before)

    def test_a_lower_decision_stands_down_and_says_why(self) -> None:
        self.lead_to(self.host(), 5, 1)
        old = self.host()
        old.apply(GROUP, 4, ADDRESSES[0])
        reason = old.wait("complete", outcome="rejected").text
        self.assertIn("remembers epoch 5", reason)
        old.wait("problem", id="higher-decision", severity="blocking")
        mark = self.lead_to(old, 6, 0)
        old.wait("problem_clear", id="higher-decision", mark=mark)
        self.watch.wait_for([self.place(0)])
        self.never_two()

    def test_withdraws_a_suspected_primary_and_restores_it(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.lead_to(host, 1, 0, step=1, suspected=True)
        self.watch.wait_for([])
        self.assertRegex(self.stamp(), r"^v1 0\.1\.1 .* fenced ")
        old = self.host()
        old.apply(GROUP, 1, ADDRESSES[0])
        old.wait("complete", outcome="rejected", text="remembers epoch 1 step 1")
        self.lead_to(host, 1, 0, step=2)
        self.watch.wait_for([self.place(0)])
        self.never_two()

    def test_takes_over_the_steps_of_a_program_before_it(self) -> None:
        first = self.host()
        self.lead_to(first, 3, 0)
        self.lead_to(first, 3, 0, step=1, suspected=True)
        self.lead_to(first, 3, 0, step=2)
        before = self.stamp()
        first.close()
        second = self.host()
        mark = self.lead_to(second, 3, 0)
        self.assertEqual(second.count("patches_total", mark=mark), 0)
        self.assertEqual(self.stamp(), before)
        self.lead_to(second, 3, 0, step=1, suspected=True)  # step 3 in the stamp's count
        self.assertRegex(self.stamp(), r"^v1 0\.3\.3 ")

    def test_goes_above_a_suspicion_that_nobody_settles(self) -> None:
        first = self.host()
        self.lead_to(first, 1, 0)
        self.lead_to(first, 1, 0, step=1, suspected=True)
        first.close()
        second = self.host()
        second.apply(GROUP, 1, ADDRESSES[0])
        second.wait("complete", outcome="rejected", text="this goes above it")
        second.wait("log", timeout=30, text="step 2 is taken", level="warning")
        self.watch.wait_for([self.place(0)])
        self.assertRegex(self.stamp(), r"^v1 0\.1\.2 ")

    def test_instances_that_race_never_lead_to_two_nor_backwards(self) -> None:
        draw = random.Random(7)
        hosts = [self.host() for _ in range(4)]
        for epoch in range(1, 41):
            for host in draw.sample(hosts, 4):
                if draw.random() < 0.3:
                    host.pause()
                known = max(1, epoch - draw.choice((0, 0, 0, 1, 2)))
                host.apply(GROUP, known, ADDRESSES[known % 3])
            time.sleep(draw.uniform(0, 0.05))
            for host in hosts:
                host.resume()
        for host in hosts:
            host.apply(GROUP, 99, ADDRESSES[0])
        self.watch.wait_for([self.place(0)])
        for host in hosts:
            host.applied(20, epoch="99")
        self.watch.wait_as_now()
        epochs = [int(v.stamp.split(".")[1]) for v in self.watch.versions() if v.stamp]
        self.assertEqual(epochs, sorted(epochs))
        self.never_two()

    def test_an_instance_that_was_paused_in_the_past_changes_nothing(self) -> None:
        late, present = self.host(), self.host()
        self.lead_to(late, 1, 0)
        self.lead_to(present, 1, 0)
        late.pause()
        late.apply(GROUP, 2, ADDRESSES[1])
        self.lead_to(present, 3, 2)
        before = self.stamp()
        mark = len(late.events)
        late.resume()
        late.wait("complete", outcome="rejected", text="remembers epoch 3", mark=mark)
        self.assertEqual(self.stamp(), before)
        self.never_two()

    def test_a_write_that_was_decided_in_the_past_is_refused(self) -> None:
        """Nothing of what the API server says reaches the one instance; what it sends goes through."""
        port = urlsplit(self.kubernetes.url).port or 443
        proxy = self.enterContext(TcpProxy(port))
        kubeconfig = self.namespace.kubeconfig(name="proxied", url=f"https://127.0.0.1:{proxy.port}")
        late, present = self.host(kubeconfig=kubeconfig), self.host()
        for host in (late, present):
            self.lead_to(host, 1, 0)
        proxy.hold_answers()
        self.lead_to(present, 3, 2)
        self.watch.wait_as_now()
        before, version = self.stamp(), self.watch.last_version
        mark = late.apply(GROUP, 2, ADDRESSES[1])
        late.wait("count", name="patches_total", value="timeout", timeout=20, mark=mark)
        self.watch.wait_as_now()
        self.assertEqual([v for v in self.watch.versions() if v.version > version], [])
        self.assertEqual(self.stamp(), before)
        proxy.release_answers()
        late.wait("complete", outcome="rejected", text="remembers epoch 3", timeout=30, mark=mark)
        self.assertEqual(self.stamp(), before)
        self.never_two()

    def events_of(self, pod: str) -> list[Json]:
        return [event for event in self.namespace.events() if event["involvedObject"]["name"] == pod]

    def test_both_pods_of_a_switch_tell_it_by_the_instance_that_wrote(self) -> None:
        self.namespace.set_rules([*least_rules(self.way), {
            "apiGroups": [""], "resources": ["events"], "verbs": ["create"]}])
        host, other = self.host(), self.host()
        for each in (host, other):
            self.lead_to(each, 1, 0)
        self.lead_to(host, 2, 0)  # the same primary: nothing to tell
        self.lead_to(host, 3, 1)
        self.lead_to(other, 3, 1)
        wait_until(lambda: bool(self.events_of("valkey-1")) and len(self.events_of("valkey-0")) == 2,
                   10, "both have told it")
        (promoted,) = self.events_of("valkey-1")
        self.assertEqual((promoted["reason"], promoted["type"]), ("PrimaryPromoted", "Normal"))
        self.assertEqual(promoted["involvedObject"]["uid"],
                         self.namespace.pod("valkey-1")["metadata"]["uid"])
        self.assertEqual(promoted["message"], f"Service {SERVICE} leads to it for epoch 3 "
                                              f"({ADDRESSES[1]}:6379), by an order of the test")
        told = {event["reason"]: event["message"] for event in self.events_of("valkey-0")}
        self.assertEqual(set(told), {"PrimaryPromoted", "PrimaryDemoted"})
        self.assertIn(f"Service {SERVICE} no longer leads to it for epoch 3", told["PrimaryDemoted"])
        self.assertEqual(other.count("events_total"), 0)
        self.assertEqual(host.count("patches_total", "ok"), 3)

    def test_events_are_optional(self) -> None:
        host, quiet = self.host(), self.host(events="false")
        self.lead_to(host, 1, 0)
        host.wait("log", text="forbidden: cannot create events in namespace "
                              f"{self.namespace.name}", level="info")
        self.assertFalse([e for e in host.events if e.kind == "problem"])
        self.lead_to(quiet, 2, 1)
        self.assertEqual(quiet.count("events_total"), 0)

    def test_of_many_instances_the_one_next_to_the_primary_writes(self) -> None:
        self.namespace.add_pod(Pod("valkey-3", "10.244.0.20", node="node-b"))
        far = [self.host(node_name="node-c") for _ in range(2)]
        near = self.host(node_name="node-b")
        for host in (*far, near):
            self.lead_to(host, 1, 0)
        marks = [host.apply(GROUP, 2, "10.244.0.20") for host in far]
        mark = near.apply(GROUP, 2, "10.244.0.20")
        near.applied(mark=mark)
        for host, begin in zip(far, marks):
            host.applied(mark=begin)
            self.assertEqual(host.count("patches_total", mark=begin), 0)
        self.assertEqual(near.count("patches_total", mark=mark), 1)

    def pause(self, word: str) -> None:
        self.patch_service({"metadata": {"annotations": {PAUSED: word}}})

    def test_a_paused_group_is_left_alone_until_it_is_not(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.pause("by jane")
        host.wait("problem", id="paused", severity="degraded",
                  text=f"of Service {self.namespace.name}/{SERVICE}: by jane")
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", outcome="rejected", text="by jane", mark=mark)
        mark = host.apply(GROUP, 2, ADDRESSES[1], step=1, suspected=True)
        host.wait("complete", outcome="rejected", text="by jane", mark=mark)
        mark = host.apply(GROUP, 3, ADDRESSES[1])
        host.wait("complete", outcome="rejected", text="by jane", mark=mark)
        self.assertEqual(self.watch.now(), [self.place(0)])
        self.pause("false")
        self.watch.wait_for([self.place(1)])
        host.wait("problem_clear", id="paused", mark=mark)
        host.applied(mark=mark)
        self.assertFalse([e for e in host.events if e.kind == "problem" and e.severity == "blocking"])
        self.never_two()

    def test_a_paused_group_that_is_right_is_in_sync(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        mark = len(host.events)
        self.pause("by jane")
        host.wait("problem", id="paused", text="by jane")
        self.lead_to(host, 1, 0)
        self.pause("by joe")
        host.wait("problem", id="paused", text="by joe")
        self.pause("")
        host.wait("problem_clear", id="paused", mark=mark)
        self.assertEqual(host.count("patches_total", mark=mark), 0)
        self.assertFalse([e for e in host.events[mark:]
                          if e.kind == "complete" and e.fields["outcome"] != "applied"])

    def test_a_service_that_is_not_there_is_waited_for(self) -> None:
        self.kubernetes.admin.delete(f"{self.namespace.path}/services/{SERVICE}")
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected",
                  text=f"there is no Service {self.namespace.name}/{SERVICE}")
        host.wait("problem", id="no-service", severity="blocking")
        mark = len(host.events)
        self.make_service()
        self.watch.wait_for([self.place(0)])
        host.wait("problem_clear", id="no-service", mark=mark)

    def test_an_object_of_another_group_is_left_alone_until_it_is_released(self) -> None:
        first = self.host()
        self.lead_to(first, 1, 0)
        first.close()
        other = self.enter_other_group()
        other.apply("other", 9, ADDRESSES[1])
        other.wait("complete", outcome="rejected", text=f"belongs to group {GROUP}")
        other.wait("problem", id="other-group")
        self.release()
        self.watch.wait_for([self.place(1)])

    def enter_other_group(self) -> PluginHost:
        return self.enterContext(PluginHost(
            "kubernetes", ["other"], kubeconfig=self.namespace.kubeconfig(), publish=self.way,
            service=SERVICE))

    def release(self) -> None:
        raise NotImplementedError

    def test_a_missing_right_is_named_and_its_return_heals(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        rules = self.namespace._rules
        verb_of, resource = ("endpointslices", "endpointslices.discovery.k8s.io") \
            if self.by_slice else ("services", "services")
        without = [{**rule, "verbs": [verb for verb in rule["verbs"] if verb != "patch"]}
                   if rule["resources"] == [verb_of] else rule for rule in rules]
        self.namespace.set_rules(without)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("problem", id="change-refused", severity="blocking", mark=mark,
                  text=f"forbidden: cannot patch {resource} in namespace {self.namespace.name}")
        host.check()
        host.wait("problem", timeout=20, id="rights-missing", mark=mark,
                  text=f"cannot patch {resource} in namespace {self.namespace.name}")
        self.namespace.set_rules(rules)
        self.watch.wait_for([self.place(1)], timeout=20)
        host.wait("problem_clear", timeout=40, id="change-refused", mark=mark)

    def test_two_who_disagree_do_not_wear_out_the_api_server(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        mark = len(host.events)
        end = time.monotonic() + 20
        while not any(e.kind == "problem" and e.fields.get("id") == "contested"
                      for e in host.events[mark:]):
            self.assertLess(time.monotonic(), end, host.story(mark))
            if self.watch.now() == [self.place(0)]:
                self.disturb()
            time.sleep(0.005)
        self.watch.wait_for([self.place(0)])

    def disturb(self) -> None:
        """Somebody else makes the object lead to pod 2."""
        raise NotImplementedError

    def test_what_somebody_else_changed_is_repaired_and_he_is_named(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        mark = len(host.events)
        self.disturb()
        host.wait("log", level="warning", text="was changed by somebody; repairing it", mark=mark)
        host.applied(mark=mark)
        self.watch.wait_for([self.place(0)])
        self.assertEqual(host.count("patches_total", mark=mark), 1)
        self.never_two()
