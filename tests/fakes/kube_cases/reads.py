"""Lists and watches."""

from __future__ import annotations

import time
from typing import Any

from fakes.kube_cases.case import PARTIAL, OnOneBackend
from lab.kube_client import ApiFailure, WatchStream
from lab.kubernetes import Pod


class Lists(OnOneBackend):
    def setUp(self) -> None:
        super().setUp()
        self.namespace.add_pods([
            Pod("a", "127.40.3.10"),
            *[Pod(f"l{i}", f"127.40.3.{20 + i}", labels={"app": "l", "i": str(i)})
              for i in range(4)]])

    def test_items_have_neither_kind_nor_api_version(self) -> None:
        listed = self.admin.get(self.pods)
        self.assertEqual(("PodList", "v1"), (listed["kind"], listed["apiVersion"]))
        self.assertEqual({"metadata", "spec", "status"}, set(listed["items"][0]))
        newest = max(int(item["metadata"]["resourceVersion"]) for item in listed["items"])
        self.assertGreaterEqual(int(listed["metadata"]["resourceVersion"]), newest)

    def test_label_selectors(self) -> None:
        for selector, names in (
            ("app=l", "l0 l1 l2 l3"),
            ("app==l", "l0 l1 l2 l3"),
            ("app!=l", "a"),
            ("app", "l0 l1 l2 l3"),
            ("!app", "a"),
            ("i in (1,2)", "l1 l2"),
            ("i notin (1, 2)", "a l0 l3"),
            ("app=l,i=2", "l2"),
            (" app = l , i notin (1) ", "l0 l2 l3"),
            ("app in (l),i in (0,3)", "l0 l3"),
            ("app=", ""),
            ("i>2", "l3"),
            ("i<1", "l0"),
            ("none in ()", ""),
            ("app.kubernetes.io/name=valkey", "a l0 l1 l2 l3"),
            ("", "a l0 l1 l2 l3"),
        ):
            with self.subTest(selector):
                self.assertEqual(names.split(), self.names(labelSelector=selector))

    def test_label_selectors_that_cannot_be_read(self) -> None:
        for selector, text in (
            ("i in (1", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("x in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("bad key=3", "unable to parse requirement: found 'key', expected: '=', '!=', '==', "
             "'in', notin'"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("app=l,", "found '', expected: identifier after ','"),
            ("=x", "found '=', expected: !, identifier, or 'end of string'"),
            ("i>x", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an "
             "integer"),
        ):
            with self.subTest(selector):
                answer = self.admin.request("GET", self.pods, query={"labelSelector": selector})
                self.check_failure(answer, 400, "BadRequest", text)

    def test_field_selectors(self) -> None:
        for selector, names in (
            ("metadata.name=l1", "l1"),
            ("metadata.name!=l1", "a l0 l2 l3"),
            (f"metadata.namespace={self.namespace.name}", "a l0 l1 l2 l3"),
            ("status.podIP=127.40.3.21", "l1"),
            ("spec.nodeName=lab-node-0,status.phase=Pending", ""),
        ):
            with self.subTest(selector):
                self.assertEqual(names.split(), self.names(fieldSelector=selector))
        answer = self.admin.request("GET", self.pods, query={"fieldSelector": "metadata.uid=1"})
        self.check_failure(answer, 400, "BadRequest", "field label not supported: metadata.uid")

    def test_pages_show_the_pods_of_one_moment(self) -> None:
        first = self.admin.get(self.pods, limit=2)
        self.assertEqual(["a", "l0"], [i["metadata"]["name"] for i in first["items"]])
        self.assertEqual(3, first["metadata"]["remainingItemCount"])
        self.namespace.delete_pod("l1")
        self.pod("l9")
        token = first["metadata"]["continue"]
        second = self.admin.get(self.pods, **{"limit": 2, "continue": token})
        self.assertEqual(["l1", "l2"], [i["metadata"]["name"] for i in second["items"]])
        self.assertEqual(first["metadata"]["resourceVersion"],
                         second["metadata"]["resourceVersion"])
        third = self.admin.get(self.pods, **{"limit": 2,
                                             "continue": second["metadata"]["continue"]})
        self.assertEqual(["l3"], [i["metadata"]["name"] for i in third["items"]])
        self.assertNotIn("continue", third["metadata"])

    def test_pages_with_a_selector_are_full_and_do_not_count(self) -> None:
        first = self.admin.get(self.pods, limit=2, labelSelector="app=l")
        self.assertEqual(["l0", "l1"], [i["metadata"]["name"] for i in first["items"]])
        self.assertNotIn("remainingItemCount", first["metadata"])

    def test_from_the_cache_there_are_no_pages(self) -> None:
        self.assertEqual(5, len(self.names(limit=2, resourceVersion=0)))

    def test_a_version_can_be_asked_for(self) -> None:
        then = self.admin.get(self.pods)["metadata"]["resourceVersion"]
        self.namespace.delete_pod("l3")
        exact = self.admin.get(self.pods, resourceVersion=then, resourceVersionMatch="Exact")
        self.assertEqual(5, len(exact["items"]))
        self.assertEqual(then, exact["metadata"]["resourceVersion"])
        self.assertEqual(4, len(self.names(resourceVersion=then)))
        self.assertEqual(4, len(self.names(resourceVersion=then,
                                           resourceVersionMatch="NotOlderThan")))

    def test_a_version_from_the_future_is_waited_for_in_vain(self) -> None:
        begin = time.monotonic()
        answer = self.admin.request("GET", self.pods, query={"resourceVersion": 10 ** 9})
        self.assertEqual((504, "Timeout"), (answer.code, answer.json["reason"]))
        self.assertIn("Too large resource version: 1000000000, current: ", answer.message)
        self.assertAlmostEqual(3.0, time.monotonic() - begin, delta=1.5)

    def test_what_is_no_version_and_no_limit_is_refused(self) -> None:
        answer = self.admin.request("GET", self.pods, query={"resourceVersion": "abc"})
        self.check_failure(answer, 500, "", 'resourceVersion: Invalid value: "abc": '
                           'strconv.ParseUint: parsing "abc": invalid syntax')
        answer = self.admin.request("GET", self.pods, query={"limit": "abc"})
        self.check_failure(answer, 400, "BadRequest",
                           'strconv.ParseInt: parsing "abc": invalid syntax')
        answer = self.admin.request("GET", self.pods, query={"limit": 2, "continue": "bogus"})
        self.assertEqual(400, answer.code)
        self.assertIn("invalid continue token", answer.message)

    def test_all_namespaces_can_be_listed_at_once(self) -> None:
        listed = self.admin.get("/api/v1/pods", labelSelector="app=l")
        mine = [item for item in listed["items"]
                if item["metadata"]["namespace"] == self.namespace.name]
        self.assertEqual(4, len(mine))

    def test_a_namespace_that_is_not_there_is_empty(self) -> None:
        self.assertEqual([], self.admin.get("/api/v1/namespaces/no-such/pods")["items"])


class Watches(OnOneBackend):
    def setUp(self) -> None:
        super().setUp()
        self.begin = self.pod()["metadata"]["resourceVersion"]

    def test_each_change_is_one_event_with_the_whole_object(self) -> None:
        watching = self.watch(resourceVersion=self.begin)
        self.namespace.label("a", "x", "1")
        after = self.namespace.pod("a")
        (event,) = watching.wait(1)
        self.assertEqual({"type": "MODIFIED", "object": after}, event)
        self.assertEqual("Pod", event["object"]["kind"])

    def test_events_since_a_version_come_first(self) -> None:
        for value in "123":
            self.namespace.label("a", "x", value)
        watching = self.watch(resourceVersion=self.begin)
        self.namespace.label("a", "x", "4")
        values = [event["object"]["metadata"]["labels"]["x"] for event in watching.wait(4)]
        self.assertEqual(["1", "2", "3", "4"], values)

    def test_without_a_version_or_with_0_the_pods_that_are_come_as_added(self) -> None:
        queries: list[dict[str, Any]] = [{}, {"resourceVersion": 0}]
        for query in queries:
            watching = self.watch(**query)
            (event,) = watching.wait(1)
            self.assertEqual(("ADDED", "a"), (event["type"], event["object"]["metadata"]["name"]))
            watching.close()

    def test_a_selector_is_entered_and_left(self) -> None:
        watching = self.watch(resourceVersion=self.begin, labelSelector="x=1")
        self.namespace.label("a", "x", "1")
        self.namespace.label("a", "y", "1")
        left = self.namespace.label("a", "x", "2")
        self.namespace.label("a", "y", "2")
        self.namespace.label("a", "x", "1")
        events = watching.wait(4)
        self.assertEqual(["ADDED", "MODIFIED", "DELETED", "ADDED"], watching.types())
        deleted = events[2]["object"]["metadata"]
        self.assertEqual("1", deleted["labels"]["x"], "it carries the old labels")
        self.assertEqual(left["metadata"]["resourceVersion"], deleted["resourceVersion"],
                         "and the new version")

    def test_a_pod_that_goes_is_deleted_for_a_selector_it_is_in(self) -> None:
        inside = self.watch(resourceVersion=self.begin, labelSelector="!x")
        outside = self.watch(resourceVersion=self.begin, labelSelector="x")
        self.namespace.delete_pod("a")
        self.assertEqual("DELETED", inside.wait(2)[-1]["type"])
        self.pod("b", labels={"x": "1"})
        self.assertEqual("b", outside.wait(1)[0]["object"]["metadata"]["name"])

    def test_one_name_can_be_watched(self) -> None:
        watching = self.watch(resourceVersion=self.begin, fieldSelector="metadata.name=b")
        self.namespace.label("a", "x", "1")
        self.pod("b")
        self.assertEqual("b", watching.wait(1)[0]["object"]["metadata"]["name"])

    def test_the_old_watch_path_is_there_too(self) -> None:
        path = f"/api/v1/watch/namespaces/{self.namespace.name}/pods"
        self.assertEqual("a", self.watch(path=path).wait(1)[0]["object"]["metadata"]["name"])

    def test_other_namespaces_are_not_heard_of(self) -> None:
        watching = self.watch(resourceVersion=self.begin)
        other = self.kubernetes.namespace("other")
        self.addCleanup(other.delete)
        other.add_pod(Pod("x", ""))
        self.namespace.label("a", "x", "1")
        self.assertEqual("a", watching.wait(1)[0]["object"]["metadata"]["name"])

    def test_its_timeout_ends_it_in_order(self) -> None:
        begin = time.monotonic()
        watching = self.watch(resourceVersion=self.begin, timeoutSeconds=2)
        watching.wait_end()
        self.assertAlmostEqual(2.0, time.monotonic() - begin, delta=0.7)
        self.assertTrue(watching.stream.whole)
        self.assertEqual([], watching.events)

    def test_a_version_from_the_future_is_silence(self) -> None:
        watching = self.watch(resourceVersion=10 ** 9, timeoutSeconds=2)
        self.namespace.label("a", "x", "1")
        watching.wait_end()
        self.assertEqual([], watching.events)
        self.assertTrue(watching.stream.whole)

    def test_what_is_no_version_or_selector_is_refused(self) -> None:
        for query, code in (({"resourceVersion": "abc"}, 500), ({"labelSelector": "x in ("}, 400)):
            with self.assertRaises(ApiFailure) as raised:
                WatchStream(self.admin, self.pods, query)
            self.assertEqual(code, raised.exception.answer.code)

    def test_who_asked_gets_a_bookmark_before_the_end_if_anything_changed(self) -> None:
        query = {"resourceVersion": self.begin, "timeoutSeconds": 4}
        asked = self.watch(allowWatchBookmarks="true", **query)
        did_not_ask = self.watch(**query)
        change = self.namespace.label("a", "x", "1")
        asked.wait_end()
        did_not_ask.wait_end()
        self.assertEqual(["MODIFIED", "BOOKMARK"], asked.types()[:2])
        self.assertEqual(["MODIFIED"], did_not_ask.types())
        bookmark = asked.events[1]["object"]
        self.assertEqual("Pod", bookmark["kind"])
        self.assertGreaterEqual(int(bookmark["metadata"]["resourceVersion"]),
                                int(change["metadata"]["resourceVersion"]))

    def test_partial_metadata_can_be_watched(self) -> None:
        watching = self.watch(resourceVersion=self.begin, accept=PARTIAL)
        self.namespace.label("a", "x", "1")
        item = watching.wait(1)[0]["object"]
        self.assertEqual(("PartialObjectMetadata", {"kind", "apiVersion", "metadata"}),
                         (item["kind"], set(item)))

    def test_two_hundred_watches_all_hear_of_a_change(self) -> None:
        watches = [self.watch(resourceVersion=self.begin) for _ in range(200)]
        self.namespace.label("a", "x", "1")
        for watching in watches:
            self.assertEqual("1", watching.wait(1)[0]["object"]["metadata"]["labels"]["x"])
