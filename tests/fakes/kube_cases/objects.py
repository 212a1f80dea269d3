"""Create, get, update and delete, and the resources beside pods."""

from __future__ import annotations



from fakes.kube_cases.case import MODIFIED, PARTIAL, PARTIAL_LIST, OnOneBackend
from lab.kube_client import JSON_PATCH, MERGE_PATCH
from lab.kubernetes import Pod


class Objects(OnOneBackend):
    """Create, get, update and delete."""

    def test_a_created_pod_has_uid_version_and_the_servers_defaults(self) -> None:
        made = self.admin.post(self.pods, {
            "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "valkey", "image": "valkey"}]}})
        self.assertEqual(("Pod", "v1"), (made["kind"], made["apiVersion"]))
        self.assertEqual(self.namespace.name, made["metadata"]["namespace"])
        self.assertRegex(made["metadata"]["uid"], r"^[0-9a-f-]{36}$")
        self.assertRegex(made["metadata"]["resourceVersion"], r"^\d+$")
        self.assertEqual("Pending", made["status"]["phase"])
        self.assertEqual(30, made["spec"]["terminationGracePeriodSeconds"])
        self.assertEqual("Always", made["spec"]["restartPolicy"])
        self.assertEqual(made, self.namespace.pod("a"))

    def test_a_status_in_a_created_pod_is_ignored(self) -> None:
        made = self.admin.post(self.pods, {
            **Pod("a", "").manifest(), "status": {"phase": "Running", "podIP": "127.0.0.9"}})
        self.assertEqual("Pending", made["status"]["phase"])
        self.assertNotIn("podIP", made["status"])

    def test_a_name_can_be_generated(self) -> None:
        made = self.admin.post(self.pods, {
            "metadata": {"generateName": "gen-"},
            "spec": {"containers": [{"name": "valkey", "image": "valkey"}]}})
        self.assertRegex(made["metadata"]["name"], r"^gen-[a-z0-9]{5}$")

    def test_a_second_pod_of_the_same_name_is_refused(self) -> None:
        self.pod()
        answer = self.admin.request("POST", self.pods, Pod("a", "").manifest())
        details = self.check_failure(answer, 409, "AlreadyExists", 'pods "a" already exists')
        self.assertEqual({"name": "a", "kind": "pods"}, details)

    def test_bad_objects_are_refused(self) -> None:
        answer = self.admin.request("POST", self.pods, Pod("A_bad", "").manifest())
        self.assertEqual((422, "Invalid"), (answer.code, answer.json["reason"]))
        self.assertIn('Pod "A_bad" is invalid: [metadata.name: Invalid value: "A_bad": a lowercase '
                      "RFC 1123 subdomain", answer.message)
        self.assertIn('spec.hostname: Invalid value: "A_bad": a lowercase RFC 1123 label',
                      answer.message)
        answer = self.admin.request("POST", self.pods, {"metadata": {"name": "x"}})
        self.check_failure(answer, 422, "Invalid",
                           'Pod "x" is invalid: spec.containers: Required value')
        answer = self.admin.request("POST", self.pods, {**Pod("x", "").manifest(),
                                                        "kind": "Service"})
        self.assertEqual((400, "BadRequest"), (answer.code, answer.json["reason"]))
        manifest = Pod("x", "").manifest()
        manifest["metadata"]["namespace"] = "other"
        self.check_failure(
            self.admin.request("POST", self.pods, manifest), 400, "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request")
        answer = self.admin.request("POST", self.pods, b"{bad")
        self.assertEqual((400, "BadRequest"), (answer.code, answer.json["reason"]))
        manifest = Pod("x", "").manifest()
        manifest["metadata"]["labels"]["l"] = True
        answer = self.admin.request("POST", self.pods, manifest)
        self.assertEqual(400, answer.code)
        self.assertIn('v1.ObjectMeta.Labels: ReadString: expects " or n, but found t',
                      answer.message)

    def test_a_body_of_another_type_is_415(self) -> None:
        answer = self.admin.request("POST", self.pods, b"x", content_type="text/plain")
        self.assertEqual((415, "UnsupportedMediaType"), (answer.code, answer.json["reason"]))
        self.assertIn("the body of the request was in an unknown format", answer.message)

    def test_nothing_is_created_in_a_namespace_that_is_not_there(self) -> None:
        answer = self.admin.request("POST", "/api/v1/namespaces/no-such/pods",
                                    Pod("a", "").manifest())
        self.check_failure(answer, 404, "NotFound", 'namespaces "no-such" not found')

    def test_what_is_not_there_is_404_with_its_name(self) -> None:
        for method in ("GET", "PATCH", "DELETE"):
            answer = self.admin.request(method, f"{self.pods}/nope",
                                        {} if method == "PATCH" else None,
                                        content_type=MERGE_PATCH)
            details = self.check_failure(answer, 404, "NotFound", 'pods "nope" not found')
            self.assertEqual({"name": "nope", "kind": "pods"}, details)
        for path in ("/api/v1/bogus", "/apis/discovery.k8s.io/v9"):
            self.check_failure(self.admin.request("GET", path), 404, "NotFound",
                               "the server could not find the requested resource")
        answer = self.admin.request("GET", "/apis/no.such.group/v1/things")
        self.assertEqual((404, "404 page not found\n"), (answer.code, answer.text))

    def test_methods_that_a_path_does_not_have_are_405(self) -> None:
        for method, path in (("POST", f"{self.pods}/a"), ("DELETE", "/api/v1/pods"),
                             ("PUT", self.pods)):
            self.check_failure(
                self.admin.request(method, path, {}), 405, "MethodNotAllowed",
                "the server does not allow this method on the requested resource")

    def test_an_update_needs_the_version_that_is(self) -> None:
        pod = self.pod()
        pod["metadata"]["labels"]["x"] = "1"
        first = self.admin.call("PUT", f"{self.pods}/a", pod)
        self.assertGreater(int(first["metadata"]["resourceVersion"]),
                           int(pod["metadata"]["resourceVersion"]))
        answer = self.admin.request("PUT", f"{self.pods}/a", pod)
        details = self.check_failure(
            answer, 409, "Conflict", f'Operation cannot be fulfilled on pods "a": {MODIFIED}')
        self.assertEqual({"name": "a", "kind": "pods"}, details)

    def test_an_update_without_a_version_overwrites(self) -> None:
        pod = self.pod()
        self.namespace.label("a", "y", "1")
        del pod["metadata"]["resourceVersion"]
        pod["metadata"]["labels"]["x"] = "1"
        labels = self.admin.call("PUT", f"{self.pods}/a", pod)["metadata"]["labels"]
        self.assertEqual("1", labels["x"])
        self.assertNotIn("y", labels)

    def test_an_update_with_another_uid_is_a_conflict(self) -> None:
        pod = self.pod()
        pod["metadata"]["uid"] = "other"
        del pod["metadata"]["resourceVersion"]
        answer = self.admin.request("PUT", f"{self.pods}/a", pod)
        self.assertEqual((409, "Conflict"), (answer.code, answer.json["reason"]))
        self.assertIn("Precondition failed: UID in precondition: other", answer.message)

    def test_an_update_of_what_is_not_there_is_404_for_pods(self) -> None:
        answer = self.admin.request("PUT", f"{self.pods}/nope", Pod("nope", "").manifest())
        self.check_failure(answer, 404, "NotFound", 'pods "nope" not found')

    def test_names_cannot_be_changed(self) -> None:
        pod = self.pod()
        pod["metadata"]["name"] = "b"
        text = "the name of the object (b) does not match the name on the URL (a)"
        self.check_failure(self.admin.request("PUT", f"{self.pods}/a", pod), 400, "BadRequest",
                           text)
        self.check_failure(self.patch("a", {"metadata": {"name": "b"}}), 400, "BadRequest", text)
        self.check_failure(
            self.patch("a", {"metadata": {"namespace": "b"}}), 400, "BadRequest",
            f"the namespace of the object (b) does not match the namespace on the request "
            f"({self.namespace.name})")

    def test_a_pods_spec_is_fixed_but_for_its_image(self) -> None:
        self.pod()
        answer = self.patch("a", {"spec": {"nodeName": "other"}})
        self.assertEqual((422, "Invalid"), (answer.code, answer.json["reason"]))
        self.assertIn("pod updates may not change fields other than", answer.message)
        image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "evil"}]
        self.assertEqual(200, self.patch("a", image, JSON_PATCH).code)

    def test_status_is_written_by_its_subresource_alone(self) -> None:
        pod = self.pod()
        self.patch("a", {"status": {"phase": "Failed"}})
        self.assertEqual(pod["metadata"]["resourceVersion"], self.version())
        self.admin.merge_patch(f"{self.pods}/a/status", {"status": {"phase": "Failed"},
                                                         "spec": {"nodeName": "ignored"}})
        after = self.namespace.pod("a")
        self.assertEqual("Failed", after["status"]["phase"])
        self.assertEqual(pod["spec"], after["spec"])
        self.assertEqual(after, self.admin.get(f"{self.pods}/a/status"))

    def test_a_status_write_can_change_labels_too(self) -> None:
        self.pod()
        self.admin.merge_patch(f"{self.pods}/a/status", {"metadata": {"labels": {"x": "1"}}})
        self.assertEqual("1", self.namespace.pod("a")["metadata"]["labels"]["x"])

    def test_a_status_update_makes_a_new_version(self) -> None:
        self.pod()
        before = self.version()
        self.namespace.set_ready("a", False)
        self.assertGreater(int(self.version()), int(before))

    def test_pod_ip_and_pod_ips_agree(self) -> None:
        self.pod(ip="127.40.3.11,fd00::11")
        status = self.namespace.pod("a")["status"]
        self.assertEqual("127.40.3.11", status["podIP"])
        self.assertEqual([{"ip": "127.40.3.11"}, {"ip": "fd00::11"}], status["podIPs"])
        self.admin.merge_patch(f"{self.pods}/a/status", {"status": {
            "podIP": "127.40.3.12", "podIPs": None}})
        status = self.namespace.pod("a")["status"]
        self.assertEqual([{"ip": "127.40.3.12"}], status["podIPs"])

    def test_dry_run_changes_nothing(self) -> None:
        self.pod()
        before = self.version()
        answer = self.patch("a", {"metadata": {"labels": {"x": "1"}}}, dryRun="All")
        self.assertEqual("1", answer.json["metadata"]["labels"]["x"])
        self.assertEqual(before, self.version())

    def test_partial_metadata_lacks_the_address(self) -> None:
        self.pod()
        one = self.admin.call("GET", f"{self.pods}/a", headers={"Accept": PARTIAL})
        self.assertEqual({"kind", "apiVersion", "metadata"}, set(one))
        self.assertEqual(("PartialObjectMetadata", "meta.k8s.io/v1"),
                         (one["kind"], one["apiVersion"]))
        patched = self.admin.call(
            "PATCH", f"{self.pods}/a", {"metadata": {"labels": {"x": "1"}}},
            content_type=MERGE_PATCH, headers={"Accept": PARTIAL})
        self.assertEqual("1", patched["metadata"]["labels"]["x"])
        self.assertNotIn("status", patched)
        listed = self.admin.call("GET", self.pods, headers={"Accept": PARTIAL_LIST})
        self.assertEqual("PartialObjectMetadataList", listed["kind"])
        self.assertEqual({"kind", "apiVersion", "metadata"}, set(listed["items"][0]))

    def test_a_form_that_cannot_be_given_is_406_unless_another_will_do(self) -> None:
        self.pod()
        answer = self.admin.request("GET", self.pods, headers={"Accept": PARTIAL})
        self.check_failure(answer, 406, "NotAcceptable", "you requested PartialObjectMetadata, but "
                           "the requested object is a list (*core.PodList)")
        answer = self.admin.request("GET", f"{self.pods}/a",
                                    headers={"Accept": "application/x-bogus"})
        self.check_failure(answer, 406, "NotAcceptable", "406: Not Acceptable")
        answer = self.admin.request("GET", f"{self.pods}/a",
                                    headers={"Accept": "application/x-bogus, */*"})
        self.assertEqual("Pod", answer.json["kind"])

    def test_managed_fields_name_who_set_a_label(self) -> None:
        self.pod()
        self.namespace.label("a", "x", "1", manager="one")
        self.assertEqual("one", self.manager_of("x"))
        self.namespace.label("a", "x", "2", manager="two")
        self.assertEqual("two", self.manager_of("x"))
        self.namespace.label("a", "x", "2", manager="three")
        self.assertEqual("two", self.manager_of("x"), "who changes nothing owns nothing")
        self.namespace.remove_label("a", "x", manager="three")
        self.assertEqual("", self.manager_of("x"))

    def test_without_a_field_manager_the_user_agent_is_the_manager(self) -> None:
        self.pod()
        self.admin.call("PATCH", f"{self.pods}/a", {"metadata": {"labels": {"x": "1"}}},
                        content_type=MERGE_PATCH, headers={"User-Agent": "agent/1.0 (test)"})
        self.assertEqual("agent", self.manager_of("x"))

    def manager_of(self, label: str) -> str:
        found = [entry["manager"]
                 for entry in self.namespace.pod("a")["metadata"]["managedFields"]
                 if f"f:{label}" in entry["fieldsV1"].get("f:metadata", {}).get("f:labels", {})]
        self.assertLessEqual(len(found), 1)
        return str(found[0]) if found else ""


class Deleting(OnOneBackend):
    def test_a_running_pod_stays_for_its_grace_terminating(self) -> None:
        self.pod(grace=30)
        answer = self.admin.delete(f"{self.pods}/a")
        self.assertEqual(30, answer["metadata"]["deletionGracePeriodSeconds"])
        self.assertIn("deletionTimestamp", self.namespace.pod("a")["metadata"])
        self.assertEqual(200, self.patch("a", {"metadata": {"labels": {"x": "1"}}}).code)
        before = self.version()
        self.admin.delete(f"{self.pods}/a")
        self.assertEqual(before, self.version(), "deleting it again changes nothing")
        self.namespace.delete_pod("a")
        self.assertEqual({}, self.namespace.pods())

    def test_a_pod_without_a_node_goes_at_once(self) -> None:
        self.admin.post(self.pods, {"metadata": {"name": "a"}, "spec": {
            "containers": [{"name": "valkey", "image": "valkey"}]}})
        self.assertEqual("Pod", self.admin.delete(f"{self.pods}/a")["kind"])
        self.assertEqual({}, self.namespace.pods())

    def test_without_grace_a_pod_goes_in_two_versions(self) -> None:
        pod = self.pod(grace=30)
        watching = self.watch(resourceVersion=pod["metadata"]["resourceVersion"])
        self.admin.call("DELETE", f"{self.pods}/a", {"gracePeriodSeconds": 0})
        events = watching.wait(2)
        self.assertEqual(["MODIFIED", "DELETED"], watching.types())
        self.assertEqual(0, events[0]["object"]["metadata"]["deletionGracePeriodSeconds"])
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
        self.assertLess(versions[0], versions[1])

    def test_a_finalizer_keeps_it_until_it_is_taken_off(self) -> None:
        self.pod(finalizers=["example.com/x"])
        self.namespace.delete_pod("a")
        self.assertIn("deletionTimestamp", self.namespace.pod("a")["metadata"])
        answer = self.patch("a", {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}})
        self.assertEqual(422, answer.code)
        self.assertIn("no new finalizers can be added if the object is being deleted",
                      answer.message)
        self.assertEqual(200, self.patch("a", {"metadata": {"finalizers": None}}).code)
        self.assertEqual({}, self.namespace.pods())

    def test_a_pod_that_comes_back_has_another_uid(self) -> None:
        before = self.pod()["metadata"]["uid"]
        self.assertNotEqual(before, self.namespace.recreate_pod("a")["metadata"]["uid"])

    def test_preconditions_of_a_deletion(self) -> None:
        pod = self.pod()
        for field in ("uid", "resourceVersion"):
            answer = self.admin.request("DELETE", f"{self.pods}/a",
                                        {"preconditions": {field: "1"}})
            self.assertEqual((409, "Conflict"), (answer.code, answer.json["reason"]))
            self.assertIn("in the precondition (1) does not match", answer.message)
        self.admin.call("DELETE", f"{self.pods}/a", {
            "gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}})
        self.assertEqual({}, self.namespace.pods())

    def test_what_is_no_pod_answers_a_status(self) -> None:
        path = f"{self.namespace.path}/configmaps"
        made = self.admin.post(path, {"metadata": {"name": "c"}, "data": {"a": "b"}})
        gone = self.admin.delete(f"{path}/c")
        self.assertEqual(("Status", "Success"), (gone["kind"], gone["status"]))
        self.assertEqual({"name": "c", "kind": "configmaps", "uid": made["metadata"]["uid"]},
                         gone["details"])

    def test_a_selector_deletes_many(self) -> None:
        self.pod("a", labels={"x": "1"})
        self.pod("b", labels={"x": "1"})
        self.pod("c")
        self.admin.delete(self.pods, labelSelector="x=1", gracePeriodSeconds=0)
        self.assertEqual(["c"], self.names())

    def test_a_namespace_that_ends_takes_nothing_new(self) -> None:
        namespace = self.kubernetes.namespace("ending")
        namespace.add_pod(Pod("a", "", finalizers=["example.com/x"]))
        answer = self.admin.delete(namespace.path)
        self.assertEqual("Terminating", answer["status"]["phase"])
        refused = self.admin.request("POST", f"{namespace.path}/pods", Pod("b", "").manifest())
        self.check_failure(
            refused, 403, "Forbidden", 'pods "b" is forbidden: unable to create new content in '
            f"namespace {namespace.name} because it is being terminated")
        namespace.patch_pod("a", {"metadata": {"finalizers": None}})


class OtherResources(OnOneBackend):
    def test_endpoint_slices_are_written_with_compare_and_swap(self) -> None:
        path = f"/apis/discovery.k8s.io/v1beta1/namespaces/{self.namespace.name}/endpointslices"
        made = self.admin.post(path, {
            "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "valkey"}},
            "addressType": "IPv4", "ports": [{"name": "valkey", "port": 6379}],
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]})
        self.assertEqual("discovery.k8s.io/v1beta1", made["apiVersion"])
        self.assertEqual((1, "TCP"), (made["metadata"]["generation"], made["ports"][0]["protocol"]))
        made["endpoints"][0]["addresses"] = ["10.0.0.2"]
        after = self.admin.call("PUT", f"{path}/s", made)
        self.assertEqual(2, after["metadata"]["generation"])
        self.assertEqual(409, self.admin.request("PUT", f"{path}/s", made).code)
        answer = self.admin.request("PATCH", f"{path}/s", {"addressType": "IPv6"},
                                    content_type=MERGE_PATCH)
        self.assertEqual(422, answer.code)
        self.assertIn('addressType: Invalid value: "IPv6": field is immutable', answer.message)
        answer = self.admin.request("POST", path, {"metadata": {"name": "x"}, "endpoints": []})
        self.check_failure(answer, 422, "Invalid", 'EndpointSlice.discovery.k8s.io "x" is invalid: '
                           "addressType: Required value")

    def test_endpoints_take_no_loopback_address(self) -> None:
        path = f"{self.namespace.path}/endpoints"
        body = {"metadata": {"name": "e"}, "subsets": [{"addresses": [{"ip": "127.0.0.1"}],
                                                        "ports": [{"port": 6379}]}]}
        self.check_failure(
            self.admin.request("POST", path, body), 422, "Invalid", 'Endpoints "e" is invalid: '
            'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback '
            "range (127.0.0.0/8)")
        body["subsets"][0]["addresses"][0]["ip"] = "10.0.0.1"  # type: ignore[index]
        self.assertEqual(201, self.admin.request("PUT", f"{path}/e", body).code)

    def test_a_service_gets_its_address_and_defaults(self) -> None:
        path = f"{self.namespace.path}/services"
        made = self.admin.post(path, {"metadata": {"name": "s"}, "spec": {
            "selector": {"a": "b"}, "ports": [{"port": 6379}]}})
        self.assertRegex(made["spec"]["clusterIP"], r"^10\.96\.")
        self.assertEqual({"protocol": "TCP", "port": 6379, "targetPort": 6379},
                         made["spec"]["ports"][0])
        after = self.admin.merge_patch(f"{path}/s", {"spec": {"selector": {"a": "c"}}})
        self.assertEqual(made["spec"]["clusterIP"], after["spec"]["clusterIP"])
        self.assertEqual("Status", self.admin.delete(f"{path}/s")["kind"])

    def test_an_event_must_be_about_its_own_namespace(self) -> None:
        answer = self.admin.request("POST", f"{self.namespace.path}/events", {
            "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "a"}})
        self.assertEqual(422, answer.code)
        self.assertIn("involvedObject.namespace", answer.message)

    def test_nodes_belong_to_no_namespace(self) -> None:
        name = f"node-{self.namespace.name}"
        self.kubernetes.node(name)
        node = self.admin.get(f"/api/v1/nodes/{name}")
        self.assertNotIn("namespace", node["metadata"])
        self.assertEqual(name, node["metadata"]["labels"]["kubernetes.io/hostname"])
        self.admin.delete(f"/api/v1/nodes/{name}")

    def test_namespaces_have_a_phase(self) -> None:
        self.assertEqual("Active", self.admin.get(self.namespace.path)["status"]["phase"])
