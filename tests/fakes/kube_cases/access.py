"""Connections, users, rights, and the audit log."""

from __future__ import annotations

import base64
import json
import ssl
import stat
import time
from typing import cast

from fakes.kube_cases.case import DEADLINE, OnOneBackend, Watching
from lab.kube_client import MERGE_PATCH, ApiFailure, Json, KubeClient, WatchStream
from lab.kubernetes import ACCOUNT, PROGRAM_RULES
from lab.processes import wait_until


class Access(OnOneBackend):
    """Who may do what."""

    def setUp(self) -> None:
        super().setUp()
        self.pod()
        self.user = f"system:serviceaccount:{self.namespace.name}:{ACCOUNT}"
        self.program = self.client(self.namespace.token)

    def test_the_programs_rules_are_enough_for_what_it_does(self) -> None:
        self.assertEqual("a", self.program.get(f"{self.pods}/a")["metadata"]["name"])
        version = self.program.get(self.pods)["metadata"]["resourceVersion"]
        self.program.merge_patch(f"{self.pods}/a", {"metadata": {"labels": {"x": "1"}}})
        watching = Watching(self.program, self.pods, resourceVersion=version, timeoutSeconds=20)
        self.addCleanup(watching.close)
        self.assertEqual("MODIFIED", watching.wait(1)[0]["type"])
        self.program.post(f"{self.namespace.path}/events", {
            "metadata": {"name": "e"}, "reason": "Labelled", "type": "Normal",
            "involvedObject": {"kind": "Pod", "name": "a", "namespace": self.namespace.name}})
        self.assertEqual("Labelled", self.namespace.events()[0]["reason"])

    def test_what_is_not_allowed_is_403_with_verb_resource_and_namespace(self) -> None:
        space = f'in the namespace "{self.namespace.name}"'
        slices = f"/apis/discovery.k8s.io/v1beta1/namespaces/{self.namespace.name}/endpointslices"
        for method, path, text in (
            ("DELETE", f"{self.pods}/a", 'pods "a" is forbidden: User "{}" cannot delete resource '
             f'"pods" in API group "" {space}'),
            ("POST", self.pods, 'pods is forbidden: User "{}" cannot create resource "pods" in API '
             f'group "" {space}'),
            ("PUT", f"{self.pods}/a/status", 'pods "a" is forbidden: User "{}" cannot update '
             f'resource "pods/status" in API group "" {space}'),
            ("DELETE", self.pods, 'pods is forbidden: User "{}" cannot deletecollection resource '
             f'"pods" in API group "" {space}'),
            ("GET", "/api/v1/pods", 'pods is forbidden: User "{}" cannot list resource "pods" in '
             'API group "" at the cluster scope'),
            ("GET", "/api/v1/nodes/x", 'nodes "x" is forbidden: User "{}" cannot get resource '
             '"nodes" in API group "" at the cluster scope'),
            ("GET", slices, 'endpointslices.discovery.k8s.io is forbidden: User "{}" cannot list '
             f'resource "endpointslices" in API group "discovery.k8s.io" {space}'),
            ("GET", "/metrics", 'forbidden: User "{}" cannot get path "/metrics"'),
        ):
            with self.subTest(f"{method} {path}"):
                body: Json | None = {} if method in ("POST", "PUT") else None
                self.check_failure(self.program.request(method, path, body), 403, "Forbidden",
                                   text.format(self.user))

    def test_rules_can_be_taken_away_and_given_back(self) -> None:
        self.namespace.set_rules([{"apiGroups": [""], "resources": ["pods"],
                                   "verbs": ["get", "list"]}])
        patch = {"metadata": {"labels": {"x": "1"}}}
        answer = self.program.request("PATCH", f"{self.pods}/a", patch, content_type=MERGE_PATCH)
        self.check_failure(
            answer, 403, "Forbidden", f'pods "a" is forbidden: User "{self.user}" cannot patch '
            f'resource "pods" in API group "" in the namespace "{self.namespace.name}"')
        with self.assertRaises(ApiFailure) as raised:
            WatchStream(self.program, self.pods, {})
        self.assertIn('cannot watch resource "pods"', raised.exception.answer.message)
        self.namespace.set_rules(PROGRAM_RULES)
        self.program.merge_patch(f"{self.pods}/a", patch)

    def test_a_rule_can_name_objects(self) -> None:
        self.pod("b")
        self.namespace.set_rules([
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["b"]}])
        wait_until(lambda: self.program.request("GET", f"{self.pods}/b").code == 200, DEADLINE,
                   "b can be read")
        self.assertEqual(403, self.program.request("GET", f"{self.pods}/a").code)

    def test_an_open_watch_outlives_its_right(self) -> None:
        watching = Watching(self.program, self.pods, timeoutSeconds=20)
        self.addCleanup(watching.close)
        watching.wait(1)
        self.namespace.set_rules([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
        self.namespace.label("a", "x", "1")
        watching.wait(2)

    def test_nobody_is_forbidden_and_a_bad_token_unauthorized(self) -> None:
        nobody = self.client()
        self.check_failure(
            nobody.request("GET", self.pods), 403, "Forbidden", 'pods is forbidden: User '
            '"system:anonymous" cannot list resource "pods" in API group "" in the namespace '
            f'"{self.namespace.name}"')
        header, claims, _ = self.namespace.token.split(".")
        for token in ("bad", f"{header}.{claims}.AAAA"):
            answer = self.client(token).request("GET", self.pods)
            self.check_failure(answer, 401, "Unauthorized", "Unauthorized")

    def test_a_token_says_whose_it_is(self) -> None:
        claims = json.loads(base64.urlsafe_b64decode(self.namespace.token.split(".")[1] + "=="))
        self.assertEqual(self.user, claims["sub"])
        self.assertGreater(claims["exp"], time.time() + 3600)

    def test_a_token_of_less_than_ten_minutes_is_refused(self) -> None:
        answer = self.admin.request(
            "POST", f"{self.namespace.path}/serviceaccounts/{ACCOUNT}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": 60}})
        self.check_failure(
            answer, 422, "Invalid", 'TokenRequest.authentication.k8s.io "" is invalid: '
            "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 "
            "minutes")

    def test_a_token_bound_to_a_pod_ends_with_it_but_not_at_once(self) -> None:
        bound = self.client(self.namespace.new_token(pod="a"))
        self.assertEqual(200, bound.request("GET", self.pods).code)
        self.namespace.delete_pod("a")
        self.assertEqual(200, bound.request("GET", self.pods).code, "it is remembered for 10 s")
        wait_until(lambda: bound.request("GET", self.pods).code == 401, 15, "it is refused", 0.2)

    def test_a_review_of_ones_own_rights(self) -> None:
        for verb, allowed in (("patch", True), ("delete", False)):
            review = self.program.post(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                 "spec": {"resourceAttributes": {"namespace": self.namespace.name, "verb": verb,
                                                 "resource": "pods"}}})
            self.assertEqual(allowed, review["status"]["allowed"])

    def test_health_and_version_are_for_everybody_and_discovery_for_users(self) -> None:
        nobody = self.client()
        for path in ("/readyz", "/healthz", "/livez"):
            self.assertEqual("ok", nobody.request("GET", path).text)
        self.assertEqual(("1", "20"), tuple(nobody.get("/version")[key]
                                            for key in ("major", "minor")))
        self.check_failure(nobody.request("GET", "/api"), 403, "Forbidden",
                           'forbidden: User "system:anonymous" cannot get path "/api"')
        self.assertEqual(["v1"], self.program.get("/api")["versions"])
        groups = [group["name"] for group in self.program.get("/apis")["groups"]]
        self.assertIn("discovery.k8s.io", groups)
        self.assertIn("pods", [r["name"] for r in self.program.get("/api/v1")["resources"]])
        slices = self.program.get("/apis/discovery.k8s.io/v1beta1")["resources"]
        self.assertEqual("EndpointSlice", slices[0]["kind"])

    def test_the_kubeconfig_and_the_service_accounts_folder_are_the_programs(self) -> None:
        config = self.namespace.kubeconfig()
        self.assertEqual(0o600, stat.S_IMODE(config.stat().st_mode))
        self.assertIn(self.namespace.token, config.read_text())
        folder = self.namespace.service_account_dir()
        client = KubeClient(self.kubernetes.url, folder / "ca.crt",
                            token=(folder / "token").read_text())
        self.addCleanup(client.close)
        self.assertEqual((folder / "namespace").read_text(), self.namespace.name)
        self.assertEqual(200, client.request("GET", self.pods).code)

    def test_the_audit_log_says_what_the_program_did_but_not_the_admin(self) -> None:
        self.program.merge_patch(f"{self.pods}/a", {"metadata": {"labels": {"x": "1"}}})
        self.program.request("DELETE", f"{self.pods}/a")
        wait_until(lambda: len(self.namespace.audit(resource="pods")) >= 2, DEADLINE, "two lines")
        patch, delete = self.namespace.audit(resource="pods")
        self.assertEqual(("patch", "a", self.user, 200, "ResponseComplete"),
                         (patch["verb"], patch["objectRef"]["name"], patch["user"]["username"],
                          patch["responseStatus"]["code"], patch["stage"]))
        self.assertEqual("allow", patch["annotations"]["authorization.k8s.io/decision"])
        self.assertRegex(patch["stageTimestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(("delete", 403), (delete["verb"], delete["responseStatus"]["code"]))

    def test_the_server_is_known_by_its_own_authority_alone(self) -> None:
        with self.assertRaises(ssl.SSLCertVerificationError):
            context = ssl.create_default_context()
            client = self.kubernetes.client()
            connection = client.connect()
            connection._context = context  # type: ignore[attr-defined]
            self.addCleanup(connection.close)
            connection.request("GET", "/readyz")


class Connections(OnOneBackend):
    def test_one_connection_serves_many_requests(self) -> None:
        self.pod()
        client = self.kubernetes.admin_client()
        client.get(f"{self.pods}/a")
        connection, is_fresh = client._connection()
        socket = connection.sock
        for code, path in ((200, f"{self.pods}/a"), (404, f"{self.pods}/b"), (200, "/readyz")):
            self.assertEqual(code, client.request("GET", path).code)
        self.assertFalse(is_fresh)
        self.assertIs(socket, client._connection()[0].sock)
        client.close()

    def test_a_connection_serves_requests_after_its_watch_ended(self) -> None:
        self.pod()
        connection = self.kubernetes.admin_client().connect()
        connection.request("GET", f"{self.pods}?watch=true&timeoutSeconds=1")
        response = connection.getresponse()
        self.assertIn(b'"ADDED"', response.read())
        connection.request("GET", f"{self.pods}/a")
        self.assertEqual(200, connection.getresponse().status)
        connection.close()

    def test_http_1_1_is_offered(self) -> None:
        context = ssl.create_default_context(cafile=self.kubernetes.ca)
        context.set_alpn_protocols(["http/1.1"])
        client = self.kubernetes.client()
        client._context = context
        connection = client.connect()
        connection.connect()
        self.assertEqual("http/1.1", cast(ssl.SSLSocket, connection.sock).selected_alpn_protocol())
        connection.close()
