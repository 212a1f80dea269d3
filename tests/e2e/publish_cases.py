"""What holds for both ways to publish through one object: a switch is one write, at no version does the Service lead to two
places, a lower decision never undoes a higher one, whatever others do to the object comes right."""

from __future__ import annotations

import threading
import time

from e2e.plugin_case import ADDRESSES, GROUP
from e2e.service_case import PAUSED, SERVICE, ServiceCase
from lab.kubernetes import Pod
from lab.plugin_host import PluginHost


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
        hosts = [self.host() for _ in range(4)]
        for epoch in range(1, 13):
            threads = [threading.Thread(target=host.apply, args=(GROUP, epoch, ADDRESSES[epoch % 3]))
                       for host in hosts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.watch.wait_for([self.place(0)])
        for host in hosts:
            host.wait("complete", timeout=20, when=lambda e: e.fields.get("outcome") == "applied")
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

    def test_a_paused_group_is_left_alone_until_it_is_not(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.patch_service({"metadata": {"annotations": {PAUSED: "by me"}}})
        host.wait("complete", outcome="rejected", text="by its annotation")
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", outcome="rejected", mark=mark)
        host.wait("problem", id="paused", severity="degraded")
        self.assertEqual(self.watch.now(), [self.place(0)])
        self.patch_service({"metadata": {"annotations": {PAUSED: "false"}}})
        self.watch.wait_for([self.place(1)])
        host.wait("problem_clear", id="paused", mark=mark)
        self.never_two()

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
