"""What only the fake can do, or does otherwise: each class says why."""

from __future__ import annotations

import json
import time
import unittest
from typing import cast

from fakes.kube_cases.case import DEADLINE, OnOneBackend, Watching
from lab.kube_client import JSON_PATCH, MERGE_PATCH, Answer
from lab.kubernetes import ACCOUNT, FakeKubernetes, Pod, open_kubernetes
from lab.processes import wait_until


class OnlyTheFake(OnOneBackend):
    """Its control paths: no real server has them."""

    fake: FakeKubernetes

    def setUp(self) -> None:
        super().setUp()
        self.fake = cast(FakeKubernetes, self.kubernetes)
        self.addCleanup(self.fake.clear_faults)
        self.begin = self.pod()["metadata"]["resourceVersion"]
        self.program = self.client(self.namespace.token)

    def program_patch(self) -> Answer:
        return self.program.request("PATCH", f"{self.pods}/a", {"metadata": {"labels": {
            "x": "1"}}}, content_type=MERGE_PATCH)

    def test_an_answer_can_be_replaced_so_many_times(self) -> None:
        self.fake.fault(f"PATCH {self.pods}/.*", status=500, count=2, body={"kind": "Status"})
        self.assertEqual([500, 500, 200], [self.program_patch().code for _ in range(3)])
        self.assertEqual(2, self.fake.faults()[0]["hits"])

    def test_a_fault_can_let_some_pass_carry_headers_and_text(self) -> None:
        self.fake.fault(f"GET {self.pods}/a", status=429, skip=1, body="slow down",
                        headers={"Retry-After": "7"})
        self.assertEqual(200, self.program.request("GET", f"{self.pods}/a").code)
        answer = self.program.request("GET", f"{self.pods}/a")
        self.assertEqual((429, "slow down", "7"),
                         (answer.code, answer.text, answer.headers["Retry-After"]))

    def test_a_request_can_be_delayed(self) -> None:
        self.fake.fault(f"PATCH {self.pods}/a", delay_ms=400)
        begin = time.monotonic()
        self.assertEqual(200, self.program_patch().code)
        self.assertGreater(time.monotonic() - begin, 0.4)

    def test_a_connection_can_be_dropped_before_the_request_is_done(self) -> None:
        self.fake.fault(f"PATCH {self.pods}/a", drop=True, count=2)
        with self.assertRaises(OSError):
            self.program_patch()
        self.assertNotIn("x", self.namespace.pod("a")["metadata"]["labels"])

    def test_an_answer_can_be_lost_after_the_request_was_done(self) -> None:
        self.fake.fault(f"PATCH {self.pods}/a", drop=True, when="after", count=2)
        with self.assertRaises(OSError):
            self.program_patch()
        self.assertEqual("1", self.namespace.pod("a")["metadata"]["labels"]["x"])

    def test_a_fault_can_be_for_one_user_and_one_verb(self) -> None:
        self.fake.fault(f"LIST {self.pods}", status=503, count=0, user="system:serviceaccount:.*")
        self.assertEqual(503, self.program.request("GET", self.pods).code)
        self.assertEqual(200, self.admin.request("GET", self.pods).code)
        watching = Watching(self.program, self.pods, timeoutSeconds=20)
        self.addCleanup(watching.close)
        watching.wait(1)

    def test_watches_can_be_cut_ended_and_expired(self) -> None:
        for order, whole, types in (("cut", False, []), ("end", True, []),
                                    ("expire", True, ["ERROR"])):
            with self.subTest(order):
                watching = self.watch(resourceVersion=self.begin)
                wait_until(lambda: self.fake.watches(order, f"{self.pods}.*") == 1, DEADLINE,
                           "the watch is open")
                watching.wait_end()
                self.assertEqual((whole, types), (watching.stream.whole, watching.types()))

    def test_a_watch_can_fall_silent_and_tells_all_later(self) -> None:
        watching = self.watch(resourceVersion=self.begin)
        self.assertEqual(1, self.fake.watches("silence", f"{self.pods}.*", seconds=1.0))
        self.namespace.label("a", "x", "1")
        begin = time.monotonic()
        watching.wait(1)
        self.assertGreater(time.monotonic() - begin, 0.7)

    def test_a_watch_can_be_sent_anything(self) -> None:
        watching = self.watch(resourceVersion=self.begin)
        line = json.dumps({"type": "BOOKMARK", "object": {"kind": "Pod"}})
        self.fake.watches("send", f"{self.pods}.*", line=line + "\n")
        self.assertEqual("BOOKMARK", watching.wait(1)[0]["type"])

    def test_a_watch_that_its_client_left_is_forgotten(self) -> None:
        watching = self.watch(resourceVersion=self.begin)
        mine = [path for path in self.fake.open_watches() if path.startswith(self.pods)]
        self.assertEqual(1, len(mine))
        watching.close()
        wait_until(lambda: not any(path.startswith(self.pods)
                                   for path in self.fake.open_watches()), DEADLINE, "it is gone")

    def test_history_can_be_forgotten(self) -> None:
        token = self.admin.get(self.pods, limit=1)
        self.pod("b")
        token = self.admin.get(self.pods, limit=1)["metadata"]["continue"]
        self.pod("c")
        self.fake.compact()
        watching = self.watch(resourceVersion=self.begin)
        watching.wait_end()
        self.assertEqual(["ERROR"], watching.types())
        answer = self.admin.request("GET", self.pods, query={"limit": 1, "continue": token})
        self.assertEqual((410, "Expired"), (answer.code, answer.json["reason"]))
        self.assertIn("The provided continue parameter is too old", answer.message)

    def test_tokens_can_end_soon_or_at_once(self) -> None:
        soon = self.client(self.fake.token(self.namespace.name, ACCOUNT, 1.0))
        self.assertEqual(200, soon.request("GET", self.pods).code)
        wait_until(lambda: soon.request("GET", self.pods).code == 401, 2.0, "it is refused")
        self.fake.revoke(self.namespace.token)
        self.assertEqual(401, self.program_patch().code)

    def test_control_is_for_the_admin_alone(self) -> None:
        self.assertEqual(403, self.program.request("POST", "/_compact", {}).code)
        self.assertEqual(400, self.admin.request("POST", "/_fault", {"match": "x", "typo": 1}).code)

    def test_a_patch_takes_less_than_five_milliseconds(self) -> None:
        times: list[float] = []

        def are_short() -> bool:
            for i in range(100):
                begin = time.perf_counter()
                self.namespace.label("a", "x", str(i))
                times.append(time.perf_counter() - begin)
            return sorted(times)[5] < 0.005

        wait_until(are_short, 20, "some patches are short, whatever the machine does beside")


class OnlyTheFakeByChoice(OnOneBackend):
    """Where 1.20 is laxer than newer ones the fake is not, so that nobody relies on it."""

    def test_a_replace_of_what_is_absent_fails_as_in_newer_servers(self) -> None:
        self.pod()
        operation = {"op": "replace", "path": "/metadata/labels/none", "value": "1"}
        self.assertEqual(422, self.patch("a", [operation], JSON_PATCH).code)

    def test_endpoint_slices_of_v1_are_the_same_but_take_no_loopback_address(self) -> None:
        base = "/apis/discovery.k8s.io/{}/namespaces/" + self.namespace.name + "/endpointslices"
        body = {"metadata": {"name": "s"}, "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": []}
        self.admin.post(base.format("v1"), body)
        old = self.admin.get(base.format("v1beta1") + "/s")
        self.assertEqual("discovery.k8s.io/v1beta1", old["apiVersion"])
        body["metadata"] = {"name": "t"}
        body["endpoints"] = [{"addresses": ["127.0.0.1"]}]
        answer = self.admin.request("POST", base.format("v1"), body)
        self.assertEqual(422, answer.code)
        self.assertIn("may not be in the loopback range (127.0.0.0/8)", answer.message)

    def test_strategic_patches_of_lists_are_refused(self) -> None:
        self.pod()
        answer = self.patch("a", {"spec": {"containers": [{"name": "valkey", "image": "x"}]}},
                            "application/strategic-merge-patch+json")
        self.assertEqual(415, answer.code)


class OnlyTheFakeAlone(unittest.TestCase):
    """Options of a fake of one's own."""

    def test_a_short_history_makes_old_versions_too_old(self) -> None:
        with cast(FakeKubernetes, open_kubernetes("fake", private=True,
                                                  options=["--history", "5"])) as fake:
            namespace = fake.namespace()
            begin = namespace.add_pod(Pod("a", ""))["metadata"]["resourceVersion"]
            for i in range(10):
                namespace.label("a", "x", str(i))
            watching = Watching(fake.admin, f"{namespace.path}/pods", resourceVersion=begin)
            watching.wait_end()
            self.assertEqual(["ERROR"], watching.types())

    def test_bookmarks_come_as_often_as_asked_but_not_while_nothing_changes(self) -> None:
        with cast(FakeKubernetes, open_kubernetes(
                "fake", private=True, options=["--bookmark-seconds", "0.3"])) as fake:
            namespace = fake.namespace()
            begin = namespace.add_pod(Pod("a", ""))["metadata"]["resourceVersion"]
            watching = Watching(fake.admin, f"{namespace.path}/pods", resourceVersion=begin,
                                allowWatchBookmarks="true", timeoutSeconds=60)
            time.sleep(1.0)
            self.assertEqual([], watching.events)
            namespace.label("a", "x", "1")
            watching.wait(2)
            self.assertEqual(["MODIFIED", "BOOKMARK"], watching.types())
            watching.close()
