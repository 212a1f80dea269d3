"""Each alert of packaging/prometheus fires by its condition on real parts, and stops with it, as a real Prometheus sees it;
and the dashboard has something to show. A minute of the rules is a second here."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, SKIPPED, EndToEnd, main  # noqa: E402
from lab.addresses import AddressBlock  # noqa: E402
from lab.kubernetes import LABEL, PROGRAM_RULES, open_kubernetes  # noqa: E402
from lab.processes import wait_until  # noqa: E402
from lab.program import LABELER  # noqa: E402
from lab.prometheus import Prometheus, dashboard_expressions, find_prometheus  # noqa: E402
from lab.sentinels import Sentinel  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import Instance, temporary_folder  # noqa: E402

TIMEOUT = 60.0  # seconds, on a loaded machine
WITHOUT_PATCH = [{**rule, "verbs": [verb for verb in rule["verbs"] if verb != "patch"]}
                 for rule in PROGRAM_RULES]


class Alerts(EndToEnd):
    """One program and one Prometheus for all; each test leaves them as it found them."""

    stranger: Instance  # of no group
    prometheus: Prometheus

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        block, folder = AddressBlock(), temporary_folder("alerts")
        cls.addClassCleanup(block.close)
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.stranger = Instance("stranger", host := block.address(11), block.free_port([host]), folder)
        cls.stranger.start_as(None)
        cls.addClassCleanup(cls.stranger.kill)
        cls.stranger.wait_ready()
        cls.stage = cls.enterClassContext(
            Stage(open_kubernetes(BACKEND), [cls.group], of_targets={"review": "1s"}))
        cls.stage.start()
        cls.prometheus = cls.enterClassContext(Prometheus(folder, cls.stage.program.http_port))

    def setUp(self) -> None:
        self.program = self.stage.program
        self.wait_quiet()

    def wait_quiet(self) -> None:
        wait_until(lambda: self.prometheus.has_data("valkey_reconciler_ready == 1")
                   and not self.prometheus.all_firing(), TIMEOUT, "all is well", interval=0.2)

    def wait_fires(self, name: str, **labels: str) -> None:
        def fires() -> bool:
            return any(labels.items() <= alert["labels"].items() for alert in self.prometheus.firing(name))

        wait_until(fires, TIMEOUT, f"{name} fires for {labels}", interval=0.2)
        for alert in self.prometheus.firing(name):
            for text in alert["annotations"].values():
                self.assertNotIn("<no value>", text)

    @contextmanager
    def healed_by(self, heal: Callable[[], object], name: str) -> Iterator[None]:
        """Afterwards the alert stops; it is healed also where that did not fire."""
        try:
            yield
        finally:
            heal()
        wait_until(lambda: not self.prometheus.firing(name), TIMEOUT, f"{name} stops", interval=0.2)

    def stop_program(self) -> None:
        self.assertEqual(self.program.terminate().status, 0)
        self.program.close()

    def kill_sentinels(self) -> None:
        for sentinel in self.group.sentinels.all:
            sentinel.kill()

    def test_absent(self) -> None:
        self.stop_program()
        with self.healed_by(self.stage.start, "ValkeyReconcilerAbsent"):
            self.wait_fires("ValkeyReconcilerAbsent")

    def test_group_without_primary_where_a_start_finds_no_sentinel(self) -> None:
        self.stop_program()
        self.kill_sentinels()
        self.program.start()
        with self.healed_by(self.group.sentinels.start, "ValkeyReconcilerGroupWithoutPrimary"):
            self.wait_fires("ValkeyReconcilerGroupWithoutPrimary", group=self.group.name)
            self.wait_fires("ValkeyReconcilerNoSentinelReachable", group=self.group.name)
            self.assertEqual(self.prometheus.firing("ValkeyReconcilerTargetOutOfSync"), [])

    def test_no_sentinel_reachable(self) -> None:
        self.kill_sentinels()
        with self.healed_by(self.group.sentinels.start, "ValkeyReconcilerNoSentinelReachable"):
            self.wait_fires("ValkeyReconcilerNoSentinelReachable", group=self.group.name)
            self.assertEqual(self.prometheus.firing("ValkeyReconcilerGroupWithoutPrimary"), [])

    def test_sentinels_disagree(self) -> None:
        primary = self.group.primary()
        *others, stray = self.group.sentinels.all
        stray.command("SENTINEL", "REMOVE", self.group.name)
        for sentinel in others:  # else they tell it of the right primary, within a second
            sentinel.command("SENTINEL", "RESET", self.group.name)
        self.monitor(stray, self.stranger.address)
        with self.healed_by(lambda: self.monitor(stray, primary.address), "ValkeyReconcilerSentinelsDisagree"):
            self.wait_fires("ValkeyReconcilerSentinelsDisagree", group=self.group.name)
        self.group.wait_healthy()

    def monitor(self, sentinel: Sentinel, primary: tuple[str, int]) -> None:
        """As if it had never heard of another one."""
        name, options = self.group.name, self.group.options
        sentinel.query(
            ("SENTINEL", "REMOVE", name),
            ("SENTINEL", "MONITOR", name, *primary, self.group.sentinels.quorum),
            ("SENTINEL", "SET", name, "down-after-milliseconds", int(options.down_after * 1000),
             "failover-timeout", int(options.failover_timeout * 1000)))

    def allow_to_ask(self, sign: str) -> None:
        for sentinel in self.group.sentinels.all:
            sentinel.command("ACL", "SETUSER", "default", f"{sign}sentinel|master")

    def test_not_ready_where_what_is_published_is_right_and_no_failover_would_be_heard(self) -> None:
        self.allow_to_ask("-")
        with self.healed_by(lambda: self.allow_to_ask("+"), "ValkeyReconcilerNotReady"):
            self.wait_fires("ValkeyReconcilerNotReady")
            self.assertEqual(self.prometheus.firing("ValkeyReconcilerTargetOutOfSync"), [])

    def test_target_out_of_sync(self) -> None:
        routes = self.stage.routes
        away = routes.rename(routes.with_name("away"))
        with self.healed_by(lambda: away.rename(routes), "ValkeyReconcilerTargetOutOfSync"):
            self.fail_over("planned")
            self.wait_fires("ValkeyReconcilerTargetOutOfSync", target="file", group=self.group.name)

    def test_rights_missing_and_what_the_dashboard_shows_of_it_all(self) -> None:
        namespace = self.stage.namespace
        self.fail_over("planned")
        namespace.set_rules(WITHOUT_PATCH)
        with self.healed_by(lambda: namespace.set_rules(PROGRAM_RULES), "ValkeyReconcilerRightsMissing"):
            namespace.remove_label(self.group.primary().name, LABEL)
            self.wait_fires("ValkeyReconcilerRightsMissing", process="kubernetes", id="rights-missing")
            for expression in dashboard_expressions():
                with self.subTest(expression):
                    wait_until(lambda: self.prometheus.has_data(expression), TIMEOUT, "it has data", interval=0.5)

    def test_a_child_restarts_again_and_again(self) -> None:
        for _ in range(3):
            self.program.wait_for_successor(self.program.kill_child(LABELER, target="file"))
            self.program.wait_ready()
        with self.healed_by(lambda: None, "ValkeyReconcilerChildRestarting"):  # by time
            self.wait_fires("ValkeyReconcilerChildRestarting", process="file")

    def test_a_child_that_refuses_its_configuration_is_down(self) -> None:
        kubeconfig = self.stage.namespace.kubeconfig()
        away = kubeconfig.rename(kubeconfig.with_name("away"))

        def heal() -> None:
            away.rename(kubeconfig)
            self.program.send(signal.SIGHUP)

        with self.healed_by(heal, "ValkeyReconcilerChildDown"):
            self.program.kill_child(LABELER, target="kubernetes")
            self.wait_fires("ValkeyReconcilerChildDown", process="kubernetes")

    def test_reload_refused(self) -> None:
        file = self.stage.folder / "program.toml"
        right = file.read_text()
        file.write_text(right + "\nwrong = 1\n")
        with self.healed_by(lambda: file.write_text(right), "ValkeyReconcilerReloadRefused"):
            self.wait_fires("ValkeyReconcilerReloadRefused")


if __name__ == "__main__":
    if not find_prometheus():
        print("skipped: no prometheus and promtool on PATH (tests/servers.sh --with-prometheus)")
        sys.exit(SKIPPED)
    main()
