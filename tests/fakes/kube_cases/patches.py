"""Patches: what they change, and what makes them fail."""

from __future__ import annotations

import threading

from fakes.kube_cases.case import MODIFIED, OnOneBackend
from lab.kube_client import JSON_PATCH, MERGE_PATCH


class Patches(OnOneBackend):
    def setUp(self) -> None:
        super().setUp()
        self.uid = self.pod("a", annotations={"stamp": "one"})["metadata"]["uid"]

    def test_a_merge_patch_sets_and_removes(self) -> None:
        answer = self.patch("a", {"metadata": {"labels": {"x": "1", "y": "2"}}})
        self.assertEqual("1", answer.json["metadata"]["labels"]["x"])
        answer = self.patch("a", {"metadata": {"labels": {"x": None}}})
        self.assertNotIn("x", answer.json["metadata"]["labels"])
        self.assertEqual("2", answer.json["metadata"]["labels"]["y"])

    def test_one_that_changes_nothing_keeps_the_version_and_sends_no_event(self) -> None:
        self.namespace.label("a", "x", "1")
        before = self.version()
        watching = self.watch(resourceVersion=before)
        self.assertEqual(200, self.patch("a", {"metadata": {"labels": {"x": "1"}}}).code)
        self.assertEqual(200, self.patch("a", {"metadata": {"labels": {"none": None}}}).code)
        self.assertEqual(200, self.patch("a", {}).code)
        self.assertEqual(before, self.version())
        self.namespace.label("a", "x", "2")
        self.assertEqual("2", watching.wait(1)[0]["object"]["metadata"]["labels"]["x"])

    def test_an_old_version_is_a_conflict_even_where_nothing_would_change(self) -> None:
        for labels in ({"x": "1"}, {}):
            answer = self.patch("a", {"metadata": {"resourceVersion": "1", "labels": labels}})
            self.check_failure(answer, 409, "Conflict",
                               f'Operation cannot be fulfilled on pods "a": {MODIFIED}')
        good = {"metadata": {"resourceVersion": self.version(), "labels": {"x": "1"}}}
        self.assertEqual(200, self.patch("a", good).code)

    def test_another_uid_is_invalid(self) -> None:
        text = 'Pod "a" is invalid: metadata.uid: Invalid value: "wrong": field is immutable'
        for labels in ({"x": "1"}, {}):
            answer = self.patch("a", {"metadata": {"uid": "wrong", "labels": labels}})
            details = self.check_failure(answer, 422, "Invalid", text)
            self.assertEqual("metadata.uid", details["causes"][0]["field"])
        self.assertEqual(200, self.patch("a", {"metadata": {"uid": self.uid}}).code)

    def test_a_json_patch_with_its_preconditions_met(self) -> None:
        answer = self.patch("a", [
            {"op": "test", "path": "/metadata/uid", "value": self.uid},
            {"op": "test", "path": "/metadata/annotations/stamp", "value": "one"},
            {"op": "add", "path": "/metadata/annotations/stamp", "value": "two"},
            {"op": "add", "path": "/metadata/labels/valkey-master", "value": "true"},
        ], JSON_PATCH)
        self.assertEqual(200, answer.code, answer.text)
        self.assertEqual("two", answer.json["metadata"]["annotations"]["stamp"])
        self.assertEqual("true", answer.json["metadata"]["labels"]["valkey-master"])

    def test_a_json_patch_that_fails_says_not_why_and_changes_nothing(self) -> None:
        before = self.version()
        change = {"op": "add", "path": "/metadata/labels/x", "value": "1"}
        for operation in (
            {"op": "test", "path": "/metadata/uid", "value": "other"},
            {"op": "test", "path": "/metadata/annotations/stamp", "value": "other"},
            {"op": "test", "path": "/metadata/labels/none", "value": "1"},
            {"op": "test", "path": "/metadata/labels/none", "value": ""},
            {"op": "remove", "path": "/metadata/labels/none"},
            {"op": "bogus", "path": "/metadata/labels/x", "value": "1"},
            {"path": "/metadata/labels/x", "value": "1"},
            {"op": "add", "path": "/metadata/none/x", "value": "1"},
        ):
            with self.subTest(operation):
                details = self.check_failure(
                    self.patch("a", [change, operation], JSON_PATCH), 422, "Invalid",
                    "the server rejected our request due to an error in our request")
                self.assertEqual({}, details)
        self.assertEqual(before, self.version())

    def test_a_test_with_null_passes_where_the_key_is_absent(self) -> None:
        for path in ("/metadata/labels/none", "/metadata/annotations/none",
                     "/metadata/deletionTimestamp"):
            operation = {"op": "test", "path": path, "value": None}
            self.assertEqual(200, self.patch("a", [operation], JSON_PATCH).code, path)
        for path in ("/metadata/labels/app.kubernetes.io~1name", "/metadata/annotations/stamp",
                     "/metadata/annotations"):
            operation = {"op": "test", "path": path, "value": None}
            self.assertEqual(422, self.patch("a", [operation], JSON_PATCH).code, path)

    def test_a_test_with_null_needs_its_parent(self) -> None:
        self.patch("a", {"metadata": {"annotations": {"stamp": None}}})
        parent = {"op": "test", "path": "/metadata/annotations", "value": None}
        child = {"op": "test", "path": "/metadata/annotations/stamp", "value": None}
        self.assertEqual(200, self.patch("a", [parent], JSON_PATCH).code)
        self.assertEqual(422, self.patch("a", [child], JSON_PATCH).code)
        made = self.patch("a", [parent, {"op": "add", "path": "/metadata/annotations",
                                         "value": {"stamp": "new"}}], JSON_PATCH)
        self.assertEqual({"stamp": "new"}, made.json["metadata"]["annotations"])

    def test_a_json_patch_can_replace_copy_move_and_index(self) -> None:
        answer = self.patch("a", [
            {"op": "test", "path": "/spec/containers/0/name", "value": "valkey"},
            {"op": "replace", "path": "/metadata/annotations/stamp", "value": "two"},
            {"op": "copy", "from": "/metadata/annotations/stamp", "path": "/metadata/labels/b"},
            {"op": "move", "from": "/metadata/labels/b", "path": "/metadata/labels/c"},
        ], JSON_PATCH)
        labels = answer.json["metadata"]["labels"]
        self.assertEqual("two", labels["c"])
        self.assertNotIn("b", labels)

    def test_a_version_in_a_json_patch_is_checked(self) -> None:
        wrong = {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}
        self.assertEqual(409, self.patch("a", [wrong], JSON_PATCH).code)
        test = {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}
        self.assertEqual(422, self.patch("a", [test], JSON_PATCH).code)
        test["value"] = self.version()
        self.assertEqual(200, self.patch("a", [test], JSON_PATCH).code)

    def test_a_label_that_is_no_string_is_refused_with_the_whole_object_twice(self) -> None:
        for content_type, body in (
            (MERGE_PATCH, {"metadata": {"labels": {"x": True}}}),
            (JSON_PATCH, [{"op": "add", "path": "/metadata/labels/x", "value": True}]),
        ):
            answer = self.patch("a", body, content_type)
            self.assertEqual((422, "Invalid"), (answer.code, answer.json["reason"]))
            self.assertTrue(answer.message.startswith(' "" is invalid: patch: Invalid value: "{'))
            self.assertIn('v1.Pod.ObjectMeta: v1.ObjectMeta.Labels: ReadString: expects " or n, '
                          "but found t", answer.message)
            self.assertEqual(2, answer.text.count("\\\\\\\"nodeName\\\\\\\":"))
            self.assertGreater(len(answer.text), 5000)

    def test_labels_that_are_not_valid_are_refused(self) -> None:
        for key, value, text in (
            ("x", "bad value!", '"bad value!": a valid label must be an empty string or consist'),
            ("x", "v" * 64, "must be no more than 63 characters"),
            ("bad key!", "v", '"bad key!": name part must consist of alphanumeric'),
            ("UP.com/x", "v", '"UP.com/x": prefix part a lowercase RFC 1123 subdomain'),
            ("a/b/c", "v", '"a/b/c": a qualified name must consist of'),
            ("k" * 64, "v", "name part must be no more than 63 characters"),
        ):
            with self.subTest(key=key, value=value):
                answer = self.patch("a", {"metadata": {"labels": {key: value}}})
                self.assertEqual((422, "Invalid"), (answer.code, answer.json["reason"]))
                self.assertIn('Pod "a" is invalid: metadata.labels: Invalid value: ',
                              answer.message)
                self.assertIn(text, answer.message)
        self.assertEqual(200, self.patch("a", {"metadata": {"labels": {"x": ""}}}).code)
        answer = self.patch("a", {"metadata": {"annotations": {"bad key!": "v"}}})
        self.assertIn('metadata.annotations: Invalid value: "bad key!"', answer.message)

    def test_null_as_a_value_that_is_added_becomes_empty(self) -> None:
        answer = self.patch("a", [{"op": "add", "path": "/metadata/labels/x", "value": None}],
                            JSON_PATCH)
        self.assertEqual("", answer.json["metadata"]["labels"]["x"])

    def test_fields_that_nobody_knows_are_dropped(self) -> None:
        before = self.version()
        self.assertEqual(200, self.patch("a", {"bogus": 1, "metadata": {"bogus": 2}}).code)
        self.assertEqual(before, self.version())

    def test_creation_and_deletion_times_cannot_be_set(self) -> None:
        before = self.version()
        moment = "2020-01-01T00:00:00Z"
        self.assertEqual(200, self.patch("a", {"metadata": {"creationTimestamp": moment}}).code)
        self.assertEqual(before, self.version())
        self.assertEqual(422, self.patch("a", {"metadata": {"deletionTimestamp": moment}}).code)

    def test_patches_of_other_types_are_415(self) -> None:
        for content_type in ("application/json", "text/plain"):
            self.check_failure(self.patch("a", {}, content_type), 415, "UnsupportedMediaType",
                               "415: Unsupported Media Type")

    def test_patches_that_are_no_json_are_refused(self) -> None:
        self.check_failure(self.patch("a", b"{bad"), 500, "", "Invalid JSON Patch")
        self.assertEqual(422, self.patch("a", b"[1]").code)
        self.assertEqual(400, self.patch("a", b"{bad", JSON_PATCH).code)
        self.check_failure(self.patch("a", {"op": "x"}, JSON_PATCH), 400, "BadRequest",
                           "json: cannot unmarshal object into Go value of type jsonpatch.Patch")

    def test_a_strategic_patch_of_labels_is_a_merge(self) -> None:
        strategic = "application/strategic-merge-patch+json"
        answer = self.patch("a", {"metadata": {"labels": {"x": "1"}}}, strategic)
        self.assertEqual("1", answer.json["metadata"]["labels"]["x"])
        answer = self.patch("a", {"metadata": {"labels": {"x": None}}}, strategic)
        self.assertNotIn("x", answer.json["metadata"]["labels"])

    def test_many_writers_of_one_pod_never_lose_a_write(self) -> None:
        """Each adds to a counter with a test of what it read, until its test passes."""
        self.namespace.annotate("a", "counter", "0")

        def add_ten(failures: list[str]) -> None:
            client = self.kubernetes.admin_client()
            done = 0
            while done < 10:
                pod = client.get(f"{self.pods}/a")
                value = pod["metadata"]["annotations"]["counter"]
                path = "/metadata/annotations/counter"
                answer = client.request("PATCH", f"{self.pods}/a", [
                    {"op": "test", "path": path, "value": value},
                    {"op": "add", "path": path, "value": str(int(value) + 1)},
                ], content_type=JSON_PATCH)
                if answer.code == 200:
                    done += 1
                elif answer.code not in (409, 422):
                    failures.append(answer.text)
                    break
            client.close()

        failures: list[str] = []
        threads = [threading.Thread(target=add_ten, args=(failures,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([], failures)
        self.assertEqual("40", self.namespace.pod("a")["metadata"]["annotations"]["counter"])
