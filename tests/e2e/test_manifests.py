"""packaging/kubernetes, rendered by kustomize; where there is a real API server: applied by the README's commands, and the
program at work with nothing but what was applied."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, SKIPPED, main  # noqa: E402
from e2e.manifests_case import NODES, PASSWORD, README, STAMP, Applied, asked, readme_commands  # noqa: E402
from lab import kubectl  # noqa: E402
from lab.certificates import CertificateAuthority  # noqa: E402
from lab.installation import Installation  # noqa: E402
from lab.kube_rights import least_rules  # noqa: E402
from lab.pages import ROOT, boxes  # noqa: E402
from lab.pod_watch import PodWatch  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import build_folder  # noqa: E402
from lab.prometheus import RULES, Prometheus, find_prometheus  # noqa: E402
from lab.service_watch import POD_NAME, ServiceWatch  # noqa: E402
from lab.valkey import ValkeyGroup, temporary_folder  # noqa: E402

OVERLAYS = sorted(path.name for path in (kubectl.MANIFESTS / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (kubectl.MANIFESTS / "components").iterdir())
WAYS = {"endpointslice": "endpointslice", "service-selector": "service-selector"}
CREATE_CA = "kubectl -n shop create secret generic valkey-sentinel-tls --from-file=ca.crt"
real_only = unittest.skipIf(BACKEND == "fake", "the fake knows no kubectl")


def one(objects: list[dict[str, Any]], *kinds: str) -> dict[str, Any]:
    [found] = [item for item in objects if item["kind"] in kinds]
    return found


class Rendered(unittest.TestCase):
    rendered: dict[str, list[dict[str, Any]]]

    @classmethod
    def setUpClass(cls) -> None:
        folders = {"base": "base", "example": "example", **{name: f"overlays/{name}" for name in OVERLAYS}}
        cls.rendered = {name: kubectl.render(kubectl.MANIFESTS / folder) for name, folder in folders.items()}

    def each_pod(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, one(objects, "DaemonSet", "Deployment")["spec"]["template"]["spec"])
                for name, objects in self.rendered.items()]

    def test_pods_are_as_the_profile_restricted_of_pod_security_wants_them(self) -> None:
        for name, pod in self.each_pod():
            with self.subTest(name):
                for key in ("hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"):
                    self.assertNotIn(key, pod)
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertNotEqual(pod["securityContext"]["runAsUser"], 0)
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                [container] = pod["containers"]
                self.assertEqual(container["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]}})
                self.assertTrue(all("hostPort" not in port for port in container["ports"]))
                for volume in pod["volumes"]:
                    self.assertTrue({"configMap", "secret", "emptyDir"} & volume.keys(), volume)

    def test_no_secret_is_in_an_environment(self) -> None:
        for name, pod in self.each_pod():
            with self.subTest(name):
                [container] = pod["containers"]
                self.assertNotIn("envFrom", container)
                for variable in container.get("env", []):
                    source = variable.get("valueFrom", {})
                    self.assertFalse({"secretKeyRef", "configMapKeyRef"} & source.keys(), variable)
                    self.assertNotIn("PASSWORD", variable["name"])

    def test_probes_resources_and_priority_are_set(self) -> None:
        for name, pod in self.each_pod():
            with self.subTest(name):
                [container] = pod["containers"]
                self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "http"})
                self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "http"})
                self.assertEqual(set(container["resources"]["requests"]), {"cpu", "memory"})
                self.assertEqual(set(container["resources"]["limits"]), {"memory"})
                self.assertEqual(pod["priorityClassName"],
                                 one(self.rendered[name], "PriorityClass")["metadata"]["name"])

    def test_all_bears_the_recommended_labels_and_the_version_of_the_program(self) -> None:
        said = (kubectl.PROJECT / "CMakeLists.txt").read_text()
        for name, objects in self.rendered.items():
            for item in objects:
                with self.subTest(f"{name}: {item['kind']} {item['metadata']['name']}"):
                    if item["kind"] == "Namespace":
                        continue
                    labels = item["metadata"]["labels"]
                    self.assertEqual(labels["app.kubernetes.io/name"], "valkey-reconciler")
                    for key in ("instance", "part-of", "managed-by"):
                        self.assertIn(f"app.kubernetes.io/{key}", labels)
                    self.assertIn(f"VERSION {labels['app.kubernetes.io/version']}", said)

    def test_the_rights_are_the_least_of_each_way_to_publish(self) -> None:
        for name, objects in self.rendered.items():
            with self.subTest(name):
                [role] = [item for item in objects if item["kind"] == "Role"
                          and item["metadata"]["name"] == "valkey-reconciler"]
                self.assertEqual(role["rules"], least_rules(WAYS.get(name, "label")))

    def test_the_service_is_what_its_way_wants(self) -> None:
        selectors = {name: [item["spec"].get("selector") for item in objects if item["kind"] == "Service"
                            and item["metadata"]["name"] == "valkey-master"]
                     for name, objects in self.rendered.items()}
        app = {"app.kubernetes.io/name": "valkey"}
        for name, selector in selectors.items():
            with self.subTest(name):
                self.assertEqual(selector, [{"endpointslice": None, "service-selector": app}.get(
                    name, {**app, "valkey-master": "true"})])

    def test_components_go_together_in_any_order(self) -> None:
        folder = temporary_folder("components")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        shutil.copytree(kubectl.MANIFESTS, folder / "kubernetes")
        own = folder / "kubernetes/own"
        own.mkdir()
        together = [f"../components/{name}" for name in COMPONENTS
                    if name not in ("service-selector", "labels")]
        rendered = []
        for components in (together, together[::-1]):
            (own / "kustomization.yaml").write_text(
                f"resources: [../base]\ncomponents: [{', '.join(components)}]\n")
            objects = kubectl.render(own)
            [container] = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
            container["env"].sort(key=lambda variable: variable["name"])
            rendered.append(sorted(objects, key=lambda item: (item["kind"], item["metadata"]["name"])))
            self.assertEqual([variable["name"] for variable in container["env"]], [
                "PUBLISH", "SERVICE_NAME", "VALKEY_SENTINEL_CA_FILE", "VALKEY_SENTINEL_TLS"])
        self.assertEqual(*rendered)

    @unittest.skipIf(shutil.which("yamllint") is None, "no yamllint")
    def test_yamllint_has_nothing_to_say(self) -> None:
        kubectl.run(["yamllint", "--strict", "packaging/kubernetes", "tests/e2e", ".yamllint.yaml"])

    def test_the_readme_has_no_command_that_these_tests_do_not_run(self) -> None:
        commands = readme_commands()
        counts = {heading: len(found) for heading, found in commands.items()}
        self.assertEqual(counts, {"Install": 2, "Ask the program": len(asked()) + 1, "Which overlay": len(OVERLAYS) + 1,
                                  "An own kustomization": 1, "Upgrade": 3, "Change the way to publish": 3, "What is left": 3})
        first, *overlays = commands["Which overlay"]
        self.assertEqual(first, CREATE_CA)
        self.assertEqual(overlays, [
            f"kubectl -n shop apply -k packaging/kubernetes/overlays/{name}" for name in OVERLAYS])


@real_only
class AppliedAndAtWork(Applied):
    def test_the_label_follows_from_every_node(self) -> None:
        self.taint("lab-node-2")
        self.install()
        wait_until(lambda: self.daemons() == NODES, 30, "a pod for each node")
        watch = self.enterContext(PodWatch(self.namespace))
        self.start(2)
        watch.wait_for_label(self.group.primary().name, 10)
        failover = self.fail_over("kill")
        watch.wait_for_label(failover.new.name, 10)
        watch.check()
        self.apply_again()
        self.assertEqual(self.stamped(), sorted(self.labels_before))

    def test_two_of_a_deployment(self) -> None:
        self.overlay = "overlays/deployment"
        self.install()
        watch = self.enterContext(PodWatch(self.namespace))
        self.start(2)
        failover = self.fail_over("planned")
        watch.wait_for_label(failover.new.name, 10)
        watch.check()
        self.apply_again()

    def test_the_slice_follows_without_a_right_to_write_pods(self) -> None:
        self.overlay = "overlays/endpointslice"
        self.install()
        watch = self.enterContext(ServiceWatch(self.namespace, "valkey-master", slices="v1beta1"))
        self.start()
        watch.wait_for([self.group.primary().host])
        failover = self.fail_over("planned")
        watch.wait_for([failover.new.host])
        watch.check()
        self.apply_again()
        self.assertEqual((self.labels(), self.stamped()), (self.labels_before, []))
        self.stop()
        self.run_command(f"kubectl -n shop delete -k {self.manifests()}")
        wait_until(lambda: not self.slices(), 30, "the slice goes with its Service")

    def test_the_selector_follows(self) -> None:
        self.overlay = "overlays/service-selector"
        self.install()
        watch = self.enterContext(ServiceWatch(self.namespace, "valkey-master"))
        self.start()
        watch.wait_for([self.group.primary().name])
        failover = self.fail_over("planned")
        watch.wait_for([failover.new.name])
        watch.check()
        self.apply_again()
        self.assertEqual((self.labels(), self.stamped()), (self.labels_before, []))
        service = self.objects("services", "valkey-master")
        [rule] = self.ignored()
        self.assertEqual((rule["kind"], rule["name"]), (service["kind"], service["metadata"]["name"]))
        for pointer in rule["jsonPointers"]:
            found: Any = service
            for part in pointer.split("/")[1:]:
                found = found[part.replace("~1", "/")]
            self.assertTrue(found)
        self.run_command(f"kubectl -n shop apply --server-side --force-conflicts -k {self.manifests()}")
        watch.wait_for([failover.new.name])

    def test_a_service_monitor_selects_the_metrics_of_all_pods(self) -> None:
        self.overlay = "overlays/service-monitor"
        self.define("service_monitor_crd.yaml", "servicemonitors")
        self.install()
        monitor = self.kubernetes.admin.get(
            f"/apis/monitoring.coreos.com/v1/namespaces/{self.namespace.name}/servicemonitors/valkey-reconciler")
        wanted = ",".join(f"{key}={value}" for key, value in monitor["spec"]["selector"]["matchLabels"].items())
        [service] = self.kubernetes.admin.get(f"{self.namespace.path}/services", labelSelector=wanted)["items"]
        self.assertEqual(service["metadata"]["name"], "valkey-reconciler-metrics")
        [endpoint], [port] = monitor["spec"]["endpoints"], service["spec"]["ports"]
        self.assertEqual(endpoint["port"], port["name"])
        watch = self.enterContext(PodWatch(self.namespace))
        self.start()
        [of_container] = self.installation.container["ports"]
        self.assertEqual(port["targetPort"], of_container["name"])
        self.assertEqual(self.listens(), f"[::]:{of_container['containerPort']}")
        failover = self.fail_over("planned")
        watch.wait_for_label(failover.new.name, 10)
        self.apply_again()
        if find_prometheus():  # at this port here: all pods share one machine's
            prometheus = self.enterContext(Prometheus(self.folder, self.programs[0].http_port, endpoint["path"]))
            wait_until(lambda: prometheus.has_data("valkey_reconciler_failovers_total == 1"), 30, "it is scraped", interval=0.2)

    def listens(self) -> str:
        """Where it would in a pod, where nothing else says so."""
        program = self.programs[0]
        environment = {key: value for key, value in program.environment.items() if key != "VALKEY_RECONCILER_HTTP"}
        effective = subprocess.run([build_folder() / "bin/valkey-reconciler", "check", "--config", self.installation.file(program.name)],
                                   env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        [address] = re.findall(r'^listen = "(.*)"$', effective, re.MULTILINE)
        return address

    def test_the_alerts_are_applied_as_they_are(self) -> None:
        import yaml

        self.define("prometheus_rule_crd.yaml", "prometheusrules")
        own = self.folder / "packaging/kubernetes/own"
        own.mkdir()
        (own / "kustomization.yaml").write_text("components: [../components/prometheus-rule]\n")
        self.run_command("kubectl -n shop apply -k packaging/kubernetes/own")
        rule = self.kubernetes.admin.get(
            f"/apis/monitoring.coreos.com/v1/namespaces/{self.namespace.name}/prometheusrules/valkey-reconciler")
        self.assertEqual(rule["spec"], yaml.safe_load(RULES.read_text()))

    def define(self, file: str, kind: str) -> None:
        """A CRD of the Prometheus Operator."""
        self.run_command(f"kubectl apply -f {kubectl.PROJECT}/tests/e2e/{file}")
        self.run_command(f"kubectl wait --for=condition=Established crd/{kind}.monitoring.coreos.com --timeout=30s")

    def ignored(self) -> list[dict[str, Any]]:
        """The rules of the README for Argo CD."""
        import yaml

        text = README.read_text().split("```yaml\n", 1)[1].split("```")[0]
        application = yaml.safe_load(text)
        self.assertEqual(application["spec"]["syncPolicy"]["syncOptions"], ["RespectIgnoreDifferences=true"])
        rules: list[dict[str, Any]] = application["spec"]["ignoreDifferences"]
        return rules

    # By hand

    def test_each_command_for_a_pod_finds_one(self) -> None:
        self.install()
        wait_until(lambda: self.daemons() == NODES, 30, "a pod for each node")
        for command in readme_commands()["Ask the program"]:
            # What kubectl says of one that no kubelet has taken; tests/e2e/test_image.py runs what stands behind `--`.
            self.assertRegex(self.run_command(command, status=1), "does not have a host assigned|pod is not running")

    def test_pods_are_paused_and_released_by_the_commands_of_the_plugins_page(self) -> None:
        self.install()
        self.start()
        release, pause, resume = (
            command.replace("kubectl", "kubectl -n shop") for box in boxes(ROOT / "plugins/kubernetes/README.md")
            for command in box.text.splitlines() if command.startswith("kubectl annotate pod"))
        watch = self.enterContext(PodWatch(self.namespace))
        old = self.group.primary().name
        watch.wait_for_label(old, 10)
        self.run_command(pause)
        failover = self.fail_over("planned")
        wait_until(lambda: "paused by the annotation" in self.programs[0].readyz()[1], 10, "it says that it is paused")
        self.assertEqual([name for name, labels in self.labels().items() if "valkey-master" in labels], [old])
        self.run_command(resume)
        watch.wait_for_label(failover.new.name, 10)
        self.stop()
        self.run_command(release)
        self.assertEqual({pod["metadata"]["annotations"][STAMP].split()[0] for pod in self.namespace.pods().values()
                          if STAMP in pod["metadata"].get("annotations", {})}, {"released"})
        self.start()
        self.assertEqual(self.namespace.pods()[failover.new.name]["metadata"]["annotations"][STAMP].split()[0], "v1")
        watch.check()

    # Changes

    def test_an_upgrade_shows_first_what_it_changes(self) -> None:
        self.install()
        self.edit(self.folder / "packaging/kubernetes/base/daemonset.yaml", "valkey-reconciler:0.1.0", "valkey-reconciler:0.1.1")
        diff, apply, status = readme_commands()["Upgrade"]
        self.assertIn("+        image: valkey-reconciler:0.1.1", self.run_command(diff, status=1))
        self.run_command(apply)
        wait_until(lambda: self.daemons() == NODES, 30, "a pod for each node")
        # Nothing runs the pods here, so that they become no ready ones.
        self.assertIn("timed out", self.run_command(f"{status} --timeout=1s", status=1))

    def test_a_changed_configuration_is_followed_without_a_restart(self) -> None:
        self.install()
        self.start()
        before = self.programs[0].pid
        _, apply, _ = readme_commands()["Upgrade"]
        file = self.folder / "packaging/kubernetes/base/valkey-reconciler.toml"
        self.edit(file, "selector =", "no_such_key = 1\nselector =")
        self.run_command(apply)
        self.installation.follow()
        self.programs[0].wait_for_log("no_such_key", 10)
        self.assertEqual(self.programs[0].readyz()[0], 200)
        self.edit(file, "no_such_key = 1", 'label = "role"\nvalue = "primary"')
        self.run_command(apply)
        watch = self.enterContext(PodWatch(self.namespace, "role", "primary"))
        self.installation.follow()
        watch.wait_for_label(self.group.primary().name, 10)
        self.assertEqual(self.programs[0].pid, before)

    def test_from_the_label_to_the_slice(self) -> None:
        self.install()
        self.start()
        self.stop()
        apply, *clean = readme_commands()["Change the way to publish"]
        self.run_command(apply)
        self.start()
        [ours] = self.slices()
        self.assertEqual(ours["endpoints"][0]["addresses"], [self.group.primary().host])
        for command in clean:
            self.run_command(command)
        path = f"/apis/discovery.k8s.io/v1beta1/namespaces/{self.namespace.name}/endpointslices"
        self.assertEqual([item["metadata"]["name"] for item in self.kubernetes.admin.get(path)["items"]],
                         [ours["metadata"]["name"]])
        self.assertEqual(self.programs[0].readyz()[0], 200)

    # What is left

    def test_what_is_left_by_the_label_goes_by_one_command(self) -> None:
        self.install()
        wait_until(lambda: self.daemons() == NODES, 30, "a pod for each node")
        self.start()
        remove, wait, leftovers = readme_commands()["What is left"]
        self.assertIn("still runs here", self.run_command(leftovers, status=1))
        self.stop()
        self.run_command(remove)
        self.run_command(wait)
        primary = self.group.primary().name
        self.assertEqual(self.stamped(), sorted(self.labels_before))
        self.assertEqual(self.labels(), {
            name: {**labels, **({"valkey-master": "true"} if name == primary else {})}
            for name, labels in self.labels_before.items()})
        left = "sa,role,rolebinding,configmap,daemonset,networkpolicy,service,priorityclass"
        self.assertNotIn("valkey-reconciler", self.run_command(f"kubectl -n shop get {left} -l "
                                                               "app.kubernetes.io/name=valkey-reconciler"))
        self.run_command(leftovers)
        self.assertEqual((self.labels(), self.stamped()), (self.labels_before, []))
        self.run_command(leftovers)  # and once more, where nothing is left

    def test_labels_of_any_name_go(self) -> None:
        self.edit(self.folder / "packaging/kubernetes/base/valkey-reconciler.toml", "selector =", '''label = "role"
value = "primary"
replica_label = "valkey.example.org/role"
replica_value = "replica"
otherwise = "none"
selector =''')
        self.install()
        self.start()
        wait_until(lambda: all(labels.keys() & {"role", "valkey.example.org/role"} for labels in self.labels().values()),
                   10, "all pods are labelled")
        replica = next(instance.name for instance in self.group.instances if instance != self.group.primary())
        self.namespace.recreate_pod(replica)  # whose label comes without a stamp
        wait_until(lambda: self.labels()[replica].get("valkey.example.org/role") == "replica", 30, "the new pod is labelled")
        self.assertNotIn(replica, self.stamped())
        self.stop()
        self.remove_leftovers()
        self.assertEqual((self.labels(), self.stamped()), (self.labels_before, []))

    def test_a_service_that_is_kept_is_as_it_was(self) -> None:
        for way in WAYS:
            with self.subTest(way):
                self.overlay = f"overlays/{way}"
                self.install()
                before = self.objects("services", "valkey-master")["spec"].get("selector")
                self.start()
                self.stop()
                if way == "endpointslice":
                    self.assertEqual(len(self.slices()), 1)
                else:
                    selector = self.objects("services", "valkey-master")["spec"]["selector"]
                    self.assertEqual(selector, {**before, POD_NAME: self.group.primary().name})
                self.remove_leftovers()
                service = self.objects("services", "valkey-master")
                self.assertEqual(service["spec"].get("selector"), before)
                self.assertNotIn(STAMP, service["metadata"]["annotations"])
                self.assertEqual(self.slices(), [])
                self.run_command("kubectl -n shop delete service/valkey-master secret/valkey-sentinel")

    def remove_leftovers(self) -> None:
        self.run_command("kubectl -n shop delete daemonset valkey-reconciler")
        _, wait, leftovers = readme_commands()["What is left"]
        self.run_command(wait)
        self.run_command(leftovers)

    # Parts

    def taint(self, node: str) -> None:
        """As a node is that is to run nothing, and whose kubelet is gone."""
        keys = ["node.kubernetes.io/unreachable", "only-for-others"]
        self.kubernetes.admin.merge_patch(f"/api/v1/nodes/{node}", {"spec": {"taints": [
            {"key": key, "effect": effect} for key in keys for effect in ("NoSchedule", "NoExecute")]}})


@real_only
class AppliedWithTls(Applied):
    @classmethod
    def make_group(cls) -> ValkeyGroup:
        folder = temporary_folder("tls")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.ca = CertificateAuthority(folder)
        return ValkeyGroup("orders", sentinel_password=PASSWORD, tls=cls.ca.server)

    def install(self) -> None:
        shutil.copy(self.ca.file, self.folder / "ca.crt")
        self.run_command(CREATE_CA)
        super().install()

    def follow(self) -> None:
        watch = self.enterContext(PodWatch(self.namespace))
        self.start()
        failover = self.fail_over("planned")
        watch.wait_for_label(failover.new.name, 10)
        watch.check()
        self.apply_again()

    def test_sentinels_by_tls(self) -> None:
        self.overlay = "overlays/tls"
        self.install()
        self.follow()

    def test_an_own_kustomization_of_components(self) -> None:
        self.overlay = "example"
        example = self.folder / "packaging/kubernetes/example"
        self.edit(example / "kustomization.yaml", "namespace: shop", f"namespace: {self.namespace.name}")
        sentinels = ", ".join(f'"{address}"' for address in self.group.sentinels.addresses)
        self.edit(example / "valkey-reconciler.toml", '"orders-valkey-headless:26379"', sentinels)
        self.install()
        self.follow()
        image = Installation(self.namespace, self.folder).container["image"]
        self.assertEqual(image, "registry.example/valkey-reconciler:0.1.0")
        wait_until(lambda: "PrimaryPromoted" in [event["reason"] for event in self.namespace.events()], 10, "an Event")


if __name__ == "__main__":
    if reason := kubectl.why_not():
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    main()
